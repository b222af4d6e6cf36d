"""Clean days raise no alarm: while they are watched, in the hours after midnight, and sealed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline_assets.rotation import rotate
from pipeline_assets.sealing import seal_day
from pipeline_assets.slot_run import run_slot
from simulator.world import World
from tests.chain import FEED, Chain, all_ok
from tests.days.conftest import ChainAt
from tests.days.season import MatchDay, season
from tests.pipeline_assets.football.client.conftest import SmallWorld
from tests.slots import RAW, slot_at
from touchline.accounting import FetchFate
from touchline.day import Day
from touchline.watch import is_rotation_minute

MATCHES = 3

pytestmark = [pytest.mark.days, pytest.mark.timeout(900)]


@pytest.mark.parametrize("of", [*season()], ids=str)
def test_a_clean_day_raises_no_alarm(of: MatchDay, chain_at: ChainAt) -> None:
    chain = chain_at(of.start, World(1, MATCHES) if of.has_matches else SmallWorld({}))
    _watch(chain, of)
    alerts = {day: _told(chain, day) for day in of.days}
    for day in of.days:
        _ends(chain, day, of.looks)
        assert _told(chain, day) == alerts[day], "sealed, it says the same"


def _watch(chain: Chain, of: MatchDay) -> None:
    """Every minute in one process, as a replay has it; no check of any says anything but OK."""
    with chain.process() as site:
        for minute in of.is_up:
            chain.at(minute)
            report = run_slot(site, slot_at(minute), run_id=f"run-{minute}")
            assert not [found for step in report.steps.values() for found in step.failures]
            alarms = {(c.asset, c.check): c.findings for c in report.checks if c.findings}
            assert not alarms, f"{minute}: {str(alarms)[:2000]}"
            assert all(minute.number in step.landed for step in report.steps.values())
            if is_rotation_minute(minute.utc):
                assert rotate(site, FEED).findings == []
        site.ledger.close_interval(FEED, of.start.later(of.minutes).utc)
        settled = [fate for day in of.days for fate in site.ledger.fates(RAW, day).values()]
    assert settled.count(FetchFate.LANDED) == len(of.is_up)
    assert settled.count(FetchFate.MISSED) == of.down == of.minutes - len(of.is_up)


def _ends(chain: Chain, day: Day, looks: list[timedelta]) -> None:
    """Midnight passes, windows are made until the last, and the day is sealed."""
    for passed in looks:
        chain.clock.set(max(day.end + passed, chain.clock.now()))
        with chain.process() as site:
            assert rotate(site, FEED).findings == []
        assert all_ok(chain.checks(day))
    with chain.process() as site:
        report = seal_day(site, FEED, day, run_id="seal")
    assert (report.waiting, len(report.sealed)) == ([], len(chain.plan.assets))
    assert all_ok(chain.checks(day))
    assert all_ok(chain.checks(day, deep=True))


def _told(chain: Chain, day: Day) -> dict[str, list[int]]:
    """The fetches of each asset that count."""
    return {asset.name: chain.numbers(asset.name, day) for asset in chain.plan.assets}
