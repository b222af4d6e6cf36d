"""A slot's number, its text, and what the text of football leaves out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.touchline.test_day import FALL, PLAIN, SPRING, days
from touchline.day import NEW_YORK, ONE_MINUTE, Day, parse_instant
from touchline.slot import Slot

BOX_SCORES = "basketball/box_scores"


@pytest.mark.parametrize(
    ("day", "days_later", "at", "number"),
    [
        (PLAIN, 0, "00:00", 1),
        (PLAIN, 0, "06:05", 366),
        (PLAIN, 1, "03:05", 1626),
        (FALL, 1, "03:05", 1686),
        (SPRING, 1, "03:05", 1566),
        (PLAIN, 3, "00:00", 3 * 1440 + 1),
    ],
)
def test_a_number_counts_the_minutes_since_midnight_of_its_day(
    day: Day, days_later: int, at: str, number: int
) -> None:
    clock = datetime.fromisoformat(f"{day.shifted(days_later)}T{at}")
    assert Slot.of(BOX_SCORES, day, NEW_YORK.localize(clock)).number == number


@given(days, st.integers(0, 10 * 1440))
def test_its_text_brings_a_slot_back(day: Day, passed: int) -> None:
    slot = Slot.of(BOX_SCORES, day, day.start + passed * ONE_MINUTE)
    assert Slot.parse(str(slot)) == slot
    assert slot.number == passed + 1


def test_a_time_of_another_zone_is_the_same_slot() -> None:
    at = parse_instant("2025-07-08T10:05:00Z")
    elsewhere = at.astimezone(timezone(timedelta(hours=9)))
    assert str(Slot.of(BOX_SCORES, PLAIN, elsewhere)) == str(Slot.of(BOX_SCORES, PLAIN, at))


def test_what_follows_from_feed_and_time_is_implied() -> None:
    at = parse_instant("2025-07-09T03:59:00Z")
    implied = Slot.of("football/raw_fetches", PLAIN, at)
    assert Slot.implied("football", at) == implied
    assert implied.beyond_implied == {}


@pytest.mark.parametrize(
    ("raw", "day"),
    [("football/lineups", PLAIN), ("football/raw_fetches", PLAIN.shifted(-1)), (BOX_SCORES, PLAIN)],
)
def test_whatever_else_is_told_brings_a_slot_back(raw: str, day: Day) -> None:
    slot = Slot.of(raw, day, parse_instant("2025-07-09T03:59:00Z"))
    assert Slot.told(slot.feed, slot.at, **slot.beyond_implied) == slot


@pytest.mark.parametrize(
    ("raw_asset", "date"),
    [("football/lineups", None), (None, "2025-07-08"), (BOX_SCORES, "2025-07-08")],
)
def test_half_of_a_slot_or_one_of_another_feed_is_none(
    raw_asset: str | None, date: str | None
) -> None:
    with pytest.raises(ValueError, match="no slot of football"):
        Slot.told("football", parse_instant("2025-07-09T03:59:00Z"), raw_asset, date)


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        ("2025-07-08T10:05:30+00:00", "has no seconds"),
        ("2025-07-08T10:05:00", "needs a zone"),
        ("2025-07-08T03:59:00+00:00", "before 2025-07-08 begins in New York"),
    ],
)
def test_a_time_that_is_no_slot_is_refused(at: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Slot.of(BOX_SCORES, PLAIN, datetime.fromisoformat(at))


@pytest.mark.parametrize(
    "text", ["", "2025-07-08T10:05:00Z", "box_scores 2025-07-08 2025-07-08T10:05:00Z"]
)
def test_a_text_that_is_no_slot_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        Slot.parse(text)
