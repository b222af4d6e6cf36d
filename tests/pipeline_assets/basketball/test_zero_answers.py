"""A source that answers zero, for days on end or in 147 runs of a history: it is asked seldom, is
told once, and blocks nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline_assets.basketball import calendar, raw_game, raw_player_box
from pipeline_assets.basketball.box_scores import box_scores
from pipeline_assets.basketball.content import content_of
from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.cadence import cadence
from pipeline_assets.checks.covered import calendar_is_covered
from pipeline_assets.checks.report import CheckReport
from pipeline_assets.collecting import Collected, collect_day
from pipeline_assets.load import load_table
from pipeline_assets.planning import slots_between
from pipeline_assets.raw_step import raw_step
from pipeline_assets.repair.losses import Loss, losses_of
from pipeline_assets.rotation import rotate
from pipeline_assets.run import Run
from simulator.basketball.faults import Fault
from tests.feeds.watched import Watched
from tests.pipeline_assets.basketball.boxes import answer, envelope
from tests.pipeline_assets.basketball.nba import (
    BOX_SCORES,
    HOUR,
    Nba,
    Told,
    games,
    nba,
    only,
)
from touchline.accounting import LossClass, RetryAction, RetryReason, RunState
from touchline.alerting import Evaluation
from touchline.day import Day, parse_instant
from touchline.retries import Decision, Ending, ending
from touchline.slot import Slot

MONDAY = Day.parse("2026-01-12")
DAYS = 14
SEASON = Told(
    {
        MONDAY.shifted(-9): games(1, 50),
        MONDAY: games(4),
        MONDAY.shifted(40): games(1, 60),
    }
)

pytestmark = pytest.mark.stack  # They need no stack, and take long.
PLAN = only("calendar", "box_scores")
EMPTY = Fault("empty", endpoint=BOX_SCORES, date=str(MONDAY))
RETRY_CAP = f"cadence:{box_scores.name}:{MONDAY}:retry_cap"
INCOMPLETE = f"calendar_is_covered:{raw_game.stage.name}:{MONDAY}:incomplete"


def collect(watched: Watched, at: datetime) -> Collected:
    watched.clock.set(at)
    raws = [raw for raw in watched.plan.raws if raw.refetch]
    return collect_day(watched.site, watched.plan, MONDAY, raws, run_id=f"collect {at}")


def materialize(watched: Watched, at: datetime) -> None:
    """Do what *Materialize* of the raw day does."""
    watched.clock.set(at)
    run = Run(watched.site, watched.plan, MONDAY, f"materialize {at}", rebuild=True)
    run.days.refresh()
    run.land(raw_step(run, box_scores))


def judge(watched: Watched) -> Iterator[str]:
    """Take in what is said of the day, and yield the alerts that open with it."""
    site, now = watched.site, watched.clock.now()
    said: list[Evaluation] = []
    for check, asset in ((cadence, box_scores), (calendar_is_covered, raw_game.stage)):
        report = CheckReport(check.__name__, asset.name, MONDAY)
        check(DayBooks(site, watched.plan, asset, MONDAY), report)
        causes = tuple(map(str, report.kinds))
        said.append(Evaluation(report.check, report.asset, MONDAY, now, causes))
    for alert in site.ledger.judge(said):
        if alert.is_standing and alert.count == 1:
            yield str(alert.key)


def open_losses(watched: Watched) -> list[Loss]:
    return [each for each in losses_of(watched.site, watched.plan, MONDAY) if each.is_open]


def live(nba: Nba, until: datetime) -> None:
    """Run the slots of the calendar, and those of the day, that come before this time."""
    watched = nba.watched
    for slot in slots_between(watched.site, watched.plan, watched.clock.now(), until):
        if slot.raw == calendar.calendar.name or slot.day == MONDAY:
            watched.run(slot)
    watched.clock.set(until)


def test_zero_for_two_weeks_is_one_alarm_and_one_loss(tmp_path: Path) -> None:
    with nba(tmp_path, SEASON, MONDAY, plan=PLAN) as lived:
        watched, opened = lived.watched, list[str]()
        lived.spoil(EMPTY)
        at, end = MONDAY.start + 18.5 * HOUR, MONDAY.shifted(1 + DAYS).start + 9 * HOUR
        while at < end:
            live(lived, at)
            if at.hour == 17:
                collect(watched, at)
                if at.day % 4 == 0:
                    [loss] = open_losses(watched)
                    assert loss.loss is LossClass.REAL_LOSS
            else:
                materialize(watched, at)
            opened += judge(watched)
            rotate(watched.site, "basketball")
            at += HOUR if at < MONDAY.shifted(2).start else 6 * HOUR
        asked = [parse_instant(call.at) for call in lived.asked(date=MONDAY)]
        assert len(asked) > DAYS
        apart = [later - first for first, later in zip(asked, asked[3:], strict=False)]
        assert min(apart) >= timedelta(hours=24), "at most three in any 24 hours"
        assert sorted(opened) == sorted([RETRY_CAP, INCOMPLETE]), "each is told once"
        assert len(lived.asked("balldontlie/games")) == DAYS + 2, "daily, meanwhile"

        lived.spoil()
        collect(watched, end + 24 * HOUR)
        assert watched.findings() == {}
        assert losses_of(watched.site, watched.plan, MONDAY, deep=True) == []
        assert load_table(watched.site, raw_player_box.stage.name, MONDAY).num_rows == 140
        assert list(judge(watched)) == []
        alerts = watched.site.ledger.alerts(MONDAY)
        assert {str(alert.key) for alert in alerts} == {RETRY_CAP, INCOMPLETE}
        assert not any(alert.is_standing for alert in alerts)


@pytest.mark.parametrize("known", [True, False], ids=["counts of zero", "unknown counts"])
def test_zero_runs_of_a_history_block_nothing(tmp_path: Path, known: bool) -> None:
    now = MONDAY.shifted(30).start + 12 * HOUR
    with nba(tmp_path, SEASON, MONDAY, opened=now - 7 * HOUR, plan=PLAN) as lived:
        live(lived, now)
        ledger = lived.watched.site.ledger
        nothing = content_of(envelope(answer([]), day=MONDAY))
        for nth in range(147):
            at = now - timedelta(hours=25 + nth)
            slot = Slot.of(box_scores.name, MONDAY, at)
            run = Decision(RetryAction.RUN, RetryReason.FIRST_OR_FAILED)
            ended = ending(run, nothing, records=0) if known else Ending(RunState.SUCCESS)
            ledger.begin_attempt(slot, f"imported-{nth}", at, lambda _, run=run: run)
            ledger.attempt_landed(
                slot, f"imported-{nth}", at, lambda _, run=run: run, lambda _, ended=ended: ended
            )
        [decision] = collect(lived.watched, now).decisions.values()
        why = RetryReason.ZERO_RECORDS if known else RetryReason.UNKNOWN_COUNT
        assert (decision.action, decision.reason) == (RetryAction.RUN, why)
        newest = ledger.attempts(box_scores.name, MONDAY)[-1]
        assert (newest.state, newest.inserted) == (RunState.SUCCESS, 140)
        assert load_table(lived.watched.site, raw_player_box.stage.name, MONDAY).num_rows == 140
