"""The whole chain: an alert at half-time, its match off the live list, and how it turned out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline_assets import ledger_rebuild
from pipeline_assets.football.alert_outcomes import GIVEN_UP_AFTER
from pipeline_assets.plans import PLANS
from simulator.server import Served, serve
from tests.chain import FEED, NOON, RAW, SECRET, USER, Chain, all_ok
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.football.lined_world import LinedWorld
from tests.targets import target
from touchline.delivery import DeliveryState

pytestmark = pytest.mark.stack

OUTCOMES = "football/alert_outcomes"


@pytest.fixture
def world() -> LinedWorld:
    return LinedWorld({"m-half": 3, "m-other": 2}, teams_named=False)


@pytest.fixture
def vendor(world: LinedWorld) -> Iterator[Served]:
    with serve(world, user=USER, secret=SECRET) as served:
        yield served


def states(chain: Chain, passed: int) -> list[tuple[str, str, str | None]]:
    found = chain.opened(OUTCOMES, chain.number + passed)
    return [(str(row.state), row.reason, row.decided_from) for row in found.records]


def test_an_alert_whose_match_left_the_list_is_settled(
    chain_of: ChainOf, world: LinedWorld, vendor: Served
) -> None:
    chain = chain_of(NOON, PLANS[FEED], vendor)
    chain.minute(0)
    world.statuses, world.left = {"m-other": 2}, {"m-half": 8}
    for passed in (1, 2, 6, 7):
        report = chain.minute(passed)
        assert report.steps[RAW].account.received == 1
        assert report.steps[OUTCOMES].account.conserved

    assert states(chain, 0) == [("PENDING", "in_play", None)]
    assert states(chain, 1) == [], "it is missed first, and asked for in the next fetch"
    assert states(chain, 2) == [("PENDING", "to_be_confirmed", None)]
    assert states(chain, 6) == [], "it is not time yet"
    assert states(chain, 7) == [("LOST", "no_goal", "recent_list")]
    chain.clock.set(chain.start.later(12).utc)
    assert all_ok({k: c for k, c in chain.checks(deep=True).items() if k[0] == "alert_outcomes"})

    chain.clock.set(chain.start.later(30).utc)
    before = chain.objects()
    assert chain.rebuild()[OUTCOMES].failures == []
    assert chain.objects() == before, "what landed gives the same outcomes again"


def test_somebody_is_told_once_of_an_alert_that_has_no_outcome_after_two_days(
    chain_of: ChainOf,
    world: LinedWorld,
    vendor: Served,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline_assets.run.SENDING_SECONDS", 30.0)
    chain = chain_of(NOON, PLANS[FEED], vendor)
    two_days = int(GIVEN_UP_AFTER.total_seconds()) // 60
    with target() as there:
        urls: dict[str, Any] = {"notify_urls": there.url}
        chain.minute(0, **urls)
        assert there.titles == ["Touchline football: 3ou_half"]
        world.statuses = {"m-other": 2}
        for passed in (two_days, two_days + 1):
            chain.minute(passed, **urls)
        later = chain.start.later(two_days)
        chain.clock.set(later.later(30).utc)
        chain.rebuild(day=later.day, **urls)
        assert there.titles[1:] == ["Touchline football: 3ou_half_unresolved"]
        assert there.posts[1]["message"] == (
            "UNRESOLVED / 3ou_half / match m-half / alert of 05/28/2025 12:00:00 PM EDT / "
            "no end was seen in 48 hours: look up how it ended / unknown vs unknown"
        )

        chain.lose_ledger()
        with chain.process(**urls) as site:
            for found in ledger_rebuild.rebuild_day(site, chain.plan, later.day, {}, {}):
                assert found.findings == []
            [known] = site.ledger.match_alerts(later.day)
        assert (known.rule_id, known.state) == ("3ou_half_unresolved", DeliveryState.UNKNOWN)
