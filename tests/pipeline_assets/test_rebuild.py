"""A day made anew is the same day, or the difference has a reason; and it costs nothing good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import pipeline_assets.stage_step
from pipeline_assets.plans import PLANS
from pipeline_assets.raw_step import raw_step
from pipeline_assets.run import Run, StepReport
from resources.day_store import Landing
from resources.store.faulty import FaultyStore, away
from simulator.recorded import Recorded
from simulator.server import serve
from tests.chain import FEED, RAW, SECRET, USER, Chain, all_ok
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.football.client.conftest import SmallWorld
from tests.pipeline_assets.football.fetches import POLL_DIRECTORY, needs_poll
from tests.pipeline_assets.small_plan import Head, fails, heads, small_plan
from tests.slots import asset_keys, slot_at
from touchline.accounting import Outcome, Verdict
from touchline.day import Day, Minute
from touchline.fetch import Envelope, FetchRef
from touchline.plan import FeedPlan
from touchline.stage import Staged

HEADS, NEWCOMERS, ECHOES, QUARANTINE = (
    f"football/{name}" for name in ("heads", "newcomers", "echoes", "quarantine")
)
A_DAY = 24 * 60


def rebuild(
    chain: Chain, plan: FeedPlan | None = None, day: Day | None = None, *, passed: int = A_DAY
) -> dict[str, StepReport]:
    """Rebuild the day so many minutes after its first, when nobody watches any more."""
    with chain.process() as site:
        site.ledger.close_interval(FEED, Minute.containing(chain.clock.now()).end)
    chain.at(chain.start.later(passed))
    return chain.rebuild(plan, day)


def changed(reports: dict[str, StepReport]) -> set[str]:
    """The stages of which something was made differently."""
    return {asset for asset, report in reports.items() if report.added}


def versioned(monkeypatch: pytest.MonkeyPatch, *stages: str) -> None:
    """As if the code of these stages had changed."""
    version = pipeline_assets.stage_step.stage_version

    def other(run: Run, stage: Any) -> str:
        return f"{version(run, stage)}{'+' if stage.short_name in stages else ''}"

    monkeypatch.setattr(pipeline_assets.stage_step, "stage_version", other)


# --- the same ------------------------------------------------------------------------------------


@pytest.mark.stack
@needs_poll
def test_recorded_minutes_made_anew_are_the_same_bytes(chain_of: ChainOf) -> None:
    with serve(Recorded(POLL_DIRECTORY), user=USER, secret=SECRET) as film:
        chain = chain_of(Minute.parse("2025-05-28T15:35:00Z"), PLANS[FEED], film)
        with chain.process() as site:
            for passed in range(3):
                chain.at(chain.start.later(passed))
                run = Run(
                    site, chain.plan, chain.day, f"run-{passed}", slot_at(chain.start.later(passed))
                )
                run.days.refresh()
                run.land(raw_step(run, run.plan.raws[0]))
                for stage in chain.plan.stages:
                    run.land(pipeline_assets.stage_step.stage_step(run, stage))
        before = chain.objects()
        film.log.clear()

        reports = rebuild(chain)

        assert set(reports) == {stage.name for stage in chain.plan.stages}
        for report in reports.values():
            assert set(report.landed.values()) == {Landing.ALREADY_THERE}, report.asset
            assert len(report.landed) == 3
            assert report.failures == []
        assert chain.objects() == before
        assert film.log.since(0)[0] == [], "nothing is fetched"
        assert all_ok(chain.checks(deep=True))


def test_a_day_after_midnight_is_made_anew_with_the_state_of_the_day_before(
    chain_of: ChainOf,
) -> None:
    chain = chain_of(Minute.parse("2025-05-29T03:58:00Z"))
    chain.minutes(4)
    before = chain.objects()
    today = chain.day.shifted(1)
    assert changed(rebuild(chain, day=today)) == set()
    assert changed(rebuild(chain)) == set()
    assert chain.objects() == before
    assert chain.opened(NEWCOMERS, 1, today).account.dropped == {"seen_before": 3}


# --- restored ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clean_day(chain_apart: Callable[[], Chain]) -> Chain:
    """Three minutes of three matches each, all of them well."""
    chain = chain_apart()
    chain.minutes(3)
    return chain


def test_an_object_that_was_lost_is_restored_as_it_was(day: Chain) -> None:
    before = day.objects()
    with day.process() as site:
        for asset, number in ((HEADS, day.number), (NEWCOMERS, day.number + 1)):
            site.store.delete(asset_keys(asset).single(day.day, number))
    assert Verdict.BAD in {report.verdict for report in day.checks().values()}
    reports = rebuild(day)
    assert changed(reports) == {HEADS, NEWCOMERS}
    assert reports[HEADS].added == [day.number]
    assert day.objects() == before
    assert all_ok(day.checks())


def test_an_object_that_was_damaged_is_restored_as_it_was(day: Chain) -> None:
    before = day.objects()
    with day.process() as site:
        found = site.store.get(asset_keys(NEWCOMERS).single(day.day, day.number))
        site.store.replace(found.key, b"rot", found.etag, found.metadata)
    assert changed(rebuild(day)) == {NEWCOMERS}
    assert day.objects() == before
    assert all_ok(day.checks(deep=True))


def test_what_came_late_is_taken_in_and_what_followed_is_put_right(chain: Chain) -> None:
    """Without the late fetch the second minute showed the newcomers; with it, the first does."""
    late = chain.captured(0)
    chain.minute(1)
    assert len(chain.opened(NEWCOMERS, chain.number + 1).records) == 3
    chain.bring(late)
    chain.minute(5)
    assert chain.number in chain.numbers(HEADS)
    assert chain.number not in chain.numbers(NEWCOMERS)

    assert changed(rebuild(chain)) == {NEWCOMERS, QUARANTINE}

    rows = [len(chain.opened(NEWCOMERS, number).records) for number in chain.numbers(NEWCOMERS)]
    assert rows == [3, 0, 0]
    assert all_ok(chain.checks())


# --- changed -------------------------------------------------------------------------------------


def without_one(fetch: FetchRef, raw: Envelope) -> Staged[Head]:
    """Another rule: the first match does not count."""
    staged = Staged[Head]()
    staged.emit_many(heads(fetch, raw).records[1:])
    return staged


def test_a_changed_rule_changes_what_it_makes_and_what_is_made_of_it(
    day: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    versioned(monkeypatch, "heads")
    reports = rebuild(day, small_plan(heads=without_one))
    assert changed(reports) == {HEADS, ECHOES}
    assert set(reports[NEWCOMERS].landed.values()) == {Landing.ALREADY_THERE}
    assert len(day.opened(ECHOES, day.number).records) == 2
    assert all_ok(day.checks(deep=True))
    assert day.landed(HEADS).code_version.endswith("+")
    assert not day.landed(ECHOES).code_version.endswith("+")


def test_changed_code_that_makes_the_same_replaces_nothing(
    day: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = day.objects()
    versioned(monkeypatch, "heads", "newcomers")
    assert changed(rebuild(day)) == set()
    assert day.objects() == before


# --- what it must not do -------------------------------------------------------------------------


def test_a_rebuild_that_fails_replaces_nothing(day: Chain) -> None:
    before = day.objects()
    for _ in range(3):
        reports = rebuild(day, small_plan(heads=fails, newcomers=fails))
        assert reports[HEADS].failures
        assert reports[NEWCOMERS].failures
    assert changed(reports) == set()
    assert "replaces nothing" in reports[HEADS].failures[0].error
    assert day.objects() == before
    assert all_ok(day.checks(deep=True))
    assert changed(rebuild(day)) == set(), "and the next one is none the worse"


def test_a_rebuild_that_cannot_see_the_day_has_failed(day: Chain, gate: FaultyStore) -> None:
    """It once was a run with nothing to add."""
    gate.plan = away
    day.at(day.start.later(A_DAY))
    reports = day.rebuild(store=gate)
    for report in reports.values():
        assert report.landed == {}
        [failure] = report.failures
        assert "nothing was made: " in failure.error
        assert "the store is away" in failure.error


def test_a_fetch_that_failed_meanwhile_costs_nothing_that_was_made(day: Chain) -> None:
    """A raw fetch that is gone leaves what was made of it as it is."""
    day.delete(RAW, 0)
    before = day.objects()
    assert changed(rebuild(day)) == set()
    assert day.objects() == before


def test_placeholders_come_good(chain: Chain) -> None:
    chain.minutes(3, small_plan(heads=fails))
    assert chain.landed(HEADS).outcome is Outcome.STAGE_FAILED
    rebuild(chain)
    for asset in (HEADS, ECHOES):
        assert len(chain.opened(asset, chain.number).records) == 3
    assert chain.opened(QUARANTINE, chain.number).records == []
    assert all_ok(chain.checks())


def test_the_newest_minutes_are_left_to_live_runs_unless_they_are_gone(day: Chain) -> None:
    first = day.number
    reports = rebuild(day, small_plan(heads=without_one), passed=21)
    assert reports[HEADS].added == [first, first + 1]
    assert any("live runs may still work" in finding for finding in reports[HEADS].findings)
    day.store.delete(asset_keys(HEADS).single(day.day, first + 2))
    reports = rebuild(day, small_plan(heads=without_one), passed=21)
    assert reports[HEADS].added == [first + 2]


def test_a_state_goes_on_past_a_fetch_whose_input_is_gone(chain: Chain) -> None:
    """What was made of it still stands: nothing of that is to be shown twice."""
    world = chain.vendor.source
    assert isinstance(world, SmallWorld)
    statuses = dict(world.statuses)
    try:
        for passed, matches in enumerate(("match-a", "match-a match-b", "match-a match-b")):
            world.become(dict.fromkeys(matches.split(), 2))
            chain.minute(passed)
    finally:
        world.become(statuses)
        world.teams_named = False
    chain.delete(RAW, 1)
    before = chain.objects()
    assert changed(rebuild(chain)) == set()
    assert chain.objects() == before
    rows = [len(chain.opened(NEWCOMERS, number).records) for number in chain.numbers(NEWCOMERS)]
    assert rows == [1, 1, 0]


def test_a_day_without_fetches_is_made_of_nothing(chain: Chain) -> None:
    reports = rebuild(chain)
    assert all(report.landed == {} and not report.failures for report in reports.values())


def test_what_is_read_of_an_input_is_what_landed(
    day: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage behind one whose new result was refused works on what stands there."""
    seen: list[int] = []

    def echoes(fetch: FetchRef, heads: Sequence[Head]) -> Staged[Head]:
        seen.append(len(heads))
        staged = Staged[Head]()
        staged.emit_many(list(heads))
        return staged

    def miscounts(fetch: FetchRef, raw: Envelope) -> Staged[Head]:
        staged = without_one(fetch, raw)
        staged.received += 1
        return staged

    reports = rebuild(day, small_plan(heads=miscounts, echoes=echoes))
    assert len(reports[HEADS].failures) == 3
    assert seen == [3, 3, 3]
    assert changed(reports) == set()
