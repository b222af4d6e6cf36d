"""The keys below `watch/`: when fetches were expected, which slots a day was planned to have, and
which were missed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from touchline.day import Day
from touchline.slot import implied_raw

_OPENED = "%Y%m%dT%H%M%S.%fZ"
_INTERVAL = re.compile(r"watch/[^/]+/intervals/([^/]+)\.json")
_OF_DAY = re.compile(r"watch/([^/]+)/(?:([^/]+)/)?date=(\d{4}-\d{2}-\d{2})/(missed|plans)\.json")


def watch_prefix(feed: str) -> str:
    return f"watch/{feed}/"


def interval_key(feed: str, opened: datetime) -> str:
    return f"{watch_prefix(feed)}intervals/{opened.astimezone(UTC):{_OPENED}}.json"


def missed_key(raw: str, day: Day) -> str:
    """Return the key of a day's missed slots. Only a raw asset that nothing implies is named."""
    return f"{_folder(raw, day)}missed.json"


def plans_key(raw: str, day: Day) -> str:
    """Return the key of a day's plans."""
    return f"{_folder(raw, day)}plans.json"


def _folder(raw: str, day: Day) -> str:
    feed, _, asset = raw.partition("/")
    folder = "" if raw == implied_raw(feed) else f"{asset}/"
    return f"{watch_prefix(feed)}{folder}date={day}/"


def opened_of(key: str) -> datetime | None:
    """When the interval of this key was opened (UTC); None for any other key."""
    found = _INTERVAL.fullmatch(key)
    return datetime.strptime(found[1], _OPENED).replace(tzinfo=UTC) if found else None


def missed_at(key: str) -> tuple[str, Day] | None:
    """Return the raw asset and the day whose missed slots stand at this key; None for any other
    key."""
    return _of_day(key, "missed")


def plans_at(key: str) -> tuple[str, Day] | None:
    """Return the raw asset and the day whose plans stand at this key; None for any other key."""
    return _of_day(key, "plans")


def _of_day(key: str, name: str) -> tuple[str, Day] | None:
    found = _OF_DAY.fullmatch(key)
    if found is None or found[4] != name:
        return None
    feed, asset, day, _ = found.groups()
    return f"{feed}/{asset}" if asset else implied_raw(feed), Day.parse(day)
