"""Prices in the form American bettors read, computed exactly.

Prices arrive as the vendor's decimal text and stay exact: binary floats once turned Hong Kong 1.05
into +104 and decimal 1.01 into -9999.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NewType

HongKongPrice = NewType("HongKongPrice", Decimal)
"""Profit per unit staked."""

DecimalPrice = NewType("DecimalPrice", Decimal)
"""Stake and profit per unit staked: Hong Kong + 1."""

AmericanPrice = NewType("AmericanPrice", str)
"""`+` and the profit on 100, or `-` and the stake that wins 100; `+100` is even money."""


def american_of_hong_kong(price: HongKongPrice) -> AmericanPrice | None:
    """None for a price that pays nothing (0 or less) and for what is not a number."""
    if not price.is_finite():
        return None
    return _american(*price.as_integer_ratio())


def american_of_decimal(price: DecimalPrice) -> AmericanPrice | None:
    """None for a price that pays nothing (1 or less) and for what is not a number."""
    if not price.is_finite():
        return None
    stake_and_profit, stake = price.as_integer_ratio()
    return _american(stake_and_profit - stake, stake)


def _american(profit: int, stake: int) -> AmericanPrice | None:
    """The exact ratio profit / stake, rounded half up once; what rounds to 100 is even money."""
    if profit <= 0:
        return None
    longer = profit >= stake
    magnitude = _half_up(100 * profit, stake) if longer else _half_up(100 * stake, profit)
    return AmericanPrice(f"{'+' if longer or magnitude == 100 else '-'}{magnitude}")


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
