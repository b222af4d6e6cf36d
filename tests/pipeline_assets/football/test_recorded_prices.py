"""No shown price lies between a goal and that goal's text, says who has seen the whole film.

The judge knows no jump and no suspension: a price from before a goal is nearer to what its market
quoted three minutes before the goal's text than to what it quotes under that text.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from pipeline_assets.football.early_odds import EarlyOdds, KeptRow, Known, early_odds
from pipeline_assets.football.goal_moments import ScoreHistory, score_history
from pipeline_assets.football.wire.odds import OddsRow, companies_in, markets_of, rows_of
from tests.pipeline_assets.football.fetches import POLL, answer, needs_poll, recorded
from tests.pipeline_assets.football.odds_oracle import PREFERENCE

pytestmark = needs_poll

AT = int(POLL.timestamp())
LAG = 180
CUTS = int(os.environ.get("TOUCHLINE_RECORDED_CUTS", "6"))
"""How many of the 60 minutes before the poll are looked at, at most all."""
EVERY = 60 // min(CUTS, 60)
MINUTES_BEFORE = range(3 % EVERY, 60, EVERY)
"""Of six, one lies between a goal and its text: 43 minutes before the poll."""
COLUMNS = {"spread": "asia", "money_line": "eu", "over_under": "bs"}
Level = Callable[[OddsRow], float]


@dataclass(frozen=True)
class Judge:
    """One company's whole film of a match: its rows by market, oldest first."""

    rows: dict[str, list[OddsRow]]

    @functools.cached_property
    def first_goals(self) -> list[tuple[int, str]]:
        """When a text other than 0-0 came for longer than a lag, and that text."""
        found: list[tuple[int, str]] = []
        for rows in self.rows.values():
            for place, (old, new) in enumerate(pairwise(rows), start=1):
                soon = [row for row in rows[place:] if row.change_time <= new.change_time + LAG]
                if old.score == "0-0" and all(row.score != "0-0" for row in soon):
                    found.append((new.change_time, new.score))
        return sorted(found)

    def text_to_come(self, at: int) -> int | None:
        """When the text came of a goal that a quote of this time had in its price already."""
        for text, score in self.first_goals:
            if text - LAG < at < text and any(
                abs(seen - after) < abs(seen - before) and after - before > least
                for before, seen, after, least in self._levels(at, text, score)
            ):
                return text
        return None

    def _levels(
        self, at: int, text: int, score: str
    ) -> Iterator[tuple[float, float, float, float]]:
        """Well before the text, at this time and under the text; and how far they are apart."""
        home, away = (int(goals) for goals in score.split("-"))
        measures: list[tuple[str, Level, float]] = [("bs", lambda row: float(row.v3), 0.4)]
        if home:
            measures.append(("eu", lambda row: 1 / float(row.v2), 0.05))
        if away:
            measures.append(("eu", lambda row: 1 / float(row.v4), 0.05))
        for market, level, least in measures:
            rows = [row for row in self.rows.get(market, []) if not row.closed]
            under = [row for row in rows if row.change_time >= text and row.score != "0-0"]
            so_far = [[row for row in rows if row.change_time <= t] for t in (text - LAG, at)]
            if under and all(so_far):
                yield level(so_far[0][-1]), level(so_far[1][-1]), level(under[0]), least


@functools.cache
def judge(match: str, company: str) -> Judge:
    markets = markets_of(companies_in(body(match, AT))[company])
    return Judge({m: rows_of(text).good[::-1] for m, text in markets.items() if m != "cr"})


def body(match: str, at: int) -> bytes:
    return answer(recorded().odds(match, at) or b"{}")


@functools.cache
def scheduled(match: str) -> int:
    return json.loads(recorded().detail(match, AT) or b"{}")["match_time"]


def quoted(match: str, at: int, *, price_first: tuple[str, ...] = ("2",)) -> EarlyOdds | None:
    """What is kept of the answer of `at`."""
    companies, when = companies_in(body(match, at)), Known(at, scheduled(match))
    early, issues = early_odds(companies, ("2",), when, price_first_companies=price_first)
    assert issues == []
    return early


@dataclass(frozen=True)
class Shown:
    match: str
    company: str
    column: str
    row: KeptRow

    @property
    def text_to_come(self) -> int | None:
        return judge(self.match, self.company).text_to_come(self.row.change_time)


def shown(match: str, early: EarlyOdds | None) -> Iterator[Shown]:
    for column in COLUMNS if early else ():
        assert early is not None
        rows: list[KeptRow] = getattr(early.rows, column) or []
        open_rows = [row for row in rows if not row.closed]
        for minute in PREFERENCE:
            if of_minute := [row for row in open_rows if row.minute == minute]:
                yield Shown(match, early.company_id, column, of_minute[-1])
                break


def shown_at(at: int, **rule: Any) -> list[Shown]:
    matches = recorded().live(at)
    return [each for match in matches for each in shown(match, quoted(match, at, **rule))]


def test_at_the_poll_no_shown_price_lies_between_a_goal_and_its_text() -> None:
    found = shown_at(AT)
    assert len(found) == 252, "as many as by the text alone"
    assert [each for each in found if each.text_to_come] == []


@pytest.mark.parametrize("minutes", MINUTES_BEFORE)
def test_in_an_earlier_minute_neither_and_without_doubt_for_a_lag_at_most(minutes: int) -> None:
    at = AT - 60 * minutes
    assert [each for each in shown_at(at) if each.text_to_come] == []
    for each in shown_at(at, price_first=()):
        if each.text_to_come:
            jumped = each.row.change_time
            assert at < each.text_to_come <= jumped + LAG
            assert each not in shown(each.match, quoted(each.match, jumped + LAG, price_first=()))


def test_a_price_between_a_goal_and_its_text_would_be_shown_without_doubt() -> None:
    found = [each for each in shown_at(AT - 60 * 43, price_first=()) if each.text_to_come]
    assert {(each.match, each.column) for each in found} == {
        ("23xmvkh6323kqg8", column) for column in COLUMNS
    }


def test_of_the_price_first_company_every_goalless_quote_is_judged_alike() -> None:
    """Where the text says 0-0 a quote belongs to another score exactly if the judge says so; but
    for the two goals that were taken back within a minute, which the judge does not see."""
    judged = {True: 0, False: 0}
    apart = set[str]()
    for match in recorded().live(AT):
        if "2" not in companies_in(body(match, AT)):
            continue
        history = history_of(match, "2")
        for rows in judge(match, "2").rows.values():
            for row in rows:
                if row.score == "0-0" and not row.closed:
                    is_before = judge(match, "2").text_to_come(row.change_time) is None
                    judged[is_before] += 1
                    if (history.score_at(row.change_time) == (0, 0)) != is_before:
                        apart.add(match)
    assert judged == {True: 9542, False: 109}
    assert apart == {"318q66hwejgxqo9", "l5ergph4o5plr8k"}


def history_of(match: str, company: str) -> ScoreHistory:
    return score_history(judge(match, company).rows, AT, is_price_first=company == "2")
