"""Price moves of a goal's size: how a goal shows in a company's prices, whatever its text says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, TypeVar

from pipeline_assets.football.wire.codes import IN_PLAY

MOVING_MARKETS = ("eu", "bs")
"""The markets in which a goal shows as a move."""
LINE_JUMP = Decimal("0.5")
"""What a goal adds to a total line at least."""
PROBABILITY_JUMP = Decimal("0.08")
"""What a goal adds at least to the implied probability (1 / decimal price) of who scored."""

HOME, AWAY = 0, 1
"""The sides of a match, as places in a score."""
SIDES = frozenset((HOME, AWAY))


class Quote(Protocol):
    """What is read of a row: see `pipeline_assets.football.wire.odds.OddsRow`."""

    @property
    def change_time(self) -> int: ...
    @property
    def v2(self) -> Decimal: ...
    @property
    def v3(self) -> Decimal: ...
    @property
    def v4(self) -> Decimal: ...
    @property
    def status(self) -> int: ...
    @property
    def closed(self) -> int: ...
    @property
    def score(self) -> str: ...


Q = TypeVar("Q", bound=Quote)


@dataclass(frozen=True, order=True)
class Move:
    """A price move of a goal's size: when (Unix s), and for which sides it speaks.

    `from_text` is the score text of the price it moved away from.
    """

    time: int
    sides: frozenset[int] = field(compare=False)
    from_text: str = field(compare=False)


def jumps_in(market: str, rows: Sequence[Quote]) -> Iterator[Move]:
    """Yield the moves over a suspension, under one score text, of a match in play.

    `rows` are those of one list, oldest first. A total line is at least `LINE_JUMP` higher, or the
    implied probability of home or away at least `PROBABILITY_JUMP`.
    """
    for before, row, was_suspended in _open_pairs(rows):
        if was_suspended and row.status in IN_PLAY and row.score == before.score:
            yield from _move(market, before, row)


def moves_in(market: str, rows: Sequence[Quote]) -> Iterator[Move]:
    """Yield every move of that size, suspended or not, under one score text or two."""
    for before, row, _ in _open_pairs(rows):
        yield from _move(market, before, row)


def _open_pairs(rows: Sequence[Q]) -> Iterator[tuple[Q, Q, bool]]:
    """Yield each open row with the open one before it, and whether betting was suspended between
    them."""
    before: Q | None = None
    was_suspended = False
    for row in rows:
        if row.closed:
            was_suspended = True
            continue
        if before is not None:
            yield before, row, was_suspended
        before, was_suspended = row, False


def _move(market: str, before: Quote, row: Quote) -> Iterator[Move]:
    if market == "bs":
        if row.v3 - before.v3 >= LINE_JUMP:
            yield Move(row.change_time, SIDES, before.score)
        return
    prices = ((before.v2, row.v2), (before.v4, row.v4))
    sides = frozenset(side for side, (old, new) in enumerate(prices) if _is_likelier(old, new))
    if sides:
        yield Move(row.change_time, sides, before.score)


def _is_likelier(old: Decimal, new: Decimal) -> bool:
    """Return whether 1 / new - 1 / old is a jump, without dividing; prices of 0 say nothing."""
    return old > new > 0 and old - new >= PROBABILITY_JUMP * old * new
