"""The vendor's JSON taken apart as far as a record needs, each record by itself.

Every answer of balldontlie is `{"data": [...]}`, with `meta` where it comes in pages. What cannot
be read raises Malformed, which names the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from touchline.day import Day, parse_instant
from touchline.errors import TouchlineError
from touchline.fetch import Envelope

T = TypeVar("T")

Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What an integer column holds."""
Number = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]
"""A number that is finite: the texts of the others are refused."""
Text = msgspec.Raw | bytes | memoryview
YEARS = range(2000, 2100)
"""A date of any other would be planned for and waited for in vain, or be none of a calendar's."""

_PLACE = re.compile(r"^(?P<said>.*?)(?: - at `\$(?P<place>.*)`)?$", re.DOTALL)


class Malformed(TouchlineError, ValueError):
    """A part of an answer is not what the vendor documents; the message names the field."""


class Reader(Generic[T]):
    """A JSON decoder for one type that says which field it could not read.

    Numbers are in normal form once they are typed: 25, 25.0 and "25" are one integer.
    """

    def __init__(self, makes: Any) -> None:
        self._decoder = msgspec.json.Decoder(makes, strict=False)

    def __call__(self, text: Text, field: str) -> T:
        """Raises Malformed."""
        try:
            return self._decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            found = _PLACE.match(str(error))
            place, said = (found["place"] or "", found["said"]) if found else ("", str(error))
            raise Malformed(f"{field}{place}: {said}") from None


class _Body(msgspec.Struct):
    data: list[msgspec.Raw]


_body: Reader[_Body] = Reader(_Body)
members: Reader[dict[str, msgspec.Raw]] = Reader(dict[str, msgspec.Raw])
"""The members of an object, as text."""


@dataclass(frozen=True)
class Unread:
    """A record of the vendor that fits no shape: its place among its equals, from 1 on, as `#1`. Or
    a whole answer that is no list of records."""

    key: str
    raw: msgspec.Raw
    why: str
    is_response: bool = False


def data_of(body: Text) -> list[msgspec.Raw]:
    """Return the records of an answer as text. Raises Malformed."""
    return _body(body, "response").data


def answers_of(raw: Envelope, endpoint: str) -> Iterator[memoryview]:
    """Yield the bodies of the calls of this endpoint that were answered, a page each."""
    return (raw.stored(entry) for entry in raw.entries(endpoint) if not entry.error)


def listed(raw: Envelope, endpoint: str) -> Iterator[tuple[str, msgspec.Raw | Unread]]:
    """Yield each record of all pages as text, with its place; Unread for a page that is none."""
    place = 0
    for body in answers_of(raw, endpoint):
        try:
            records = data_of(body)
        except Malformed as error:
            place += 1
            yield f"#{place}", Unread(f"#{place}", msgspec.Raw(bytes(body)), str(error), True)
            continue
        for record in records:
            place += 1
            yield f"#{place}", record


def instant(text: str | None, field: str) -> datetime | None:
    """Return a time of the vendor in UTC. Raises Malformed."""
    if text is None:
        return None
    try:
        found = parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{field}: {error}") from None
    return _plausible(found, found.year, field)


def date_text(text: str, field: str) -> str:
    """Return a date of the vendor, such as `2026-01-09`. Raises Malformed for anything else."""
    try:
        day = Day.parse(text)
    except ValueError as error:
        raise Malformed(f"{field}: {error}") from None
    return str(_plausible(day, day.date.year, field))


def _plausible(found: T, year: int, field: str) -> T:
    """Raises Malformed for a time of another century."""
    if year not in YEARS:
        raise Malformed(f"{field}: {found} is not in the years {YEARS[0]} to {YEARS[-1]}")
    return found


class Team(msgspec.Struct, frozen=True):
    """A team as received. Only the id is one team's alone: names and abbreviations are those of
    former teams too."""

    id: Int
    name: str | None = None
    full_name: str | None = None
    abbreviation: str | None = None
    city: str | None = None


class Player(msgspec.Struct, frozen=True):
    """An athlete as received. A position may be empty; jersey "0" and "00" are two numbers."""

    id: Int
    first_name: str | None = None
    last_name: str | None = None
    position: str | None = None
    jersey_number: str | Int | None = None

    @property
    def jersey(self) -> str | None:
        return None if self.jersey_number is None else str(self.jersey_number)
