"""Losses and their repair: what is planned is done, and nothing more, and it can die anywhere."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import pipeline_assets.stage_step
from pipeline_assets.checks.report import Kind
from pipeline_assets.day_lock import DayAtWork, day_locked
from pipeline_assets.repair.classes import CLASS_OF, NO_LOSS
from pipeline_assets.repair.losses import Loss, exit_code, losses_of
from pipeline_assets.repair.plan import Action, Plan, PlanOutdated, Why, Work
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import Done, carry_out, new_run_id
from pipeline_assets.run import Run
from resources.store.faulty import FaultyStore, when
from simulator.faults import Fault
from simulator.server import Served
from tests.chain import FEED, RAW, Chain, all_ok
from tests.pipeline_assets.small_plan import fails, small_plan
from tests.pipeline_assets.spoiling import rewrite
from tests.pipeline_assets.test_rebuild import versioned, without_one
from tests.slots import asset_keys, slot_at
from touchline.accounting import ClaimState, LossClass, MissedReason, Outcome, RunState
from touchline.day import Window
from touchline.fetch import FetchRef
from touchline.plan import FeedPlan

HEADS, NEWCOMERS, ECHOES, QUARANTINE = (
    f"football/{name}" for name in ("heads", "newcomers", "echoes", "quarantine")
)
A_DAY = 24 * 60
LATER = 60
"""Minutes after the first one, when nobody watches any more."""


@pytest.fixture(scope="module")
def clean_day(chain_apart: Callable[[], Chain]) -> Chain:
    """Three minutes of three matches each, all of them well, each fetch an object of its own."""
    chain = chain_apart()
    chain.minutes(3)
    chain.unwatch(3)
    chain.at(chain.start.later(LATER))
    return chain


@pytest.fixture(scope="module")
def windowed_day(clean_day: Chain, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The same day in windows alone."""
    home = tmp_path_factory.mktemp("windowed")
    chain = clean_day.copy(home, home.name)
    chain.rotate(LATER)
    chain.rotate(LATER + 15)
    return chain


@pytest.fixture
def windowed(windowed_day: Chain, vendor: Served, s3_prefix: str, tmp_path: Path) -> Chain:
    return windowed_day.copy(tmp_path / "home", s3_prefix)


def planned(chain: Chain, plan: FeedPlan | None = None, **how: Any) -> Plan:
    with chain.process(plan) as site:
        return plan_repair(site, site.plans[FEED], chain.day, **how)


def repair(chain: Chain, plan: FeedPlan | None = None, **how: Any) -> Done | None:
    """Plan and do; None where nothing is to be done."""
    with chain.process(plan) as site:
        made = plan_repair(site, site.plans[FEED], chain.day, **how)
        if made.is_empty:
            return None
        return carry_out(site, made, run_id=new_run_id(), reason="a test")


def repaired(chain: Chain, plan: FeedPlan | None = None, **how: Any) -> Done:
    """Everything of a plan that is not empty."""
    done = repair(chain, plan, **how)
    assert done is not None
    assert done.failures == []
    return done


def lost(chain: Chain, *, deep: bool = False) -> list[Loss]:
    with chain.process() as site:
        return losses_of(site, chain.plan, chain.day, deep=deep)


def said(plan: Plan) -> list[tuple[str, int | None, Action, Work, Why, int | None]]:
    return [(i.asset, i.number, i.action, i.work, i.why, i.expected) for i in plan.items]


def to_do(plan: Plan) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for item in plan.items:
        if item.action is Action.DO and item.number is not None:
            found.setdefault(item.asset, []).append(item.number)
    return found


def same_code(monkeypatch: pytest.MonkeyPatch, chain: Chain) -> None:
    """Every stage, whatever its function, is called the code that made the day."""
    with chain.process() as site:
        run = Run(site, chain.plan, chain.day, "look")
        version = pipeline_assets.stage_step.stage_version
        versions = {stage.name: version(run, stage) for stage in chain.plan.stages}
    monkeypatch.setattr(
        pipeline_assets.stage_step, "stage_version", lambda _, stage: versions[stage.name]
    )


# --- classes -------------------------------------------------------------------------------------


def test_every_kind_of_finding_has_its_class() -> None:
    """A new one needs an entry in `classes.py`, or it would be lost between check and repair."""
    assert set(Kind) == CLASS_OF.keys() | NO_LOSS
    assert not CLASS_OF.keys() & NO_LOSS


# --- a loss --------------------------------------------------------------------------------------


def test_a_clean_day_has_no_losses_and_nothing_to_do(day: Chain) -> None:
    assert lost(day) == []
    assert planned(day).items == []
    assert exit_code([]) == 0


def test_what_is_lost_is_planned_made_again_and_then_there_is_nothing_to_do(day: Chain) -> None:
    before = day.objects()
    day.delete(HEADS, 0, 1, 2)
    spoiled = day.objects()

    losses = lost(day)
    assert [(x.asset, x.fetch_number, x.loss, x.records, x.recoverable) for x in losses] == [
        (HEADS, day.number + n, LossClass.REAL_LOSS, 3, True) for n in range(3)
    ]
    assert "was confirmed and is not in the store" in losses[0].evidence
    assert exit_code(losses) == 1

    plan = planned(day)
    assert said(plan) == [
        (HEADS, day.number + n, Action.DO, Work.MAKE, Why.LOST, 3) for n in range(3)
    ]
    [line] = plan.lines()
    assert (line.first, line.last) == (day.number, day.number + 2)
    assert (line.fetches, line.expected) == (3, 9)
    assert (line.source, line.reason) == (RAW, "real_loss")
    totals = plan.totals()
    assert (totals.do, totals.skip, totals.cannot, totals.expected) == (3, 0, 0, 9)
    assert day.objects() == spoiled, "a plan changes nothing"

    repaired(day)
    assert day.objects() == before
    assert all_ok(day.checks(deep=True))
    assert lost(day) == []
    assert repair(day) is None
    assert day.objects() == before


def test_who_and_why_and_by_which_code_stand_in_the_books(day: Chain) -> None:
    day.delete(HEADS, 0)
    done = repair(day)
    assert done
    with day.process() as site:
        run = site.ledger.run(done.run_id)
        history = site.ledger.history(HEADS, day.day, day.number)
        current = site.ledger.claim(HEADS, day.day, day.number)
    assert run is not None
    assert (run.kind, run.state) == ("reprocess", RunState.SUCCESS)
    assert re.fullmatch(r".+@.+: a test", run.reason or "")
    entry = history[-1]
    assert entry.state is ClaimState.INTENDED
    assert entry.error == run.reason
    assert entry.claim is not None
    assert entry.claim.run_id == done.run_id
    assert entry.code_version == entry.claim.code_version
    assert current is not None
    assert current.landed is not None
    assert current.landed.digest == entry.claim.digest


def test_a_plan_of_what_has_changed_since_is_not_carried_out(day: Chain) -> None:
    day.delete(HEADS, 0)
    with day.process() as site:
        plan = plan_repair(site, day.plan, day.day)
        repair(day)
        before = day.objects()
        with pytest.raises(PlanOutdated, match=f"fetch {day.number} is not what it was"):
            carry_out(site, plan, run_id=new_run_id(), reason="too late")
    assert day.objects() == before


def test_somebody_who_seals_the_day_is_not_disturbed(day: Chain) -> None:
    day.delete(HEADS, 0)
    with (
        day.process() as site,
        day_locked(site, HEADS, day.day, "seal-1"),
        pytest.raises(DayAtWork, match="seal-1"),
    ):
        repair(day)
    assert day.number not in day.numbers(HEADS)


# --- killed --------------------------------------------------------------------------------------


def test_killed_between_two_fetches_it_goes_on_where_it_was(
    day: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = day.objects()
    day.delete(HEADS, 0, 1, 2)
    child = os.fork()
    if not child:
        made = pipeline_assets.stage_step.encode_stage
        count = iter(range(3))

        def dies(*arguments: Any) -> bytes:
            if next(count) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return made(*arguments)

        pipeline_assets.stage_step.encode_stage = dies
        try:
            repair(day)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert day.numbers(HEADS) == [day.number, day.number + 1]
    assert to_do(planned(day)) == {HEADS: [day.number + 2]}
    done = repaired(day)
    assert done.items == 1
    assert day.objects() == before
    assert all_ok(day.checks())
    with day.process() as site:
        assert site.ledger.running() == [], "the run that was killed is not left as running"


# --- damaged -------------------------------------------------------------------------------------


def test_a_row_that_was_tampered_with_is_restored_and_what_it_replaces_is_kept(day: Chain) -> None:
    before = day.objects()
    good, other = day.landed(HEADS), day.landed(HEADS, 1)
    tampered = day.store.replace(good.key, other.body, before[good.key], good.metadata())
    [loss] = lost(day)
    assert (loss.loss, loss.recoverable, loss.fetch_number) == (
        LossClass.REAL_LOSS,
        True,
        day.number,
    )
    repaired(day)
    assert all_ok(day.checks(deep=True))
    now = day.objects()
    [kept] = now.keys() - before.keys()
    assert kept == f"conflicts/{good.key}.replaced.{tampered}"
    assert day.store.get(kept).body == other.body
    assert {key: now[key] for key in before} == before


def test_the_same_code_that_makes_other_records_replaces_nothing(
    day: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that is not a function of its input: a person has to look at it."""
    same_code(monkeypatch, day)
    day.delete(HEADS, 0)
    plan = small_plan(heads=without_one)
    done = repair(day, plan)
    assert done is not None
    [failure] = done.failures
    assert "the same code makes 2 records" in failure
    assert day.number not in day.numbers(HEADS)
    repaired(day, plan, asset=HEADS, named=True)
    assert len(day.opened(HEADS, day.number).records) == 2
    assert len(day.opened(ECHOES, day.number).records) == 2


# --- mis-tracked ---------------------------------------------------------------------------------


def test_an_object_without_a_claim_gets_one_that_is_marked_so(day: Chain) -> None:
    made = day.landed(HEADS)
    there = replace(made, ref=FetchRef.of(slot_at(day.start.later(5)), made.ref.fetch_id))
    day.store.put_new(there.key, there.body, there.metadata())
    [loss] = [loss for loss in lost(day) if loss.asset == HEADS]
    assert (loss.loss, loss.recoverable, loss.records) == (LossClass.TRACKING_ERROR, True, 3)
    done = repaired(day, asset=HEADS)
    with day.process() as site:
        row = site.ledger.claim(HEADS, day.day, there.ref.number)
        [first, *_] = site.ledger.history(HEADS, day.day, there.ref.number)
    assert row is not None
    assert row.landed is not None
    assert row.landed.run_id == done.run_id
    assert (first.error or "").endswith("made from the object that stands there")


# --- placeholders, stale, named ------------------------------------------------------------------


def test_placeholders_come_good_when_the_stage_is_mended(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.minutes(3, small_plan(heads=fails))
    assert chain.landed(HEADS).outcome is Outcome.STAGE_FAILED
    chain.unwatch(3)
    chain.at(chain.start.later(LATER))
    plan = planned(chain, asset=HEADS)
    assert {(item.action, item.why) for item in plan.items if item.number == chain.number} == {
        (Action.SKIP, Why.PLACEHOLDER)
    }
    [loss] = [loss for loss in lost(chain) if loss.fetch_number == chain.number]
    assert (loss.asset, loss.recoverable) == (HEADS, False)
    assert loss.evidence.endswith("not recoverable: stage_failed: the same code failed on it")
    versioned(monkeypatch, "heads")
    repaired(chain)
    for asset in (HEADS, ECHOES):
        assert len(chain.opened(asset, chain.number).records) == 3
    assert chain.opened(QUARANTINE, chain.number).records == []
    assert all_ok(chain.checks())
    assert repair(chain) is None


def test_what_older_code_made_is_made_anew_with_all_that_is_made_of_it(
    day: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    versioned(monkeypatch, "heads")
    plan = small_plan(heads=without_one)
    of_day = [day.number + n for n in range(3)]
    made = planned(day, plan)
    assert to_do(made) == {HEADS: of_day, ECHOES: of_day, QUARANTINE: of_day}
    assert {item.why for item in made.items if item.asset == HEADS} == {Why.STALE}
    assert {item.why for item in made.items if item.asset == ECHOES} == {Why.BEHIND}
    repaired(day, plan)
    assert len(day.opened(ECHOES, day.number).records) == 2
    assert all_ok(day.checks(deep=True))
    assert repair(day, plan) is None


def test_what_is_named_is_made_anew_and_nothing_without_a_name(day: Chain) -> None:
    assert planned(day, asset=HEADS).items == []
    made = planned(day, asset=HEADS, named=True)
    assert to_do(made)[HEADS] == [day.number + n for n in range(3)]
    assert NEWCOMERS not in to_do(made)
    before = day.objects()
    repaired(day, asset=HEADS, named=True)
    assert day.objects() == before, "what is the same is not written again"


def test_the_newest_minutes_are_left_to_live_runs_unless_they_are_lost(day: Chain) -> None:
    day.at(day.start.later(21))
    day.delete(HEADS, 2)
    made = planned(day, asset=HEADS, named=True)
    assert [(i.number, i.action) for i in made.items if i.asset == HEADS] == [
        (day.number, Action.DO),
        (day.number + 1, Action.DO),
        (day.number + 2, Action.DO),
    ]
    made = planned(day, asset=ECHOES, named=True)
    assert [item.action for item in made.items if item.asset == ECHOES] == [
        Action.DO,
        Action.DO,
        Action.CANNOT,
    ]


# --- raw fetches ---------------------------------------------------------------------------------


def test_a_raw_fetch_that_is_gone_is_gone_and_what_was_made_of_it_stays(day: Chain) -> None:
    with day.process() as site:
        spool = site.spool(FEED)
        for entry in list(spool.entries()):
            spool.clear(entry)
    day.delete(RAW, 0)
    day.delete(HEADS, 0)
    losses = lost(day)
    assert {(loss.asset, loss.recoverable) for loss in losses} == {(RAW, False), (HEADS, False)}
    assert "the past cannot be fetched again" in losses[0].evidence
    plan = planned(day)
    assert [(i.asset, i.action, i.work) for i in plan.items] == [
        (RAW, Action.CANNOT, Work.LAND),
        (HEADS, Action.CANNOT, Work.MAKE),
    ]
    assert f"its input {RAW} cannot be had: the past cannot be fetched again" in (
        plan.items[1].reason
    )
    assert plan.totals().cannot == 2
    before = day.objects()
    assert repair(day) is None
    assert day.objects() == before


def test_a_raw_fetch_lands_again_from_the_spool(day: Chain) -> None:
    """Of a day of which no live minute looks into the spool any more."""
    before = day.objects()
    day.delete(RAW, 1)
    day.delete(ECHOES, 1)
    [loss, other] = lost(day)
    assert (loss.asset, loss.recoverable, other.recoverable) == (RAW, True, True)
    assert [item.source for item in planned(day).items] == ["the spool", HEADS]
    repaired(day)
    assert day.objects() == before
    assert all_ok(day.checks(deep=True))


def test_a_missed_minute_is_a_loss_for_good_whose_reason_is_told(day: Chain) -> None:
    with day.process() as site:
        missed = day.start.later(4)
        site.ledger.slot_missed(slot_at(missed), MissedReason.STARTED_LATE, site.clock.now())
    [loss] = lost(day)
    assert (loss.asset, loss.fetch_number, loss.recoverable) == (RAW, missed.number, False)
    assert loss.evidence.startswith("the minute was missed: started_late; the vendor cannot be")
    assert exit_code([loss]) == 0
    assert planned(day).items == []


def test_a_failed_fetch_is_a_loss_for_good_whose_reason_is_told(day: Chain) -> None:
    day.faults(Fault("error_body", endpoint="match/detail_live"))
    day.minute(4)
    day.faults()
    [loss] = lost(day)
    assert (loss.asset, loss.fetch_number, loss.recoverable) == (RAW, day.number + 4, False)
    assert (loss.kind, loss.reason) == ("failed", "vendor_error")
    assert loss.evidence.startswith("the fetch failed: vendor_error; the vendor cannot be asked")
    assert exit_code([loss]) == 0


# --- ordered stages ------------------------------------------------------------------------------


def test_a_state_that_no_window_keeps_is_made_again_from_the_last_one_kept(
    windowed: Chain,
) -> None:
    before = windowed.objects()
    made = windowed.landed(NEWCOMERS, 1)
    with windowed.process() as site:
        # As if a late capture stood beside the window, and were lost.
        site.ledger.landed(made.claim("late"), "lost-etag", 1, site.clock.now())
    [loss] = lost(windowed)
    assert (loss.asset, loss.fetch_number) == (NEWCOMERS, windowed.number + 1)
    plan = planned(windowed)
    assert to_do(plan) == {NEWCOMERS: [windowed.number + 1]}
    assert plan.on_the_way == {NEWCOMERS: frozenset({windowed.number})}
    repaired(windowed)
    assert windowed.opened(NEWCOMERS, windowed.number + 1).account.dropped == {"seen_before": 3}
    assert all_ok(windowed.checks(deep=True))
    assert before.items() <= windowed.objects().items()


def test_what_an_ordered_stage_never_took_is_taken_and_all_behind_it_made_anew(
    chain: Chain,
) -> None:
    """Without the late fetch the second minute showed the newcomers; with it, the first does."""
    late = chain.captured(0)
    chain.minute(1)
    chain.bring(late)
    chain.unwatch(6)
    chain.minute(5)
    chain.at(chain.start.later(LATER))
    first, second, last = (chain.number + passed for passed in (0, 1, 5))
    plan = planned(chain)
    assert to_do(plan)[NEWCOMERS] == [first, second, last]
    assert [item.why for item in plan.of(NEWCOMERS)] == [Why.LOST, Why.BEHIND, Why.BEHIND]
    repaired(chain)
    rows = [len(chain.opened(NEWCOMERS, number).records) for number in chain.numbers(NEWCOMERS)]
    assert rows == [3, 0, 0]
    assert all_ok(chain.checks())
    assert repair(chain) is None


# --- sealed days ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sealed_day(windowed_day: Chain, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The same day, sealed, and nothing beside it."""
    home = tmp_path_factory.mktemp("sealed")
    chain = windowed_day.copy(home, home.name)
    for passed in (A_DAY, 3 * A_DAY):
        assert chain.seal(passed).waiting == []
        chain.clear(passed)
    return chain


@pytest.fixture
def sealed(sealed_day: Chain, vendor: Served, s3_prefix: str, tmp_path: Path) -> Chain:
    return sealed_day.copy(tmp_path / "home", s3_prefix)


@pytest.mark.parametrize("asset", [HEADS, NEWCOMERS])
def test_a_sealed_day_whose_file_is_gone_is_written_anew(sealed: Chain, asset: str) -> None:
    rows = {n: sealed.opened(asset, n).table.to_pylist() for n in sealed.numbers(asset)}
    with sealed.process() as site:
        row = site.ledger.seal(asset, sealed.day)
        assert row is not None
        [file] = row.files
        site.store.delete(file)
    losses = lost(sealed)
    assert [(loss.fetch_number, loss.recoverable) for loss in losses] == [(n, True) for n in rows]
    assert [item.work for item in planned(sealed).items] == [Work.MAKE] * 3 + [Work.RESEAL]
    repaired(sealed)
    assert all_ok(sealed.checks(deep=True))
    assert {n: sealed.opened(asset, n).table.to_pylist() for n in rows} == rows
    assert repair(sealed) is None


def test_a_raw_day_whose_mark_alone_is_gone_is_marked_again(sealed: Chain) -> None:
    before = sealed.objects()
    sealed.store.delete(asset_keys(RAW).seal(sealed.day, 1))
    losses = [loss for loss in lost(sealed) if not loss.is_unchecked]
    assert [(loss.asset, loss.loss, loss.recoverable) for loss in losses] == [
        (RAW, LossClass.TRACKING_ERROR, True)
    ]
    assert [item.work for item in planned(sealed).items] == [Work.SEAL]
    repaired(sealed)
    assert sealed.objects() == before
    assert all_ok(sealed.checks(deep=True))


def test_of_a_raw_day_that_is_damaged_nothing_is_made_of_what_was_made_of_it(
    sealed: Chain,
) -> None:
    with sealed.process() as site:
        site.store.delete(asset_keys(RAW).log(sealed.day))
        before = sealed.objects()
    losses = lost(sealed)
    assert {(loss.asset, loss.recoverable) for loss in losses} == {(RAW, False)}
    assert repair(sealed) is None
    assert sealed.objects() == before


# --- windows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_gone", [False, True], ids=["damaged", "gone"])
def test_a_window_is_made_again_in_its_place_with_its_fetches(
    windowed: Chain, is_gone: bool
) -> None:
    before = windowed.objects()
    key = asset_keys(HEADS).window(Window.of(windowed.day, windowed.number))
    there = windowed.store.get(key)
    kept = set[str]()
    if is_gone:
        windowed.store.delete(key)
    else:
        spoiled = windowed.store.replace(key, there.body[:-9], there.etag, there.metadata)
        kept = {f"conflicts/{key}.replaced.{spoiled}"}
    losses = lost(windowed)
    assert [loss.fetch_number for loss in losses] == [windowed.number + n for n in range(3)]
    assert all(loss.recoverable and loss.loss is LossClass.REAL_LOSS for loss in losses)
    plan = planned(windowed)
    assert [item.work for item in plan.items] == [Work.MAKE] * 3 + [Work.WINDOW]
    assert plan.items[-1].key == key
    assert repaired(windowed).items == 4
    assert all_ok(windowed.checks(deep=True))
    now = windowed.objects()
    assert now[key] == before[key], "the same bytes"
    assert {name for name in now if name.startswith("conflicts/")} == kept
    assert repair(windowed) is None


def test_a_window_that_is_late_is_made_and_nothing_is_called_lost(chain: Chain) -> None:
    chain.minutes(3)
    chain.at(chain.start.later(27))
    late = [loss for loss in lost(chain) if loss.kind == Kind.WINDOW_OVERDUE]
    assert [loss.asset for loss in late] == [asset.name for asset in chain.plan.assets]
    assert {(loss.loss, loss.recoverable) for loss in late} == {(LossClass.NOT_YET, True)}
    plan = planned(chain, asset=HEADS)
    assert [(i.asset, i.work, i.why) for i in plan.items] == [(HEADS, Work.WINDOW, Why.LATE)]
    assert planned(chain).totals().do == len(chain.plan.assets)
    repaired(chain)
    assert all(loss.kind != Kind.WINDOW_OVERDUE for loss in lost(chain))
    assert repair(chain) is None
    chain.rotate(38)
    with chain.process() as site:
        index = site.days(FEED).index(HEADS, chain.day)
    assert (list(index.windows), index.singles) == ([721], {})


def test_a_late_window_of_which_no_fetch_can_be_had_is_not_made(chain: Chain) -> None:
    chain.minute(0)
    key = asset_keys(RAW).single(chain.day, chain.number)
    with chain.process() as site:
        for spooled in site.spool(FEED).entries():
            site.spool(FEED).clear(spooled)
        site.store.replace(key, b"nothing", site.store.head(key).etag)
    chain.at(chain.start.later(27))
    kinds = {loss.kind for loss in lost(chain) if loss.asset == RAW}
    assert Kind.DAMAGED in kinds
    assert Kind.WINDOW_OVERDUE not in kinds, "no window can be made of it"
    before = chain.objects()
    repair(chain, asset=RAW)
    assert chain.objects() == before
    assert Work.WINDOW not in {item.work for item in planned(chain, asset=RAW).items}


def test_a_damaged_raw_window_costs_nothing_that_was_made_of_it(windowed: Chain) -> None:
    [key] = [key for key in windowed.objects() if key.startswith("raw/") and "-00" in key]
    with windowed.process() as site:
        there = site.store.get(key)
        site.store.replace(key, b"rot", there.etag, there.metadata)
    losses = lost(windowed)
    assert {(loss.asset, loss.recoverable) for loss in losses} == {(RAW, False)}
    assert {loss.fetch_number for loss in losses if loss.loss is LossClass.REAL_LOSS} == {
        windowed.number + n for n in range(3)
    }
    assert repair(windowed) is None


def test_a_minute_that_was_not_told_as_landed_is_listed_and_nothing_is_made_of_it(
    day: Chain,
) -> None:
    """The fetch stands as it was claimed: its fate is for `touchline ledger rebuild`."""
    rewrite(day, "DELETE FROM ledger_fetches WHERE number = ?", int(day.number))
    assert planned(day).items == []
    assert [(loss.asset, loss.kind) for loss in lost(day)] == [(RAW, Kind.TRACKING_ERROR)]


@pytest.mark.parametrize("meanwhile", [b"another window", None], ids=["written over", "untouched"])
def test_a_damaged_window_beside_a_sealed_day_goes_unless_it_is_written_over(
    sealed: Chain, meanwhile: bytes | None
) -> None:
    key = asset_keys(HEADS).window(Window.of(sealed.day, sealed.number))
    with sealed.process() as site:
        site.store.put_new(key, b"rot")
        plan = plan_repair(site, sealed.plan, sealed.day)
        assert [(item.key, item.work) for item in plan.items] == [(key, Work.ASIDE)]
        store = site.store

        def writes_over_it(ask: Callable[[], Any]) -> Any:
            if meanwhile:
                store.replace(key, meanwhile, store.head(key).etag)
            return ask()

        site.store = FaultyStore(store, when(lambda r: r.operation == "delete", writes_over_it))
        done = carry_out(site, plan, run_id=new_run_id(), reason="a test")
    there = sealed.objects()
    assert any(name.startswith(f"conflicts/{key}.replaced.") for name in there)
    assert (key in there) == (meanwhile is not None)
    assert ["not what it was" in failure for failure in done.failures] == [True] * bool(meanwhile)
