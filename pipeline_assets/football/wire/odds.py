"""The odds history of a match: companies, markets and rows, newest row first."""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from pipeline_assets.football.wire.codes import DELAY, IN_PLAY, NOT_STARTED, TO_BE_DETERMINED
from pipeline_assets.football.wire.fields import (
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
NO_MINUTE = ""
"""The minute of a row from before kick-off, or of a match whose minute the vendor does not follow.
Only pure digits are numbers; `45+` and `midfield` also occur and are never parsed as numbers."""
MINUTE_WORDS = frozenset({NO_MINUTE, "45+", "midfield"})
"""The minutes that are no numbers, as far as the vendor has shown any: no minute, stoppage of the
first half, half-time."""

_MINUTE = re.compile(r"0|[1-9][0-9]{0,2}")
_SCORE = re.compile(r"(0|[1-9][0-9]?)-(0|[1-9][0-9]?)")

Score = tuple[int, int]
"""Goals of home and away; corners where a corner row says so."""


class Phase(StrEnum):
    """When a row was quoted."""

    PRE_MATCH = "pre_match"
    IN_PLAY = "in_play"
    UNKNOWN = "unknown"
    """The row does not say; no rule uses it."""


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


def is_readable_minute(minute: str) -> bool:
    """Return whether a row's minute is a number without leading zero or one of `MINUTE_WORDS`."""
    return minute in MINUTE_WORDS or _MINUTE.fullmatch(minute) is not None


@functools.lru_cache(maxsize=1024)
def score_of(text: str) -> Score | None:
    """Return the two numbers of a score text `h-a`; None where it is anything else."""
    found = _SCORE.fullmatch(text)
    return found and (int(found[1]), int(found[2]))


def phase_of(minute: str, status: int, change_time: int, scheduled: int | None) -> Phase:
    """Return when a row was quoted, from its minute, status id and change time (Unix s).

    `scheduled` is the match's scheduled start (Unix s), None where it is not known: a match that
    is still to be determined may be playing from then on. Source: the recorded poll of 2025-05-28,
    where 458 rows of status 13 lie up to 76 minutes after the start, 30 of them at 0-1.
    """
    if minute != NO_MINUTE:
        return Phase.IN_PLAY if is_readable_minute(minute) else Phase.UNKNOWN
    if status in (NOT_STARTED, DELAY):
        return Phase.PRE_MATCH
    if status == TO_BE_DETERMINED and scheduled is not None and change_time <= scheduled:
        return Phase.PRE_MATCH
    return Phase.IN_PLAY if status in IN_PLAY else Phase.UNKNOWN


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
    return {} if starts(results) == b"n" else _members(results, "results")


def markets_of(company: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The markets of one company, each a list of rows as text; none for `{}` and `[]`.

    Raises Malformed for anything else.
    """
    return _members(company, "company")


def _members(raw: msgspec.Raw, field: str) -> dict[str, msgspec.Raw]:
    """The members of an object; none for `[]`, the vendor's other way to write an empty one."""
    if starts(raw) == b"[" and not elements(raw, field):
        return {}
    return members(raw, field)


def rows_of(market: Text) -> Rows:
    """The rows of one market list; none for `[]` and `{}`. Raises Malformed for anything else that
    is not a list.

    A text with four quotation marks and one comma fewer than eight a row, which is what the
    documented form has, is decoded at once; in any other text each row is looked at by itself.
    """
    view = bytes(market)
    try:
        rows = _rows(view, "rows")
    except Malformed:
        if view[:1] == b"{" and not members(view, "rows"):
            return Rows([], [], 0)
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
