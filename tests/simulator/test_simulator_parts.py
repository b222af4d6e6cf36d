"""Histories, ids and quota: small parts with exact rules."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.history import Market, MarketHistory, OddsHistory
from simulator.ids import ID_LENGTH, Ids
from simulator.limits import SlidingWindow

times_rising = st.lists(st.integers(0, 50), max_size=12).map(sorted)


def history_of(times: list[int]) -> tuple[MarketHistory, list[list[int]]]:
    rows = [[time, number] for number, time in enumerate(times)]
    return MarketHistory(times, [msgspec.json.encode(row) for row in rows]), rows


@given(times_rising, st.integers(-1, 51))
def test_a_cut_holds_the_rows_up_to_the_moment_newest_first(times: list[int], at: int) -> None:
    history, rows = history_of(times)
    expected = [row for row in reversed(rows) if row[0] <= at]
    assert msgspec.json.decode(b"[%s]" % history.at(at)) == expected


@given(times_rising, st.integers(-1, 51), st.integers(-1, 51))
def test_between_holds_what_became_visible(times: list[int], one: int, other: int) -> None:
    after, until = sorted((one, other))
    history, rows = history_of(times)
    expected = [row for row in reversed(rows) if after < row[0] <= until]
    assert msgspec.json.decode(b"[%s]" % history.between(after, until)) == expected


def test_a_market_without_rows_is_left_out() -> None:
    early, late = MarketHistory([10], [b"[10]"]), MarketHistory([20], [b"[20]"])
    odds = OddsHistory([Market(2, "asia", late), Market(2, "bs", early), Market(3, "eu", late)])
    assert odds.at(5) == b"{}"
    assert odds.at(10) == b'{"2":{"bs":[[10]]}}'
    assert odds.at(20) == b'{"2":{"asia":[[20]],"bs":[[10]]},"3":{"eu":[[20]]}}'


@given(st.integers(0, 1 << 40), st.integers(0, 1_000))
def test_ids_have_the_vendors_form_and_come_back(number: int, seed: int) -> None:
    identifier = Ids(seed).encode(number)
    assert len(identifier) == ID_LENGTH
    assert identifier.isalnum()
    assert identifier.islower() or identifier.isdigit()
    assert Ids(seed).decode(identifier) == number


@pytest.mark.parametrize("text", ["", "short", "UPPERCASELETTER", "fifteen-letters", "é" * 15])
def test_what_cannot_be_an_id_has_no_number(text: str) -> None:
    assert Ids(1).decode(text) is None


def test_a_call_exactly_as_old_as_the_window_no_longer_counts() -> None:
    window = SlidingWindow(calls=2, seconds=60)
    assert [window.accept(now) for now in (0, 30, 59.9, 60, 89.9, 90)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_clock_set_back_starts_a_new_window() -> None:
    window = SlidingWindow(calls=1, seconds=60)
    assert window.accept(1_000)
    assert window.accept(500)
    assert not window.accept(510)
