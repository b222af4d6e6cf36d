"""The marks of sealed days, all of them at once: one listing however long the past is."""

from __future__ import annotations

import re

from resources.day_layout import RAW, seal_of
from resources.store import Store
from touchline.day import Day

_DAY = re.compile(r"date=(\d{4}-\d{2}-\d{2})/(?:([^/]+)/)?[^/]+")

SealMarks = dict[tuple[Day, str], int]
"""Day and asset of each sealed day, with its manifest's number."""


def seal_marks(store: Store, feed: str) -> SealMarks:
    """Raises StoreError."""
    marks: SealMarks = {}
    for tier in ("raw", "hot"):
        below = f"{tier}/{feed}/"
        for item in store.list(below):
            number = seal_of(item.key)
            found = _DAY.fullmatch(item.key.removeprefix(below))
            if number is not None and found is not None:
                sealed = Day.parse(found[1]), f"{feed}/{found[2] or RAW}"
                marks[sealed] = max(number, marks.get(sealed, 0))
    return marks
