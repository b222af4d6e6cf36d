"""The simulator's clock: the system's, or a moment that stands still until it is set again."""

from __future__ import annotations

from datetime import UTC, datetime

from touchline.clock import CatchingUp


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
    """A clock that is behind another one and runs `speedup` times as fast, until they agree at
    `anchor`; from then on it is that.

    Who knows the two numbers can work out its time. Where the other clock is set, this one tells
    the same moment. Setting this one sets the other.
    """

    def __init__(self, anchor: datetime, speedup: float, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._behind = CatchingUp(anchor, speedup, self._clock)

    def set(self, now: datetime | None) -> None:
        self._clock.set(now)

    @property
    def frozen(self) -> bool:
        return self._clock.frozen

    def now(self) -> datetime:
        return self._clock.now() if self.frozen else self._behind.now()
