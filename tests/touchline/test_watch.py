"""Which minutes were expected, and what a silent one is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.accounting import MissedReason
from touchline.day import Day, FetchNumber, Minute, parse_instant
from touchline.watch import expected_minutes, owed, why_missed

DAY = Day.parse("2025-05-28")
NOON = parse_instant("2025-05-28T16:00:00Z")


def at(text: str) -> datetime:
    return parse_instant(f"2025-05-28T{text}Z")


@pytest.mark.parametrize(
    ("intervals", "until", "expected"),
    [
        ([], "16:10:00", []),
        ([("16:00:00", "16:03:00")], "16:10:00", ["16:00", "16:01", "16:02"]),
        ([("16:00:01", "16:02:01")], "16:10:00", ["16:01", "16:02"]),
        ([("16:00:00", None)], "16:02:00", ["16:00", "16:01"]),
        ([("16:00:00", None)], "16:02:01", ["16:00", "16:01", "16:02"]),
        ([("16:00:00", "16:01:00"), ("16:05:00", None)], "16:07:00", ["16:00", "16:05", "16:06"]),
        ([("16:05:00", None)], "16:05:00", []),
        ([("16:00:30", "16:00:40")], "16:10:00", []),
    ],
)
def test_a_minute_is_expected_when_it_begins_inside_an_interval(
    intervals: list[tuple[str, str | None]], until: str, expected: list[str]
) -> None:
    spans = [(at(opened), at(closed) if closed else None) for opened, closed in intervals]
    found = list(expected_minutes(DAY, spans, at(until)))
    assert found == [Minute(at(f"{text}:00")) for text in expected]


@pytest.mark.parametrize(("day", "length"), [("2025-03-09", 1380), ("2025-11-02", 1500)])
def test_an_open_interval_expects_every_minute_of_its_days(day: str, length: int) -> None:
    today = Day.parse(day)
    found = list(expected_minutes(today, [(today.shifted(-1).start, None)], today.shifted(2).end))
    assert [minute.number for minute in found] == list(range(1, length + 1))


@given(
    st.integers(0, 1439),
    st.integers(0, 1439).map(lambda m: timedelta(minutes=m, seconds=7)),
    st.none() | st.integers(0, 1439).map(lambda m: timedelta(minutes=m)),
)
def test_expected_minutes_are_those_of_the_definition(
    until: int, opened: timedelta, closed: timedelta | None
) -> None:
    start, stop = DAY.start + opened, None if closed is None else DAY.start + closed
    end = DAY.start + timedelta(minutes=until)
    assert list(expected_minutes(DAY, [(start, stop)], end)) == [
        minute
        for minute in DAY.minutes()
        if start <= minute.utc < end and (stop is None or minute.utc < stop)
    ]


@pytest.mark.parametrize(
    ("seconds", "started", "died", "reason"),
    [
        (0, False, False, None),
        (54, False, False, None),
        (55, False, False, MissedReason.NOT_REQUESTED),
        (149, True, False, None),
        (150, True, False, MissedReason.RUN_DIED),
        (20, True, True, MissedReason.RUN_DIED),
    ],
)
def test_a_silent_minute_is_missed_when_no_run_may_bring_it_any_more(
    seconds: int, started: bool, died: bool, reason: MissedReason | None
) -> None:
    now = NOON + timedelta(seconds=seconds)
    assert why_missed(Minute(NOON), now, started=started, died=died) is reason


@pytest.mark.parametrize(
    ("since", "begun", "owes"),
    [
        (0, True, {7, 8, 9}),
        (41, True, {7, 9}),
        (41, False, {7, 9}),
        (None, False, set()),
        (None, True, {7, 8, 9}),
    ],
)
def test_a_stage_owes_what_landed_since_it_was_added(
    since: int | None, begun: bool, owes: set[int]
) -> None:
    """Fetch 7 came late; where none of the day's minutes knew the stage, who begins owes all."""
    landed = {FetchNumber(7): 43, FetchNumber(8): 40, FetchNumber(9): 42}
    assert owed(landed, since, begun=begun) == owes
