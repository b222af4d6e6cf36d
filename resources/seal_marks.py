"""The marks of sealed days, all of them at once: one listing however long the past is."""

from __future__ import annotations

import re

from resources.day_layout import AssetKeys, seal_of
from resources.store import Store
from touchline.day import Day
from touchline.slot import implied_raw

_DAYS = {
    "raw": re.compile(r"(?:(?P<asset>[^/]+)/)?date=(?P<day>\d{4}-\d{2}-\d{2})/[^/]+"),
    "hot": re.compile(r"date=(?P<day>\d{4}-\d{2}-\d{2})/(?P<asset>[^/]+)/[^/]+"),
}

SealMarks = dict[tuple[Day, AssetKeys], int]
"""Each sealed day of an asset, with its manifest's number."""


def seal_marks(store: Store, feed: str) -> SealMarks:
    """Raises StoreError."""
    marks: SealMarks = {}
    for tier, day in _DAYS.items():
        below = f"{tier}/{feed}/"
        for item in store.list(below):
            number = seal_of(item.key)
            found = day.fullmatch(item.key.removeprefix(below))
            if number is not None and found is not None:
                name = found["asset"]
                asset = f"{feed}/{name}" if name else implied_raw(feed)
                keys = AssetKeys(asset, asset) if tier == "raw" else AssetKeys.of(asset, {})
                sealed = Day.parse(found["day"]), keys
                marks[sealed] = max(number, marks.get(sealed, 0))
    return marks
