"""Which early rows of a company were quoted before its first goal, and what is told of the rest.

The tables hold for the product and for the slow reference alike.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.football.early_odds import EarlyOdds, Known, early_odds
from tests.pipeline_assets.football.histories import (
    MARKETS,
    START,
    History,
    as_company,
    moments,
    until,
    written,
)
from tests.pipeline_assets.football.score_reference import Reference
from tests.pipeline_assets.odd_json import examples, patience

COLUMNS = dict(zip(("spread", "money_line", "over_under", "corners"), MARKETS, strict=True))
LATE = 5000
JUMP_120 = "100 0-0 2.5 | 110 0-0 2.5 closed | 120 0-0 3.0"


def kept(
    history: History, at: int = LATE, *, price_first: bool = True, start: int = START
) -> EarlyOdds:
    """The early odds of a history, which are those of the reference."""
    by = ("2",) if price_first else ()
    company = {"2": as_company(history)}
    early, _ = early_odds(company, ("2",), Known(at, start), price_first_companies=by)
    assert early is not None
    expected = Reference(history, at, price_first=price_first, scheduled=start)
    for column, market in COLUMNS.items():
        state, rows = expected.early(market)
        assert getattr(early.states, column) == state, market
        assert [
            [row.change_time, row.minute, row.v2, row.v3, row.v4, row.closed, row.score]
            for row in getattr(early.rows, column) or []
        ] == [[*row[:5], *row[6:]] for row in rows], market
    return early


@pytest.mark.parametrize(
    ("at", "times"),
    [(119, [90]), (130, [90]), (140, [90]), (LATE, [90])],
)
def test_corner_rows_are_kept_until_the_goals_moment(at: int, times: list[int]) -> None:
    """In minute 3 before it, in minute 4 in doubt or after it; their own text does not matter."""
    history = written(
        asia="80 0-0 0 minute=2 | 140 1-0 0 minute=4",
        bs=JUMP_120,
        cr="90 2-1 8.5 | 120 2-1 8.5 minute=4 | 130 2-1 8.5 minute=5",
    )
    rows = kept(history, at).rows.corners or []
    assert [row.change_time for row in rows] == times


def test_corner_rows_are_all_kept_once_the_goal_was_taken_back() -> None:
    history = written(
        bs="80 0-0 2 | 100 1-0 3 | 110 0-0 2",
        cr="90 2-1 8.5 minute=2 | 105 2-1 8.5 | 120 2-1 8.5 minute=4",
    )
    assert [row.minute for row in kept(history, 104).rows.corners or []] == ["2"]
    assert [row.minute for row in kept(history).rows.corners or []] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("asia", "at", "state"),
    [
        ("130 0-0 0 minute=4", 299, "in_doubt"),
        ("130 0-0 0 minute=4", 300, "ok"),
        ("130 0-0 0 minute=4 | 131 1-0 0 minute=4", 299, "goal_scored"),
        ("110 0-0 0 closed | 130 0-0 0 minute=4", 299, "closed"),
        ("90 0-0 0 minute= status=8 | 130 0-0 0 minute=4", 299, "in_doubt"),
        ("90 0-0 0 minute= status=13", 299, "unknown_phase"),
        ("90 0-0 0 minute= status=8 | 500 1-0 0 minute=4", 500, "unknown_phase"),
        ("90 0-0 0 minute= status=8 | 95 0-0 0 minute= status=2", 299, "absent"),
        ("130 0-0 0 minute=11", 299, "absent"),
    ],
)
def test_the_state_of_a_market_while_another_has_jumped(asia: str, at: int, state: str) -> None:
    early = kept(written(asia=asia, bs=JUMP_120), at, start=50)
    assert early.states.spread == state


def test_a_company_without_a_row_so_far_is_passed_over() -> None:
    history = as_company(written(bs="90 0-0 2"))
    later = as_company(written(bs="200 0-0 2", eu="200 1-0 2/4"))
    early, _ = early_odds({"2": later, "3": history}, ("2",), Known(at=199))
    assert early is not None
    assert early.company_id == "3"


@patience
@examples
@given(moments(), st.booleans())
def test_the_early_odds_of_every_history_are_those_of_the_reference(
    moment: tuple[History, int], price_first: bool
) -> None:
    history, at = moment
    early = kept(history, at, price_first=price_first, start=START + 30)
    assert kept(until(at, history), at, price_first=price_first, start=START + 30) == early
