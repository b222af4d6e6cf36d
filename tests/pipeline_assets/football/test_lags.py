"""Which comes first at a goal, the price or the score text, by hand and over the recording."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.lags import Lags, LagTable
from pipeline_assets.football.wire.odds import OddsRow, companies_of, markets_of, rows_of
from tests.pipeline_assets.football.fetches import POLL, needs_poll, recorded


def bs(time: int, line: str, score: str = "0-0", *, closed: int = 0, status: int = 2) -> OddsRow:
    return OddsRow(time, "20", Decimal("0.9"), Decimal(line), Decimal("0.9"), status, closed, score)


def lags(rows: list[OddsRow], since: int = 0) -> list[Lags]:
    table = LagTable()
    table.add("22", {"bs": rows}, since)
    return table.rows()


def counted(rows: list[OddsRow]) -> tuple[Any, ...]:
    """Goals, price first and by how much, label first and by how much."""
    [row] = lags(rows)
    return (
        row.goals,
        row.price_first,
        row.price_first_median_seconds,
        row.label_first,
        row.label_first_median_seconds,
    )


OPEN = bs(100, "2.5")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [OPEN, bs(480, "2.5", closed=1), bs(500, "3.5"), bs(519, "3.5", "1-0")],
            (1, 1, 19, 0, None),
        ),
        ([OPEN, bs(500, "2.5", "1-0"), bs(575, "3.5", "1-0")], (1, 0, None, 1, 75)),
        ([OPEN, bs(500, "3.5", "1-0")], (1, 0, None, 0, None)),
        ([OPEN, bs(500, "2.5", "1-0"), bs(681, "3.5", "1-0")], (1, 0, None, 0, None)),
        ([OPEN, bs(500, "2.5", "1-0"), bs(575, "2.75", "1-0")], (1, 0, None, 0, None)),
        # Suspended while the text changes: both come at once.
        ([OPEN, bs(500, "2.5", "1-0", closed=1), bs(575, "3.5", "1-0")], (1, 0, None, 0, None)),
    ],
)  # fmt: skip
def test_what_counts_as_price_first_and_label_first(
    rows: list[OddsRow], expected: tuple[Any, ...]
) -> None:
    assert counted(rows) == expected


def test_a_goal_counts_in_a_market_that_was_open_in_play_before_and_open_after_it() -> None:
    goal = [bs(500, "3.5", "1-0")]
    assert lags([bs(100, "2.5", status=1), *goal]) == []
    assert lags([OPEN, bs(500, "3.5", "1-0", closed=1)]) == []
    assert lags(goal) == []


def test_goals_of_earlier_days_are_context() -> None:
    rows = [OPEN, bs(500, "3.5", "1-0"), bs(5000, "4.5", "2-0")]
    [row] = lags(rows, since=501)
    assert row.goals == 1


def test_two_goals_of_one_match_and_the_longest_lag() -> None:
    rows = [
        OPEN,
        bs(480, "2.5", closed=1), bs(500, "3.5"), bs(510, "3.5", "1-0"),
        bs(980, "3.5", "1-0", closed=1), bs(1000, "4.5", "1-0"), bs(1040, "4.5", "1-1"),
    ]  # fmt: skip
    [row] = lags(rows)
    assert (row.goals, row.price_first) == (2, 2)
    assert (row.price_first_median_seconds, row.price_first_longest_seconds) == (25, 40)


@needs_poll
def test_the_recorded_companies() -> None:
    """Company 2 alone moves the price first, and never the text: see docs/lags.md."""
    film, found = recorded(), LagTable()
    for match in film.live(int(POLL.timestamp())):
        odds = msgspec.Raw(film.odds(match, int(POLL.timestamp())) or b"{}")
        for company, text in companies_of(odds).items():
            markets = {name: rows_of(rows).good[::-1] for name, rows in markets_of(text).items()}
            found.add(company, markets)
    by_market = {(row.company_id, row.market): row for row in found.rows()}
    for market, goals, price_first in (("bs", 100, 77), ("eu", 97, 59)):
        row = by_market["2", market]
        assert (row.goals, row.price_first, row.price_first_median_seconds) == (
            goals,
            price_first,
            19,
        )
        assert row.label_first == 0
    others = [row for key, row in by_market.items() if key[0] != "2"]
    assert max(row.price_first / row.goals for row in others if row.goals >= 20) < 0.1
    assert 400 <= sum(row.label_first for row in others) <= 450
