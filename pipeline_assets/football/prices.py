"""What a bet pays, in every notation that bettors read, computed exactly.

Prices arrive as the vendor's decimal text and stay exact fractions until they are shown, rounded
once: binary floats once turned Hong Kong 1.05 into +104 and decimal 1.01 into -9999.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

_DECIMAL = Context(prec=60)
"""Enough for every price that the vendor can send to be exact in each notation."""


@dataclass(frozen=True, order=True)
class Price:
    """A price that pays: `profit` per unit staked, above 0. Raises ValueError for any other."""

    profit: Fraction

    def __post_init__(self) -> None:
        if self.profit <= 0:
            raise ValueError(f"a price pays more than nothing, not {self.profit}")

    @classmethod
    def of_hong_kong(cls, price: Decimal) -> Price | None:
        """From the profit per unit staked; None where that is 0 or less, or not finite."""
        return _paying(Fraction(price)) if price.is_finite() else None

    @classmethod
    def of_decimal(cls, price: Decimal) -> Price | None:
        """From stake and profit per unit staked; None where that is 1 or less, or not finite."""
        return _paying(Fraction(price) - 1) if price.is_finite() else None

    @classmethod
    def of_american(cls, price: str) -> Price | None:
        """From `+` and the profit on 100, or `-` and the stake that wins 100; None where that is 0,
        or not finite. Raises decimal.InvalidOperation for text that is no number."""
        number = Decimal(price)
        if not number.is_finite() or not number:
            return None
        exact = Fraction(number)
        return cls(exact / 100 if exact > 0 else 100 / -exact)

    @property
    def hong_kong(self) -> Decimal:
        """Profit per unit staked; exact unless the price was American."""
        return as_decimal(self.profit)

    @property
    def decimal(self) -> Decimal:
        """Stake and profit per unit staked: Hong Kong + 1."""
        return as_decimal(self.profit + 1)

    @property
    def fractional(self) -> str:
        """Profit to stake in lowest terms, such as 19/20; 1/1 is evens.

        It is the exact fraction and not the nearest one of a bookmaker's ladder, who would write
        20/21 for 0.95.
        """
        return f"{self.profit.numerator}/{self.profit.denominator}"

    @property
    def american(self) -> str:
        """The longer of profit and stake where the other one is 100, half up; `-` where it is the
        stake. What rounds to 100 is even money, `+100`."""
        profit, stake = self.profit.as_integer_ratio()
        longer = profit >= stake
        magnitude = _half_up(100 * profit, stake) if longer else _half_up(100 * stake, profit)
        return f"{'+' if longer or magnitude == 100 else '-'}{magnitude}"

    @property
    def probability(self) -> Fraction:
        """Implied: the share of winning bets at which the price neither wins nor loses."""
        return 1 / (1 + self.profit)


def overround(prices: Iterable[Price | None]) -> Fraction | None:
    """What the implied probabilities of all outcomes of a market sum up to beyond 1: what the
    bookmaker keeps, 0 in a fair market. None where an outcome has no price, or there is none."""
    probabilities = [price and price.probability for price in prices]
    known = [each for each in probabilities if each is not None]
    if not known or len(known) < len(probabilities):
        return None
    return sum(known, Fraction(-1))


def percent(share: Fraction) -> str:
    """In percent with one decimal, ties away from zero: `52.4 %`."""
    tenths = _half_up(abs(share.numerator) * 1000, share.denominator)
    sign = "-" if share < 0 and tenths else ""
    return f"{sign}{tenths // 10}.{tenths % 10} %"


def as_decimal(value: Fraction) -> Decimal:
    """Exact where a decimal can be, else rounded to 60 digits."""
    return _DECIMAL.divide(Decimal(value.numerator), Decimal(value.denominator))


def _paying(profit: Fraction) -> Price | None:
    return Price(profit) if profit > 0 else None


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
