"""The origin of each feed's data below a prefix: live, simulated or recorded.

Data of two origins of one feed never mix: an object says the origin of each, and is made before the
feed's first fetch.

    origin.json             football's
    origins/<feed>.json     another feed's
"""

from __future__ import annotations

import msgspec

from resources.store import NotFound, Store

FIRST_FEED = "football"
"""The feed whose origin stands where a prefix had its only one."""
_FOLDER = "origins/"


class _Origin(msgspec.Struct):
    origin: str


def origin_key(feed: str) -> str:
    """Return the key of the object that says a feed's origin."""
    return "origin.json" if feed == FIRST_FEED else f"{_FOLDER}{feed}.json"


def origin_body(origin: str) -> bytes:
    """Return the object that says this origin."""
    return msgspec.json.encode(_Origin(origin))


def read_origin(store: Store, feed: str) -> str | None:
    """Return a feed's origin; None before its first fetch.

    Raises StoreError; one of `UNREADABLE_JSON` where the object is damaged.
    """
    try:
        return msgspec.json.decode(store.get(origin_key(feed)).body, type=_Origin).origin
    except NotFound:
        return None


def read_origins(store: Store) -> dict[str, str]:
    """Return the origin of each feed that has one. Raises as `read_origin` does."""
    others = (item.key.removeprefix(_FOLDER) for item in store.list(_FOLDER))
    feeds = (FIRST_FEED, *(name.removesuffix(".json") for name in others))
    said = {feed: read_origin(store, feed) for feed in feeds}
    return {feed: origin for feed, origin in said.items() if origin is not None}
