"""The line rows of an event: two prices each, over and under or home and away.

A row is one (market, player, bookmaker, point, position among equals) of an answer. The point of a
spread is the home team's. Yes stands in `over_price` and No in `under_price`. The k-th of equal
outcomes goes with the k-th of the other side, at position k: one book once listed 28 of 28 outcomes
of an event twice, with other prices.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import zip_longest

import msgspec

from pipeline_assets.basketball.wire.odds import (
    Event,
    OddsFormat,
    Outcome,
    Side,
    Unread,
    answers_in,
)
from touchline.fetch import Envelope

LAY = "_lay"
"""How markets end in which exchanges take the other side of a bet: kept, and never a line."""
ALTERNATE = "alternate"
"""What is in the name of markets that have alternates alone."""
SIDES = tuple(Side)


class Quoted(msgspec.Struct, frozen=True, gc=False):
    """What of an event prices are quoted on, and by whom. `point` is None where there is none."""

    bookmaker: str
    market: str
    player: str | None
    point: Decimal | None


class Prices(msgspec.Struct, frozen=True, gc=False):
    """The prices of a row as received, in the order of `Side`; one that is missing is None."""

    over: Decimal | None = None
    under: Decimal | None = None
    home: Decimal | None = None
    away: Decimal | None = None


class Row(msgspec.Struct, frozen=True, gc=False):
    """A line row. `position` is 1 but for outcomes that a book lists more than once.

    `is_alternate` is False for the main line alone: at most one row of a market, player and book.
    """

    quoted: Quoted
    position: int
    prices: Prices
    last_update: datetime | None
    is_alternate: bool
    duplicate_quote: bool


def rows_of(event: Event, odds_format: OddsFormat) -> list[Row]:
    """Return the rows of an event, in the order in which the outcomes of each began."""
    outcomes = _paired(event.outcomes)
    quotes = {quoted: _prices(found) for quoted, found in outcomes.items()}
    main = set(_main_lines(quotes, odds_format))
    return [
        Row(
            quoted,
            position,
            each,
            max([one.last_update for one in outcomes[quoted] if one.last_update], default=None),
            is_alternate=position > 1 or quoted not in main,
            duplicate_quote=len(prices) > 1,
        )
        for quoted, prices in quotes.items()
        for position, each in enumerate(prices, start=1)
    ]


@functools.lru_cache(maxsize=128)  # A run reads what it has fetched three times.
def units_of(event: Event, odds_format: OddsFormat) -> Sequence[Row | Unread]:
    """Return what an event is counted in: its parts that are set aside, and its rows."""
    return (*event.unread, *rows_of(event, odds_format))


def row_keys(raw: Envelope, endpoint: str) -> list[str]:
    """Return a key for each row in the answers of an endpoint, and for each part of an answer that
    is set aside: what a fetch is counted in."""
    keys: list[str] = []
    for answer in answers_in(raw, endpoint):
        if isinstance(answer, Unread):
            keys.append(answer.key)
            continue
        keys.extend(part.key for part in answer.unread)
        for event in answer.events:
            for one in units_of(event, answer.odds_format):
                is_row = isinstance(one, Row)
                keys.append(row_key(event.id, one.quoted, one.position) if is_row else one.key)
    return keys


def row_key(event_id: str, quoted: Quoted, position: int) -> str:
    """Return the key of a row within an answer."""
    what = f"{quoted.market}|{quoted.player or ''}|{quoted.bookmaker}|{_text(quoted.point)}"
    return f"{event_id}|{what}|{position}"


@functools.lru_cache(maxsize=4096)  # Of the same few hundred prices.
def decimal_price(price: Decimal, odds_format: OddsFormat) -> Fraction | None:
    """Return stake and profit per unit staked, exactly; None for an American price of 0."""
    exact = Fraction(price)
    if odds_format is OddsFormat.DECIMAL:
        return exact
    if not exact:
        return None
    return 1 + (exact / 100 if exact > 0 else 100 / -exact)


def _text(point: Decimal | None) -> str:
    text = "" if point is None else str(point)  # Faster than `format` where they are the same.
    return f"{point:f}" if "E" in text else text


def _paired(outcomes: Iterable[Outcome]) -> dict[Quoted, list[Outcome]]:
    """Put together what is quoted on the same: the visitors' point with its sign turned."""
    found: dict[Quoted, list[Outcome]] = {}
    for one in outcomes:
        point = one.point.copy_negate() if one.point and one.side is Side.AWAY else one.point
        quoted = Quoted(one.bookmaker, one.market, one.player, point)
        found.setdefault(quoted, []).append(one)
    return found


def _prices(outcomes: Iterable[Outcome]) -> list[Prices]:
    """Return the prices of each position; what one side has more often lacks the other there."""
    sides: dict[Side, list[Decimal]] = {}
    for one in outcomes:
        sides.setdefault(one.side, []).append(one.price)
    return [Prices(*each) for each in zip_longest(*(sides.get(side, ()) for side in SIDES))]


def _main_lines(quotes: Mapping[Quoted, list[Prices]], odds_format: OddsFormat) -> Iterator[Quoted]:
    """Yield the main line of each market, player and book, which has none where all its points are
    quoted twice with differing prices, or several are quoted and none with both prices."""
    ladders: dict[tuple[str, str, str | None], list[Quoted]] = {}
    for quoted in quotes:
        if not quoted.market.endswith(LAY) and ALTERNATE not in quoted.market:
            of = (quoted.bookmaker, quoted.market, quoted.player)
            ladders.setdefault(of, []).append(quoted)
    for points in ladders.values():
        certain = [quoted for quoted in points if len(set(quotes[quoted])) == 1]
        if len(points) == 1:
            yield from certain
            continue
        apart = {
            quoted: distance
            for quoted in certain
            if (distance := _distance(quotes[quoted][0], odds_format)) is not None
        }
        if apart:
            yield min(apart, key=lambda quoted: (apart[quoted], _in_order(quoted.point)))


def _distance(prices: Prices, odds_format: OddsFormat) -> Fraction | None:
    """Return how far apart the two prices are, as decimal prices: the rule speaks of prices, not of
    the probabilities that they imply. None where one is missing."""
    for pair in ((prices.over, prices.under), (prices.home, prices.away)):
        paid = [decimal_price(price, odds_format) for price in pair if price is not None]
        known = [each for each in paid if each is not None]
        if len(known) == 2:
            return abs(known[0] - known[1])
    return None


def _in_order(point: Decimal | None) -> tuple[bool, Decimal]:
    return point is None, point or Decimal(0)
