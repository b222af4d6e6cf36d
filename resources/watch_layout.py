"""The keys below `watch/`: when fetches were expected, and which slots were missed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from touchline.day import Day
from touchline.slot import implied_raw

_OPENED = "%Y%m%dT%H%M%S.%fZ"
_INTERVAL = re.compile(r"watch/[^/]+/intervals/([^/]+)\.json")
_MISSED = re.compile(r"watch/([^/]+)/(?:([^/]+)/)?date=(\d{4}-\d{2}-\d{2})/missed\.json")


def watch_prefix(feed: str) -> str:
    return f"watch/{feed}/"


def interval_key(feed: str, opened: datetime) -> str:
    return f"{watch_prefix(feed)}intervals/{opened.astimezone(UTC):{_OPENED}}.json"


def missed_key(raw: str, day: Day) -> str:
    """Return the key of a day's missed slots. Only a raw asset that nothing implies is named."""
    feed, _, asset = raw.partition("/")
    folder = "" if raw == implied_raw(feed) else f"{asset}/"
    return f"{watch_prefix(feed)}{folder}date={day}/missed.json"


def opened_of(key: str) -> datetime | None:
    """When the interval of this key was opened (UTC); None for any other key."""
    found = _INTERVAL.fullmatch(key)
    return datetime.strptime(found[1], _OPENED).replace(tzinfo=UTC) if found else None


def missed_at(key: str) -> tuple[str, Day] | None:
    """Return the raw asset and the day whose missed slots stand at this key; None for any other
    key."""
    if (found := _MISSED.fullmatch(key)) is None:
        return None
    feed, asset, day = found.groups()
    return f"{feed}/{asset}" if asset else implied_raw(feed), Day.parse(day)
