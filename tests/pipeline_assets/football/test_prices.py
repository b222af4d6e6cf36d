"""American prices: the table by hand, then what holds for every price."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.football.prices import (
    DecimalPrice,
    HongKongPrice,
    american_of_decimal,
    american_of_hong_kong,
)

HONG_KONG = {
    "0": None,
    "0.01": "-10000",
    "0.20": "-500",
    "0.32": "-313",
    "0.50": "-200",
    "0.64": "-156",
    "0.72": "-139",
    "0.80": "-125",
    "0.83": "-120",
    "0.85": "-118",
    "0.90": "-111",
    "0.92": "-109",
    "0.95": "-105",
    "0.97": "-103",
    "0.996": "+100",
    "1.00": "+100",
    "1.02": "+102",
    "1.05": "+105",
    "1.10": "+110",
    "1.125": "+113",
    "1.15": "+115",
    "2.30": "+230",
}
DECIMAL = {
    "1.00": None,
    "1.01": "-10000",
    "1.05": "-2000",
    "1.18": "-556",
    "1.32": "-313",
    "1.50": "-200",
    "1.61": "-164",
    "1.72": "-139",
    "1.80": "-125",
    "1.91": "-110",
    "1.95": "-105",
    "1.996": "+100",
    "2.00": "+100",
    "2.004": "+100",
    "2.10": "+110",
    "2.15": "+115",
    "2.30": "+130",
    "3.25": "+225",
    "3.40": "+240",
    "4.50": "+350",
    "11.00": "+1000",
    "501.00": "+50000",
}


def hong_kong(text: str | Decimal) -> str | None:
    return american_of_hong_kong(HongKongPrice(Decimal(text)))


def decimal(text: str | Decimal) -> str | None:
    return american_of_decimal(DecimalPrice(Decimal(text)))


@pytest.mark.parametrize(("price", "american"), HONG_KONG.items())
def test_hong_kong(price: str, american: str | None) -> None:
    assert hong_kong(price) == american


@pytest.mark.parametrize(("price", "american"), DECIMAL.items())
def test_decimal(price: str, american: str | None) -> None:
    assert decimal(price) == american


@pytest.mark.parametrize("price", ["-0.5", "-1", "NaN", "Infinity", "-Infinity"])
def test_what_pays_nothing_or_is_no_number_has_no_price(price: str) -> None:
    assert hong_kong(price) is None
    assert decimal(price) is None


prices = st.decimals(min_value="0.001", max_value=1000, places=3)


@given(prices)
def test_the_magnitude_is_within_half_of_the_exact_one(price: Decimal) -> None:
    american = hong_kong(price)
    assert american is not None
    exact = 100 * max(Fraction(price), 1 / Fraction(price))
    assert abs(Fraction(int(american[1:])) - exact) <= Fraction(1, 2)


@given(prices)
def test_the_sign_says_whether_more_than_the_stake_is_won(price: Decimal) -> None:
    american = hong_kong(price)
    assert american is not None
    assert american[0] == ("+" if price >= 1 or american == "+100" else "-")
    assert american != "-100"


@given(prices)
def test_a_decimal_price_is_the_hong_kong_price_and_the_stake(price: Decimal) -> None:
    assert decimal(price + 1) == hong_kong(price)
