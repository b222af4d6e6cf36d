"""The keys below `watch/`: which minutes were expected, and which of them were missed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from touchline.day import Day

_OPENED = "%Y%m%dT%H%M%S.%fZ"
_INTERVAL = re.compile(r"watch/[^/]+/intervals/([^/]+)\.json")
_MISSED = re.compile(r"watch/[^/]+/date=(\d{4}-\d{2}-\d{2})/missed\.json")


def watch_prefix(feed: str) -> str:
    return f"watch/{feed}/"


def interval_key(feed: str, opened: datetime) -> str:
    return f"{watch_prefix(feed)}intervals/{opened.astimezone(UTC):{_OPENED}}.json"


def missed_key(feed: str, day: Day) -> str:
    return f"{watch_prefix(feed)}date={day}/missed.json"


def opened_of(key: str) -> datetime | None:
    """When the interval of this key was opened (UTC); None for any other key."""
    found = _INTERVAL.fullmatch(key)
    return datetime.strptime(found[1], _OPENED).replace(tzinfo=UTC) if found else None


def day_of_missed(key: str) -> Day | None:
    """The day whose missed minutes stand at this key; None for any other key."""
    found = _MISSED.fullmatch(key)
    return Day.parse(found[1]) if found else None
