"""Thirty clean days: both clock changes, an outage, a day without matches, and ordinary ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from touchline.day import Day, Minute

SAMPLED = os.environ.get("TOUCHLINE_DAYS") == "sampled"
HALF_AN_HOUR = 30
FOUR_HOURS = 40 if SAMPLED else 240
"""About a clock change; of the sampled form some minutes on either side."""
OUTAGE_MINUTES = FOUR_HOURS // 6
ORDINARY_DAYS = 3 if SAMPLED else 25
AFTER_MIDNIGHT = [timedelta(minutes=m) for m in (0, 1, 2, 5, 15, 18, 30, 60, 119, 121, 180)]
"""When a day is looked at that has ended and is not sealed: about each limit of time there is."""
OF_ORDINARY_DAYS = [timedelta(minutes=m) for m in (1, 18, 60, 121)]


@dataclass(frozen=True)
class MatchDay:
    """Minutes that are watched in one go. `down` counts those in the middle of them in which
    nothing runs, while somebody still wants every minute."""

    name: str
    start: Minute
    minutes: int = HALF_AN_HOUR
    down: int = 0
    has_matches: bool = True

    @property
    def is_up(self) -> list[Minute]:
        """The minutes that run."""
        first = (self.minutes - self.down) // 2
        return [
            self.start.later(passed)
            for passed in range(self.minutes)
            if not first <= passed < first + self.down
        ]

    @property
    def looks(self) -> list[timedelta]:
        """When it is looked at after midnight."""
        return AFTER_MIDNIGHT if self.name != "ordinary" else OF_ORDINARY_DAYS

    @property
    def days(self) -> list[Day]:
        """The New York days that it touches, oldest first."""
        return sorted({self.start.day, self.start.later(self.minutes - 1).day})

    def __str__(self) -> str:
        return f"{self.start.day}-{self.name}"


def season() -> Iterator[MatchDay]:
    """The long ones first, since two processes share them out."""
    springs, falls = Minute.parse("2025-03-09T07:00:00Z"), Minute.parse("2025-11-02T06:00:00Z")
    yield MatchDay("spring-forward", springs.later(-FOUR_HOURS // 2), FOUR_HOURS)
    yield MatchDay("fall-back", falls.later(-FOUR_HOURS // 2), FOUR_HOURS)
    outage = Minute.parse("2025-07-08T20:00:00Z")
    yield MatchDay("outage", outage, FOUR_HOURS, down=OUTAGE_MINUTES)
    yield MatchDay("no-matches", Minute.parse("2025-07-14T15:00:00Z"), has_matches=False)
    yield MatchDay("across-midnight", Minute.parse("2025-08-02T03:45:00Z"))
    first = Day.parse("2025-08-05")
    for passed in range(ORDINARY_DAYS):
        day = first.shifted(passed)
        # At another time of each day, and never at the same minute of an hour.
        yield MatchDay("ordinary", Minute(day.start).later(passed * 57 % (24 * 60 - HALF_AN_HOUR)))
