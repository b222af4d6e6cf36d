"""Two processes at one object: what the other one has just written is neither lost nor undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline_assets.rotation import rotate
from resources.store import Store
from resources.store.faulty import FaultyStore, Request, when
from simulator.faults import Fault
from tests.chain import FEED, RAW, Chain, all_ok
from tests.pipeline_assets.small_plan import refuses_one, small_plan
from tests.slots import asset_keys
from touchline.accounting import Outcome
from touchline.day import Window

HEADS = "football/heads"
A_DAY = 24 * 60


@pytest.fixture(scope="module")
def clean_day(chain_apart: Callable[[], Chain]) -> Chain:
    """By code that sets one match aside, so that a rebuild changes what it made."""
    chain = chain_apart()
    chain.minutes(3, small_plan(heads=refuses_one))
    chain.unwatch(3)
    return chain


def meets(
    gate: FaultyStore, meant: Callable[[Request], bool], meanwhile: Callable[[], object]
) -> None:
    """Before the first such request reaches the store, this is done by others."""
    met: list[Request] = []

    def plan(request: Request) -> None:
        if meant(request) and not met:
            met.append(request)
            meanwhile()

    gate.plan = plan


def test_what_is_written_over_while_fetch_objects_are_removed_stays(
    day: Chain, gate: FaultyStore
) -> None:
    day.rotate(11)
    key = asset_keys(HEADS).single(day.day, day.number)
    meets(gate, lambda request: request.deletes(key), day.rebuild)
    day.rotate(30, store=gate)
    assert len(day.opened(HEADS, day.number).records) == 3
    assert key in day.objects()
    assert all_ok(day.checks(deep=True))


def test_a_window_that_another_process_has_just_stored_is_not_written_over(
    day: Chain, gate: FaultyStore
) -> None:
    def others() -> None:
        day.rebuild()
        with day.process() as site:
            assert rotate(site, FEED).findings == []

    key = asset_keys(HEADS).window(Window.of(day.day, day.number))
    meets(gate, lambda request: request.puts(key), others)
    assert "another process is at work" in str(day.rotate(30, store=gate).findings)
    assert day.rotate(31).findings == []
    assert len(day.opened(HEADS, day.number).records) == 3
    assert all_ok(day.checks(deep=True))


def failed_minute(chain: Chain) -> Callable[..., None]:
    """The first minute fails; so many minutes later another capture of it comes in with a run."""
    chain.faults(Fault("html", endpoint="match/detail_live"))
    chain.minute(0)
    chain.faults()
    chain.unwatch(1)
    late = chain.captured(0)

    def comes_good(passed: int, store: Store | None = None) -> None:
        chain.bring(late)
        chain.minute(passed, store=store)

    return comes_good


def test_what_came_good_while_what_a_seal_replaced_is_removed_stays(
    chain: Chain, gate: FaultyStore
) -> None:
    comes_good = failed_minute(chain)
    assert chain.seal(A_DAY).is_sealed
    key = asset_keys(RAW).single(chain.day, chain.number)
    meets(gate, lambda request: request.deletes(key), lambda: comes_good(2 * A_DAY))
    chain.clear(2 * A_DAY, store=gate)
    assert chain.landed(RAW).outcome is Outcome.COMPLETE
    assert all_ok(chain.checks(deep=True))


def test_what_came_good_during_a_rebuild_stays_confirmed(chain: Chain, gate: FaultyStore) -> None:
    """The rebuild has read the placeholder, and finds the same as the window holds of it."""
    comes_good = failed_minute(chain)
    chain.rotate(11)
    window = asset_keys(RAW).window(Window.of(chain.day, chain.number))
    meets(gate, lambda request: request.reads(window), lambda: comes_good(30))
    chain.at(chain.start.later(30))
    chain.rebuild(store=gate)
    assert chain.opened(HEADS, chain.number).account.emitted == 3
    with chain.process() as site:
        row = site.ledger.claim(HEADS, chain.day, chain.number)
    assert row is not None
    assert row.landed is not None
    assert row.landed.outcome is Outcome.COMPLETE
    assert all_ok({k: r for k, r in chain.checks().items() if k[1] != "cadence"})


def test_what_is_written_over_before_the_ledger_knows_of_it_is_no_loss(
    chain: Chain, gate: FaultyStore
) -> None:
    comes_good = failed_minute(chain)
    key, met = asset_keys(HEADS).single(chain.day, chain.number), list[str]()

    def overwritten(ask: Callable[[], Any]) -> Any:
        etag = ask()
        met.append(etag)
        chain.rebuild(small_plan(heads=refuses_one))
        return etag

    gate.plan = when(lambda request: request.puts(key) and not met, overwritten)
    comes_good(30, gate)
    assert met
    assert len(chain.opened(HEADS, chain.number).records) == 2, "theirs, which came last"
    assert all_ok({k: r for k, r in chain.checks().items() if k[1] != "cadence"})
