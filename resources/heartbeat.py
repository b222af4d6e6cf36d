"""Objects that are written again and again, so that who watches from outside notices silence.

Whoever is silent cannot say so himself: a watcher elsewhere looks how old these objects are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from resources.site import StoreBlob
from resources.store import Store
from touchline.day import parse_instant
from touchline.formats import UNREADABLE_JSON


class NewestFetch(msgspec.Struct, frozen=True):
    """The newest fetch that landed: its New York day, number, and minute (ISO 8601, UTC)."""

    day: str
    number: int
    minute: str


class Heartbeat(msgspec.Struct, frozen=True):
    """Times are ISO 8601 in UTC; None is unknown, as before the first fetch or verdict."""

    feed: str
    written_at: str
    newest_fetch: NewestFetch | None
    newest_verdict_at: str | None
    alerts_open: int
    notices_undelivered: int
    alerts_undelivered: int
    """About matches."""


class _Dated(msgspec.Struct):
    written_at: str


def written_at(body: bytes) -> datetime:
    """When a heartbeat was written, whatever else the version that wrote it said. Raises
    ValueError."""
    try:
        return parse_instant(msgspec.json.decode(body, type=_Dated).written_at)
    except UNREADABLE_JSON as error:
        raise ValueError(str(error)) from error


def heartbeat_key(feed: str) -> str:
    return f"status/heartbeat-{feed}.json"


def beat(store: Store, heartbeat: Heartbeat) -> bool:
    """Write it over the one before; False where somebody else just did. Raises StoreError."""
    return _write_over(store, heartbeat_key(heartbeat.feed), heartbeat)


STATUS_KEY = "status/status.json"
"""What `touchline status --json` says, of all feeds."""


def write_status(store: Store, said: Mapping[str, Any]) -> bool:
    """The same of the status."""
    return _write_over(store, STATUS_KEY, said)


def _write_over(store: Store, key: str, said: object) -> bool:
    blob = StoreBlob(store, key)
    found = blob.read()
    return blob.replace(msgspec.json.encode(said) + b"\n", found and found[1])
