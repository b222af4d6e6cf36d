"""What a fetch shows of the feed behind it: one that lives says something new each minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

ANOTHER_DAY = timedelta(hours=12)
"""No period of play lasts so long, nor begins so much later than it is told of."""


@dataclass(frozen=True)
class SignsOfLife:
    """What is None is not shown by the fetch."""

    unchanged: int | None
    """How many fetches right before this one brought the very same content."""
    in_play: int | None
    """How much is going on that should change the content, such as matches in play."""
    skew_seconds: float | None
    """How far the vendor's clock is ahead of ours."""
    unread_date: str | None = None
    """The vendor's `Date` header where that is why the skew is unknown: it cannot be read."""
    dated: int = 0
    """How much of what is going on says when it began."""
    far: Mapping[str, int] = field(default_factory=dict)
    """What of that began on another day than the fetch: its key, and when (Unix s)."""
