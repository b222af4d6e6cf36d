"""A stage takes what landed and never landed in it: once, in order, whatever fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

import pipeline_assets.stage_step
from pipeline_assets.football.raw_fetches import raw_fetches
from pipeline_assets.raw_step import raw_step
from pipeline_assets.run import Run
from pipeline_assets.stage_step import stage_step
from resources.fetch_object import FetchObject
from resources.ledger import ClaimRow
from resources.store.faulty import FaultyStore, away
from tests.chain import RAW, Chain, all_ok, verdicts
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.small_plan import (
    Head,
    fails,
    heads,
    newcomers,
    refuses_one,
    small_plan,
)
from tests.slots import asset_keys, slot_at
from touchline.accounting import Outcome, Verdict
from touchline.day import Day, Minute
from touchline.fetch import Envelope, FetchRef
from touchline.plan import FeedPlan
from touchline.stage import UNEXPECTED, Staged

HEADS, NEWCOMERS, ECHOES, QUARANTINE = (
    f"football/{name}" for name in ("heads", "newcomers", "echoes", "quarantine")
)


def claim(chain: Chain, asset: str, passed: int = 0) -> ClaimRow:
    minute = chain.start.later(passed)
    with chain.process() as site:
        return site.ledger.claims(asset, minute.day)[minute.number]


def newcomers_by_minute(chain: Chain, count: int) -> list[int]:
    found = []
    for passed in range(count):
        minute = chain.start.later(passed)
        found.append(len(chain.opened(NEWCOMERS, minute.number, minute.day).records))
    return found


def spoil(chain: Chain, asset: str, passed: int = 0) -> None:
    """An object loses its bytes."""
    with chain.process() as site:
        found = site.store.get(asset_keys(asset).single(chain.day, chain.number + passed))
        site.store.replace(found.key, b"rot", found.etag, found.metadata)


def version(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """As if the code of every stage had changed."""
    monkeypatch.setattr(pipeline_assets.stage_step, "version_of", lambda *_: text)


def stored_by_a_run_that_died(chain: Chain, passed: int) -> FetchObject:
    """On a machine whose spool is not here: claimed and stored, and neither confirmed nor told."""
    minute = chain.start.later(passed)
    chain.at(minute)
    with chain.elsewhere() as site:
        run = Run(site, chain.plan, minute.day, "dead", slot_at(minute))
        made = next(raw_step(run, raw_fetches).made)
        assert isinstance(made, FetchObject)
        site.ledger.intend(made.claim("dead"), minute.utc)
        site.store.put_new(made.key, made.body, made.metadata())
    return made


@contextmanager
def slow_run(chain: Chain, passed: int) -> Iterator[Callable[[], None]]:
    """A run on another machine that has fetched its minute, and lands it when it is told to."""
    minute = chain.start.later(passed)
    chain.at(minute)
    with chain.elsewhere() as site:
        run = Run(site, chain.plan, minute.day, "slow", slot_at(minute))
        batch = raw_step(run, run.plan.raws[0])
        made = next(batch.made)
        yield lambda: run.land(replace(batch, made=iter([made]))) and None


# --- what is done --------------------------------------------------------------------------------


def test_each_fetch_is_taken_once_by_each_stage(chain: Chain) -> None:
    reports = chain.minutes(3)
    for passed, report in enumerate(reports):
        for asset in chain.plan.assets:
            assert report.steps[asset.name].added == [chain.number + passed]
    assert newcomers_by_minute(chain, 3) == [3, 0, 0]
    assert chain.opened(NEWCOMERS, chain.number + 2).account.dropped == {"seen_before": 3}


def test_a_backlog_is_taken_after_the_live_fetch_and_in_order_where_order_counts(
    chain: Chain,
) -> None:
    only_raw = FeedPlan(chain.plan.raws, (), chain.plan.client)
    chain.minutes(2, only_raw)
    report = chain.minute(2)
    first = chain.number
    assert list(report.steps[HEADS].landed) == [first + 2, first, first + 1]
    assert list(report.steps[NEWCOMERS].landed) == [first, first + 1, first + 2]
    assert newcomers_by_minute(chain, 3) == [3, 0, 0]
    assert all_ok(chain.checks())


def test_a_backlog_is_not_worked_on_for_longer_than_the_live_fetch_can_wait(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.minutes(3, FeedPlan(chain.plan.raws, (), chain.plan.client))
    monkeypatch.setattr(pipeline_assets.stage_step, "BACKLOG_SECONDS", -1.0)
    report = chain.minute(3)
    assert list(report.steps[HEADS].landed) == [chain.number + 3], "the live one alone"
    assert list(report.steps[NEWCOMERS].landed) == []
    assert any("backlog" in finding for finding in report.steps[HEADS].findings)
    monkeypatch.undo()
    chain.minute(4)
    assert chain.numbers(HEADS) == chain.numbers(NEWCOMERS) == chain.numbers(RAW)
    assert newcomers_by_minute(chain, 5) == [3, 0, 0, 0, 0]


def test_what_was_lost_is_left_to_a_rebuild(chain: Chain) -> None:
    chain.minutes(2)
    chain.delete(HEADS, 0)
    report = chain.minute(2)
    assert chain.numbers(HEADS) == [chain.number + 1, chain.number + 2]
    assert report.steps[HEADS].added == [chain.number + 2]


def test_an_object_that_its_writer_could_not_confirm_is_confirmed(chain: Chain) -> None:
    """Stored, and dead before it could say so; by the next minute the books agree."""
    chain.minute(0)
    made = stored_by_a_run_that_died(chain, 1)
    report = chain.minute(2)
    assert any("is confirmed now" in finding for finding in report.steps[RAW].findings)
    row = claim(chain, RAW, 1)
    assert (row.pending, row.landed) == (None, made.claim("dead"))
    assert chain.number + 1 in chain.numbers(HEADS)


# --- a stage that fails --------------------------------------------------------------------------


def test_a_stage_that_fails_is_tried_three_times_and_then_the_day_goes_on(chain: Chain) -> None:
    broken = small_plan(heads=fails)
    reports = chain.minutes(2, broken)
    assert chain.numbers(HEADS) == []
    assert claim(chain, HEADS).attempts == 2
    [failure, *_] = reports[1].steps[HEADS].failures
    assert "ZeroDivisionError: a mistake in this stage" in failure.error
    reports.append(chain.minute(2, broken))

    assert chain.numbers(HEADS) == [chain.number]
    given_up = chain.opened(HEADS, chain.number)
    assert chain.landed(HEADS).outcome is Outcome.STAGE_FAILED
    assert (given_up.account.received, given_up.account.quarantined) == (3, {"stage_failed": 3})
    assert "a mistake in this stage" in given_up.quarantined[0].detail
    assert chain.landed(ECHOES).outcome is Outcome.UPSTREAM_FAILED
    collected = chain.opened(QUARANTINE, chain.number)
    assert [record.reason for record in collected.records] == ["stage_failed"] * 3
    assert chain.numbers(NEWCOMERS) == chain.numbers(RAW), "other stages go on"
    assert {Verdict.OK} == set.union(*map(verdicts, reports)), "nothing is lost yet"


@pytest.fixture
def given_up(chain: Chain) -> Chain:
    """After three minutes, the first of which was given up by a stage."""
    chain.minutes(3, small_plan(heads=fails))
    return chain


def test_the_same_code_does_not_try_again(given_up: Chain) -> None:
    report = given_up.minute(3, small_plan(heads=fails))
    assert given_up.number not in report.steps[HEADS].landed


def test_changed_code_replaces_what_was_given_up_and_all_that_followed(
    given_up: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = given_up
    version(monkeypatch, "v2")
    report = chain.minute(3)
    assert report.steps[HEADS].landed[chain.number] == "replaced"
    for asset in (HEADS, ECHOES, QUARANTINE):
        assert chain.landed(asset).outcome is Outcome.COMPLETE
    assert len(chain.opened(ECHOES, chain.number).records) == 3
    assert chain.opened(QUARANTINE, chain.number).records == [], "nothing is set aside any more"
    assert chain.numbers(HEADS) == chain.numbers(RAW)
    assert [key for key in chain.objects() if key.startswith("conflicts/")] == []
    assert all_ok(chain.checks(deep=True))


def test_failures_of_other_code_do_not_count(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = small_plan(heads=fails)
    chain.minutes(2, broken)
    version(monkeypatch, "v2")
    chain.minute(2, broken)
    assert chain.numbers(HEADS) == []
    assert claim(chain, HEADS).attempts == 1


def test_a_mistake_over_one_match_costs_no_other(chain: Chain) -> None:
    report = chain.minute(0, small_plan(heads=refuses_one))
    opened = chain.opened(HEADS, chain.number)
    assert (len(opened.records), opened.account.quarantined) == (2, {UNEXPECTED: 1})
    [collected] = chain.opened(QUARANTINE, chain.number).records
    assert (collected.stage, collected.key) == (HEADS, opened.quarantined[0].key)
    assert verdicts(report) == {Verdict.OK}


def breaks_at(number: int) -> Any:
    """An ordered stage that cannot take one fetch."""

    def stage(fetch: FetchRef, raw: Envelope, *, carried: Any) -> Staged[Head]:
        if fetch.number == number:
            raise ZeroDivisionError("a mistake over this fetch")
        return newcomers(fetch, raw, carried=carried)

    stage.__module__ = newcomers.__module__
    return stage


def test_an_ordered_stage_stops_at_a_fetch_until_it_is_given_up(chain: Chain) -> None:
    broken = small_plan(newcomers=breaks_at(chain.number + 1))
    chain.minutes(3, broken)
    assert chain.numbers(NEWCOMERS) == [chain.number]
    chain.minute(3, broken)
    assert chain.numbers(NEWCOMERS) == [chain.number + n for n in range(4)]
    assert chain.landed(NEWCOMERS, 1).outcome is Outcome.STAGE_FAILED
    assert newcomers_by_minute(chain, 4) == [3, 0, 0, 0], "its state went past the one given up"


def test_an_account_that_does_not_add_up_is_told(chain: Chain) -> None:
    def miscounts(fetch: FetchRef, raw: Envelope) -> Staged[Head]:
        staged = heads(fetch, raw)
        staged.received += 1
        return staged

    report = chain.minute(0, small_plan(heads=miscounts))
    assert any("does not add up" in finding for finding in report.steps[HEADS].findings)
    assert verdicts(report) == {Verdict.OK, Verdict.BAD}


# --- inputs that cannot be read ------------------------------------------------------------------


def test_an_input_that_is_damaged_is_given_up_and_stops_no_day(chain: Chain) -> None:
    chain.minute(0)
    chain.minute(1, FeedPlan(chain.plan.raws, (), chain.plan.client))
    spoil(chain, RAW, 1)
    for passed in (2, 3):
        report = chain.minute(passed)
        assert any("sha256" in f.error for f in report.steps[NEWCOMERS].failures)
        assert chain.numbers(NEWCOMERS) == [chain.number]
    chain.minute(4)
    assert chain.numbers(NEWCOMERS) == [chain.number + n for n in range(5)]
    assert chain.landed(NEWCOMERS, 1).outcome is Outcome.STAGE_FAILED
    assert chain.opened(HEADS, chain.number + 1).account.quarantined == {"stage_failed": 3}
    assert newcomers_by_minute(chain, 5) == [3, 0, 0, 0, 0]
    bad = {key for key, check in chain.checks().items() if check.verdict is Verdict.BAD}
    assert bad == {("raw_fetches", "landed_matches_claimed")}


def test_a_state_that_cannot_be_read_is_shown_again_and_told(chain: Chain) -> None:
    chain.minutes(2)
    for passed in (0, 1):
        spoil(chain, NEWCOMERS, passed)
    report = chain.minute(2)
    assert len(report.steps[NEWCOMERS].findings) == 2
    assert all("the state before" in finding for finding in report.steps[NEWCOMERS].findings)
    assert len(chain.opened(NEWCOMERS, chain.number + 2).records) == 3


# --- order ---------------------------------------------------------------------------------------


def test_an_ordered_stage_waits_for_an_earlier_minute_in_flight(chain: Chain) -> None:
    chain.minute(0)
    with slow_run(chain, 1) as land:
        report = chain.minute(2)
        assert chain.numbers(NEWCOMERS) == [chain.number]
        assert chain.numbers(HEADS) == [chain.number, chain.number + 2], "others do not wait"
        assert verdicts(report) == {Verdict.OK}
        land()
    chain.minute(3)
    assert chain.numbers(NEWCOMERS) == [chain.number + n for n in range(4)]
    assert newcomers_by_minute(chain, 4) == [3, 0, 0, 0]


def test_an_ordered_stage_waits_for_what_landed_after_it_had_looked(chain: Chain) -> None:
    """The day is listed once a run; another run's fetch may land behind that look."""
    chain.minute(0)
    with slow_run(chain, 1) as land:
        minute = chain.start.later(2)
        chain.at(minute)
        with chain.process() as site:
            run = Run(site, chain.plan, minute.day, "quick", slot_at(minute))
            run.land(raw_step(run, run.plan.raws[0]))
            heads, ordered, *_ = chain.plan.stages
            run.land(stage_step(run, heads))
            land()
            report = run.land(stage_step(run, ordered))
            assert report.landed == {}
    chain.minute(3)
    assert newcomers_by_minute(chain, 4) == [3, 0, 0, 0]


def test_an_ordered_stage_waits_no_longer_than_a_run_may_take(chain: Chain) -> None:
    chain.minute(0)
    dead = chain.start.later(1)
    chain.at(dead)
    with chain.process() as site:
        site.ledger.start_fetch(slot_at(dead), "dead", dead.utc)
    for passed in (2, 3):
        chain.minute(passed)
        assert chain.numbers(NEWCOMERS) == [chain.number]
    chain.minute(4)
    assert chain.numbers(NEWCOMERS) == [chain.number + n for n in (0, 2, 3, 4)]


def test_an_ordered_stage_waits_for_what_fails_in_the_stages_before_it(chain: Chain) -> None:
    """A first failure upstream is no reason to leave a fetch out of its order."""

    def ordered_echoes(fetch: FetchRef, heads: list[Head], *, carried: Any) -> Staged[Head]:
        staged = Staged[Head](carried=carried)
        staged.emit_many(heads)
        return staged

    def plan(**by: Any) -> FeedPlan:
        made = small_plan(echoes=ordered_echoes, **by)
        stages = [
            replace(stage, ordered=True) if stage.name == ECHOES else stage for stage in made.stages
        ]
        return replace(made, stages=tuple(stages))

    def fails_at_first(fetch: FetchRef, raw: Envelope) -> Staged[Head]:
        if fetch.number == chain.number:
            raise ZeroDivisionError("not yet")
        return heads(fetch, raw)

    chain.minute(0, plan(heads=fails_at_first))
    chain.minute(1, plan(heads=fails_at_first))
    assert chain.numbers(HEADS) == [chain.number + 1]
    assert chain.numbers(ECHOES) == []
    report = chain.minute(2, plan())
    assert list(report.steps[ECHOES].landed) == [chain.number + n for n in range(3)]
    assert all_ok(chain.checks(plan=plan()))


def test_what_comes_late_is_left_to_a_rebuild_by_an_ordered_stage(chain: Chain) -> None:
    late = chain.captured(1)
    for passed in (0, 2, 3, 4):
        chain.minute(passed)
    chain.bring(late)
    report = chain.minute(5)
    assert chain.numbers(RAW) == chain.numbers(HEADS) == [chain.number + n for n in range(6)]
    assert chain.number + 1 not in chain.numbers(NEWCOMERS)
    assert any("is to be rebuilt" in finding for finding in report.steps[NEWCOMERS].findings)


# --- midnight ------------------------------------------------------------------------------------

BEFORE_MIDNIGHT = Minute.parse("2025-05-29T03:58:00Z")
YESTERDAY, TODAY = Day.parse("2025-05-28"), Day.parse("2025-05-29")


def test_state_is_carried_over_midnight(chain_of: ChainOf) -> None:
    chain = chain_of(BEFORE_MIDNIGHT)
    chain.minutes(4)
    assert chain.numbers(NEWCOMERS, YESTERDAY) == [1439, 1440]
    assert chain.numbers(NEWCOMERS, TODAY) == [1, 2]
    assert newcomers_by_minute(chain, 4) == [3, 0, 0, 0]


def test_state_is_carried_over_a_day_without_fetches(chain_of: ChainOf) -> None:
    chain = chain_of(BEFORE_MIDNIGHT)
    chain.minute(0)
    chain.unwatch(1)
    chain.minute(24 * 60 + 10)
    later = chain.start.later(24 * 60 + 10)
    assert later.day == TODAY.shifted(1)
    assert chain.opened(NEWCOMERS, later.number, later.day).records == []


def test_a_fetch_that_ends_after_midnight_lands_in_its_own_day_and_in_order(
    chain_of: ChainOf, gate: FaultyStore
) -> None:
    chain = chain_of(BEFORE_MIDNIGHT)
    chain.minute(0)
    gate.plan = away
    chain.minute(1, store=gate)
    report = chain.minute(2)
    assert report.slot.number == 1
    for asset in chain.plan.assets:
        assert chain.numbers(asset.name, YESTERDAY) == [1439, 1440], asset.name
        assert chain.numbers(asset.name, TODAY) == [1], asset.name
    assert newcomers_by_minute(chain, 3) == [3, 0, 0]
    assert all_ok(chain.checks(YESTERDAY))
    assert all_ok(chain.checks(TODAY))


def test_the_first_minute_of_a_day_waits_for_the_last_of_the_day_before(chain_of: ChainOf) -> None:
    chain = chain_of(BEFORE_MIDNIGHT)
    chain.minute(0)
    with slow_run(chain, 1) as land:
        chain.minute(2)
        assert chain.numbers(HEADS, TODAY) == [1]
        assert chain.numbers(NEWCOMERS, TODAY) == []
        land()
    chain.minute(3)
    assert chain.numbers(NEWCOMERS, YESTERDAY) == [1439, 1440]
    assert chain.numbers(NEWCOMERS, TODAY) == [1, 2]
    assert newcomers_by_minute(chain, 4) == [3, 0, 0, 0]


def test_what_comes_after_the_next_day_has_begun_is_left_to_a_rebuild(chain_of: ChainOf) -> None:
    chain = chain_of(BEFORE_MIDNIGHT)
    chain.minute(0)
    with slow_run(chain, 1) as land:
        chain.minute(10)
        assert chain.numbers(NEWCOMERS, TODAY) == [9]
        land()
    report = chain.minute(11)
    assert chain.numbers(HEADS, YESTERDAY) == [1439, 1440]
    assert chain.numbers(NEWCOMERS, YESTERDAY) == [1439]
    assert any("is to be rebuilt" in finding for finding in report.steps[NEWCOMERS].findings)


def test_a_claim_of_yesterday_is_confirmed_after_midnight(chain_of: ChainOf) -> None:
    chain = chain_of(BEFORE_MIDNIGHT)
    chain.minute(0)
    made = stored_by_a_run_that_died(chain, 1)
    chain.minute(2)
    row = claim(chain, RAW, 1)
    assert (row.pending, row.landed) == (None, made.claim("dead"))
