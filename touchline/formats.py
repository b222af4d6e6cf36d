"""Which formats of what is stored are read: a version's own, and the one before it.

Each stored form has a `FORMAT`, the one that is written, and `READABLE_FORMATS`. Whoever raises the
first keeps a reader of the last, so that a new version goes on with what the old one left.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

UNREADABLE_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that are not the JSON they should be: damaged, or cut short, also
within a character."""


class _Said(msgspec.Struct):
    format: int


def unread(found: int, readable: Sequence[int]) -> str | None:
    """Why what has this format is not read, and what to do; None where it is."""
    if found in readable:
        return None
    known = " and ".join(map(str, readable))
    return (
        f"format {found}; this version reads {known}: use the Touchline that wrote it, or a newer"
        " one"
    )


def unread_json(text: bytes, readable: Sequence[int]) -> str | None:
    """The same of a JSON document that could not be decoded; None where it is damaged rather."""
    try:
        return unread(msgspec.json.decode(text, type=_Said).format, readable)
    except UNREADABLE_JSON:
        return None
