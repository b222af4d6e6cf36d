"""What time it is: the system's, a moment that stands still until it is set again, or what an
answer over HTTP says.

Whatever writes a time asks a clock, so that a replay of recorded minutes carries their times and
not those of the replay. Durations and deadlines are real time and never come from here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still between two calls of `set`."""

    def __init__(self, start: datetime) -> None:
        """Raises ValueError for a time without a zone."""
        self.set(start)

    def set(self, instant: datetime) -> None:
        """Raises ValueError for a time without a zone."""
        if instant.tzinfo is None:
            raise ValueError(f"a clock needs a time with a zone, not {instant.isoformat()}")
        self._now = instant.astimezone(UTC)

    def now(self) -> datetime:
        return self._now


class CatchingUp:
    """A clock that is behind the machine's and runs `speedup` times as fast, until they agree at
    `meets`; from then on it is the machine's. For demonstrations on a simulated source: days pass
    in minutes, and none of them lies in the future."""

    def __init__(self, meets: datetime, speedup: float, machine: Clock | None = None) -> None:
        """Raises ValueError for a time without a zone, and for a clock that does not run
        forward."""
        if meets.tzinfo is None:
            raise ValueError(f"a clock needs a time with a zone, not {meets.isoformat()}")
        if not 1 <= speedup < float("inf"):
            raise ValueError(f"a clock that catches up is not {speedup} times as fast")
        self._meets, self._speedup = meets.astimezone(UTC), speedup
        self.machine = machine or SystemClock()

    def now(self) -> datetime:
        now = self.machine.now()
        behind = max(self._meets - now, timedelta())
        return now - behind * (self._speedup - 1)


def parse_http_date(text: str) -> datetime | None:
    """Return the time of a `Date` or `Retry-After` header, aware; None where it cannot be read.

    A time without a zone is UTC (RFC 9110, 5.6.7).
    """
    try:
        said = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return said if said.tzinfo else said.replace(tzinfo=UTC)
