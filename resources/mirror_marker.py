"""Which store a second copy is of: two stores never mix in one place."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import msgspec

from resources.origins import FIRST_FEED, origin_key, read_origins
from resources.store import NotFound, PreconditionFailed, Store, StoreError
from touchline.formats import UNREADABLE_JSON

STORE_KEY = "store.json"
"""The store's own name, made once; it stands in its copies too, so that one of them can take its
place and go on."""
MARKER_KEY = "mirror.json"
"""Says that this is a copy, of which store, and of which origin the data of each feed are. That of
football stands by itself, where a copy had its only one."""


class MirrorRefused(StoreError):
    """The place for the second copy holds something else; nothing was written there."""

    kind = "mirror_refused"
    advice = None


def claim_mirror(source: Store, there: Store, new_name: str) -> None:
    """Mark the place as holding the copy of this store, once and for all. `new_name` becomes the
    store's where it has none. A feed that the copy does not know joins it.

    Raises MirrorRefused when it is the store itself, or holds the copy of another store or of data
    of a feed of another origin, or anything that was not mirrored; StoreError.
    """
    if _place(source) == _place(there):
        raise MirrorRefused(
            f"{_name(there)} is where the store itself is: set TOUCHLINE_MIRROR_BUCKET to a bucket "
            "in another place"
        )
    origins = _origins(source)
    if not origins:
        raise MirrorRefused(f"{_name(source)} says no feed's origin: there is nothing to mirror")
    ours = _Marker.of(_store_name(source, new_name), origins)
    found = _read(there, MARKER_KEY)
    if found is None:
        if next(there.list(""), None) is not None:
            raise MirrorRefused(
                f"{_name(there)} holds data that no mirror put there: choose another "
                "TOUCHLINE_MIRROR_BUCKET or TOUCHLINE_MIRROR_PREFIX"
            )
        with suppress(PreconditionFailed):
            there.put_new(MARKER_KEY, ours.encoded)
        found = _read(there, MARKER_KEY)
    theirs, etag = found or (_Marker("unknown"), "")
    joined = theirs.joined_by(ours)
    if joined is None:
        raise MirrorRefused(
            f"{_name(there)} is the copy of {theirs}, and this is {ours}: choose another "
            "TOUCHLINE_MIRROR_BUCKET or TOUCHLINE_MIRROR_PREFIX"
        )
    if joined != theirs:
        with suppress(PreconditionFailed):  # Another mirroring was faster.
            there.replace(MARKER_KEY, joined.encoded, etag)
    for key in (STORE_KEY, *map(origin_key, origins)):
        if not _is_there(there, key):
            there.put_new(key, source.get(key).body)


def etags_compare(source: Store, there: Store) -> bool:
    """Whether equal ETags mean equal bytes in both places, told by an object that is the same in
    both. Under some ways of encryption they do not."""
    return source.head(STORE_KEY).etag == there.head(STORE_KEY).etag


class _Marker(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of `mirror.json`; that of `store.json` has the first field alone."""

    store: str
    origin: str | None = None
    origins: dict[str, str] = {}

    @classmethod
    def of(cls, store: str, origins: Mapping[str, str]) -> _Marker:
        others = {feed: origin for feed, origin in origins.items() if feed != FIRST_FEED}
        return cls(store, origins.get(FIRST_FEED), others)

    @property
    def by_feed(self) -> dict[str, str]:
        return self.origins if self.origin is None else {FIRST_FEED: self.origin, **self.origins}

    @property
    def encoded(self) -> bytes:
        return msgspec.json.encode(self)

    def joined_by(self, other: _Marker) -> _Marker | None:
        """Return the marker of the feeds of both; None where they are of two stores, or of two
        origins of one feed."""
        ours, theirs = self.by_feed, other.by_feed
        if self.store != other.store or ours | theirs != theirs | ours:
            return None
        return self.of(self.store, ours | theirs)

    def __str__(self) -> str:
        said = ", ".join(f"{origin} data of {feed}" for feed, origin in self.by_feed.items())
        return f"store {self.store} ({said})"


def _store_name(source: Store, new_name: str) -> str:
    try:
        source.put_new(STORE_KEY, _Marker(new_name).encoded)
    except PreconditionFailed:
        return known[0].store if (known := _read(source, STORE_KEY)) else new_name
    return new_name


def _origins(store: Store) -> dict[str, str]:
    try:
        return read_origins(store)
    except UNREADABLE_JSON as error:
        raise MirrorRefused(f"{_name(store)}: the origin of a feed is damaged: {error}") from error


def _read(store: Store, key: str) -> tuple[_Marker, str] | None:
    """Return what an object says, and its ETag; None where there is none."""
    try:
        found = store.get(key)
        return msgspec.json.decode(found.body, type=_Marker), found.etag
    except NotFound:
        return None
    except UNREADABLE_JSON as error:
        raise MirrorRefused(f"{_name(store)}/{key} is damaged: {error}") from error


def _is_there(store: Store, key: str) -> bool:
    try:
        store.head(key)
    except NotFound:
        return False
    return True


def _place(store: Store) -> tuple[str, str]:
    return store.endpoint, store.bucket


def _name(store: Store) -> str:
    return "/".join(part for part in (f"s3://{store.bucket}", store.prefix.strip("/")) if part)
