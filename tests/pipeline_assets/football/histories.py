"""Invented odds histories of one company: from a shorthand by hand, and from Hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from pipeline_assets.football.wire.odds import OddsRow
from tests.pipeline_assets.football.score_reference import Row, goals_in

MARKETS = ("asia", "eu", "bs", "cr")
History = dict[str, list[Row]]
"""A company's rows by market, newest first as the vendor has them."""
START = 10_000
"""When the generated histories begin, Unix s."""
_LAGS = (0, 1, 4, 30, 179, 180, 181, 400)
_LINES = ("2.0", "2.25", "2.5", "3.0")
_PRICES = ("7.5", "18.75", "2.0", "1.72", "1.0")
"""From 18.75 to 7.5 a chance rises by 0.08 exactly, from 2.0 to 1.72 by a little more."""
_TEXTS = ("0-0", "1-0", "0-1", "1-1", "2-0", "0:0")
_FIELDS = ("at", "minute", "v2", "v3", "v4", "status", "closed", "text")


def written(**markets: str) -> History:
    """Rows from a shorthand, oldest first: `100 0-0 2.5 | 110 0-0 2.5 closed | 120 0-0 3.0`.

    Each row is its time, its text and its line, for eu the prices of home and away (`1.9/4.2`);
    then `closed` where it was suspended, `status=8` for another than 2, `minute=7` for another
    than 3 (`minute=` for none).
    """
    return {
        market: [_row(part.split()) for part in text.split("|")][::-1]
        for market, text in markets.items()
    }


def _row(words: list[str]) -> Row:
    at, text, quote, *more = words
    home, _, away = quote.partition("/")
    v2, v3, v4 = (home, "3.2", away) if away else ("0.9", quote, "0.9")
    told = dict(word.split("=") for word in more if "=" in word)
    return [
        int(at),
        told.get("minute", "3"),
        *map(Decimal, (v2, v3, v4)),
        int(told.get("status", 2)),
        int("closed" in more),
        text,
    ]


def quotes(history: Mapping[str, list[Row]]) -> dict[str, list[OddsRow]]:
    """The rows with readable texts as the product reads them, oldest first."""
    return {
        market: [OddsRow(*row) for row in reversed(rows) if goals_in(row[7])]
        for market, rows in history.items()
    }


def as_company(history: Mapping[str, list[Row]]) -> msgspec.Raw:
    """As the company stands in an odds answer."""
    return msgspec.Raw(msgspec.json.Encoder(decimal_format="number").encode(history))


def until(at: int, history: History) -> History:
    """What the vendor answered then."""
    return {market: [row for row in rows if row[0] <= at] for market, rows in history.items()}


@dataclass
class Book:
    """What a company writes down: a row differs from its market's row before in what is told."""

    now: int = START
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def write(self, market: str, later: int = 0, /, **changes: Any) -> None:
        before = self.rows.get(market, [])
        last = before[-1] if before else [0, "", "2.0", "2.5", "2.0", 2, 0, "0-0"]
        told = dict(zip(_FIELDS, last, strict=True)) | changes | {"at": self.now + later}
        row = [Decimal(told[name]) if name[0] == "v" else told[name] for name in _FIELDS]
        self.rows.setdefault(market, []).append(row)


@dataclass(frozen=True)
class Scored:
    """A goal as a company writes it down: in these markets, which move and change their text so
    long after they were suspended, and perhaps show another text in the end."""

    after: int
    markets: list[str]
    texts: tuple[str, str]
    side: str
    moves: int
    corrects: int
    apart: int
    then: int
    in_the_end: str | None

    def write(self, book: Book) -> None:
        book.now += self.after
        for place, market in enumerate(self.markets):
            late = self.apart * place
            cheap = {"v3": "2.0"} if market == "bs" else {self.side: "18.75"}
            dear = {"v3": "2.5"} if market == "bs" else {self.side: "7.5"}
            book.write(market, text=self.texts[0], closed=0, minute="3", status=2, **cheap)
            book.write(market, closed=1)
            if self.moves <= self.corrects:
                book.write(market, self.moves, closed=0, **dear)
                book.write(market, self.corrects + late, text=self.texts[1])
            else:
                book.write(market, self.corrects + late, closed=0, text=self.texts[1])
                book.write(market, self.moves, **dear)
            if self.in_the_end:
                last = max(self.moves, self.corrects)
                book.write(market, last + late + self.then, text=self.in_the_end)


def _history(events: list[Any]) -> History:
    book = Book()
    for event in events:
        if isinstance(event, Scored):
            event.write(book)
        else:
            later, market, changes = event
            book.now += later
            book.write(market, **changes)
    return {
        market: sorted(rows, key=lambda row: row[0])[::-1] for market, rows in book.rows.items()
    }


_lag = st.sampled_from(_LAGS)
_changes = st.fixed_dictionaries(
    {},
    optional={
        "minute": st.sampled_from(["", "2", "3", "10", "11", "45+", "3'"]),
        "status": st.sampled_from([2, 1, 3, 8, 9, 13]),
        "closed": st.integers(0, 1),
        "v2": st.sampled_from(_PRICES),
        "v3": st.sampled_from(_LINES),
        "v4": st.sampled_from(_PRICES),
        "text": st.sampled_from(_TEXTS),
    },
)
_scored = st.builds(
    Scored,
    _lag,
    st.lists(st.sampled_from(MARKETS[:3]), min_size=1, max_size=3, unique=True),
    st.sampled_from([("0-0", "1-0"), ("0-0", "0-1"), ("0-0", "2-0"), ("1-0", "2-0")]),
    st.sampled_from(["v2", "v4"]),
    _lag,
    _lag,
    st.integers(0, 2),
    _lag,
    st.sampled_from([None, "0-0", "1-0", "0-1"]),
)
histories: st.SearchStrategy[History] = st.lists(
    st.tuples(_lag, st.sampled_from(MARKETS), _changes) | _scored, min_size=1, max_size=8
).map(_history)
"""Goals as companies write them down, and single rows of any kind."""


@st.composite
def moments(draw: st.DrawFn) -> tuple[History, int]:
    """A history, and a time at or after one of its rows."""
    history = draw(histories)
    times = sorted({row[0] for rows in history.values() for row in rows})
    return history, draw(st.sampled_from(times)) + draw(st.sampled_from([0, 1, 179, 180, 400]))
