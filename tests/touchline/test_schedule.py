"""Which slots a day has, which are due, and which were expected."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.slots import PATIENCE, RAW, slot_at
from touchline.day import Day, Minute, parse_instant, utc_text
from touchline.schedule import EveryMinute, TimesOfDay, expected_slots
from touchline.slot import Slot

DAY = Day.parse("2025-05-28")
SLOTS = list(EveryMinute().slots(RAW, DAY))
BOX_SCORES = "basketball/box_scores"
MORNINGS = TimesOfDay(((0, time(6, 5)), (1, time(3, 5)), (3, time(6, 5))), PATIENCE)
"""Of a game date: its morning, the night after it, and the third day after it."""


def at(text: str) -> datetime:
    return parse_instant(f"2025-05-28T{text}Z")


@pytest.mark.parametrize(
    ("now", "asked", "expected"),
    [
        # Ten seconds to go, or five: once.
        ("2025-05-28T16:59:50Z", None, "2025-05-28T17:00:00Z"),
        ("2025-05-28T16:59:55Z", "2025-05-28T16:59:00Z", "2025-05-28T17:00:00Z"),
        ("2025-05-28T16:59:55Z", "2025-05-28T17:00:00Z", None),
        # Too early.
        ("2025-05-28T16:59:49Z", "2025-05-28T16:59:00Z", None),
        # A slow loop: the minute that follows on the last one is still asked for, but not for long.
        ("2025-05-28T17:00:04Z", "2025-05-28T16:59:00Z", "2025-05-28T17:00:00Z"),
        ("2025-05-28T17:00:31Z", "2025-05-28T16:59:00Z", None),
        # After a pause nothing follows on anything: the past is not fetched.
        ("2025-05-28T17:00:04Z", "2025-05-28T16:57:00Z", None),
        ("2025-05-28T17:00:04Z", None, None),
        # New York midnight: its partition does not exist before it.
        ("2025-05-29T03:59:55Z", "2025-05-29T03:59:00Z", None),
        ("2025-05-29T04:00:02Z", "2025-05-29T03:59:00Z", "2025-05-29T04:00:00Z"),
        # UTC midnight is a minute like any other, and so is the change to summer time.
        ("2025-05-28T23:59:55Z", None, "2025-05-29T00:00:00Z"),
        ("2025-03-09T06:59:55Z", "2025-03-09T06:59:00Z", "2025-03-09T07:00:00Z"),
    ],
)
def test_the_coming_minute_is_due_once(now: str, asked: str | None, expected: str | None) -> None:
    last = slot_at(Minute.parse(asked)) if asked else None
    due = EveryMinute().due(RAW, parse_instant(now), last)
    assert due == ([slot_at(Minute.parse(expected))] if expected else [])


def test_a_slot_of_midnight_comes_after_the_last_one_of_the_day_before() -> None:
    midnight, *_ = SLOTS
    assert [str(slot.at) for slot in EveryMinute().before(midnight, 2)] == [
        "2025-05-28 03:59:00+00:00",
        "2025-05-28 03:58:00+00:00",
    ]
    assert [slot.day for slot in EveryMinute().before(midnight, 2)] == [DAY.shifted(-1)] * 2


@pytest.mark.parametrize(
    ("day", "times"),
    [
        ("2025-05-28", ["2025-05-28T10:05:00Z", "2025-05-29T07:05:00Z", "2025-05-31T10:05:00Z"]),
        # The clocks go back in the night after it, and forward.
        ("2025-11-01", ["2025-11-01T10:05:00Z", "2025-11-02T08:05:00Z", "2025-11-04T11:05:00Z"]),
        ("2025-03-08", ["2025-03-08T11:05:00Z", "2025-03-09T07:05:00Z", "2025-03-11T10:05:00Z"]),
    ],
)
def test_times_of_day_are_those_of_the_clock_in_new_york(day: str, times: list[str]) -> None:
    slots = list(MORNINGS.slots(BOX_SCORES, Day.parse(day)))
    assert [utc_text(slot.at) for slot in slots] == times
    assert {str(slot.day) for slot in slots} == {day}


@pytest.mark.parametrize(
    ("day", "at", "utc"),
    [
        ("2025-03-09", time(2, 30), "2025-03-09T07:30:00Z"),
        ("2025-11-02", time(1, 30), "2025-11-02T06:30:00Z"),
    ],
)
def test_a_time_that_the_clocks_skip_or_repeat_has_one_slot(day: str, at: time, utc: str) -> None:
    (slot,) = TimesOfDay(((0, at),), PATIENCE).slots(BOX_SCORES, Day.parse(day))
    assert utc_text(slot.at) == utc


def test_slots_of_several_days_are_due_at_one_time() -> None:
    """06:05 is that of the day itself and of three days before; each is its own slot."""
    near, after = parse_instant("2025-05-31T10:04:55Z"), parse_instant("2025-05-31T10:05:20Z")
    due = MORNINGS.due(BOX_SCORES, near, None)
    assert {str(slot.day) for slot in due} == {"2025-05-28", "2025-05-31"}
    assert MORNINGS.due(BOX_SCORES, after, None) == due, "a little late"
    assert MORNINGS.due(BOX_SCORES, after, due[-1]) == [], "asked for already"
    assert MORNINGS.due(BOX_SCORES, after + timedelta(minutes=1), None) == []


def test_the_slots_before_one_may_be_of_other_days() -> None:
    night = Slot.of(BOX_SCORES, DAY, parse_instant("2025-05-29T07:05:00Z"))
    before = MORNINGS.before(night, 3)
    assert [(str(slot.day), utc_text(slot.at)) for slot in before] == [
        ("2025-05-28", "2025-05-28T10:05:00Z"),
        ("2025-05-25", "2025-05-28T10:05:00Z"),
        ("2025-05-27", "2025-05-28T07:05:00Z"),
    ]


@pytest.mark.parametrize("times", [(), ((1, time(6)), (0, time(6))), ((-1, time(6)),)])
def test_times_that_are_no_order_are_refused(times: tuple[tuple[int, time], ...]) -> None:
    with pytest.raises(ValueError, match="times of day"):
        TimesOfDay(times, PATIENCE)


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
def test_a_slot_is_expected_when_its_time_is_inside_an_interval(
    intervals: list[tuple[str, str | None]], until: str, expected: list[str]
) -> None:
    spans = [(at(opened), at(closed) if closed else None) for opened, closed in intervals]
    found = list(expected_slots(SLOTS, spans, at(until)))
    assert found == [slot_at(Minute(at(f"{text}:00"))) for text in expected]


@pytest.mark.parametrize(("day", "length"), [("2025-03-09", 1380), ("2025-11-02", 1500)])
def test_an_open_interval_expects_every_minute_of_its_days(day: str, length: int) -> None:
    today = Day.parse(day)
    slots, intervals = EveryMinute().slots(RAW, today), [(today.shifted(-1).start, None)]
    found = list(expected_slots(slots, intervals, today.shifted(2).end))
    assert [slot.number for slot in found] == list(range(1, length + 1))


@given(
    st.integers(0, 1439),
    st.integers(0, 1439).map(lambda m: timedelta(minutes=m, seconds=7)),
    st.none() | st.integers(0, 1439).map(lambda m: timedelta(minutes=m)),
)
def test_expected_slots_are_those_of_the_definition(
    until: int, opened: timedelta, closed: timedelta | None
) -> None:
    start, stop = DAY.start + opened, None if closed is None else DAY.start + closed
    end = DAY.start + timedelta(minutes=until)
    assert list(expected_slots(SLOTS, [(start, stop)], end)) == [
        slot_at(minute)
        for minute in DAY.minutes()
        if start <= minute.utc < end and (stop is None or minute.utc < stop)
    ]


@pytest.mark.parametrize("day", ["2025-05-28", "2025-03-08", "2025-11-01"])
def test_a_day_is_open_until_its_last_slot_has_passed(day: str) -> None:
    of = Day.parse(day)
    *_, last = MORNINGS.slots(BOX_SCORES, of)
    assert MORNINGS.ends(of) == last.at + timedelta(minutes=1)
    assert EveryMinute().ends(of) == of.end
    while_it_is_open = [of.start, of.end, last.at, last.at + timedelta(hours=3)]
    assert all(of in MORNINGS.open_days(Day.containing(now), now) for now in while_it_is_open)
    assert of not in MORNINGS.open_days(of.shifted(9), of.shifted(9).start)


def test_the_day_before_is_open_for_two_hours_after_midnight() -> None:
    before = DAY.shifted(-1)
    assert EveryMinute().open_days(DAY, DAY.start + timedelta(minutes=119)) == [before, DAY]
    assert EveryMinute().open_days(DAY, DAY.start + timedelta(hours=2)) == [DAY]
