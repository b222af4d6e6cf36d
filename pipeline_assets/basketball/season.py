"""Which season a day is of."""

from __future__ import annotations

from touchline.day import Day

FIRST_MONTH = 8
"""Between the finals in June and the first preseason games in October nothing is played."""


def season_of(day: Day) -> int:
    """Return the year in which the season of a day began: 2025 is the season 2025-26."""
    return day.date.year if day.date.month >= FIRST_MONTH else day.date.year - 1
