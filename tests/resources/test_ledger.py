"""What the ledger says after each call, on SQLite and, where one is named, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Engine, event

from resources.ledger import Claim, ClaimRow, Ledger, Standing
from tests.ledgers import sqlite_ledger
from tests.resources.ledger_samples import ASSET, AT, DAY, WINDOW, claim, held, only, ref
from tests.slots import RAW, slot_at
from touchline.accounting import ClaimState, FetchFate, MissedReason, Outcome, RunState
from touchline.day import Day, FetchNumber
from touchline.fetch import FetchRef

# Claims


def test_a_claim_is_read_back_whole(ledger: Ledger) -> None:
    said = claim(787, upstream_sha256=None)
    ledger.intend(said, AT)
    assert ledger.claims(ASSET, DAY) == {
        787: ClaimRow(
            asset=ASSET,
            number=said.ref.number,
            fetch_id=said.ref.fetch_id,
            state=ClaimState.INTENDED,
            landed=None,
            etag=None,
            size=None,
            landed_at=None,
            pending=said,
            attempts=0,
            failing_code_version=None,
            last_error=None,
            verified_etag=None,
            sequence=1,
            updated_at=AT,
        )
    }


def test_a_confirmed_claim_has_landed(ledger: Ledger) -> None:
    said = claim(787)
    ledger.intend(said, AT)
    ledger.landed(said, '"e1"', 4096, AT + timedelta(seconds=1))
    row = only(ledger)
    assert (row.state, row.landed, row.pending) == (ClaimState.LANDED, said, None)
    assert (row.etag, row.size, row.landed_at) == ('"e1"', 4096, AT + timedelta(seconds=1))
    assert ledger.standing(ASSET, DAY) == {
        787: Standing(
            FetchNumber(787),
            Outcome.COMPLETE,
            99,
            '"e1"',
            None,
            False,
            said.ref.fetch_id,
            received=102,
            explained=102,
            quarantined=1,
        )
    }


def test_a_claim_on_top_of_what_landed_leaves_it_described_until_the_new_one_lands(
    ledger: Ledger,
) -> None:
    old, new = claim(787, "old"), claim(787, "new", code_version="v2", run_id="backfill")
    ledger.intend(old)
    ledger.landed(old, '"e1"', 10)
    ledger.intend(new)

    row = only(ledger)  # all that is left if the backfill dies here
    assert (row.state, row.landed, row.etag, row.size) == (ClaimState.LANDED, old, '"e1"', 10)
    assert row.pending == new
    assert ledger.standing(ASSET, DAY)[FetchNumber(787)].is_pending
    assert ledger.pending(ASSET, DAY) == [row]

    ledger.landed(new, '"e2"', 11)
    row = only(ledger)
    assert (row.landed, row.etag, row.size, row.pending) == (new, '"e2"', 11, None)
    assert ledger.claim(ASSET, DAY, 787) == row
    assert ledger.pending(ASSET, DAY) == []
    assert [t.state for t in ledger.history(ASSET, DAY, 787)] == [
        ClaimState.INTENDED,
        ClaimState.LANDED,
        ClaimState.INTENDED,
        ClaimState.LANDED,
    ]


def test_another_writers_pending_claim_survives_a_landing(ledger: Ledger) -> None:
    first, second = claim(787, "first", run_id="a"), claim(787, "second", run_id="b")
    ledger.intend(first)
    ledger.intend(second)
    ledger.landed(first, '"e1"', 10)
    row = only(ledger)
    assert (row.landed, row.pending) == (first, second)

    ledger.withdraw(second, "another object landed first")
    row = only(ledger)
    assert (row.state, row.landed, row.pending) == (ClaimState.LANDED, first, None)
    last = ledger.history(ASSET, DAY, 787)[-1]
    assert (last.claim, last.error) == (second, "another object landed first")


def test_withdrawing_the_only_claim_leaves_a_failure(ledger: Ledger) -> None:
    ledger.intend(claim(787))
    ledger.withdraw(claim(787, "other"), "not this one")
    assert only(ledger).state is ClaimState.INTENDED
    ledger.withdraw(claim(787), "store full")
    row = only(ledger)
    assert (row.state, row.pending, row.last_error) == (ClaimState.FAILED, None, "store full")


def test_an_object_that_was_never_claimed_can_land(ledger: Ledger) -> None:
    """As when the ledger was down while the claim was made."""
    said = claim(787)
    ledger.landed(said, '"e1"', 10)
    assert only(ledger).landed == said
    [entry] = ledger.history(ASSET, DAY, 787)
    assert entry.claim == said


def test_saying_the_same_again_changes_nothing(ledger: Ledger) -> None:
    said = claim(787)
    for _ in range(2):
        ledger.intend(said, AT)
    intended = ledger.claims(ASSET, DAY)
    for _ in range(2):
        ledger.landed(said, '"e1"', 10, AT)
        ledger.intend(said, AT)
    row = only(ledger)
    assert intended[FetchNumber(787)].sequence == 1
    assert (row.state, row.pending) == (ClaimState.LANDED, None)
    assert len(ledger.history(ASSET, DAY, 787)) == 2
    assert ledger.version(ASSET, DAY) == row.sequence


def test_failures_are_counted_by_code_version(ledger: Ledger) -> None:
    def fail(code_version: str) -> int:
        return ledger.failed(ASSET, ref(787), "KeyError: 'odds'", code_version)

    assert [fail("v1"), fail("v1"), fail("v2"), fail("v2"), fail("v2")] == [1, 2, 1, 2, 3]
    row = only(ledger)
    assert (row.state, row.landed, row.pending) == (ClaimState.FAILED, None, None)
    assert (row.attempts, row.failing_code_version) == (3, "v2")
    assert row.last_error == "KeyError: 'odds'"

    placeholder = claim(787, outcome=Outcome.STAGE_FAILED, code_version="v2")
    ledger.landed(placeholder, '"e1"', 10)
    assert only(ledger).attempts == 3
    assert fail("v2") == 4
    assert only(ledger).state is ClaimState.LANDED

    ledger.landed(claim(787, code_version="v2"), '"e2"', 10)
    row = only(ledger)
    assert (row.attempts, row.failing_code_version, row.last_error) == (0, None, None)
    assert fail("v2") == 1


def test_a_failed_store_keeps_the_claim_pending(ledger: Ledger) -> None:
    """The store may have kept the object though its answer was lost."""
    said = claim(787)
    ledger.intend(said)
    ledger.failed(ASSET, said.ref, "ReadTimeout", "v1")
    row = only(ledger)
    assert (row.state, row.pending) == (ClaimState.FAILED, said)
    ledger.intend(said)
    assert only(ledger).state is ClaimState.INTENDED


def test_an_error_of_any_text_is_kept(ledger: Ledger) -> None:
    ledger.failed(ASSET, ref(1), "body \0 \ud800" + "x" * 10_000, "v1")
    kept = only(ledger).last_error
    assert kept is not None
    assert kept.startswith("body \N{REPLACEMENT CHARACTER} ?x")
    assert len(kept) == 2000


def test_a_late_capture_under_another_fetch_id_replaces_the_placeholder(ledger: Ledger) -> None:
    lost = claim(787, outcome=Outcome.FAILED)
    late = claim(787, "late", ref=ref(787, "Zz9Yy8Xx7Ww6"))
    ledger.landed(lost, '"e1"', 10)
    ledger.intend(late)
    row = only(ledger)
    assert row.fetch_id == "Zz9Yy8Xx7Ww6"
    assert row.landed is not None
    assert row.landed.ref.fetch_id == "aB3dE6gH9jK2"


def test_claims_come_in_order_with_their_own_minutes(ledger: Ledger) -> None:
    fall_back = Day.parse("2025-11-02")
    for number in (1500, 2, 61, 1):
        there = FetchRef("football", fall_back.minute(number), "aB3dE6gH9jK2")
        ledger.intend(claim(1, ref=there))
    rows = ledger.claims(ASSET, fall_back)
    assert list(rows) == [1, 2, 61, 1500]
    pending = {number: row.pending for number, row in rows.items()}
    assert all(said and said.ref.minute == fall_back.minute(n) for n, said in pending.items())


def test_a_days_claims_are_one_query(ledger: Ledger) -> None:
    """Every minute asks this of every asset."""
    for number in range(1, 6):
        ledger.landed(claim(number), f'"{number}"', 10)
    asked: list[str] = []

    def ask(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", ask)
    try:
        assert len(ledger.claims(ASSET, DAY)) == 5
    finally:
        event.remove(Engine, "before_cursor_execute", ask)
    assert sum("ledger_" in statement for statement in asked) == 1


def test_the_version_grows_with_every_change_of_its_own_asset_and_day(ledger: Ledger) -> None:
    seen = [ledger.version(ASSET, DAY)]

    def changed() -> bool:
        seen.append(ledger.version(ASSET, DAY))
        return seen[-1] > seen[-2]

    assert seen == [0]
    ledger.intend(claim(1))
    assert changed()
    ledger.landed(claim(1), '"e1"', 10)
    assert changed()
    ledger.failed(ASSET, ref(2), "KeyError", "v1")
    assert changed()
    ledger.intend_window(ASSET, DAY, WINDOW, "sha", [held(1)], AT)
    assert changed()
    ledger.window_verified(ASSET, DAY, WINDOW, '"w"', 100, AT)
    assert changed()
    ledger.sealed(ASSET, DAY, number=1, fetches=1, emitted=99, files={}, at=AT)
    assert changed()
    ledger.cleared(ASSET, DAY, [WINDOW], AT)
    assert changed()
    ledger.expired(ASSET, DAY, "lake", "older than 30 days", AT)
    assert changed()

    ledger.mark_verified(ASSET, DAY, {FetchNumber(1): '"e1"'})
    ledger.intend(claim(1, asset="football/monitor_central"))
    ledger.intend(claim(1, ref=FetchRef("football", DAY.shifted(1).minute(1), "aB3dE6gH9jK2")))
    assert not changed()


def test_only_the_object_that_was_read_back_is_verified(ledger: Ledger) -> None:
    for number in (1, 2, 3):
        ledger.landed(claim(number), f'"e{number}"', 10)
    ledger.mark_verified(ASSET, DAY, {})
    ledger.mark_verified(ASSET, DAY, {FetchNumber(1): '"e1"', FetchNumber(2): '"older"'})
    assert [r.is_verified for r in ledger.claims(ASSET, DAY).values()] == [True, False, False]

    ledger.landed(claim(1, "new"), '"e9"', 10)
    row = ledger.claims(ASSET, DAY)[FetchNumber(1)]
    assert (row.verified_etag, row.is_verified) == ('"e1"', False)


class ClaimTransitions(RuleBasedStateMachine):
    """Any sequence of calls about one fetch keeps the row true, and the history able to say it."""

    CONTENTS = st.sampled_from(["a", "b", "c"])
    OUTCOMES = st.sampled_from([Outcome.COMPLETE, Outcome.STAGE_FAILED])

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.ledger = sqlite_ledger(Path(self.folder.name) / "ledger.db")
        self.landed: tuple[Claim, str] | None = None
        self.pending: Claim | None = None
        self.failures: tuple[str, int] = ("", 0)
        self.etags = 0
        self.version = 0

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()

    @rule(content=CONTENTS, outcome=OUTCOMES)
    def intend(self, content: str, outcome: Outcome) -> None:
        said = claim(5, content, outcome=outcome)
        self.ledger.intend(said)
        if self.landed is None or self.landed[0] != said:
            self.pending = said

    @rule(content=CONTENTS, outcome=OUTCOMES)
    def land(self, content: str, outcome: Outcome) -> None:
        self._land(claim(5, content, outcome=outcome))

    @precondition(lambda self: self.pending is not None)
    @rule()
    def land_what_is_pending(self) -> None:
        assert self.pending is not None
        self._land(self.pending)

    @rule(code=st.sampled_from(["v1", "v2"]))
    def fail(self, code: str) -> None:
        before = self.failures[1] if self.failures[0] == code else 0
        self.failures = (code, before + 1)
        assert self.ledger.failed(ASSET, ref(5), "KeyError", code) == before + 1

    @rule(content=CONTENTS, outcome=OUTCOMES)
    def withdraw(self, content: str, outcome: Outcome) -> None:
        said = claim(5, content, outcome=outcome)
        self.ledger.withdraw(said, "lost the race")
        if self.pending == said:
            self.pending = None

    @invariant()
    def the_row_says_what_the_store_may_hold(self) -> None:
        rows = self.ledger.claims(ASSET, DAY)
        if not rows:
            assert (self.landed, self.pending) == (None, None)
            return
        row = rows[FetchNumber(5)]
        assert row.pending == self.pending
        assert (row.landed, row.etag) == (self.landed or (None, None))
        assert (row.state is ClaimState.LANDED) == (self.landed is not None)
        assert (row.failing_code_version or "", row.attempts) == self.failures

        history = self.ledger.history(ASSET, DAY, 5)
        sequences = [entry.sequence for entry in history]
        assert sequences == sorted(set(sequences))
        assert sequences[-1] == row.sequence == self.ledger.version(ASSET, DAY)
        etags = [entry.etag for entry in history if entry.state is ClaimState.LANDED]
        assert (etags[-1] if etags else None) == row.etag

    def _land(self, said: Claim) -> None:
        self.etags += 1
        etag = f'"{self.etags}"'
        self.ledger.landed(said, etag, 1)
        self.landed = (said, etag)
        if self.pending == said:
            self.pending = None
        if not said.outcome.is_placeholder:
            self.failures = ("", 0)


TestClaimTransitions = ClaimTransitions.TestCase
TestClaimTransitions.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_what_status_asks_for_is_what_the_claims_say(ledger: Ledger) -> None:
    assert (ledger.newest_good(ASSET, DAY), ledger.landed_numbers(ASSET, DAY)) == (None, [])
    outcomes = [Outcome.COMPLETE, Outcome.FAILED, Outcome.STAGE_FAILED]
    for number, outcome in enumerate(outcomes, start=9):
        ledger.landed(claim(number, outcome=outcome), f"e{number}", 10)
    ledger.intend(claim(12), AT)
    ledger.landed(claim(13, asset="football/other"), "e13", 10)

    standing = ledger.standing(ASSET, DAY)
    assert ledger.newest_good(ASSET, DAY) == max(n for n, row in standing.items() if row.is_good)
    assert ledger.landed_numbers(ASSET, DAY) == [9, 10, 11]
    assert ledger.newest_good(ASSET, DAY.shifted(-1)) is None
    assert ledger.landed_numbers(ASSET, DAY.shifted(-1)) == []


# Minutes


def test_a_minute_starts_and_lands(ledger: Ledger) -> None:
    ledger.start_fetch(slot_at(DAY.minute(787)), "run-1", AT)
    started = ledger.fetches(RAW, DAY)[FetchNumber(787)]
    assert (started.fate, started.started_at, started.run_id) == (FetchFate.STARTED, AT, "run-1")
    assert (started.fetch_id, started.outcome) == (None, None)

    done = AT + timedelta(seconds=9)
    ledger.fetch_landed(ref(787), Outcome.PARTIAL, "quota", done, 3.25)
    [row] = ledger.fetches(RAW, DAY).values()
    assert (row.fate, row.outcome, row.reason) == (FetchFate.LANDED, Outcome.PARTIAL, "quota")
    assert (row.slot, row.number, row.fetch_id) == (ref(787).slot, 787, "aB3dE6gH9jK2")
    assert (row.started_at, row.updated_at, row.lateness_seconds) == (AT, done, 3.25)
    assert (row.run_id, row.sequence > started.sequence) == ("run-1", True)


def test_the_newest_fetch_is_the_last_that_landed(ledger: Ledger) -> None:
    assert ledger.newest_fetch(RAW, DAY) is None
    for number in (786, 787):
        ledger.fetch_landed(ref(number), Outcome.COMPLETE, None, AT, 0.0)
    ledger.slot_missed(slot_at(DAY.minute(788)), MissedReason.RUN_DIED, AT)
    ledger.start_fetch(slot_at(DAY.minute(789)), "run-1", AT)
    assert ledger.newest_fetch(RAW, DAY) == 787
    assert ledger.newest_fetch("basketball/box_scores", DAY) is None


FATES: dict[str, Callable[[Ledger], None]] = {
    "started": lambda ledger: ledger.start_fetch(slot_at(DAY.minute(1)), "run-1", AT),
    "missed": lambda ledger: ledger.slot_missed(slot_at(DAY.minute(1)), MissedReason.RUN_DIED, AT),
    "landed": lambda ledger: ledger.fetch_landed(ref(1), Outcome.COMPLETE, None, AT, 0.0),
}


@pytest.mark.parametrize(
    ("before", "then", "after"),
    [
        ("started", "started", "started"),
        ("started", "missed", "missed"),
        ("started", "landed", "landed"),
        ("missed", "started", "started"),
        ("missed", "missed", "missed"),
        ("missed", "landed", "landed"),
        ("landed", "started", "landed"),
        ("landed", "missed", "landed"),
        ("landed", "landed", "landed"),
    ],
)
def test_what_landed_is_never_called_missed(
    ledger: Ledger, before: str, then: str, after: str
) -> None:
    FATES[before](ledger)
    FATES[then](ledger)
    [row] = ledger.fetches(RAW, DAY).values()
    assert row.fate == after
    assert row.reason == ("run_died" if after == "missed" else None)


def hours(*spans: tuple[int, int | None]) -> list[tuple[datetime, datetime | None]]:
    start = DAY.start
    return [
        (start + timedelta(hours=a), None if b is None else start + timedelta(hours=b))
        for a, b in spans
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], []),
        ([("open", 1)], [(1, None)]),
        ([("open", 1), ("open", 2)], [(1, None)]),  # `up` after a crash, which closes nothing
        ([("open", 1), ("close", 3)], [(1, 3)]),
        ([("close", 3)], []),
        ([("open", 1), ("close", 2), ("close", 3)], [(1, 2)]),
        ([("open", 1), ("close", 2), ("open", 4)], [(1, 2), (4, None)]),
        ([("open", 1), ("close", 3), ("open", 2), ("close", 5)], [(1, 5)]),
        ([("open", 1), ("close", 3), ("open", 3), ("close", 5)], [(1, 5)]),
        ([("open", 1), ("close", 1)], []),
        # An earlier stretch is replayed while a crashed one stands open.
        ([("open", 9), ("open", 1), ("close", 2)], [(1, 2), (9, None)]),
        ([("open", 9), ("open", 1)], [(1, None)]),
        ([("open", 30)], []),
        ([("open", -9), ("close", -1)], []),
        ([("open", -9), ("close", 1)], [(-9, 1)]),
    ],
)
def test_watch_intervals(
    ledger: Ledger, said: list[tuple[str, int]], expected: list[tuple[int, int | None]]
) -> None:
    for call, hour in said:
        at = DAY.start + timedelta(hours=hour)
        if call == "open":
            ledger.open_interval("football", at, "live")
        else:
            ledger.close_interval("football", at)
    assert ledger.intervals("football", DAY.start, DAY.end) == hours(*expected)
    assert ledger.intervals("basketball", DAY.start, DAY.end) == []


def test_times_come_back_in_utc_whatever_their_zone_was(ledger: Ledger) -> None:
    tokyo = timezone(timedelta(hours=9))
    ledger.open_interval("football", AT.astimezone(tokyo), "live")
    [(opened, _)] = ledger.intervals("football", DAY.start, DAY.end)
    assert opened == AT
    assert opened.tzinfo is UTC


# Runs


def test_a_run_is_running_until_it_ends(ledger: Ledger) -> None:
    ledger.run_started("run-1", slot_at(DAY.minute(787)), "minute", "c0ffee", "10cc", AT)
    ledger.run_started("run-2", None, "seal", "c0ffee", "10cc", AT)
    ledger.run_started("run-1", None, "again", "", "", AT + timedelta(hours=1))
    alive = AT + timedelta(seconds=20)
    ledger.run_heartbeat("run-1", alive)
    first, second = ledger.running()
    assert (first.run_id, first.kind, first.slot) == ("run-1", "minute", slot_at(DAY.minute(787)))
    assert (first.commit, first.lock_hash) == ("c0ffee", "10cc")
    assert (first.started_at, first.heartbeat_at, first.ended_at) == (AT, alive, None)
    assert (second.run_id, second.slot, second.state) == ("run-2", None, RunState.RUNNING)

    assert ledger.run_ended("run-1", RunState.NO_DATA, alive, "no live matches")
    assert [run.run_id for run in ledger.running()] == ["run-2"]
    ended = ledger.run("run-1")
    assert ended is not None
    assert (ended.state, ended.reason) == (RunState.NO_DATA, "no live matches")
    assert (ended.heartbeat_at, ended.ended_at) == (alive, alive)
    assert ledger.run("run-3") is None


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        (RunState.SUCCESS, RunState.ABANDONED, RunState.SUCCESS),
        (RunState.FAILED, RunState.SUCCESS, RunState.FAILED),
        (RunState.ABANDONED, RunState.SUCCESS, RunState.SUCCESS),
        (RunState.ABANDONED, RunState.ABANDONED, RunState.ABANDONED),
    ],
)
def test_a_guess_never_replaces_a_real_end(
    ledger: Ledger, first: RunState, second: RunState, left: RunState
) -> None:
    ledger.run_started("run-1", None, "minute", "", "", AT)
    assert ledger.run_ended("run-1", first, AT, first.value)
    changed = ledger.run_ended("run-1", second, AT, second.value)
    run = ledger.run("run-1")
    assert run is not None
    assert (run.state, run.reason) == (left, left.value)
    assert changed == (first is not left)


def test_an_unknown_run_does_not_end_and_none_ends_running(ledger: Ledger) -> None:
    assert not ledger.run_ended("run-1", RunState.SUCCESS, AT)
    with pytest.raises(ValueError, match="running"):
        ledger.run_ended("run-1", RunState.RUNNING, AT)


# Prefixes


def test_prefixes_share_nothing(ledger_url: str, ledger: Ledger) -> None:
    replay = Ledger(ledger_url, "replay/recorded-1")
    for book, content in ((ledger, "live"), (replay, "replayed")):
        book.run_started("run-1", None, content, "", "", AT)
        book.open_interval("football", AT, content)
        book.start_fetch(slot_at(DAY.minute(1)), content, AT)
        book.intend(claim(1, content))
        book.landed(claim(1, content), f'"{content}"', 10)
    ledger.mark_verified(ASSET, DAY, {FetchNumber(1): '"live"'})
    ledger.close_interval("football", AT + timedelta(hours=1))
    ledger.run_ended("run-1", RunState.SUCCESS, AT)
    ledger.slot_missed(slot_at(DAY.minute(1)), MissedReason.RUN_DIED, AT)
    for book in (ledger, replay):
        book.intend_window(ASSET, DAY, WINDOW, book.prefix, [held(1)], AT)
        book.sealed(ASSET, DAY, number=1, fetches=1, emitted=9, files={}, at=AT)
    ledger.window_verified(ASSET, DAY, WINDOW, '"w"', 10, AT)
    ledger.cleared(ASSET, DAY, [], AT)
    ledger.expired(ASSET, DAY, "lake", "old", AT)
    assert ledger.lock("sealing", "run-1", AT, AT + timedelta(hours=1)) is None
    assert replay.lock("sealing", "run-2", AT, AT + timedelta(hours=1)) is None

    row = only(replay)
    assert (row.etag, row.verified_etag) == ('"replayed"', None)
    assert only(ledger).is_verified
    assert len(replay.history(ASSET, DAY, 1)) == 2
    assert row.sequence < replay.version(ASSET, DAY) < ledger.version(ASSET, DAY)
    assert [row.is_verified for row in replay.windows(ASSET, DAY).values()] == [False]
    assert [seal.cleared_at for seal in replay.seals("football")] == [None]
    assert replay.expiries(ASSET, DAY) == {}
    assert replay.intervals("football", DAY.start, DAY.end) == [(AT, None)]
    assert [run.kind for run in replay.running()] == ["replayed"]
    assert replay.fetches(RAW, DAY)[FetchNumber(1)].fate is FetchFate.STARTED
    replay.close()


# What has been read is kept, and only what has changed is read again


def test_what_another_process_changes_is_seen_by_one_that_has_read_the_day(
    ledger: Ledger, ledger_url: str
) -> None:
    other = Ledger(ledger_url, "live")
    for number in (3, 7):
        ledger.landed(claim(number), '"e1"', 10)
    before = ledger.standing(ASSET, DAY)
    assert list(before) == [3, 7]

    other.landed(claim(5, "late"), '"e2"', 11)
    other.intend(claim(7, "again"))
    other.mark_verified(ASSET, DAY, {FetchNumber(3): '"e1"'})
    other.landed(claim(9), '"e3"', 12)

    assert ledger.standing(ASSET, DAY) == other.standing(ASSET, DAY)
    found = ledger.standing(ASSET, DAY)
    assert list(found) == [3, 5, 7, 9]
    assert (found[FetchNumber(3)].verified_etag, found[FetchNumber(7)].is_pending) == ('"e1"', 1)
    assert list(before) == [3, 7], "what was read before stays what it was"
    other.close()


def test_a_fate_that_another_process_settles_is_seen(ledger: Ledger, ledger_url: str) -> None:
    other, at = Ledger(ledger_url, "live"), AT
    ledger.start_fetch(slot_at(DAY.minute(2)), "run", at)
    assert ledger.fates(RAW, DAY) == {2: FetchFate.STARTED}
    other.slot_missed(slot_at(DAY.minute(1)), MissedReason.STARTED_LATE, at)
    other.slot_missed(slot_at(DAY.minute(2)), MissedReason.STARTED_LATE, at)
    assert ledger.fates(RAW, DAY) == {1: FetchFate.MISSED, 2: FetchFate.MISSED}
    assert list(ledger.fates(RAW, DAY)) == [1, 2]
    assert ledger.fates(RAW, DAY.shifted(1)) == {}
    other.close()


def test_what_stands_is_counted_by_the_code_that_made_it(ledger: Ledger) -> None:
    for number, version in ((787, "older"), (788, "older"), (789, "newer")):
        made = claim(number, code_version=version)
        ledger.intend(made, AT)
        ledger.landed(made, f"etag-{number}", 100, AT)
    ledger.intend(claim(790, code_version="on its way"), AT)
    assert ledger.code_versions("football") == {(ASSET, DAY): {"older": 2, "newer": 1}}
    assert ledger.code_versions("basketball") == {}
