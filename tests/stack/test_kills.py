"""`kill -9` of one part after the other, on one stack, in the order of this file.

The simulator's log says what was fetched; what became of it is told by the two books at the end.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg
import psutil
import pytest

from pipeline_assets.checks.report import Kind
from resources.ledger import FetchRow
from tests.slots import PATIENCE, RAW
from tests.stack.stack import (
    CHECKS,
    FEED,
    ODDS,
    PLAN,
    Stack,
    coming_minute,
    current_minute,
    stack_up,
    until,
    vendor_of,
)
from touchline.accounting import FetchFate, MissedReason
from touchline.day import Minute
from touchline.day_plan import no_plans
from touchline.schedule import expected_slots

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(900)]

LEFT_OUT = random.choice(("daemon", "supervisor"))
"""Of the two, the sampled form kills one, drawn anew each time."""
IS_SAMPLED = os.environ.get("TOUCHLINE_SLOW") == "sampled"

NEWER_WITHIN_SECONDS = 120
SLOW_ODDS = {"kind": "slow", "endpoint": ODDS, "seconds": 6}


@pytest.fixture(scope="module")
def stack(no_settings_of_ours: None, a_test_failed: Callable[[], bool]) -> Iterator[Stack]:
    with vendor_of(matches=5) as vendor, stack_up(vendor.feed, keep=a_test_failed) as stack:
        yield stack


@contextmanager
def in_the_middle_of_a_fetch(stack: Stack) -> Iterator[tuple[Minute, psutil.Process]]:
    """The coming minute and the process of its run, which has the live list and waits for odds."""
    minute = coming_minute()
    with stack.faults(SLOW_ODDS):
        until(
            f"the live list of {minute}",
            lambda: minute in [answered for answered, _ in stack.lists_answered()],
            180,
        )
        yield minute, stack.runs_at_work()[-1]


def kill_a_run_while_it_fetches(stack: Stack) -> Minute:
    with in_the_middle_of_a_fetch(stack) as (minute, run):
        run.kill()
        killed = datetime.now(UTC)
    said = until(
        "a newer verdict of every check",
        lambda: found if set(found := stack.verdicts_alone(killed)) == CHECKS else None,
        NEWER_WITHIN_SECONDS,
    )
    assets = {asset for (asset, _), verdict in said.items() if verdict != "OK"}
    # Unless the next minute's run was faster, and has named it as missed.
    assert assets == {asset for asset, _ in CHECKS} or is_named(stack, minute)
    assert minute not in stack.spooled()
    return minute


def is_named(stack: Stack, lost: Minute) -> bool:
    row = stack.fates([lost])[lost]
    return (row.fate, row.reason) == (FetchFate.MISSED, MissedReason.RUN_DIED)


def kill_a_run_before_its_fetch_has_landed(stack: Stack) -> Minute:
    """The store hangs, so that the fetch lies in the spool alone when the run dies. The PUT that
    was on its way may arrive all the same."""
    store = psutil.Process(stack.child("object-store").pid)
    with in_the_middle_of_a_fetch(stack) as (minute, run):
        store.suspend()
        try:
            until(f"{minute} in the spool", lambda: minute in stack.spooled(), 60)
            run.kill()
        finally:
            store.resume()
    assert minute in stack.spooled()
    return minute


def kill_the_store_during_a_run(stack: Stack) -> Minute:
    with in_the_middle_of_a_fetch(stack) as (minute, _):
        stack.kill("object-store")
    assert stack.ended_run(minute).status is dg.DagsterRunStatus.SUCCESS
    return minute


def test_three_bad_minutes_in_a_row(stack: Stack) -> None:
    lost = kill_a_run_while_it_fetches(stack)
    spooled = kill_a_run_before_its_fetch_has_landed(stack)
    storeless = kill_the_store_during_a_run(stack)
    stack.green_after(storeless)

    fates = stack.fates([lost, spooled, storeless])
    assert fates[spooled].fate is FetchFate.LANDED
    assert fates[storeless].fate is FetchFate.LANDED
    assert fates[lost].fate is not FetchFate.LANDED

    until(f"the reason why {lost} is missed", lambda: is_named(stack, lost), 300)
    killed = {lost, spooled}
    until(
        "the end of the killed runs",
        lambda: (
            {run.minute for run in stack.runs() if run.status is dg.DagsterRunStatus.FAILURE}
            == killed
        ),
        180,
    )


@pytest.mark.skipif(IS_SAMPLED and LEFT_OUT == "daemon", reason="drawn: make test-slow")
def test_the_daemon_is_killed(stack: Stack) -> None:
    stack.kill("daemon")
    stack.green_after(current_minute())


@pytest.mark.skipif(IS_SAMPLED and LEFT_OUT == "supervisor", reason="drawn: make test-slow")
def test_the_supervisor_is_killed(stack: Stack) -> None:
    """And the daemon with it, so that a minute passes for which nobody asks."""

    def between_two_runs() -> bool:
        return 15 < datetime.now(UTC).second < 40 and not stack.runs_at_work()

    until("a moment without a run", between_two_runs, 240)
    unasked = current_minute().later(1)
    left = stack.children
    for pid in (stack.state["pid"], stack.child("daemon").pid):
        os.kill(pid, signal.SIGKILL)
    until(
        f"the end of {unasked}'s time",
        lambda: datetime.now(UTC) > unasked.utc + PATIENCE.ask_until,
        120,
    )
    assert sum(process.alive for process in left) == len(left) - 1

    stack.up()
    assert not any(process.group_alive for process in left)
    stack.green_after(current_minute())
    row = until(f"the fate of {unasked}", lambda: stack.fates([unasked]).get(unasked), 120)
    assert (row.fate, row.reason) == (FetchFate.MISSED, MissedReason.NOT_REQUESTED)


def test_what_the_kills_left_behind(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    last = stack.green_after(current_minute().later(-1)).minute
    rows = until("a fate of every minute", lambda: fates_of_all(stack, last), 180)
    missed = {minute: row.reason for minute, row in rows.items() if row.fate is FetchFate.MISSED}
    assert all(reason in set(MissedReason) for reason in missed.values()), missed
    with capsys.disabled():
        print(f"\n{len(rows)} minutes expected, missed: {[*missed.values()]}", end="")

    # Nothing was fetched twice, and what was fetched landed, but for the one that died on its way.
    answered = [answer for answer in stack.lists_answered() if answer[0] < last]
    assert len(dict(answered)) == len(answered)
    (lost,) = set(dict(answered)) & set(missed)
    assert missed[lost] == MissedReason.RUN_DIED
    assert landed_lists(stack, rows) == [answer for answer in answered if answer[0] != lost]

    until("an empty spool", lambda: not stack.waiting(), 120)
    # No check took for a loss what was none: some fetch was still on its way when its run died.
    causes = {cause for run in stack.runs() for cause in stack.causes(run)}
    assert causes <= {Kind.NOT_LANDED, Kind.NO_FATE, Kind.UNCHECKED}
    for day in {str(minute.day) for minute in rows}:
        verified = stack.touchline("verify", "--date", day, "--deep", "--json")
        assert verified.returncode == 0, verified.stdout


def fates_of_all(stack: Stack, until_minute: Minute) -> dict[Minute, FetchRow] | None:
    """Every expected minute before this one with its fate; None while one has none that lasts."""
    first = stack.runs()[0].minute
    with stack.site() as site:
        minutes = [
            Minute(slot.at)
            for day in {first.day, until_minute.day}
            for slot in expected_slots(
                PLAN.raws[0].slots(day, no_plans),
                site.ledger.intervals(FEED, day.start, day.end),
                until_minute.utc,
            )
        ]
    rows = stack.fates(minutes)
    lasting = {FetchFate.LANDED, FetchFate.MISSED}
    if set(rows) != set(minutes) or any(row.fate not in lasting for row in rows.values()):
        return None
    return rows


def landed_lists(stack: Stack, rows: dict[Minute, FetchRow]) -> list[tuple[Minute, str]]:
    """The minute and the sha256 of the live list of every fetch in the store, in order."""
    with stack.site() as site:
        assert list(site.store.list("conflicts/")) == []
        days = site.days(FEED)
        return [
            (
                minute,
                days.read_back(RAW, minute.day, number).envelope().footer["live_sha256"],
            )
            for day in sorted({minute.day for minute in rows})
            for number in sorted(days.index(RAW, day).numbers)
            if (minute := day.minute(number)) in rows
        ]
