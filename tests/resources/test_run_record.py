"""The record of a run, from before its work to how it ended."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from resources.ledger import Ledger, RunRow
from resources.ledger.faulty import FaultyLedger, away
from resources.ledger.runs import SILENT_FOR
from resources.run_record import BEATS_EVERY, recorded
from tests.resources.ledger_samples import AT, DAY
from tests.slots import slot_at
from touchline.accounting import RunKind, RunState
from touchline.clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(AT)


def run_of(ledger: Ledger, run_id: str = "run-1") -> RunRow:
    found = ledger.run(run_id)
    assert found is not None
    return found


def test_a_run_is_known_before_it_works_and_says_which_code_works(
    ledger: Ledger, clock: VirtualClock
) -> None:
    slot = slot_at(DAY.minute(787))
    with recorded(ledger, clock, "run-1", RunKind.MINUTE, feed="football", slot=slot) as record:
        [at_work] = ledger.running()
        assert (at_work.kind, at_work.feed, at_work.slot) == ("minute", "football", slot)
        assert at_work.pid == os.getpid()
        assert at_work.host
        assert len(at_work.commit) == 40
        assert len(at_work.lock_hash) == 16
        record.note(added=1)
        clock.set(AT + timedelta(seconds=9))
    ended = run_of(ledger)
    assert (ended.state, ended.reason) == (RunState.SUCCESS, None)
    assert ended.ended_at == AT + timedelta(seconds=9)


@pytest.mark.parametrize(
    ("kind", "added", "unchanged", "failures", "state", "reason"),
    [
        (RunKind.MINUTE, 1, 0, [], RunState.SUCCESS, None),
        (RunKind.MINUTE, 0, 0, [], RunState.NO_DATA, "there was nothing to add"),
        (RunKind.REBUILD, 0, 5, [], RunState.SUCCESS, None),
        (RunKind.MINUTE, 1, 0, ["merged: no"], RunState.PARTIAL, "merged: no"),
        (RunKind.MINUTE, 0, 0, ["a", "b"], RunState.FAILED, "a; b"),
        (RunKind.ROTATION, 0, 0, [], RunState.SUCCESS, None),
    ],
)
def test_how_it_went_is_how_it_ends(
    ledger: Ledger,
    clock: VirtualClock,
    kind: RunKind,
    added: int,
    unchanged: int,
    failures: list[str],
    state: RunState,
    reason: str | None,
) -> None:
    with recorded(ledger, clock, "run-1", kind) as record:
        record.note(added=added, unchanged=unchanged, failures=failures)
    assert (run_of(ledger).state, run_of(ledger).reason) == (state, reason)


def test_an_error_ends_it_as_failed_and_goes_on_its_way(
    ledger: Ledger, clock: VirtualClock
) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        recorded(ledger, clock, "run-1", RunKind.MINUTE, why="me: a try"),
    ):
        raise ZeroDivisionError("a mistake")
    ended = run_of(ledger)
    assert ended.state is RunState.FAILED
    assert (ended.reason or "").startswith("me: a try; ZeroDivisionError: a mistake")


def test_a_silent_run_is_abandoned_and_its_last_sign_kept(
    ledger: Ledger, clock: VirtualClock
) -> None:
    ledger.run_started("dead", None, "minute", "", "", AT)
    ledger.run_started("alive", None, "seal", "", "", AT)
    ledger.run_heartbeat("alive", AT + timedelta(minutes=5))
    clock.set(AT + SILENT_FOR + timedelta(seconds=1))
    with recorded(ledger, clock, "run-1", RunKind.MINUTE):
        assert [row.run_id for row in ledger.running()] == ["alive", "run-1"]
    dead = run_of(ledger, "dead")
    assert (dead.state, dead.heartbeat_at) == (RunState.ABANDONED, AT)
    assert [row.run_id for row in ledger.newest_runs(2)] == ["run-1", "dead"]


def test_a_long_run_says_now_and_then_that_it_lives(ledger: Ledger, clock: VirtualClock) -> None:
    with recorded(ledger, clock, "run-1", RunKind.SEAL) as record:
        for minutes in range(12):
            clock.set(AT + timedelta(minutes=minutes))
            record.beat()
        assert run_of(ledger).heartbeat_at == AT + 2 * BEATS_EVERY


def test_a_minute_costs_two_commits(ledger: Ledger, clock: VirtualClock) -> None:
    commits: list[object] = []

    def count(connection: object) -> None:
        commits.append(connection)

    event.listen(Engine, "commit", count)
    try:
        with recorded(ledger, clock, "run-1", RunKind.MINUTE) as record:
            record.beat()
            record.note(added=1)
    finally:
        event.remove(Engine, "commit", count)
    assert len(commits) == 2


def test_a_ledger_that_is_away_costs_the_run_nothing(
    faulty_ledger: FaultyLedger, clock: VirtualClock
) -> None:
    faulty_ledger.plan = away
    with recorded(faulty_ledger, clock, "run-1", RunKind.MINUTE) as record:
        record.note(added=1)
        faulty_ledger.plan = None
    assert run_of(faulty_ledger).state is RunState.SUCCESS
