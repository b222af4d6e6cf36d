"""The decision table of retries, row by row, with the incidents that each row is there for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.accounting import RetryAction, RetryReason, RunState
from touchline.day import parse_instant
from touchline.retries import LIMITS, Content, Decision, Ending, PriorRun, decide, ending
from touchline.zeros import Expected

NOW = parse_instant("2025-05-29T12:00:00Z")
GAMES_END = NOW + timedelta(hours=5)
RUN, SKIP, HOLD, ASIDE = RetryAction
SUCCESS, NO_DATA, PARTIAL = RunState.SUCCESS, RunState.NO_DATA, RunState.PARTIAL
FAILED, SKIPPED, ABANDONED = RunState.FAILED, RunState.SKIPPED, RunState.ABANDONED
RUNNING = RunState.RUNNING
FULL, OTHER = Content("full", 384), Content("other", 384)
Case = tuple[list[PriorRun], Content | None, dict[str, Any], Decision]


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def run(
    sequence: int,
    state: RunState,
    minutes: float = 600,
    *,
    rows: int | None = 0,
    placeholder: int | None = 0,
    content: str | None = None,
    **more: Any,
) -> PriorRun:
    """The run `r<sequence>`, whose last heartbeat and end were so many minutes ago."""
    unless_at_work = None if state is RUNNING else ago(minutes)
    counts = {"inserted": rows, "updated": 0, "unchanged": 0, "placeholder": placeholder}
    return PriorRun(
        f"r{sequence}",
        sequence,
        state,
        ago(minutes),
        **{"ended": unless_at_work, "content_hash": content, **counts, **more},
    )


def landed(sequence: int, content: str = "full", rows: int = 384, **more: Any) -> PriorRun:
    return run(sequence, SUCCESS, rows=rows, content=content, **more)


def roster(sequence: int, minutes: float = 600, **more: Any) -> PriorRun:
    return run(sequence, SUCCESS, minutes, rows=30, placeholder=30, content="roster", **more)


def unknown(sequence: int, minutes: float = 600, **more: Any) -> PriorRun:
    return run(sequence, SUCCESS, minutes, **{"rows": None, "placeholder": None, **more})


def decided(runs: list[PriorRun] | None, content: Content | None = None, **given: Any) -> Decision:
    """The decision now, on a day whose data can exist, of a write that is idempotent."""
    facts: dict[str, Any] = {
        "expected": Expected.SOME,
        "not_before": None,
        "forced": None,
        "is_idempotent": True,
        "now": NOW,
    }
    return decide(runs, content, **{**facts, **given})


def says(action: RetryAction, reason: RetryReason, **more: Any) -> Decision:
    return Decision(action, reason, **more)


EARLY = {"expected": Expected.NOT_YET, "not_before": GAMES_END}
UNSURE = {"expected": Expected.UNKNOWN}
FORCED = {"forced": "the source was corrected"}
THREE = [run(1, NO_DATA, 400), run(2, FAILED, 300), run(3, NO_DATA, 200)]
CAPPED = says(HOLD, RetryReason.RETRY_CAP, until=ago(400) + timedelta(hours=24), alert=True)
R = RetryReason
TABLE: dict[str, Case] = {
    # 1
    "1 lookup failed, idempotent": (
        None,  # type: ignore[dict-item]
        FULL,
        {**FORCED, **EARLY},
        says(RUN, R.LOOKUP_FAILED, alert=True),
    ),
    "1 lookup failed, not idempotent": (
        None,  # type: ignore[dict-item]
        FULL,
        {**FORCED, "is_idempotent": False},
        says(HOLD, R.LOOKUP_FAILED, alert=True),
    ),
    # 2
    "2 forced over a run at work": ([run(1, RUNNING, 1)], FULL, FORCED, says(RUN, R.FORCED)),
    "2 forced over the same content": ([landed(1)], FULL, FORCED, says(RUN, R.FORCED)),
    "2 a blank reason forces nothing": (
        [landed(1)],
        FULL,
        {"forced": " "},
        says(SKIP, R.IDENTICAL_CONTENT, blocked_by="r1"),
    ),
    # 3
    "3 at work": (
        [run(1, FAILED, 1), run(2, RUNNING, 15)],
        FULL,
        {},
        says(SKIP, R.IN_PROGRESS, blocked_by="r2"),
    ),
    "3 one at work beside a silent one": (
        [run(1, RUNNING, 15), run(2, RUNNING, 16)],
        None,
        {},
        says(SKIP, R.IN_PROGRESS, blocked_by="r1"),
    ),
    "3 two at work, the higher sequence is named at equal times": (
        [run(1, RUNNING, 3), run(2, RUNNING, 3)],
        None,
        {},
        says(SKIP, R.IN_PROGRESS, blocked_by="r2"),
    ),
    # 4
    "4 silent, marked, and the rows go on": (
        [run(1, RUNNING, 15.1)],
        None,
        {},
        says(RUN, R.FIRST_OR_FAILED, abandoned=("r1",)),
    ),
    "4 silent ones, and the same content has landed": (
        [landed(1), run(2, RUNNING, 90), run(3, RUNNING, 16)],
        FULL,
        {},
        says(SKIP, R.IDENTICAL_CONTENT, blocked_by="r1", abandoned=("r2", "r3")),
    ),
    "4 a silent one counts for the cap": (
        [run(1, NO_DATA, 400), run(2, FAILED, 300), run(3, RUNNING, 200)],
        None,
        {},
        replace(CAPPED, abandoned=("r3",)),
    ),
    "4 a silent one that had stored some of it has failed": (
        [
            run(1, FAILED, 400, content="full"),
            run(2, FAILED, 300),
            run(3, RUNNING, 200, rows=140, content="full"),
        ],
        FULL,
        {},
        replace(CAPPED, abandoned=("r3",)),
    ),
    # 5
    "5 the same content": ([landed(1)], FULL, {}, says(SKIP, R.IDENTICAL_CONTENT, blocked_by="r1")),
    "5 A18 the same content, and zero runs after it": (
        [landed(1), run(2, NO_DATA, 500), run(3, SUCCESS, 1)],
        FULL,
        EARLY,
        says(SKIP, R.IDENTICAL_CONTENT, blocked_by="r1"),
    ),
    "5 A20 all of it unchanged": (
        [run(1, SUCCESS, unchanged=384, content="full")],
        FULL,
        {},
        says(SKIP, R.IDENTICAL_CONTENT, blocked_by="r1"),
    ),
    "5 a superseded run does not count": (
        [landed(1, superseded=True), landed(2, "other")],
        replace(FULL, is_newer=True),
        {},
        says(RUN, R.NEW_CONTENT),
    ),
    "5 a failure that had stored some of it blocks nothing": (
        [run(1, FAILED, rows=140, content="full")],
        FULL,
        {},
        says(RUN, R.FIRST_OR_FAILED),
    ),
    # 6
    "6 I7 A17 before the games have ended": (
        [run(n, NO_DATA, 1) for n in range(1, 4)],
        None,
        EARLY,
        says(HOLD, R.NOT_YET, until=GAMES_END),
    ),
    "6 I1 six upcoming games are no data": (
        [],
        Content("upcoming", 0),
        EARLY,
        says(HOLD, R.NOT_YET, until=GAMES_END),
    ),
    "6 real units are there before their time": ([], FULL, EARLY, says(RUN, R.FIRST_OR_FAILED)),
    "6 no games": ([], None, {"expected": Expected.NONE}, says(HOLD, R.NOT_YET)),
    # 7
    "7 nobody can tell": ([run(1, NO_DATA)], None, UNSURE, says(RUN, R.CALENDAR_UNKNOWN)),
    "7 nobody can tell, within the cap": (THREE, None, UNSURE, CAPPED),
    "7 nobody can tell, within the back-off": (
        [run(1, NO_DATA, 4)],
        None,
        UNSURE,
        says(HOLD, R.BACKOFF, until=ago(-1)),
    ),
    "7 nobody can tell, but it would replace data by nothing": (
        [landed(1)],
        Content("empty", 0),
        UNSURE,
        says(ASIDE, R.SHRINKING_CONTENT, alert=True),
    ),
    # 8
    "8 I7 A17 the fourth attempt": (THREE, None, {}, CAPPED),
    "8 alerts once": (
        [*THREE, run(4, SKIPPED, 100, reason=R.RETRY_CAP)],
        None,
        {},
        replace(CAPPED, alert=False),
    ),
    "8 alerts again after another attempt": (
        [*THREE, run(4, SKIPPED, 100, reason=R.RETRY_CAP), run(5, FAILED, 90)],
        None,
        {},
        replace(CAPPED, until=ago(300) + timedelta(hours=24)),
    ),
    "8 A14 placeholders and unknown counts use it up too": (
        [roster(1, 400), unknown(2, 300), run(3, ABANDONED, 200)],
        None,
        {},
        CAPPED,
    ),
    "8 content that has failed before is not new": (
        [run(n, FAILED, m, content="full") for n, m in ((1, 400), (2, 300), (3, 200))],
        FULL,
        {},
        CAPPED,
    ),
    "8 a failure that had stored some of it is an attempt": (
        [run(n, FAILED, m, rows=140, content="full") for n, m in ((1, 400), (2, 300), (3, 200))],
        FULL,
        {},
        CAPPED,
    ),
    "8 I1 A13 new content resets it": (THREE, FULL, {}, says(RUN, R.ZERO_RECORDS)),
    "8 content that was only skipped is new": (
        [*THREE, run(4, SKIPPED, 100, content="full")],
        FULL,
        {},
        says(RUN, R.ZERO_RECORDS),
    ),
    "8 attempts before the last new content are forgotten": (
        [*THREE, landed(4, "full"), run(5, FAILED, 100, content="full")],
        None,
        {},
        says(RUN, R.NEW_CONTENT),
    ),
    "8 a day later the oldest attempt is forgotten": (
        [run(1, NO_DATA, 1440), run(2, FAILED, 300), run(3, NO_DATA, 200)],
        None,
        {},
        says(RUN, R.ZERO_RECORDS),
    ),
    "8 skips are no attempts": (
        [run(1, NO_DATA, 400), run(2, SKIPPED, 300), run(3, SKIPPED, 200)],
        None,
        {},
        says(RUN, R.ZERO_RECORDS),
    ),
    # 9
    "9 after the first attempt": (
        [run(1, FAILED, 4.9)],
        None,
        {},
        says(HOLD, R.BACKOFF, until=ago(-0.1)),
    ),
    "9 its time has come": ([run(1, FAILED, 5)], None, {}, says(RUN, R.FIRST_OR_FAILED)),
    "9 after the second attempt": (
        [run(1, NO_DATA, 60), run(2, NO_DATA, 20)],
        None,
        {},
        says(HOLD, R.BACKOFF, until=ago(-10)),
    ),
    "9 after the third, where the first is out of the window": (
        [run(1, NO_DATA, 1500), run(2, NO_DATA, 300), run(3, NO_DATA, 100)],
        None,
        {},
        says(HOLD, R.BACKOFF, until=ago(-20)),
    ),
    "9 A2 of equal times the higher sequence is the newest": (
        [run(2, FAILED, 3), landed(1, minutes=3)],
        None,
        {},
        says(HOLD, R.BACKOFF, until=ago(-2)),
    ),
    "9 new content does not wait": ([run(1, NO_DATA, 1)], FULL, {}, says(RUN, R.ZERO_RECORDS)),
    # 10
    "10 I1 A13 fuller": ([landed(1, "6 KB", 30)], FULL, {}, says(RUN, R.NEW_CONTENT)),
    "10 newer and smaller": (
        [landed(1)],
        Content("corrected", 380, is_newer=True),
        {},
        says(RUN, R.NEW_CONTENT),
    ),
    "10 as much of other content": ([landed(1)], OTHER, {}, says(RUN, R.NEW_CONTENT)),
    "10 over what is partial": (
        [run(1, PARTIAL, rows=1, content="partial")],
        FULL,
        {},
        says(RUN, R.NEW_CONTENT),
    ),
    "10 nothing at hand, a key alone never blocks": (
        [landed(1)],
        None,
        {},
        says(RUN, R.NEW_CONTENT),
    ),
    # 11
    "11 smaller": (
        [landed(1)],
        Content("less", 383),
        {},
        says(ASIDE, R.SHRINKING_CONTENT, alert=True),
    ),
    "11 A18 smaller than any, whatever the newest says": (
        [landed(1), run(2, NO_DATA), run(3, PARTIAL, rows=1, content="partial")],
        Content("less", 383),
        {},
        says(ASIDE, R.SHRINKING_CONTENT, alert=True),
    ),
    "11 newer, and nothing": (
        [landed(1)],
        Content("empty", 0, is_newer=True),
        {},
        says(ASIDE, R.SHRINKING_CONTENT, alert=True),
    ),
    "11 a skip of what is superseded counts nothing": (
        [landed(1, superseded=True), landed(2, "corrected", 380), run(3, SKIPPED, unchanged=384)],
        Content("less", 381),
        {},
        says(RUN, R.NEW_CONTENT),
    ),
    # 12
    "12 partial": ([landed(1), run(2, PARTIAL, rows=1)], None, {}, says(RUN, R.PARTIAL)),
    "12 partial of the same content": (
        [run(1, PARTIAL, rows=1, content="full")],
        FULL,
        {},
        says(RUN, R.PARTIAL),
    ),
    "12 failed after it": (
        [run(1, PARTIAL, rows=1, content="full"), run(2, FAILED, content="full")],
        FULL,
        {},
        says(RUN, R.PARTIAL),
    ),
    "12 A18 a zero run after it": (
        [run(1, PARTIAL, rows=1, content="full"), run(2, SUCCESS)],
        FULL,
        {},
        says(RUN, R.PARTIAL),
    ),
    # 13
    "13 A14 zero records": (
        [run(1, SUCCESS), run(2, NO_DATA), run(3, FAILED, 2000)],
        Content("empty", 0),
        {},
        says(RUN, R.ZERO_RECORDS),
    ),
    # 14
    "14 I5 A16 unknown counts": ([unknown(1)], FULL, {}, says(RUN, R.UNKNOWN_COUNT)),
    "14 A16 one count unknown": (
        [run(1, SUCCESS, rows=384, updated=None, content="full")],
        FULL,
        {},
        says(RUN, R.UNKNOWN_COUNT),
    ),
    "14 A16 an unknown number of placeholders": (
        [run(1, SUCCESS, rows=384, placeholder=None)],
        FULL,
        {},
        says(RUN, R.UNKNOWN_COUNT),
    ),
    "14 unknown counts beside zero records": (
        [unknown(1), run(2, NO_DATA)],
        FULL,
        {},
        says(RUN, R.UNKNOWN_COUNT),
    ),
    # 15
    "15 I6 A15 the roster alone": ([roster(1)], FULL, {}, says(RUN, R.PLACEHOLDER_ONLY)),
    "15 I6 A15 the same roster": (
        [roster(1)],
        Content("roster", 0),
        {},
        says(RUN, R.PLACEHOLDER_ONLY),
    ),
    # 16
    "16 none": ([], None, {}, says(RUN, R.FIRST_OR_FAILED)),
    "16 failed, abandoned, skipped": (
        [run(1, FAILED), run(2, SKIPPED), run(3, ABANDONED)],
        FULL,
        {},
        says(RUN, R.FIRST_OR_FAILED),
    ),
}


@pytest.mark.parametrize(
    ("runs", "content", "given_", "expected"),
    [pytest.param(*case, id=name) for name, case in TABLE.items()],
)
def test_the_first_row_that_matches_decides(
    runs: list[PriorRun] | None,
    content: Content | None,
    given_: dict[str, Any],
    expected: Decision,
) -> None:
    assert decided(runs, content, **given_) == expected


def test_every_reason_is_the_outcome_of_a_row() -> None:
    reasons = {expected.reason for *_, expected in TABLE.values()}
    assert reasons == set(RetryReason) - {RetryReason.STALE_RUNNER}, "that is what row 4 records"


def test_a_morning_with_an_empty_answer_does_not_keep_the_full_one_out() -> None:
    """I1: one date was fetched at 06:05, 09:05 and 03:05 the next day; the first, empty, success
    blocked the last, which was full."""
    empty = {"rows": 6, "placeholder": 6, "content": "upcoming"}
    runs = [run(1, SUCCESS, 1260, **empty), run(2, SUCCESS, 1080, **empty)]
    assert decided(runs).action is RUN, "it is asked for again"
    assert decided(runs, Content("final", 210)).action is RUN, "and lands"


def test_a_day_of_ticks_before_and_after_its_games_is_tried_three_times() -> None:
    """I7: 7,139 runs in 20 hours, most of them before the games had ended."""
    runs: list[PriorRun] = []
    alerts = 0
    for minute in range(10 * 60):
        now = NOW + timedelta(minutes=minute)
        before = {**EARLY} if now < GAMES_END else {}
        decision = decided(runs, now=now, **before)
        state = NO_DATA if decision.action is RUN else SKIPPED
        alerts += decision.alert
        runs.append(replace(run(minute, state), heartbeat=now, ended=now, reason=decision.reason))
    tried = [each.sequence for each in runs if each.state is NO_DATA]
    assert tried == [300, 305, 335]
    assert alerts == 1


# --- what always holds ---------------------------------------------------------------------------

COUNTS = st.none() | st.integers(0, 3)
HASHES = st.sampled_from(["a", "b", "c"])


@st.composite
def histories(draw: st.DrawFn) -> list[PriorRun]:
    """Up to six runs, many at equal times; only the sequence never ties."""
    sequences = draw(st.lists(st.integers(0, 50), unique=True, max_size=6))
    return [
        run(
            sequence,
            draw(st.sampled_from(RunState)),
            draw(st.sampled_from([1, 4, 5, 15, 16, 60, 1439, 1440, 2000])),
            rows=draw(COUNTS),
            placeholder=draw(COUNTS),
            content=draw(st.none() | HASHES),
            superseded=draw(st.booleans()),
            reason=draw(st.sampled_from([None, RetryReason.RETRY_CAP])),
        )
        for sequence in sequences
    ]


CONTENTS = st.builds(Content, HASHES, st.integers(0, 3), st.booleans())


@given(histories(), st.none() | CONTENTS, st.sampled_from(Expected), st.randoms())
def test_the_order_in_which_runs_are_given_decides_nothing(
    runs: list[PriorRun], content: Content | None, expected: Expected, random: Any
) -> None:
    shuffled = random.sample(runs, len(runs))
    assert decided(shuffled, content, expected=expected) == decided(
        runs, content, expected=expected
    )


@given(histories(), CONTENTS, st.sampled_from(Expected), st.booleans(), st.sampled_from([-1, 99]))
def test_content_that_has_landed_runs_only_when_it_is_forced(
    runs: list[PriorRun], content: Content, expected: Expected, is_forced: bool, sequence: int
) -> None:
    same = landed(sequence, content.hash)
    forced = "a reason" if is_forced else None
    decision = decided([*runs, same], content, expected=expected, forced=forced)
    assert (decision.action is RUN) is is_forced


@given(histories(), CONTENTS, st.sampled_from(Expected))
def test_nothing_never_replaces_data(
    runs: list[PriorRun], content: Content, expected: Expected
) -> None:
    empty = replace(content, units=0, hash="empty")
    assert decided([*runs, landed(99)], empty, expected=expected).action is not RUN


@given(histories(), st.none() | CONTENTS, st.sampled_from(Expected))
def test_what_is_held_until_a_time_is_not_held_then_for_the_same_reason(
    runs: list[PriorRun], content: Content | None, expected: Expected
) -> None:
    """Nothing waits for ever."""
    runs = [each for each in runs if each.state is not RUNNING]
    decision = decided(runs, content, expected=expected)
    if decision.until is not None:
        assert decision.until > NOW
        then = decided(runs, content, expected=expected, now=decision.until)
        assert (then.action, then.until) != (HOLD, decision.until)


def test_limits_are_those_of_the_table() -> None:
    minutes = [each.total_seconds() / 60 for each in (LIMITS.silent_after, *LIMITS.back_off)]
    assert minutes == [15, 5, 30, 120]
    assert (LIMITS.attempts, LIMITS.window) == (3, timedelta(hours=24))


@pytest.mark.parametrize(
    ("decision", "content", "is_partial", "ended"),
    [
        (says(RUN, R.NEW_CONTENT), FULL, False, Ending(SUCCESS, 390, 0, 0, 6, "full", True)),
        (says(RUN, R.NEW_CONTENT), FULL, True, Ending(PARTIAL, 390, 0, 0, 6, "full")),
        (says(RUN, R.ZERO_RECORDS), Content("no", 0), False, Ending(NO_DATA, 390, 0, 0, 390, "no")),
        (says(RUN, R.ZERO_RECORDS), None, False, Ending(SUCCESS)),
        (says(SKIP, R.IDENTICAL_CONTENT), FULL, False, Ending(SKIPPED, 0, 0, 390, 6, "full")),
        (says(ASIDE, R.SHRINKING_CONTENT), FULL, False, Ending(SKIPPED, 0, 0, 0, 0, "full")),
    ],
)
def test_an_attempt_ends_as_its_content_is(
    decision: Decision, content: Content | None, is_partial: bool, ended: Ending
) -> None:
    """Of 390 records six are placeholders, or all; what nobody can tell is no number."""
    assert ending(decision, content, records=390, is_partial=is_partial) == ended
