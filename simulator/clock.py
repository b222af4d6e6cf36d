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
