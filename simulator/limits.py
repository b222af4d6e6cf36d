"""The vendor's request quotas, counted in a sliding window on the simulator's clock."""

from __future__ import annotations

from collections import deque

ODDS_HISTORY_CALLS = 120
WINDOW_SECONDS = 60


class SlidingWindow:
    """At most `calls` accepted calls in any `seconds`; a call exactly that old no longer counts."""

    def __init__(self, calls: int = ODDS_HISTORY_CALLS, seconds: float = WINDOW_SECONDS) -> None:
        self._calls = calls
        self._seconds = seconds
        self._accepted: deque[float] = deque()

    def accept(self, now: float) -> bool:
        """Whether a call at `now` (s) is within the quota; calls refused do not count.

        A clock set back starts a new window: calls later than now have not happened.
        """
        if self._accepted and self._accepted[-1] > now:
            self._accepted.clear()
        while self._accepted and now - self._accepted[0] >= self._seconds:
            self._accepted.popleft()
        if len(self._accepted) >= self._calls:
            return False
        self._accepted.append(now)
        return True
