"""What the display showed of 25 recorded matches at the moment of the poll, spelled out.

The expectations were worked out from the recorded rows by other means than these stages, some by
hand. They name matches by their place in the list; names are compared with the recording itself.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.alerts.rules import alert_stages
from pipeline_assets.football.monitor_central import MonitorRecord, monitor_document
from tests.pipeline_assets.football.examples import Chain, as_json, chain
from tests.pipeline_assets.football.fetches import needs_poll, recorded, recorded_fetch

pytestmark = needs_poll


@dataclass(frozen=True)
class Expected:
    """A shown row is `minute price line price`, or `minute price price price` of MoneyLine."""

    status: str
    live_score: str
    corners: tuple[int, int, int]
    company: str | None = "2"
    spread: str | None = None
    money_line: str | None = None
    over_under: str | None = None
    corner_line: str | None = None
    prematch: str | None = None
    """Decimal prices of home, draw and away."""
    environment: str | None = None
    """Weather, temperature, pressure, wind, humidity."""
    incidents: int = 0


EXPECTED = {
    1: Expected(
        status="Status ID: 2 (First half)",
        live_score="Live Score: 0-0 (HT: 0-0)",
        corners=(0, 0, 0),
        company=None,
    ),
    7: Expected(
        status="Status ID: 2 (First half)",
        live_score="Live Score: 0-0 (HT: 0-0)",
        corners=(0, 0, 0),
        company="6",
        spread="prematch -108 1.25 -120",
        over_under="prematch -145 3.25 +107",
        environment="Partially cloudy / 75 F / 30.2 inHg / 9mph (Gentle Breeze) / 67%",
    ),
    8: Expected(
        status="Status ID: 2 (First half)",
        live_score="Live Score: 1-0 (HT: 1-0)",
        corners=(1, 3, 4),
        spread="4 -105 0.5 -118",
        money_line="4 -111 +275 +225",
        over_under="4 -118 3.25 -105",
        prematch="1.85 3.75 3.25",
        environment="Cloudy / 66 F / 30.2 inHg / 25mph (Strong Breeze) / 43%",
    ),
    10: Expected(
        status="Status ID: 13 (To be determined)",
        live_score="Live Score: 0-0 (HT: 0-0)",
        corners=(0, 0, 0),
        company=None,
    ),
    13: Expected(
        status="Status ID: 2 (First half)",
        live_score="Live Score: 3-0 (HT: 3-0)",
        corners=(1, 1, 2),
        spread="prematch -115 1.0 -109",
        money_line="prematch -200 +320 +375",
        over_under="prematch -125 3.0 +100",
        corner_line="prematch -139 10.5 +100",
        prematch="1.5 4.2 4.75",
        environment="Sunny / 59 F / 29.8 inHg / 11mph (Gentle Breeze) / 55%",
    ),
    17: Expected(
        status="Status ID: 2 (First half)",
        live_score="Live Score: 2-0 (HT: 2-0)",
        corners=(0, 0, 0),
        company="4",
        money_line="prematch +310 +300 -185",
        over_under="prematch -222 2.5 +144",
        prematch="4.1 4.0 1.54",
    ),
    18: Expected(
        status="Status ID: 2 (First half)",
        live_score="Live Score: 0-0 (HT: 0-0)",
        corners=(2, 1, 3),
        company="4",
        money_line="6 +265 +244 -120",
        over_under="6 -135 2.5 -110",
    ),
    25: Expected(
        status="Status ID: 2 (First half)",
        live_score="Live Score: 1-2 (HT: 1-2)",
        corners=(0, 1, 1),
        spread="3 -130 -0.25 +102",
        money_line="3 +187 +225 +137",
        over_under="4 -130 2.25 +102",
        corner_line="3 -152 8.5 +110",
        prematch="2.87 3.2 2.35",
        environment="Sunny / 79 F / 29.9 inHg / 11mph (Gentle Breeze) / 41%",
        incidents=2,
    ),
    37: Expected(
        status="Status ID: 13 (To be determined)",
        live_score="Live Score: 0-0 (HT: 0-0)",
        corners=(0, 0, 0),
        spread="prematch -103 0.5 -122",
        money_line="prematch -111 +170 +360",
        over_under="prematch -111 1.75 -111",
        prematch="1.9 2.7 4.6",
        environment="Overcast / 66 F / 30.1 inHg / 6mph (Light Breeze) / 67%",
    ),
    46: Expected(
        status="Status ID: 2 (First half)",
        live_score="Live Score: 0-2 (HT: 0-2)",
        corners=(2, 3, 5),
        spread="prematch -103 -1.0 -122",
        money_line="prematch +350 +320 -189",
        over_under="prematch -118 3.5 -105",
        prematch="4.5 4.2 1.53",
        environment="Cloudy / 54 F / 30.2 inHg / 10mph (Gentle Breeze) / 98%",
    ),
    48: Expected(
        status="Status ID: 3 (Half-time)",
        live_score="Live Score: 1-1 (HT: 1-1)",
        corners=(2, 5, 7),
        company="3",
        spread="3 -108 0.5 -105",
        money_line="3 -108 +235 +280",
        over_under="3 -109 2.25 -106",
        prematch="1.86 3.45 4.0",
        environment="Cloudy / 66 F / 29.9 inHg / 8mph (Gentle Breeze) / 90%",
        incidents=1,
    ),
    52: Expected(
        status="Status ID: 3 (Half-time)",
        live_score="Live Score: 0-1 (HT: 0-1)",
        corners=(1, 4, 5),
        spread="prematch -125 0.25 +100",
        money_line="4 +100 +260 +210",
        over_under="3 -118 3.25 -105",
        prematch="2.0 3.5 3.0",
        environment="Overcast with rain / 63 F / 30.0 inHg / 5mph (Light Breeze) / 64%",
    ),
    56: Expected(
        status="Status ID: 3 (Half-time)",
        live_score="Live Score: 0-1 (HT: 0-1)",
        corners=(4, 3, 7),
        spread="3 -109 -2.0 -115",
        money_line="prematch +600 +550 -455",
        over_under="2 -125 3.75 +100",
        prematch="7.0 6.5 1.22",
        environment="Sunny / 61 F / 30.1 inHg / 10mph (Gentle Breeze) / 69%",
    ),
    59: Expected(
        status="Status ID: 13 (To be determined)",
        live_score="Live Score: 0-1 (HT: 0-1)",
        corners=(0, 0, 0),
        spread="prematch -111 -0.5 -111",
        money_line="prematch +333 +180 -111",
        over_under="prematch -130 1.75 +102",
        prematch="4.33 2.8 1.9",
        environment="Partially cloudy / 88 F / 30.0 inHg / 9mph (Gentle Breeze) / 71%",
    ),
    60: Expected(
        status="Status ID: 4 (Second half)",
        live_score="Live Score: 1-1 (HT: 1-1)",
        corners=(0, 0, 0),
        company=None,
        environment="Sunny / 70 F / 29.9 inHg / 18mph (Fresh Breeze) / 48%",
    ),
    61: Expected(
        status="Status ID: 4 (Second half)",
        live_score="Live Score: 1-0 (HT: 1-0)",
        corners=(0, 0, 0),
        company="5",
        spread="prematch -118 0.5 -118",
        money_line="prematch -110 +230 +320",
        over_under="prematch +125 2.5 -175",
        prematch="1.91 3.3 4.2",
        environment="Partially cloudy / 93 F / 29.5 inHg / 5mph (Light Breeze) / 46%",
    ),
    63: Expected(
        status="Status ID: 4 (Second half)",
        live_score="Live Score: 3-1 (HT: 3-0)",
        corners=(0, 0, 0),
        company="4",
        money_line="prematch -119 +250 +220",
        prematch="1.84 3.5 3.2",
        environment="Overcast with rain / 63 F / 29.8 inHg / 12mph (Gentle Breeze) / 73%",
    ),
    66: Expected(
        status="Status ID: 4 (Second half)",
        live_score="Live Score: 0-1 (HT: 0-0)",
        corners=(3, 5, 8),
        spread="3 -105 -0.5 -118",
        money_line="3 +300 +240 -111",
        over_under="3 -125 2.25 +100",
        corner_line="3 -152 9.5 +110",
        prematch="3.9 3.4 1.85",
        environment="Partially cloudy/rain / 55 F / 30.0 inHg / 16mph (Moderate Breeze) / 89%",
    ),
    72: Expected(
        status="Status ID: 4 (Second half)",
        live_score="Live Score: 1-1 (HT: 1-0)",
        corners=(5, 0, 5),
        company="11",
        spread="3 -109 1.5 -125",
        money_line="6 -400 +375 +1100",
        over_under="3 +101 2.5 -127",
        prematch="1.25 4.8 11.5",
        environment="Partially cloudy / 70 F / 30.2 inHg / 7mph (Gentle Breeze) / 78%",
    ),
    81: Expected(
        status="Status ID: 4 (Second half)",
        live_score="Live Score: 2-0 (HT: 1-0)",
        corners=(0, 4, 4),
        spread="3 -118 0.0 -105",
        money_line="4 +175 +175 +175",
        over_under="3 -111 1.5 -111",
        prematch="2.62 2.75 2.75",
    ),
    87: Expected(
        status="Status ID: 8 (End)",
        live_score="Live Score: 0-0 (HT: 0-0)",
        corners=(3, 4, 7),
        spread="4 -118 -0.5 -105",
        money_line="4 +333 +200 -111",
        over_under="3 -118 2.0 -105",
        corner_line="3 -125 8.5 -111",
        prematch="4.33 3.0 1.83",
        environment="Sunny / 73 F / 30.0 inHg / 12mph (Gentle Breeze) / 41%",
    ),
    95: Expected(
        status="Status ID: 8 (End)",
        live_score="Live Score: 1-4 (HT: 0-1)",
        corners=(0, 12, 12),
        company="3",
        environment="Sunny / 54 F / 29.9 inHg / 13mph (Moderate Breeze) / 89%",
    ),
    99: Expected(
        status="Status ID: 8 (End)",
        live_score="Live Score: 2-2 (HT: 2-0)",
        corners=(6, 1, 7),
        spread="2 -115 0.5 -109",
        money_line="2 -111 +300 +210",
        over_under="2 -109 3.0 -115",
        corner_line="2 -139 9.5 +100",
        prematch="1.9 4.0 3.1",
        environment="Partially cloudy / 54 F / 29.8 inHg / 9mph (Gentle Breeze) / 88%",
    ),
    100: Expected(
        status="Status ID: 9 (Delay)",
        live_score="Live Score: 0-0 (HT: 0-0)",
        corners=(0, 0, 0),
        spread="10 -118 2.25 -105",
        money_line="10 -556 +550 +900",
        over_under="10 -103 4.5 -122",
        corner_line="prematch -120 8.5 -120",
        prematch="1.22 6.25 9.5",
        environment="Sunny / 68 F / 30.1 inHg / 16mph (Moderate Breeze) / 35%",
    ),
    101: Expected(
        status="Status ID: 8 (End)",
        live_score="Live Score: 1-2 (HT: 0-0)",
        corners=(3, 3, 6),
        spread="4 -115 0.25 -109",
        money_line="3 +105 +225 +210",
        over_under="3 -109 3.0 -115",
        corner_line="4 -111 8.5 -125",
        prematch="2.0 3.25 3.1",
        environment="Partially cloudy / 95 F / 29.4 inHg / 7mph (Light Breeze) / 57%",
    ),
}


@functools.cache
def poll() -> Chain:
    return chain(recorded_fetch())


def row(shown: msgspec.Struct | None) -> str | None:
    """A shown row in the form of the table."""
    if shown is None:
        return None
    minute, *rest = msgspec.structs.astuple(shown)
    return " ".join([minute or "prematch", *map(str, rest)])


@pytest.mark.parametrize("position", EXPECTED)
def test_the_display_of_a_recorded_match(position: int) -> None:
    record, expected = poll().monitor.records[position], EXPECTED[position]
    assert record.timestamp == "05/28/2025 01:30:00 PM EDT"
    assert record.match_info.status == expected.status
    assert record.match_info.live_score == expected.live_score
    assert msgspec.structs.astuple(record.corners) == expected.corners
    assert len(record.incidents) == expected.incidents
    company = record.odds_company
    assert (company and company.id) == expected.company
    assert (company and company.fallback) == (expected.company and expected.company != "2")
    odds = record.odds
    assert row(odds and odds.spread) == expected.spread
    assert row(odds and odds.money_line) == expected.money_line
    assert row(odds and odds.over_under) == expected.over_under
    assert row(odds and odds.corners) == expected.corner_line
    assert closing_prices(record) == expected.prematch
    assert weather(record) == expected.environment
    shown = {
        "spread": expected.spread,
        "money_line": expected.money_line,
        "over_under": expected.over_under,
        "corners": expected.corner_line,
    }
    states = {market: "ok" if line else "absent" for market, line in shown.items()}
    expected_states = states if expected.company else None
    assert (record.odds_states and msgspec.structs.asdict(record.odds_states)) == expected_states


def closing_prices(record: MonitorRecord) -> str | None:
    prices = record.prematch_money_line
    return prices and f"{prices.home_decimal} {prices.draw_decimal} {prices.away_decimal}"


def weather(record: MonitorRecord) -> str | None:
    of = record.environment
    texts = (of.weather, of.temperature_f, of.pressure, of.wind, of.humidity)
    return None if set(texts) == {None} else " / ".join(map(str, texts))


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


def test_the_whole_display_is_json() -> None:
    for record in poll().monitor.records:
        assert as_json(monitor_document(record))["match_info"]["match_id"] == record.match_id
