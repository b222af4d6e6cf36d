"""What Touchline rests on in an object store, tried at start in a scratch folder of the prefix.

S3 is a family of servers, gateways and caches, and some of them take a conditional write and ignore
its condition: then nothing fails until two runs meet, and a fetch is gone. So each promise is tried
before the first fetch and not believed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from resources.store import (
    AccessRefused,
    NoSuchBucket,
    NotFound,
    ObjectInfo,
    PreconditionFailed,
    Store,
    StoreError,
    StoreUnavailable,
)
from touchline.clock import Clock, parse_http_date

FOLDER = "probe"
CLOCK_TOLERANCE = timedelta(seconds=2)
CLOCK_LIMIT = timedelta(seconds=60)
SHOWN_CHARACTERS = 100
_BODY = b"Touchline tries the promises of this store.\x00\xff" * 100
_OTHER = b"written over"
_METADATA = {"fetch-id": "Qx7LmA20bTzK", "account": '{"received":0}'}
_NO_ETAG = "0" * 32
RACERS = 8
"""Gateways are known that refuse a second writer, and let three at the same moment all win."""


class Promise(StrEnum):
    """Named as people look for it in a store's manual."""

    READ_BACK = "read-back"
    IF_NONE_MATCH = "If-None-Match"
    IF_MATCH = "If-Match"
    LIST_AFTER_WRITE = "list-after-write"
    GONE_AFTER_DELETE = "gone-after-delete"
    CONDITIONAL_DELETE = "conditional-delete"
    CLOCK = "clock"


_RESTS_ON = {
    Promise.READ_BACK: (
        "no check could trust what it reads; look for a proxy or gateway that changes bodies or"
        " x-amz-meta headers"
    ),
    Promise.IF_NONE_MATCH: (
        "two runs of one minute would overwrite each other and a fetch be lost; use a store that"
        " honours If-None-Match on PUT, or a newer version of this one"
    ),
    Promise.IF_MATCH: (
        "a rebuild would overwrite what landed meanwhile, or replace nothing; use a store that"
        " honours If-Match on PUT, or a newer version of this one"
    ),
    Promise.LIST_AFTER_WRITE: (
        "work that is done would be done again and checks would call it lost; use a store whose"
        " listings are consistent, without a cache before it"
    ),
    Promise.GONE_AFTER_DELETE: (
        "what was replaced by a window or a sealed day would be read twice; use a store whose"
        " deletions are consistent, without a cache before it"
    ),
    Promise.CONDITIONAL_DELETE: (
        "what a rebuild writes at the moment at which its window takes its place could be removed;"
        " the next check would name it, and another rebuild make it again"
    ),
}
_WARNS = {Promise.CONDITIONAL_DELETE}


@dataclass(frozen=True)
class Broken:
    """A promise that the store does not keep. `matters` False: Touchline works, with a warning."""

    promise: Promise
    seen: str
    rests_on: str
    matters: bool = True

    def __str__(self) -> str:
        return f"{self.promise}: {self.seen}: {self.rests_on}"


def broken_promises(
    store: Store, clock: Clock, scratch: str, *, racers: int = RACERS
) -> list[Broken]:
    """Return every promise that this store breaks, after some fifty requests.

    `scratch` is a name that nobody else uses; what is written below it is removed. `racers` write
    one object at the same moment, which takes the embedded store seconds. Raises
    StoreUnavailable, AccessRefused and NoSuchBucket where nothing can be told.
    """
    probe = _Probe(store, f"{FOLDER}/{scratch}/", racers)
    tries = {
        Promise.READ_BACK: probe.read_back,
        Promise.IF_NONE_MATCH: probe.if_none_match,
        Promise.IF_MATCH: probe.if_match,
        Promise.LIST_AFTER_WRITE: probe.list_after_write,
        Promise.GONE_AFTER_DELETE: probe.gone_after_delete,
        Promise.CONDITIONAL_DELETE: probe.conditional_delete,
    }
    broken = []
    try:
        for promise, tried in tries.items():
            try:
                seen = tried()
            except (StoreUnavailable, AccessRefused, NoSuchBucket):
                raise
            except StoreError as error:
                seen = str(error)
            if seen is not None:
                broken.append(Broken(promise, seen, _RESTS_ON[promise], promise not in _WARNS))
    finally:
        probe.remove()
    return broken + list(_clock(store, clock))


@dataclass
class _Probe:
    """Each try has an object of its own, so that one broken promise does not look like another. It
    returns what it saw that should not be, None where all is well."""

    store: Store
    folder: str
    racers: int

    def read_back(self) -> str | None:
        key = self._key(Promise.READ_BACK)
        self._put(key)
        found, ranged, file = self.store.get(key), self.store.get_range(key, 45, 100), io.BytesIO()
        self.store.download(key, file)
        if (found.body, ranged, file.getvalue()) != (_BODY, _BODY[45:145], _BODY):
            return "what is read is not what was written"
        if found.metadata != _METADATA:
            return f"the metadata {_METADATA} came back as {dict(found.metadata)}"
        return None

    def if_none_match(self) -> str | None:
        key = self._key(Promise.IF_NONE_MATCH)
        etag = self._put(key)
        try:
            self.store.put_new(key, _OTHER)
        except PreconditionFailed:
            if self.store.head(key).etag != etag:
                return "a PUT over an object that exists was refused and has changed it"
        else:
            return "a PUT over an object that exists was accepted"
        race = self._race_key(Promise.IF_NONE_MATCH)
        return self._race(race, lambda body: self.store.put_new(race, body))

    def if_match(self) -> str | None:
        key = self._key(Promise.IF_MATCH)
        etag = self._put(key)
        try:
            self.store.replace(key, _OTHER, _NO_ETAG)
        except PreconditionFailed:
            if self.store.head(key).etag != etag:
                return "a PUT with another ETag was refused and has changed the object"
        else:
            return "a PUT with another ETag than the object's was accepted"
        try:
            replaced = self.store.replace(key, _OTHER, etag)
        except PreconditionFailed:
            return "a PUT with the object's own ETag was refused"
        if self.store.head(key).etag != replaced:
            return "a PUT with the object's own ETag was accepted and has changed nothing"
        race = self._race_key(Promise.IF_MATCH)
        stood = self._put(race)
        return self._race(race, lambda body: self.store.replace(race, body, stood))

    def _race(self, key: str, write: Callable[[bytes], str]) -> str | None:
        """Let all racers write one object at the same moment, each another body. One may win."""

        def tried(body: bytes) -> str | None:
            try:
                return write(body)
            except StoreError:  # Refused, or told to come again.
                return None

        with ThreadPoolExecutor(self.racers) as pool:
            etags = pool.map(tried, [b"%d" % number for number in range(self.racers)])
            won = [etag for etag in etags if etag is not None]
        if len(won) > 1:
            return f"{len(won)} of {self.racers} PUTs of one object at one moment were accepted"
        if won and self.store.head(key).etag != won[0]:
            return "of PUTs of one object at one moment, another one stands than was accepted"
        return None

    def list_after_write(self) -> str | None:
        key = self._key(Promise.LIST_AFTER_WRITE)
        self._listed()
        etag = self._put(key)
        found = self._listed().get(key)
        if found is None:
            return "an object that was just written is not listed"
        if (found.size, found.etag) != (len(_BODY), etag):
            return (
                f"an object of {len(_BODY)} bytes with ETag {etag} is listed with"
                f" {found.size} bytes and {found.etag}"
            )
        return None

    def gone_after_delete(self) -> str | None:
        key = self._key(Promise.GONE_AFTER_DELETE)
        self._put(key)
        # So that whatever keeps answers has them.
        self.store.get_range(key, 0, 1)
        self._listed()
        self.store.delete(key)
        try:
            self.store.get_range(key, 0, 1)
        except NotFound:
            if key in self._listed():
                return "an object that was just deleted is still listed"
            return None
        return "an object that was just deleted can still be read"

    def conditional_delete(self) -> str | None:
        key = self._key(Promise.CONDITIONAL_DELETE)
        etag = self._put(key)
        with suppress(PreconditionFailed):
            self.store.delete(key, _NO_ETAG)
        try:
            self.store.head(key)
        except NotFound:
            return "a DELETE with another ETag than the object's has removed it"
        try:
            self.store.delete(key, etag)
        except PreconditionFailed:
            return "a DELETE with the object's own ETag was refused"
        return None

    def _listed(self) -> dict[str, ObjectInfo]:
        return {item.key: item for item in self.store.list(self.folder)}

    def remove(self) -> None:
        races = map(self._race_key, (Promise.IF_NONE_MATCH, Promise.IF_MATCH))
        for key in (*races, *map(self._key, _RESTS_ON)):
            self.store.delete(key)

    def _put(self, key: str) -> str:
        return self.store.put_new(key, _BODY, _METADATA)

    def _key(self, promise: Promise) -> str:
        return f"{self.folder}{promise}"

    def _race_key(self, promise: Promise) -> str:
        return f"{self._key(promise)}-race"


def _clock(store: Store, clock: Clock) -> Iterator[Broken]:
    """The store's clock against ours; a slow answer is no difference."""
    before = clock.now()
    header = store.date_header()
    after = clock.now()
    if header is None:
        return
    said = parse_http_date(header)
    if said is None:
        yield Broken(
            Promise.CLOCK,
            f"its Date header cannot be read: {header[:SHOWN_CHARACTERS]!r}",
            "whether its clock and ours agree could not be checked",
            matters=False,
        )
        return
    skew = _apart(said, before, after)
    if abs(skew) <= CLOCK_TOLERANCE:
        return
    seen = f"the store's clock is {abs(skew).total_seconds():,.0f} s "
    seen += "ahead of ours" if skew > timedelta() else "behind ours"
    matters = abs(skew) > CLOCK_LIMIT
    rests_on = (
        "a fetch is stored under the minute of our clock, and one of the two is more than a minute"
        " off; set them by NTP"
        if matters
        else "if it is ours that is off, each minute is fetched that much too early or late; set"
        " them by NTP"
    )
    yield Broken(Promise.CLOCK, seen, rests_on, matters)


def _apart(said: datetime, before: datetime, after: datetime) -> timedelta:
    """How far a time in whole seconds lies outside the moments around it."""
    if said > after:
        return said - after
    return min(said + timedelta(seconds=1) - before, timedelta())
