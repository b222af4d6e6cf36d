"""Prices in every notation: tables by hand, then what holds for every price."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.football.prices import Price, overround, percent

HONG_KONG = {
    "0": None,
    "0.01": "-10000",
    "0.32": "-313",
    "0.92": "-109",
    "0.996": "+100",
    "1.00": "+100",
    "1.125": "+113",
    "2.30": "+230",
}
DECIMAL = {
    "1.00": None,
    "1.01": "-10000",
    "1.32": "-313",
    "1.996": "+100",
    "2.00": "+100",
    "2.004": "+100",
    "2.30": "+130",
    "501.00": "+50000",
}
"""The borders, and what lies between two whole numbers; for every price see the properties."""


NOTATIONS = {
    "0.01": ("1.01", "1/100", "99.0 %"),
    "0.5": ("1.5", "1/2", "66.7 %"),
    "0.9": ("1.9", "9/10", "52.6 %"),
    "0.95": ("1.95", "19/20", "51.3 %"),
    "1": ("2", "1/1", "50.0 %"),
    "1.00": ("2", "1/1", "50.0 %"),
    "1.05": ("2.05", "21/20", "48.8 %"),
    "2.25": ("3.25", "9/4", "30.8 %"),
    "500": ("501", "500/1", "0.2 %"),
}


def hong_kong(text: str | Decimal) -> str | None:
    price = Price.of_hong_kong(Decimal(text))
    return price and price.american


def decimal(text: str | Decimal) -> str | None:
    price = Price.of_decimal(Decimal(text))
    return price and price.american


@pytest.mark.parametrize(("price", "american"), HONG_KONG.items())
def test_hong_kong(price: str, american: str | None) -> None:
    assert hong_kong(price) == american


@pytest.mark.parametrize(("price", "american"), DECIMAL.items())
def test_decimal(price: str, american: str | None) -> None:
    assert decimal(price) == american


@pytest.mark.parametrize(("text", "shown"), NOTATIONS.items())
def test_every_other_notation(text: str, shown: tuple[str, str, str]) -> None:
    price = Price.of_hong_kong(Decimal(text))
    assert price
    assert (f"{price.decimal:f}", price.fractional, percent(price.probability)) == shown


@pytest.mark.parametrize("price", ["0", "-0.5", "-1", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_pays_nothing_or_is_no_number_has_no_price(price: str) -> None:
    assert Price.of_hong_kong(Decimal(price)) is None
    assert Price.of_decimal(Decimal(price)) is None
    assert Price.of_decimal(Decimal(1)) is None


def test_a_price_that_pays_nothing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="pays more than nothing, not 0"):
        Price(Fraction(0))


@pytest.mark.parametrize(
    ("american", "profit"), [("+105", "1.05"), ("+100", "1"), ("-125", "0.8"), ("-10000", "0.01")]
)
def test_the_profit_of_an_american_price(american: str, profit: str) -> None:
    price = Price.of_american(american)
    assert price
    assert price.hong_kong == Decimal(profit)
    assert price.american == american


def test_an_american_price_of_nothing_or_no_number() -> None:
    assert Price.of_american("+0") is None
    assert Price.of_american("NaN") is None
    with pytest.raises(InvalidOperation):
        Price.of_american("evens")


hong_kong_prices = st.decimals(min_value="0.001", max_value=1000, places=3)
prices = hong_kong_prices.map(lambda price: Price(Fraction(price)))


@given(prices)
def test_the_magnitude_is_within_half_of_the_exact_one(price: Price) -> None:
    exact = 100 * max(price.profit, 1 / price.profit)
    assert abs(Fraction(int(price.american[1:])) - exact) <= Fraction(1, 2)


@given(prices)
def test_the_sign_says_whether_more_than_the_stake_is_won(price: Price) -> None:
    american = price.american
    assert american[0] == ("+" if price.profit >= 1 or american == "+100" else "-")
    assert american != "-100"


@given(prices)
def test_an_american_price_is_read_as_it_is_written(price: Price) -> None:
    again = Price.of_american(price.american)
    assert again
    assert again.american == price.american


@given(st.decimals(min_value="1e-9", max_value="1e9", places=20))
def test_hong_kong_and_decimal_are_one_price_exactly(text: Decimal) -> None:
    """Also with more digits than a float or Decimal's usual 28 can hold."""
    price = Price.of_hong_kong(text)
    assert price
    assert price.hong_kong == text
    assert Fraction(price.decimal) == Fraction(text) + 1
    assert Price.of_decimal(price.decimal) == price


@given(prices)
def test_a_fraction_is_the_price_in_lowest_terms(price: Price) -> None:
    profit, stake = map(int, price.fractional.split("/"))
    assert Fraction(profit, stake) == price.profit
    assert math.gcd(profit, stake) == 1


# --- markets -------------------------------------------------------------------------------------


def test_what_a_bookmaker_keeps_by_hand() -> None:
    """Over 0.95 and under 0.95 are 20/39 each; 1.72, 3.4, 4.5 the winner of the worked example."""
    total = [Price.of_hong_kong(Decimal("0.95"))] * 2
    assert overround(total) == Fraction(1, 39)
    winner = overround(Price.of_decimal(Decimal(text)) for text in ("1.72", "3.4", "4.5"))
    assert winner is not None
    assert winner == Fraction(100, 172) + Fraction(10, 34) + Fraction(10, 45) - 1
    assert percent(winner) == "9.8 %"


@given(st.lists(st.integers(1, 100), min_size=2, max_size=3))
def test_a_fair_market_keeps_nothing(chances: list[int]) -> None:
    fair = [Price(Fraction(sum(chances), chance) - 1) for chance in chances]
    assert sum(price.probability for price in fair) == 1
    assert overround(fair) == 0


@given(st.lists(prices, min_size=2, max_size=3))
def test_shorter_prices_keep_more(market: list[Price]) -> None:
    whole = overround(market)
    shortened = overround(Price(price.profit / 2) for price in market)
    assert whole is not None
    assert shortened is not None
    assert shortened > whole == sum(1 / (1 + price.profit) for price in market) - 1


def test_an_outcome_without_a_price_leaves_nothing_to_sum_up() -> None:
    assert overround([Price(Fraction(1)), None]) is None
    assert overround([]) is None


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (Fraction(1, 3), "33.3 %"),
        (Fraction(5, 10_000), "0.1 %"),
        (Fraction(4, 10_000), "0.0 %"),
        (Fraction(-4, 10_000), "0.0 %"),
        (Fraction(-1, 8), "-12.5 %"),
        (Fraction(1), "100.0 %"),
    ],
)
def test_a_share_is_rounded_once(share: Fraction, shown: str) -> None:
    assert percent(share) == shown
