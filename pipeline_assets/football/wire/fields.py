"""The vendor's JSON taken apart only as far as a stage needs; the rest stays text.

Every response is `{"code": 0, "results": ...}`. What cannot be read as it should be raises
Malformed, which names the field. `FieldReader` reads each field of an object by itself, so that an
odd one costs no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec

from touchline.errors import TouchlineError
from touchline.stage import Finding

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What an integer column holds; one number beyond it would cost the whole fetch its columns."""

Text = msgspec.Raw | bytes | memoryview


NULL = msgspec.Raw(b"null")


class Malformed(TouchlineError, ValueError):
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


class Read(NamedTuple, Generic[S]):
    """An object of the vendor as far as it could be read. `unread` says of each of its other fields
    why not; they have their defaults."""

    value: S
    unread: Mapping[str, str]


class FieldReader(Generic[S]):
    """Reads an object into a Struct, each field by itself.

    A field of another type than the Struct's takes its default and is named in `unread`. Raises
    Malformed for what is no object, and where a field without a default is absent or odd.
    """

    def __init__(self, makes: type[S]) -> None:
        self._makes = makes
        self._whole: Reader[S] = Reader(makes)
        self._fields = msgspec.structs.fields(makes)
        self._readers = {field.name: Reader[Any](field.type) for field in self._fields}

    def __call__(self, text: Text, part: str) -> Read[S]:
        try:
            return Read(self._whole(text, part), {})
        except Malformed:
            return self._one_by_one(text, part)

    def _one_by_one(self, text: Text, part: str) -> Read[S]:
        given = members(text, part)
        values: dict[str, Any] = {}
        unread: dict[str, str] = {}
        for field in self._fields:
            name = f"{part}.{field.name}"
            if field.name not in given:
                if field.required:
                    raise Malformed(f"{name}: it is absent")
                continue
            try:
                values[field.name] = self._readers[field.name](given[field.name], name)
            except Malformed as error:
                if field.required:
                    raise
                unread[field.name] = str(error)
        return Read(self._makes(**values), unread)


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


class Unread(StrEnum):
    """Kinds of findings: a part of a match that is used and cannot be read. It is unknown, and
    costs nothing else. The key names the field."""

    UNKNOWN_FIGURE = "unknown_figure"
    """Of a score: null, no whole number, or negative other than the -1 of corners."""
    UNREAD_FIELD = "unread_field"
    """Of any other part: not of its documented type."""


class Noticed:
    """Findings of one fetch, each kind and key once, with how often and where it was first seen."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], str] = {}

    def note(self, kind: str, key: str, where: str, times: int = 1) -> None:
        self._counts[kind, key] += times
        self._first.setdefault((kind, key), where)

    def unread(self, part: str, fields: Mapping[str, str], where: str) -> None:
        """Note each of these fields of a part; `fields` says why it cannot be read."""
        for name, why in fields.items():
            self.note(Unread.UNREAD_FIELD, f"{part}.{name}", f"{where}: {why}")

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
            Finding(kind, key, f"{times} times, first in {where}", times)
            for (kind, key), where in self._first.items()
            if (times := self._counts[kind, key])
        ]
