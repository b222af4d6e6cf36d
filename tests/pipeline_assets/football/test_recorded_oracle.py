"""Over the whole recording, every match shows exactly the rows that the rules choose.

The oracle reads the vendor's JSON by itself and shares no code with the stages.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.monitor_central import MonitorRecord
from tests.pipeline_assets.football.examples import chain
from tests.pipeline_assets.football.fetches import POLL, needs_poll, recorded, recorded_fetch
from tests.pipeline_assets.football.odds_oracle import american, chosen, company_of, history_of
from touchline.day import Minute

pytestmark = needs_poll

IN_PLAY = {2, 3, 4, 5, 6, 7}
Shown = tuple[str, tuple[str | None, ...] | None]
"""A market's state, and the row it shows: minute, price, line or price, price."""


def expected(
    odds: dict[str, Any], at: int, scheduled: int | None
) -> tuple[str | None, dict[str, Shown]]:
    """The company and what each market shows of it, from the results of an odds answer."""
    company = company_of(odds)
    if company is None:
        return None, {}
    history = history_of(odds, company, at, scheduled)
    shown: dict[str, Shown] = {}
    for market, column in [
        ("asia", "spread"),
        ("eu", "money_line"),
        ("bs", "over_under"),
        ("cr", "corners"),
    ]:
        state, row = chosen(history, market)
        if row is None:
            shown[column] = state, None
        elif market == "eu":
            shown[column] = state, (row[1], *(american(price - 1) for price in row[2:5]))
        else:
            shown[column] = state, (row[1], american(row[2]), str(row[3]), american(row[4]))
    return company, shown


def displayed(record: MonitorRecord) -> tuple[str | None, dict[str, Shown]]:
    if record.odds_company is None or record.odds_states is None:
        return None, {}
    shown: dict[str, Shown] = {}
    for column, state in msgspec.structs.asdict(record.odds_states).items():
        quote = record.odds and getattr(record.odds, column)
        values = quote and tuple(
            str(value) if isinstance(value, Decimal) else value
            for value in msgspec.structs.astuple(quote)
        )
        shown[column] = str(state), values
    return record.odds_company.id, shown


def in_window(odds: dict[str, Any], company: str | None) -> bool:
    """Whether the company quoted the match in its minutes 0 to 10."""
    markets = odds[company].values() if company else ()
    return any(re.fullmatch("10|[0-9]", row[1]) for rows in markets for row in rows)


@pytest.mark.parametrize("minutes_before", range(0, 120, 20))
def test_every_match_shows_what_the_rules_choose(minutes_before: int) -> None:
    film, at = recorded(), int(POLL.timestamp()) - 60 * minutes_before
    raw = recorded_fetch(Minute.containing(POLL).later(-minutes_before), at)
    records = chain(raw).monitor.records
    assert len(records) == len(film.live(at))
    compared = Counter[str]()
    for record in records:
        odds = json.loads(film.odds(record.match_id, at) or b"{}", parse_float=Decimal) or {}
        detail = json.loads(film.detail(record.match_id, at) or b"{}")
        company, shown = expected(odds, at, detail.get("match_time"))
        assert displayed(record) == (company, shown), record.match_id
        if record.match_info.status_id in IN_PLAY and in_window(odds, company):
            compared["in play with early rows"] += 1
    assert compared["in play with early rows"] >= 5


def test_the_measured_minutes_of_the_goal_lines() -> None:
    """Of the 68 matches that bet365 quotes, 46 show the line of minute 3 and 10 a pre-match one."""
    records = chain(recorded_fetch()).monitor.records
    minutes = Counter(
        record.odds.over_under.time_of_match
        for record in records
        if record.odds and record.odds.over_under
        if record.odds_company and record.odds_company.id == "2"
    )
    assert minutes == {"3": 46, "": 10, "4": 6, "2": 3, "5": 2, "10": 1}
