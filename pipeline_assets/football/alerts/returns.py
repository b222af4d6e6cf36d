"""What one unit staked brings at shown prices, in exact decimal arithmetic."""

from __future__ import annotations

from decimal import Decimal

QUARTER = Decimal("0.25")
LOST = Decimal(-1)


def profit_of(american: str | None) -> Decimal | None:
    """Profit per unit of an American price such as +105 or -118; None where there is no price."""
    if american is None:
        return None
    price = Decimal(american)
    return price / 100 if price > 0 else 100 / -price


def over(line: Decimal, profit: Decimal, goals: int) -> Decimal:
    """A unit on more goals than this line, as bookmakers settle it: it comes back when the goals
    are the line, and on a quarter line one half of it is on each of the two lines beside it."""
    if line % Decimal("0.5"):
        return (over(line - QUARTER, profit, goals) + over(line + QUARTER, profit, goals)) / 2
    if goals == line:
        return Decimal(0)
    return profit if goals > line else LOST


def either(first: Decimal, second: Decimal) -> Decimal:
    """The profit of a unit that is split over two outcomes, so that each brings the same, where one
    of them comes. Both prices are decimal."""
    return 1 / (1 / first + 1 / second) - 1
