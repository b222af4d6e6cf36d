"""Odds histories, encoded once and cut at any moment by one bisection and one slice.

The vendor's lists are newest first and only ever grow at the front. A market is therefore kept as
one text, newest row first, and the history at a moment is a suffix of it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class MarketHistory:
    """All rows of one market of one company, oldest first as given.

    `visible_from` holds the Unix second from which each row is part of the answer; it never
    decreases. `rows` holds the rows' JSON text in the same order.
    """

    __slots__ = ("_starts", "_text", "_visible_from")

    def __init__(self, visible_from: Sequence[int], rows: Sequence[bytes]) -> None:
        self._text = b",".join(reversed(rows))
        self._visible_from = array("q", visible_from)
        starts = array("l", bytes(array("l").itemsize * (len(rows) + 1)))
        position = len(self._text) + 1
        starts[0] = position
        for index, row in enumerate(rows, start=1):
            position -= len(row) + 1
            starts[index] = position
        self._starts = starts

    def at(self, moment: float) -> bytes:
        """The rows visible at `moment`, newest first, comma-separated; empty if there are none."""
        return self._text[self._starts[bisect_right(self._visible_from, moment)] :]

    def between(self, after: float, until: float) -> bytes:
        """The rows that became visible in (after, until], newest first, comma-separated."""
        start = self._starts[bisect_right(self._visible_from, until)]
        older = self._starts[bisect_right(self._visible_from, after)]
        return self._text[start : older - 1] if start < older else b""


@dataclass(frozen=True, slots=True)
class Market:
    company: int
    name: str
    history: MarketHistory


class MarketRows(NamedTuple):
    """Some rows of one market, newest first, as comma-separated JSON."""

    company: int
    market: str
    rows: bytes


class OddsHistory:
    """The odds of one match: its markets in the vendor's order (companies together)."""

    __slots__ = ("_markets",)

    def __init__(self, markets: Sequence[Market]) -> None:
        self._markets = tuple(markets)

    def at(self, moment: float) -> bytes:
        """`results` of odds/history at `moment`; a market or company without a row is left out."""
        companies: dict[int, list[bytes]] = {}
        for market in self._markets:
            if rows := market.history.at(moment):
                companies.setdefault(market.company, []).append(
                    b'"%s":[%s]' % (market.name.encode(), rows)
                )
        return b"{%s}" % b",".join(
            b'"%d":{%s}' % (company, b",".join(markets)) for company, markets in companies.items()
        )

    def between(self, after: float, until: float) -> list[MarketRows]:
        """What became visible in (after, until]."""
        return [
            MarketRows(market.company, market.name, rows)
            for market in self._markets
            if (rows := market.history.between(after, until))
        ]
