"""Which store a second copy is of: two stores never mix in one place."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from resources.site import ORIGIN_KEY
from resources.store import NotFound, PreconditionFailed, Store, StoreError
from touchline.formats import UNREADABLE_JSON

STORE_KEY = "store.json"
"""The store's own name, made once; it stands in its copies too, so that one of them can take its
place and go on."""
MARKER_KEY = "mirror.json"
"""Says that this is a copy, and of which store and origin."""


class MirrorRefused(StoreError):
    """The place for the second copy holds something else; nothing was written there."""

    kind = "mirror_refused"
    advice = None


def claim_mirror(source: Store, there: Store, new_name: str) -> None:
    """Mark the place as holding the copy of this store, once and for all. `new_name` becomes the
    store's where it has none.

    Raises MirrorRefused when it is the store itself, or holds the copy of another store or of data
    of another origin, or anything that was not mirrored; StoreError.
    """
    if _place(source) == _place(there):
        raise MirrorRefused(
            f"{_name(there)} is where the store itself is: set TOUCHLINE_MIRROR_BUCKET to a bucket "
            "in another place"
        )
    origin = _read(source, ORIGIN_KEY)
    if origin is None:
        raise MirrorRefused(f"{_name(source)} has no {ORIGIN_KEY}: there is nothing to mirror")
    ours = {"store": _store_name(source, new_name), "origin": origin["origin"]}
    found = _read(there, MARKER_KEY)
    if found is None:
        if next(there.list(""), None) is not None:
            raise MirrorRefused(
                f"{_name(there)} holds data that no mirror put there: choose another "
                "TOUCHLINE_MIRROR_BUCKET or TOUCHLINE_MIRROR_PREFIX"
            )
        with suppress(PreconditionFailed):
            there.put_new(MARKER_KEY, msgspec.json.encode(ours))
        found = _read(there, MARKER_KEY)
    if found != ours:
        theirs = found or {}
        raise MirrorRefused(
            f"{_name(there)} is the copy of store {theirs.get('store')} ({theirs.get('origin')} "
            f"data), and this is store {ours['store']} ({ours['origin']} data): choose another "
            "TOUCHLINE_MIRROR_BUCKET or TOUCHLINE_MIRROR_PREFIX"
        )
    for key in (STORE_KEY, ORIGIN_KEY):
        if _read(there, key) is None:
            there.put_new(key, source.get(key).body)


def etags_compare(source: Store, there: Store) -> bool:
    """Whether equal ETags mean equal bytes in both places, told by an object that is the same in
    both. Under some ways of encryption they do not."""
    return source.head(STORE_KEY).etag == there.head(STORE_KEY).etag


def _store_name(source: Store, new_name: str) -> str:
    try:
        source.put_new(STORE_KEY, msgspec.json.encode({"store": new_name}))
    except PreconditionFailed:
        known = _read(source, STORE_KEY) or {}
        return str(known.get("store"))
    return new_name


def _read(store: Store, key: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(store.get(key).body, type=dict[str, Any])
    except NotFound:
        return None
    except UNREADABLE_JSON as error:
        raise MirrorRefused(f"{_name(store)}/{key} is damaged: {error}") from error


def _place(store: Store) -> tuple[str, str]:
    return store.endpoint, store.bucket


def _name(store: Store) -> str:
    return "/".join(part for part in (f"s3://{store.bucket}", store.prefix.strip("/")) if part)
