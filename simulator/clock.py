"""The simulator's clock: the system's, or a moment that stands still until it is set again."""

from __future__ import annotations

from datetime import UTC, datetime


class Clock:
    """Tells the simulator the time; every answer is a function of it.

    A set clock is frozen: a replay sets it to each scheduled minute in turn, and all calls of
    that minute see the same world.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._set_to: datetime | None = None
        self.set(now)

    def set(self, now: datetime | None) -> None:
        """Freeze the clock at an aware time, or give it back to the system with None."""
        if now is not None and now.tzinfo is None:
            raise ValueError(f"the clock needs a time with a zone, got {now.isoformat()}")
        self._set_to = now.astimezone(UTC) if now is not None else None

    @property
    def frozen(self) -> bool:
        return self._set_to is not None

    def now(self) -> datetime:
        """The current time in UTC."""
        return self._set_to or datetime.now(UTC)

    def timestamp(self) -> float:
        """The current time in Unix seconds."""
        return self.now().timestamp()


class SpedUp(Clock):
    """A clock that agrees with another at `anchor` and runs `speedup` times as fast.

    Who knows the two numbers can work out its time. Where the other clock is set, this one tells
    the same moment. Setting this one sets the other.
    """

    def __init__(self, anchor: datetime, speedup: float, clock: Clock | None = None) -> None:
        if anchor.tzinfo is None:
            raise ValueError(f"the anchor needs a time with a zone, got {anchor.isoformat()}")
        if speedup <= 0:
            raise ValueError(f"a clock runs forward, not {speedup} times as fast")
        self._anchor = anchor.astimezone(UTC)
        self._speedup = speedup
        self._clock = clock or Clock()

    def set(self, now: datetime | None) -> None:
        self._clock.set(now)

    @property
    def frozen(self) -> bool:
        return self._clock.frozen

    def now(self) -> datetime:
        now = self._clock.now()
        return now if self.frozen else self._anchor + (now - self._anchor) * self._speedup
