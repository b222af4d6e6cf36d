"""Over the recorded evening no price is shown from between a goal and its score text.

The oracle here knows how the evening went on. It shares no code with the rules and does not use
their words: it asks whether a price is nearer to what the market said well after a goal than to
what it said well before it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import pytest

from pipeline_assets.football.early_odds import EarlyOdds, Known, early_odds
from pipeline_assets.football.pretty_print import COMPANY_ORDER
from pipeline_assets.football.pretty_print_conversion import shown_row
from tests.pipeline_assets.football.fetches import POLL, needs_poll, recorded
from touchline.football.odds import companies_of

pytestmark = needs_poll

AT_POLL = int(POLL.timestamp())
WAITS = 180
"""Seconds after a jump in which a company may still owe the score text."""
COLUMNS = {"asia": "spread", "eu": "money_line", "bs": "over_under", "cr": "corners"}
Row = list[Any]


class Shown(NamedTuple):
    company: str
    market: str
    row: Row


@functools.cache
def film(match: str) -> dict[str, dict[str, list[Row]]]:
    """All rows of a match that were ever recorded, oldest first."""
    odds = json.loads(recorded().odds(match, AT_POLL + 600) or b"{}") or {}
    return {
        company: {name: rows[::-1] for name, rows in markets.items()}
        for company, markets in odds.items()
    }


@functools.cache
def scheduled(match: str) -> int:
    return json.loads(recorded().detail(match, AT_POLL + 600) or b"{}")["match_time"]


def early(match: str, at: int, answered_at: int) -> EarlyOdds | None:
    """What is kept at a moment of what the vendor answered at another."""
    answer = msgspec.Raw(recorded().odds(match, answered_at) or b"{}")
    return early_odds(companies_of(answer), COMPANY_ORDER, Known(at, scheduled(match)))[0]


def shown(match: str, at: int) -> Iterator[Shown]:
    kept = early(match, at, AT_POLL + 600)
    for market, column in COLUMNS.items() if kept else ():
        assert kept is not None
        row = shown_row(getattr(kept.rows, column))
        if row is not None:
            yield Shown(kept.company_id, market, [row.change_time, row.minute, row.v2, row.v3])


@functools.cache
def goal(match: str, company: str) -> tuple[int, str] | None:
    """When a company's texts left 0-0, and what they showed then, if it was still so later."""
    rows = sorted(
        (
            (row[0], row[7])
            for name in ("asia", "eu", "bs")
            for row in film(match).get(company, {}).get(name, [])
        ),
        key=lambda row: row[0],
    )
    for time, text in rows:
        if text != "0-0":
            later = [shown for at, shown in rows if time <= at <= time + 900]
            if later.count("0-0") < len(later) / 2:
                return time, text
    return None


def level(market: str, row: Row, text: str) -> float:
    """What a goal raises: the total line, or how likely the prices make who scored it."""
    if market == "bs":
        return float(row[3])
    return 1 / float(row[4] if text.startswith("0") else row[2])


@functools.cache
def jump(match: str, company: str) -> int | None:
    """When the company was first open at a price of after its first goal before its text showed
    that goal, None if never."""
    scored = goal(match, company)
    if scored is None:
        return None
    time, text = scored
    found = []
    for market, least in (("bs", 0.5), ("eu", 0.08)):
        rows = [row for row in film(match)[company].get(market, []) if not row[6]]
        before = [row for row in rows if row[0] <= time - WAITS]
        after = [row for row in rows if row[7] != "0-0" and time <= row[0] <= time + 300]
        if before and after:
            low, high = level(market, before[-1], text), level(market, after[0], text)
            if high - low >= least:
                found += [
                    row[0]
                    for row in rows
                    if time - WAITS < row[0] < time and level(market, row, text) > (low + high) / 2
                ]
    return min(found, default=None)


def misplaced(match: str, at: int) -> Iterator[tuple[Shown, int]]:
    """The shown prices from between a goal and its text, and when the price jumped."""
    for price in shown(match, at):
        scored, jumped = goal(match, price.company), jump(match, price.company)
        if scored and jumped and jumped <= price.row[0] < scored[0]:
            yield price, jumped


def matches() -> list[str]:
    return [match for match in recorded().live(AT_POLL) if film(match)]


def test_at_the_poll_no_price_is_from_between_a_goal_and_its_text() -> None:
    prices = [(match, price) for match in matches() for price in shown(match, AT_POLL)]
    assert sum(price.market != "cr" for _, price in prices) >= 245
    assert [found for match in matches() for found in misplaced(match, AT_POLL)] == []


def test_the_oracle_knows_such_prices() -> None:
    jumped = [match for match in matches() if jump(match, "2")]
    assert {"23xmvkh6323kqg8", "vjxm8ghe404vr6o"} <= {*jumped}
    assert len(jumped) >= 20


def test_at_every_minute_such_a_price_is_gone_when_its_text_is_overdue() -> None:
    late = []
    for cut in range(AT_POLL - 3600, AT_POLL, 60):
        for match in matches():
            if jump(match, "2") or jump(match, "3"):
                late += [f for f in misplaced(match, cut) if cut - f[1] >= WAITS]
    assert late == []


@pytest.mark.parametrize("minutes", range(0, 60, 12))
def test_what_came_later_changes_nothing(minutes: int) -> None:
    cut = AT_POLL - 60 * minutes
    for match in matches():
        assert early(match, cut, AT_POLL + 600) == early(match, cut, cut), match
