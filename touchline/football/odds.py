"""The odds history of a match: companies, markets and rows, newest row first."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from touchline.football.wire import (
    Int64,
    Malformed,
    Reader,
    Text,
    elements,
    members,
    results_of,
    starts,
)

ROW_LENGTH = 8
PREMATCH = ""
"""The minute of a row from before kick-off. Only this and pure digits are minutes; `45+` and
`midfield` also occur and are never numbers."""
MINUTE_WORDS = frozenset({PREMATCH, "45+", "midfield"})
"""The minutes that are no numbers, as far as the vendor has shown any: before kick-off, stoppage of
the first half, half-time."""


class OddsRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One quote. `v2`, `v3` and `v4` depend on the market:

    asia: home price, handicap (positive: home gives), away price; eu: home, draw and away price;
    bs and cr: over price, total line, under price. Prices of `eu` are decimal, the others Hong
    Kong. `score` is the goal score, in `cr` the corner count.
    """

    change_time: Int64
    minute: str
    v2: Decimal
    v3: Decimal
    v4: Decimal
    status: Int64
    closed: Annotated[int, msgspec.Meta(ge=0, le=1)]
    score: str

    @property
    def prematch(self) -> bool:
        return self.minute == PREMATCH


def is_known_minute(minute: str) -> bool:
    """Whether the minute of a row is a number or one of the known words."""
    return minute in MINUTE_WORDS or (minute.isascii() and minute.isdigit())


class _Companies(msgspec.Struct):
    results: dict[str, msgspec.Raw] = {}


class _Answer(msgspec.Struct):
    results: dict[str, dict[str, msgspec.Raw]] = {}


_by_company: Reader[_Companies] = Reader(_Companies)
_whole: Reader[_Answer] = Reader(_Answer)
_rows: Reader[list[OddsRow]] = Reader(list[OddsRow])
_row: Reader[OddsRow] = Reader(OddsRow)


class BadRow(msgspec.Struct, frozen=True):
    """A row that is not a quote, by its place in the list."""

    index: int
    raw: msgspec.Raw
    why: str


class Rows(msgspec.Struct, frozen=True):
    """A list of rows in the vendor's order: the good ones, the bad ones, and how many have more
    elements than documented."""

    good: list[OddsRow]
    bad: list[BadRow]
    surplus: int

    @property
    def count(self) -> int:
        return len(self.good) + len(self.bad)


def companies_in(body: Text) -> dict[str, msgspec.Raw]:
    """The companies of an odds answer: `companies_of` its results, in one pass where it can."""
    try:
        return _by_company(body, "odds").results
    except Malformed:
        return companies_of(results_of(body))


def whole_history(body: Text) -> dict[str, dict[str, msgspec.Raw]]:
    """Company -> market -> list of rows as text, in one pass over an odds answer that is as
    documented. Raises Malformed for any other, also for the `[]` that stands for no odds."""
    return _whole(body, "odds").results


def companies_of(results: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The companies of an odds answer's `results`; none for `{}`, `[]` and null.

    Raises Malformed for anything else, such as a list that is not empty.
    """
    if starts(results) == b"n" or (starts(results) == b"[" and not elements(results, "results")):
        return {}
    return members(results, "results")


def markets_of(company: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The markets of one company, each a list of rows as text. Raises Malformed."""
    return members(company, "company")


def rows_of(market: Text) -> Rows:
    """The rows of one market list. Raises Malformed where it is not a list.

    A text with four quotation marks and one comma fewer than eight a row, which is what the
    documented form has, is decoded at once; in any other text each row is looked at by itself.
    """
    view = bytes(market)
    try:
        rows = _rows(view, "rows")
    except Malformed:
        return _rows_one_by_one(view)
    marks, commas = view.count(b'"'), view.count(b",")
    if marks == 4 * len(rows) and commas == max(0, ROW_LENGTH * len(rows) - 1):
        return Rows(rows, [], 0)
    return _rows_one_by_one(view)


def _rows_one_by_one(text: bytes) -> Rows:
    good: list[OddsRow] = []
    bad: list[BadRow] = []
    surplus = 0
    for index, raw in enumerate(elements(text, "rows")):
        try:
            parts = elements(raw, "row")
            for part in parts[2:5]:
                if starts(part) == b'"':
                    raise Malformed("a price or line is a text")
            row = _row(raw, "row")
        except Malformed as error:
            bad.append(BadRow(index, raw, str(error)))
        else:
            good.append(row)
            surplus += len(parts) > ROW_LENGTH
    return Rows(good, bad, surplus)
