"""What people have said about days and matches, beside the days in the store.

remarks/<feed>/date=D/<id>.json
"""

from __future__ import annotations

import msgspec

from resources.appended import Remark
from resources.store import PreconditionFailed, Store, StoreError
from touchline.day import Day
from touchline.formats import UNREADABLE_JSON


class DamagedRemark(StoreError):
    """An object below `remarks/` cannot be read; the message names it."""


def store_remark(store: Store, feed: str, day: Day, remark: Remark) -> bool:
    """Whether it stands there then; False where its id stands for another remark on this day.
    Raises StoreError."""
    key, body = f"{_prefix(feed, day)}{remark.id}.json", msgspec.json.encode(remark)
    try:
        store.put_new(key, body)
    except PreconditionFailed:
        return store.get(key).body == body
    return True


def remarks_on(store: Store, feed: str, day: Day) -> list[Remark]:
    """By id. Raises DamagedRemark, StoreError."""
    found = []
    for item in store.list(_prefix(feed, day)):
        try:
            found.append(msgspec.json.decode(store.get(item.key).body, type=Remark))
        except UNREADABLE_JSON as error:
            raise DamagedRemark(f"{item.key}: {error}") from error
    return found


def remarks_prefix(feed: str) -> str:
    return f"remarks/{feed}/"


def _prefix(feed: str, day: Day) -> str:
    return f"{remarks_prefix(feed)}date={day}/"
