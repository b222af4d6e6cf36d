"""What the display showed of 25 recorded matches at the moment of the poll, spelled out.

The expectations are in recorded_display.csv. They were worked out from the recorded rows by other
means than these stages, some by hand. They name matches by their place in the list; names are
compared with the recording itself. A shown row is `minute price line price`, or `minute price price
price` of the match winner; `prematch` has the decimal prices of home, draw and away.
"""

from __future__ import annotations

import csv
import functools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.alerts.rules import alert_stages
from pipeline_assets.football.monitor_central import MonitorRecord
from tests.pipeline_assets.football.examples import Chain, chain
from tests.pipeline_assets.football.fetches import needs_poll, recorded, recorded_fetch

pytestmark = needs_poll

with Path(__file__).with_name("recorded_display.csv").open(newline="") as table:
    EXPECTED = {int(row.pop("match")): row for row in csv.DictReader(table)}
MARKETS = {
    "spread": "spread",
    "money_line": "money_line",
    "over_under": "over_under",
    "corners": "corner_line",
}
"""Of the display, with their columns in the table."""


@functools.cache
def poll() -> Chain:
    return chain(recorded_fetch())


def shown(record: MonitorRecord) -> dict[str, str]:
    """A record in the form of the table."""
    info, prices, of = record.match_info, record.prematch_money_line, record.environment
    weather = (of.weather, of.temperature_f, of.pressure, of.wind, of.humidity)
    markets = {
        column: odds_row(record.odds and getattr(record.odds, market))
        for market, column in MARKETS.items()
    }
    decimals = prices and (prices.home_decimal, prices.draw_decimal, prices.away_decimal)
    return {
        "status": info.status,
        "live_score": info.live_score or "",
        "corners": " ".join(map(str, msgspec.structs.astuple(record.corners))),
        "company": record.odds_company.id if record.odds_company else "",
        **markets,
        "prematch": " ".join(map(str, decimals or ())),
        "environment": " / ".join(map(str, weather)) if any(weather) else "",
        "incidents": str(len(record.incidents)),
    }


def odds_row(quote: msgspec.Struct | None) -> str:
    if quote is None:
        return ""
    minute, *rest = msgspec.structs.astuple(quote)
    return " ".join([minute or "prematch", *map(str, rest)])


@pytest.mark.parametrize("position", EXPECTED)
def test_the_display_of_a_recorded_match(position: int) -> None:
    record, expected = poll().monitor.records[position], EXPECTED[position]
    assert record.timestamp == "05/28/2025 01:30:00 PM EDT"
    assert shown(record) == expected
    company, states = record.odds_company, record.odds_states
    assert (company and company.fallback) == (expected["company"] != "2" if company else None)
    ok_or_absent = {m: "ok" if expected[column] else "absent" for m, column in MARKETS.items()}
    assert (states and msgspec.structs.asdict(states)) == (ok_or_absent if company else None)


def test_every_recorded_match_is_shown_under_its_names() -> None:
    film = recorded()

    def name_of(answer: bytes | None) -> str:
        return json.loads(answer or b"{}")["name"].strip()

    records = poll().monitor.records
    at = int(recorded_fetch().ref.minute.end.timestamp())
    assert [record.match_id for record in records] == list(film.live(at))
    for record in records:
        detail: dict[str, Any] = json.loads(film.detail(record.match_id, at) or b"{}")
        info = record.match_info
        assert info.home_team == name_of(film.team(detail["home_team_id"]))
        assert info.away_team == name_of(film.team(detail["away_team_id"]))
        assert info.competition_name == name_of(film.competition(detail["competition_id"]))
        assert info.competition_id == detail["competition_id"]


def test_no_recorded_match_is_lost_or_irregular_enough_to_be_noted() -> None:
    for staged in (poll().reduced, poll().converted, poll().monitor):
        assert staged.account.as_dict() == {
            "received": 102,
            "emitted": 102,
            "dropped": {},
            "quarantined": {},
        }
    assert [issue for match in poll().reduced.records for issue in match.odds_issues] == []
    assert [issue for m in poll().converted.records for issue in m.environment_issues] == []


def test_the_alerts_of_the_recorded_moment() -> None:
    raw = recorded_fetch()
    accounts = {}
    for stage in alert_stages():
        staged = stage.by(raw.ref, poll().monitor.records, carried=None)
        accounts[stage.short_name] = staged.account.as_dict()
    assert accounts == {
        "alert_3ou_half": {
            "received": 102,
            "emitted": 0,
            "dropped": {"goals": 8, "line_low": 2, "not_half_time": 92},
            "quarantined": {},
        },
        "alert_underdog_0half": {
            "received": 102,
            "emitted": 2,
            "dropped": {
                "favorite_scored": 4,
                "insufficient_data": 3,
                "no_favorite": 1,
                "not_half_time": 92,
            },
            "quarantined": {},
        },
    }
