"""Which company's rows are kept, by tables."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.early_odds import (
    EarlyOdds,
    Known,
    MarketState,
    OddsProblem,
    early_odds,
)

ABSENT, OK, CLOSED, GOAL = (
    MarketState.ABSENT,
    MarketState.OK,
    MarketState.CLOSED,
    MarketState.GOAL_SCORED,
)


LATE = Known(at=10_000)


def row(
    at: int,
    minute: str = "",
    v2: Any = 0.9,
    *,
    closed: int = 0,
    score: str = "0-0",
    status: int | None = None,
) -> list[Any]:
    """A row, of a match that has not started where no minute is told."""
    status = status or (2 if minute else 1)
    return [at, minute, v2, 2.5, 0.95, status, closed, score]


def read(companies: dict[str, Any], order: tuple[str, ...] = ("2",), known: Known = LATE) -> Any:
    texts = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in companies.items()}
    return early_odds(texts, order, known)


def of(**markets: Any) -> EarlyOdds:
    early, issues = read({"2": markets})
    assert issues == []
    assert early is not None
    return early


def kept(rows: list[list[Any]]) -> list[tuple[int, str]]:
    """Time and minute of the O/U rows kept of this list, which is newest first."""
    return [(r.change_time, r.minute) for r in of(bs=rows).rows.over_under or ()]


@pytest.mark.parametrize(
    ("quoting", "order", "chosen"),
    [
        (["2", "22"], ("2",), "2"),
        (["22", "3"], ("2",), "3"),
        (["136", "22", "9"], ("2",), "9"),
        (["22", "3", "15"], ("2", "22", "3"), "22"),
        (["500"], ("2",), "500"),
        ([], ("2",), None),
    ],
)
def test_the_company_is_the_first_of_the_order_else_the_lowest_id(
    quoting: list[str], order: tuple[str, ...], chosen: str | None
) -> None:
    early, issues = read({company: {"eu": [row(1)]} for company in quoting}, order)
    assert (early and early.company_id) == chosen
    assert issues == []


@pytest.mark.parametrize("nothing", [{}, {"eu": []}, {"other": [row(1)]}])
def test_a_company_without_rows_is_passed_over(nothing: dict[str, Any]) -> None:
    early, issues = read({"2": nothing, "3": {"cr": [row(1)]}})
    assert early is not None
    assert early.company_id == "3"
    assert issues == []


@pytest.mark.parametrize(
    ("minute", "is_early"),
    [
        ("", True),
        ("0", True),
        ("10", True),
        ("11", False),
        ("45+", False),
        ("midfield", False),
    ],
)
def test_the_window_is_pre_match_and_minutes_0_to_10(minute: str, is_early: bool) -> None:
    assert kept([row(1, minute)]) == ([(1, minute)] if is_early else [])


@pytest.mark.parametrize("minute", ["-1", "٣", "1" * 5000, "03", "3'", "90+"])
def test_a_minute_that_cannot_be_read_is_counted_and_shows_nothing(minute: str) -> None:
    early, issues = read({"2": {"bs": [row(3, minute), row(2, minute), row(1)]}})
    assert [r.change_time for r in early.rows.over_under] == [1]
    (issue,) = issues
    assert issue.reason == OddsProblem.UNREADABLE_MINUTE
    assert issue.detail.startswith("2 bs: 2 of 3 rows, the first ")


@pytest.mark.parametrize("score", ["0:0", "", "0-0 ", "1", "-1-0", "01-0", "100-0", "a-b"])
def test_a_score_that_cannot_be_read_is_counted_and_is_no_goal(score: str) -> None:
    early, issues = read(
        {"2": {"bs": [row(4, "4"), row(3, "3", score=score)], "cr": [row(9, "7", score=score)]}}
    )
    assert [r.change_time for r in early.rows.over_under] == [4]
    assert early.states.corners is ABSENT
    assert [issue.reason for issue in issues] == [OddsProblem.UNREADABLE_SCORE] * 2
    assert "2 bs: 1 of 2 rows" in issues[0].detail


def test_of_pre_match_the_opening_and_the_closing_row_are_kept() -> None:
    rows = [row(5, closed=1), row(4), row(3), row(2), row(1, closed=1)]
    assert kept(rows) == [(2, ""), (4, "")]


def test_an_only_open_pre_match_row_is_kept_once() -> None:
    assert kept([row(3, closed=1), row(2), row(1, closed=1)]) == [(2, "")]


def test_of_each_minute_the_first_open_row_is_kept_minutes_ascending() -> None:
    rows = [row(9, "10"), row(8, "2"), row(7, "2"), row(6, "2", closed=1), row(5, "0"), row(4)]
    assert kept(rows) == [(4, ""), (5, "0"), (7, "2"), (9, "10")]


def test_minutes_ascend_even_where_time_does_not() -> None:
    assert kept([row(3, "4"), row(2, "5"), row(1, "3")]) == [(1, "3"), (3, "4"), (2, "5")]


def test_of_a_minute_with_closed_rows_alone_the_first_is_kept() -> None:
    rows = [row(4, "3", closed=1), row(3, "3", closed=1), row(2, closed=1), row(1, closed=1)]
    early = of(bs=rows)
    assert [(r.change_time, r.closed) for r in early.rows.over_under or ()] == [(1, 1), (3, 1)]
    assert early.states.over_under is CLOSED


def test_rows_of_one_moment_keep_the_order_of_the_vendor_newest_first() -> None:
    rows = [row(1, "3", 0.2), row(1, "3", 0.1), row(1, "", 0.4), row(1, "", 0.3)]
    early = of(bs=rows)
    assert [str(r.v2) for r in early.rows.over_under or ()] == ["0.3", "0.4", "0.1"]


def test_the_order_of_the_list_does_not_matter_where_times_differ() -> None:
    rows = [row(at, str(at // 3) if at > 9 else "", at / 100) for at in range(30, 0, -1)]
    shuffled = random.Random(7).sample(rows, len(rows))
    assert of(bs=shuffled) == of(bs=rows)


def test_lines_and_prices_keep_the_vendors_own_text() -> None:
    text = msgspec.Raw(b'{"asia":[[1,"",0.950,-0.0,1,1,0,"0-0"]]}')
    early, _ = early_odds({"2": text}, ("2",), LATE)
    assert early is not None
    assert early.rows.spread is not None
    (only,) = early.rows.spread
    assert (str(only.v2), str(only.v3), str(only.v4)) == ("0.950", "-0.0", "1")


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], ABSENT),
        ([row(2, "11"), row(1, "45+", score="1-0")], ABSENT),
        ([row(2, "3"), row(1, "2", closed=1)], OK),
        ([row(2, "3", score="1-0"), row(1, "2")], OK),
        ([row(2, "3", score="1-0"), row(1, "2", closed=1)], CLOSED),
        ([row(2, "3", score="1-0"), row(1, "2", score="0-1")], GOAL),
        ([row(1, "2", closed=1, score="1-0")], GOAL),
    ],
)
@pytest.mark.parametrize(
    ("market", "column"), [("asia", "spread"), ("eu", "money_line"), ("bs", "over_under")]
)
def test_only_lines_quoted_before_the_first_goal_are_kept(
    market: str, column: str, rows: list[list[Any]], state: MarketState
) -> None:
    other = {"asia": [row(9)], "eu": [row(9)], "bs": [row(9)]} | {market: rows}
    early = of(**other)
    assert getattr(early.states, column) is state
    assert (getattr(early.rows, column) is None) == (state in (ABSENT, GOAL))


@pytest.mark.parametrize(
    ("goals_seen_at", "corner_rows", "state", "times"),
    [
        ([], [row(5, "4", score="2-1")], OK, [5]),
        ([6], [row(5, "4", score="2-1")], OK, [5]),
        ([5], [row(5, "4", score="0-0")], GOAL, []),
        ([9, 4], [row(5, "4"), row(3, "2", score="1-0")], OK, [3]),
        ([4], [row(5, "4"), row(3, "2", closed=1)], CLOSED, [3]),
        ([2], [row(5, "4", score="2-1")], GOAL, []),
        ([2], [row(5, "11")], ABSENT, []),
        ([2], [], ABSENT, []),
    ],
)
@pytest.mark.parametrize("market", ["asia", "eu", "bs"])
def test_corner_rows_are_kept_until_the_companys_first_goal(
    market: str,
    goals_seen_at: list[int],
    corner_rows: list[list[Any]],
    state: MarketState,
    times: list[int],
) -> None:
    goals = [row(at, "70", score="1-0") for at in goals_seen_at]
    early = of(**{market: [*goals, row(1)], "cr": corner_rows})
    assert early.states.corners is state
    assert [r.change_time for r in early.rows.corners or ()] == times


def test_a_goal_that_another_company_saw_first_does_not_count() -> None:
    early, _ = read({"2": {"cr": [row(5, "3")]}, "3": {"bs": [row(1, "1", score="1-0")]}})
    assert early is not None
    assert early.states.corners is OK


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ([1, "3", 0.9, 2.5, 0.9, 2, 0], OddsProblem.MALFORMED_ROW),
        ([], OddsProblem.MALFORMED_ROW),
        (None, OddsProblem.MALFORMED_ROW),
        ("text", OddsProblem.MALFORMED_ROW),
        (row(1, "3", None), OddsProblem.MALFORMED_ROW),
        (row(1, "3", "0.9"), OddsProblem.MALFORMED_ROW),
        (row(1, "3", True), OddsProblem.MALFORMED_ROW),
        (row(1, "3", [0.9]), OddsProblem.MALFORMED_ROW),
        (row(1, "3", closed=2), OddsProblem.MALFORMED_ROW),
        (row(1, "3", 1e300), OddsProblem.VALUE_OUT_OF_RANGE),
    ],
)
def test_a_bad_row_is_left_out_and_noted_and_the_others_go_on(
    bad: Any, problem: OddsProblem
) -> None:
    early, issues = read({"2": {"bs": [row(9, "4"), bad, row(1)], "eu": [row(1)]}})
    assert [r.change_time for r in early.rows.over_under] == [1, 9]
    assert early.states.money_line is OK
    (issue,) = issues
    assert issue.reason == problem
    assert "2 bs" in issue.detail
    assert "1 of 3 rows" in issue.detail


def test_a_number_too_large_for_memory_is_left_out() -> None:
    text = msgspec.Raw(b'{"bs":[[1,"3",1e999999999,2.5,0.9,2,0,"0-0"]]}')
    early, issues = early_odds({"2": text}, ("2",), LATE)
    assert early is not None
    assert early.states.over_under is ABSENT
    assert [issue.reason for issue in issues] == [OddsProblem.VALUE_OUT_OF_RANGE]


@pytest.mark.parametrize("bad", [None, 5, "rows", {"0": row(1)}])
def test_a_bad_market_is_left_out_and_noted(bad: Any) -> None:
    early, issues = read({"2": {"bs": bad, "eu": [row(1)]}})
    assert early.states.over_under is ABSENT
    assert early.states.money_line is OK
    assert [issue.reason for issue in issues] == [OddsProblem.MALFORMED_MARKET]


@pytest.mark.parametrize("bad", [None, 5, "company", [row(1)]])
def test_a_bad_company_is_passed_over_and_noted(bad: Any) -> None:
    early, issues = read({"2": bad, "3": {"eu": [row(1)]}})
    assert early.company_id == "3"
    assert [issue.reason for issue in issues] == [OddsProblem.MALFORMED_COMPANY]
