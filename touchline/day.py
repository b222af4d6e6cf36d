"""The New York day: minutes, their numbers, ten-minute windows, both clock changes.

A fetch belongs to a scheduled minute (UTC, seconds 0) and is numbered by the position of that
minute in its New York day. The number is computed, never counted: a counter once stuck at 1.
A day has 1,440 minutes, 1,380 on the spring change and 1,500 on the fall change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NewType

import pytz

FetchNumber = NewType("FetchNumber", int)
"""1 for the New York day's first minute, up to 1,380, 1,440 or 1,500."""

NEW_YORK = pytz.timezone("America/New_York")
WINDOW_MINUTES = 10
ONE_MINUTE = timedelta(minutes=1)


def new_york_text(instant: datetime) -> str:
    """The form people read in headers and logs: `07/08/2025 02:40:00 PM EDT`."""
    return instant.astimezone(NEW_YORK).strftime("%m/%d/%Y %I:%M:%S %p %Z")


def utc_text(instant: datetime) -> str:
    """ISO 8601 in UTC with `Z`; fractions of a second only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def utc_second_text(instant: datetime) -> str:
    """As `utc_text`, without fractions of a second: for people."""
    return utc_text(instant.replace(microsecond=0))


def parse_instant(text: str) -> datetime:
    """An ISO 8601 time with a zone, as UTC. Raises ValueError for a time without one."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write it like 2025-05-28T17:00:00Z")
    return instant.astimezone(UTC)


@dataclass(frozen=True, order=True, slots=True)
class Minute:
    """A scheduled minute: an aware UTC datetime with seconds 0."""

    utc: datetime

    def __post_init__(self) -> None:
        if self.utc.tzinfo is not UTC:
            raise ValueError(f"a minute is an aware UTC time, not {self.utc!r}")
        if self.utc.second or self.utc.microsecond:
            raise ValueError(f"a minute has no seconds: {self.utc.isoformat()}")

    @classmethod
    def containing(cls, instant: datetime) -> Minute:
        return cls(instant.astimezone(UTC).replace(second=0, microsecond=0))

    @classmethod
    def parse(cls, text: str) -> Minute:
        """From `2025-05-28T17:00:00Z`. Raises ValueError without a zone or with seconds."""
        return cls(parse_instant(text))

    @property
    def day(self) -> Day:
        return Day.containing(self.utc)

    @property
    def number(self) -> FetchNumber:
        return FetchNumber(int((self.utc - self.day.start) / ONE_MINUTE) + 1)

    @property
    def end(self) -> datetime:
        return self.utc + ONE_MINUTE

    def later(self, minutes: int) -> Minute:
        return Minute(self.utc + minutes * ONE_MINUTE)

    def __str__(self) -> str:
        return utc_text(self.utc)


@dataclass(frozen=True, order=True, slots=True)
class Day:
    """A calendar day in New York; the partition of every asset."""

    date: date

    @classmethod
    def containing(cls, instant: datetime) -> Day:
        return cls(instant.astimezone(NEW_YORK).date())

    @classmethod
    def parse(cls, text: str) -> Day:
        """From `2025-05-28`. Raises ValueError for anything else; there is no default day."""
        try:
            parsed = date.fromisoformat(text)
        except ValueError:
            parsed = None
        if parsed is None or parsed.isoformat() != text:  # 20250528 and 2025-W22-3 are ISO too.
            raise ValueError(f"{text!r} is not a day; write it like 2025-05-28")
        return cls(parsed)

    @property
    def start(self) -> datetime:
        """The UTC time of New York midnight, which exists and is unique on every date."""
        return _midnight(self.date)

    @property
    def end(self) -> datetime:
        return self.shifted(1).start

    @property
    def length(self) -> int:
        """Minutes in this day, from timestamps: local subtraction hides clock changes."""
        return int((self.end - self.start) / ONE_MINUTE)

    def shifted(self, days: int) -> Day:
        return Day(self.date + timedelta(days=days))

    def minute(self, number: int) -> Minute:
        """The minute with this fetch number. Raises ValueError outside 1 to `length`."""
        if not 1 <= number <= self.length:
            raise ValueError(f"{self} has minutes 1 to {self.length}, not {number}")
        return Minute(self.start + (number - 1) * ONE_MINUTE)

    def minutes(self) -> Iterator[Minute]:
        start = self.start
        return (Minute(start + i * ONE_MINUTE) for i in range(self.length))

    def windows(self) -> Iterator[Window]:
        return (Window(self, FetchNumber(n)) for n in range(1, self.length + 1, WINDOW_MINUTES))

    def __str__(self) -> str:
        return self.date.isoformat()


@lru_cache(maxsize=64)  # Asked for each minute of a day, and time zones cost more than the rest.
def _midnight(of: date) -> datetime:
    return NEW_YORK.localize(datetime.combine(of, time.min)).astimezone(UTC)


@dataclass(frozen=True, order=True, slots=True)
class Window:
    """Ten consecutive minutes, numbers 10k+1 to 10k+10, the same for every asset."""

    day: Day
    first: FetchNumber

    @classmethod
    def of(cls, day: Day, number: int) -> Window:
        return cls(day, FetchNumber((number - 1) // WINDOW_MINUTES * WINDOW_MINUTES + 1))

    @property
    def last(self) -> FetchNumber:
        return FetchNumber(self.first + WINDOW_MINUTES - 1)

    @property
    def start(self) -> datetime:
        return self.day.start + (self.first - 1) * ONE_MINUTE

    @property
    def end(self) -> datetime:
        """When its last minute has passed; a day's last window may be shorter than ten."""
        last = min(self.last, self.day.length)
        return self.day.start + last * ONE_MINUTE

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last

    def __str__(self) -> str:
        return f"{self.first:05d}-{self.last:05d}"
