"""The vendor's JSON taken apart only as far as a stage needs; the rest stays text.

Every response is `{"code": 0, "results": ...}`. What cannot be read as it should be raises
Malformed, which names the field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from touchline.stage import Finding

T = TypeVar("T")

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What an integer column holds; one number beyond it would cost the whole fetch its columns."""

Text = msgspec.Raw | bytes | memoryview


NULL = msgspec.Raw(b"null")


class Malformed(ValueError):
    """A part of a response is not what the vendor documents; the message names the field."""


class Reader(Generic[T]):
    """A JSON decoder for one type that says which field it could not read."""

    def __init__(self, makes: Any) -> None:
        self._decoder = msgspec.json.Decoder(makes)

    def __call__(self, text: Text, field: str) -> T:
        try:
            return self._decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"{field}: {error}") from None


class _Body(msgspec.Struct):
    results: msgspec.Raw = msgspec.Raw(b"null")


_body: Reader[_Body] = Reader(_Body)
elements: Reader[list[msgspec.Raw]] = Reader(list[msgspec.Raw])
"""The elements of an array, as text."""
members: Reader[dict[str, msgspec.Raw]] = Reader(dict[str, msgspec.Raw])
"""The members of an object, as text."""
integer: Reader[int | None] = Reader(Int64 | None)
text: Reader[str | None] = Reader(str | None)


def results_of(body: Text) -> msgspec.Raw:
    """The `results` of a response, `null` where it has none. Raises Malformed."""
    return _body(body, "response").results


def starts(raw: msgspec.Raw) -> bytes:
    """The first byte of a JSON value, which tells its kind."""
    return bytes(memoryview(raw)[:1])


def list_of(raw: msgspec.Raw, field: str) -> list[msgspec.Raw]:
    """The elements of a list; none for `null` and `{}`, the vendor's other ways to say nothing.

    Raises Malformed for anything else.
    """
    if starts(raw) == b"n" or (starts(raw) == b"{" and not members(raw, field)):
        return []
    return elements(raw, field)


def known(value: str | None) -> str | None:
    """A text of the vendor, trimmed; null where it is empty, which means unknown."""
    return (value or "").strip() or None


class Noticed:
    """Findings of one fetch, each kind and key once, with how often and where it was first seen."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], str] = {}

    def note(self, kind: str, key: str, where: str, times: int = 1) -> None:
        self._counts[kind, key] += times
        self._first.setdefault((kind, key), where)

    def unknown_fields(
        self, part: str, found: Collection[str], expected: Collection[str], where: str
    ) -> None:
        for name in found:
            if name not in expected:
                self.note("unknown_field", f"{part}.{name}", where)

    def unknown_code(self, table: str, code: Any, codes: Collection[Any], where: str) -> None:
        if code not in codes:
            self.note("unknown_code", f"{table} {code}", where)

    def findings(self) -> list[Finding]:
        return [
            Finding(kind, key, f"{self._counts[kind, key]} times, first in {where}")
            for (kind, key), where in self._first.items()
        ]
