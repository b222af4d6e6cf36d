"""The New York day: both clock changes, numbers, windows, and what is not a day or a minute."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.day import Day, Minute, Window, new_york_text, parse_instant, utc_text

SPRING, FALL, PLAIN = Day.parse("2025-03-09"), Day.parse("2025-11-02"), Day.parse("2025-07-08")

days = st.dates(date(2007, 3, 1), date(2037, 12, 30)).map(Day)
EARLIEST = datetime(2007, 3, 11, tzinfo=UTC)
seconds = st.integers(0, 30 * 365 * 24 * 3600)
minutes = seconds.map(lambda after: Minute.containing(EARLIEST + timedelta(seconds=after)))


@given(minutes)
def test_a_minute_is_found_again_by_its_day_and_number(minute: Minute) -> None:
    assert minute.day.minute(minute.number) == minute
    assert minute.day.start <= minute.utc < minute.day.end


@given(days)
def test_a_day_is_its_minutes_in_order_numbered_from_one(day: Day) -> None:
    numbers = [minute.number for minute in (day.minute(1), day.minute(day.length))]
    assert numbers == [1, day.length]
    assert day.minute(day.length).end == day.shifted(1).minute(1).utc == day.end
    assert day.length in (1380, 1440, 1500)


@pytest.mark.parametrize(
    ("day", "length", "start", "end"),
    [
        (PLAIN, 1440, "2025-07-08T04:00:00Z", "2025-07-09T04:00:00Z"),
        (SPRING, 1380, "2025-03-09T05:00:00Z", "2025-03-10T04:00:00Z"),
        (FALL, 1500, "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"),
    ],
)
def test_the_length_of_a_day(day: Day, length: int, start: str, end: str) -> None:
    assert (day.length, utc_text(day.start), utc_text(day.end)) == (length, start, end)
    assert len(list(day.minutes())) == length
    assert [m.number for m in day.minutes()] == list(range(1, length + 1))


@pytest.mark.parametrize(
    ("instant", "day", "number", "text"),
    [
        ("2025-07-08T18:40:00Z", PLAIN, 881, "07/08/2025 02:40:00 PM EDT"),
        ("2025-07-08T03:59:00Z", PLAIN.shifted(-1), 1440, "07/07/2025 11:59:00 PM EDT"),
        ("2025-07-08T04:00:00Z", PLAIN, 1, "07/08/2025 12:00:00 AM EDT"),
        ("2025-03-09T06:59:00Z", SPRING, 120, "03/09/2025 01:59:00 AM EST"),
        ("2025-03-09T07:00:00Z", SPRING, 121, "03/09/2025 03:00:00 AM EDT"),
        ("2025-03-10T03:59:00Z", SPRING, 1380, "03/09/2025 11:59:00 PM EDT"),
        ("2025-11-02T05:59:00Z", FALL, 120, "11/02/2025 01:59:00 AM EDT"),
        ("2025-11-02T06:00:00Z", FALL, 121, "11/02/2025 01:00:00 AM EST"),
        ("2025-11-02T06:59:00Z", FALL, 180, "11/02/2025 01:59:00 AM EST"),
        ("2025-11-03T04:59:00Z", FALL, 1500, "11/02/2025 11:59:00 PM EST"),
    ],
)
def test_numbers_over_midnight_and_clock_changes(
    instant: str, day: Day, number: int, text: str
) -> None:
    minute = Minute.parse(instant)
    assert (minute.day, minute.number) == (day, number)
    assert new_york_text(minute.utc) == text
    assert str(minute) == instant


@pytest.mark.parametrize("number", [0, -1, 1381])
def test_a_day_has_no_minutes_outside_it(number: int) -> None:
    with pytest.raises(ValueError, match="minutes 1 to 1380"):
        SPRING.minute(number)


@given(days, st.data())
def test_windows_cover_the_day_without_gap_or_overlap(day: Day, data: st.DataObject) -> None:
    windows = list(day.windows())
    assert [number for w in windows for number in range(w.first, w.last + 1)] == list(
        range(1, day.length + 1)
    )
    number = data.draw(st.integers(1, day.length))
    window = Window.of(day, number)
    assert number in window
    assert window in windows
    assert sum(number in other for other in windows) == 1


def test_windows_are_named_by_their_numbers() -> None:
    assert [str(Window.of(PLAIN, n)) for n in (1, 10, 11, 1440)] == [
        "00001-00010",
        "00001-00010",
        "00011-00020",
        "01431-01440",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "today", "2025-5-28", "20250528", "2025-W22-3", "2025-05-28T00:00", "2025-02-30", " "],
)
def test_what_is_not_a_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 2025-05-28"):
        Day.parse(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2025-05-28T17:00:00", "no time zone"),
        ("2025-05-28T17:00:01Z", "no seconds"),
        ("2025-05-28T17:00:00.5Z", "no seconds"),
        ("17:00", "Invalid"),
        ("", "Invalid"),
    ],
)
def test_what_is_not_a_minute_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Minute.parse(text)


def test_a_minute_is_utc_and_nothing_else() -> None:
    for zone in (None, timezone(timedelta(0), "GMT"), timezone(timedelta(hours=2))):
        with pytest.raises(ValueError, match="aware UTC"):
            Minute(datetime(2025, 5, 28, 17, 0, tzinfo=zone))
    elsewhere = parse_instant("2025-05-28T19:00:59.999+02:00")
    assert Minute.containing(elsewhere) == Minute.parse("2025-05-28T17:00:00Z")


def test_minutes_and_days_survive_a_trip_to_another_process() -> None:
    minute = PLAIN.minute(881)
    assert pickle.loads(pickle.dumps((minute, PLAIN))) == (minute, PLAIN)


@given(seconds, st.integers(0, 999_999), st.timezones())
def test_times_survive_their_text(after: int, micros: int, zone: tzinfo) -> None:
    instant = EARLIEST + timedelta(seconds=after, microseconds=micros)
    assert parse_instant(utc_text(instant.astimezone(zone))) == instant
