"""Answers that hardly change, such as teams and competitions, kept between fetches.

The cache is one blob, shared by all machines that write to one store. Losing it costs calls and
nothing else: whatever is wrong with it is a warning, and the vendor is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from touchline.accounting import sha256_hex
from touchline.compression import zstd
from touchline.formats import UNREADABLE_JSON

logger = logging.getLogger(__name__)

FORMAT = 1
UNSEEN_DAYS = 7
_CONFLICTS = 5
_ZSTD_LEVEL = 3


class Blob(Protocol):
    """A few megabytes somewhere, replaced as a whole."""

    def read(self) -> tuple[bytes, str] | None:
        """The bytes and their ETag; None when there are none yet."""
        ...

    def replace(self, data: bytes, etag: str | None) -> bool:
        """Write if the blob still has this ETag (None: none yet); whether it was written."""
        ...


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one id: its last good answer, its last failure, or both."""

    body: str | None = None
    fetched_at: datetime | None = None
    fetch_id: str | None = None
    http_status: int | None = None
    date_header: str | None = None
    seen_at: datetime | None = None
    """When a fetch last referred to it, to within a day."""
    failed_at: datetime | None = None
    failure: str | None = None


Entries = Mapping[str, Mapping[str, Entry]]
"""endpoint -> id -> entry; an endpoint without ids has the id ""."""


class _Document(msgspec.Struct):
    format: int
    entries: dict[str, dict[str, Entry]]


class ReferenceCache:
    """The cache behind a blob; `name` says in warnings which one."""

    def __init__(self, blob: Blob, *, name: str = "reference cache") -> None:
        self._blob = blob
        self._name = name

    def load(self) -> Entries:
        """Everything that is kept; nothing when the blob is missing, unreachable or unreadable."""
        try:
            return self._read()[0]
        except Exception as error:
            logger.warning("%s cannot be read (%s): asking anew", self._name, _what(error))
            return {}

    def store(self, updates: Entries, *, now: datetime) -> None:
        """Add these to what is kept; of two versions of an entry the newer stays.

        Drops what no fetch has referred to for a week. When others write at the same time, theirs
        is read again and merged.
        """
        if not any(updates.values()):
            return
        try:
            for _ in range(_CONFLICTS):
                kept, etag = self._read()
                document = _Document(FORMAT, _pruned(_merged(kept, updates), now))
                data = zstd.compress(msgspec.json.encode(document), _ZSTD_LEVEL)
                if self._blob.replace(data, etag):
                    return
            logger.warning("%s is being written by others: not updated", self._name)
        except Exception as error:
            logger.warning("%s cannot be written (%s)", self._name, _what(error))

    def _read(self) -> tuple[Entries, str | None]:
        found = self._blob.read()
        if found is None:
            return {}, None
        data, etag = found
        try:
            document = msgspec.json.decode(zstd.decompress(data), type=_Document)
        except (zstd.ZstdError, EOFError, *UNREADABLE_JSON) as error:
            logger.warning("%s is damaged (%s): starting empty", self._name, _what(error))
            return {}, etag
        if document.format != FORMAT:
            logger.warning("%s has format %d: starting empty", self._name, document.format)
            return {}, etag
        return document.entries, etag


def _what(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _merged(kept: Entries, updates: Entries) -> dict[str, dict[str, Entry]]:
    merged = {endpoint: dict(entries) for endpoint, entries in kept.items()}
    for endpoint, entries in updates.items():
        mine = merged.setdefault(endpoint, {})
        for key, entry in entries.items():
            mine[key] = _newest(mine[key], entry) if key in mine else entry
    return merged


def _newest(a: Entry, b: Entry) -> Entry:
    answered = a if _not_before(a.fetched_at, b.fetched_at) else b
    failed = a if _not_before(a.failed_at, b.failed_at) else b
    outlived = answered.fetched_at is not None and _not_before(
        answered.fetched_at, failed.failed_at
    )
    return msgspec.structs.replace(
        answered,
        seen_at=a.seen_at if _not_before(a.seen_at, b.seen_at) else b.seen_at,
        failed_at=None if outlived else failed.failed_at,
        failure=None if outlived else failed.failure,
    )


def _not_before(a: datetime | None, b: datetime | None) -> bool:
    return b is None or (a is not None and a >= b)


def _pruned(entries: dict[str, dict[str, Entry]], now: datetime) -> dict[str, dict[str, Entry]]:
    oldest = now - timedelta(days=UNSEEN_DAYS)

    def is_used(entry: Entry) -> bool:
        times = [t for t in (entry.seen_at, entry.fetched_at, entry.failed_at) if t is not None]
        return bool(times) and max(times) >= oldest

    return {
        endpoint: {key: entry for key, entry in kept.items() if is_used(entry)}
        for endpoint, kept in entries.items()
    }


class MemoryBlob:
    """A blob that lives as long as the process."""

    def __init__(self, data: bytes | None = None) -> None:
        self.data = data

    def read(self) -> tuple[bytes, str] | None:
        return None if self.data is None else (self.data, sha256_hex(self.data))

    def replace(self, data: bytes, etag: str | None) -> bool:
        found = self.read()
        if (found[1] if found else None) != etag:
            return False
        self.data = data
        return True
