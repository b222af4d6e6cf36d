"""What a fetch shows of the feed behind it: one that lives says something new each minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SignsOfLife:
    """Each is None where the fetch does not show it."""

    unchanged: int | None
    """How many fetches right before this one brought the very same content."""
    in_play: int | None
    """How much is going on that should change the content, such as matches in play."""
    skew_seconds: float | None
    """How far the vendor's clock is ahead of ours."""
    newest: datetime | None
    """The latest beginning of what is going on."""
