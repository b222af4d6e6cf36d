"""What one unit staked brings at shown prices, in exact decimal arithmetic."""

from __future__ import annotations

from decimal import Decimal

from pipeline_assets.football.prices import Price, as_decimal
from touchline.errors import TouchlineError

QUARTER = Decimal("0.25")
LOST = Decimal(-1)


class NoReturn(TouchlineError, ValueError):
    """What was staked has no return; the message says why, in a few words."""


def over(line: Decimal, profit: Decimal, goals: int) -> Decimal:
    """A unit on more goals than this line, as bookmakers settle it: it comes back when the goals
    are the line, and on a quarter line one half of it is on each of the two lines beside it.

    Raises NoReturn for a line that is no multiple of a quarter, which nobody settles.
    """
    if line % QUARTER:
        raise NoReturn(f"line {line:f} is off the quarter grid")
    if line % Decimal("0.5"):
        return (over(line - QUARTER, profit, goals) + over(line + QUARTER, profit, goals)) / 2
    if goals == line:
        return Decimal(0)
    return profit if goals > line else LOST


def either(first: Price, second: Price) -> Decimal:
    """The profit of a unit that is split over two outcomes, so that each brings the same, where one
    of them comes."""
    return as_decimal(1 / (first.probability + second.probability) - 1)
