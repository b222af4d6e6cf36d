"""The display record: the documented example whole, then every way to be unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.monitor_central import monitor_central, monitor_central_document
from tests.pipeline_assets.football.examples import (
    MARKETS,
    MATCH,
    VAR,
    as_json,
    chain,
    content,
    detail,
    displayed,
    fetched,
    live,
    survive_columns,
)
from touchline.stage import QuarantinedRecord

FINISHED = datetime(2025, 5, 28, 17, 30, 5, tzinfo=UTC)


def document(*entries: dict[str, Any], **parts: Any) -> dict[str, Any]:
    raw = fetched(*entries, **parts)
    monitor = chain(raw).monitor
    return as_json(
        monitor_central_document(
            raw.ref,
            content(monitor, finished_at=FINISHED, seconds=0.00149),
        )
    )


def test_the_example() -> None:
    (record,) = document(live())["monitor_central_display"]
    assert record == {
        "timestamp": "05/28/2025 01:30:00 PM EDT",
        "match_info": {
            "match_id": MATCH,
            "competition_id": "3kx8lm2de5vwjq0",
            "competition_name": "Example League",
            "home_team": "Northfield",
            "away_team": "Southport",
            "status_id": 3,
            "status": "Status ID: 3 (Half-time)",
            "status_conflict": False,
            "live_score": "Live Score: 0-0 (HT: 0-0)",
            "home_goals": 0,
            "away_goals": 0,
            "home_goals_ht": 0,
            "away_goals_ht": 0,
        },
        "corners": {"home": 4, "away": 2, "total": 6},
        "odds_company": {"id": "2", "name": "bet365", "fallback": False},
        "odds": {
            "Spread": [{"time_of_match": "3", "Home": "-105", "Spread": 0.75, "Away": "-118"}],
            "MoneyLine": [{"time_of_match": "3", "Home": "-139", "Tie": "+240", "Away": "+350"}],
            "O/U": [{"time_of_match": "3", "Over": "+105", "Total": 3.25, "Under": "-120"}],
        },
        "prematch_money_line": {"home_decimal": 1.72, "draw_decimal": 3.4, "away_decimal": 4.5},
        "environment": {
            "weather": "Partially cloudy",
            "pressure": "29.9 inHg",
            "temperature_f": "66 F",
            "wind": "15mph (Moderate Breeze)",
            "humidity": "65%",
        },
        "odds_states": {"Spread": "ok", "MoneyLine": "ok", "O/U": "ok", "Corners": "absent"},
        "incidents": [VAR],
        "figures_conflict": False,
    }


def test_the_wrapper_counts_what_is_shown_and_times_are_measured_or_null() -> None:
    other = "b" * 15
    whole = document(live(), live(other, status=8), odds={other: {}})
    assert whole["total_matches"] == 2
    assert whole["quarantined_matches"] == 0
    assert whole["generated_at"] == "05/28/2025 01:30:05 PM EDT"
    assert whole["CONVERSION_HEADER"] == {
        "fetch_number": 811,
        "random_fetch_id": "Qx7LmA20bTzK",
        "nyc_timestamp": "05/28/2025 01:30:00 PM EDT",
        "scheduled_minute_utc": "2025-05-28T17:30:00Z",
    }
    assert whole["MONITOR_FOOTER"] == {
        "random_fetch_id": "Qx7LmA20bTzK",
        "fetch_number": 811,
        "nyc_timestamp": "05/28/2025 01:30:05 PM EDT",
        "pipeline_completion_time_seconds": None,
        "conversion_completion_time_seconds": None,
        "monitor_completion_time_seconds": 0.001,
        "fetch_end": "=== MONITOR CENTRAL DATA END ===",
        "total_matches": 2,
        "matches_in_play": 1,
        "match_status_breakdown": [
            "Status ID 3 (Half-time): 1 matches",
            "Status ID 8 (End): 1 matches",
        ],
        "total_matches_with_odds": 1,
        "outcome": "complete",
        "account": {"received": 2, "emitted": 2, "dropped": {}, "quarantined": {}},
    }


def test_quarantined_matches_are_counted_beside_the_shown_ones() -> None:
    raw = fetched(live())
    monitor = chain(raw).monitor
    monitor.quarantined.append(QuarantinedRecord("b" * 15, "unexpected_error", "why", "{}"))
    whole = monitor_central_document(raw.ref, content(monitor))
    assert (whole["total_matches"], whole["quarantined_matches"]) == (1, 1)
    assert (whole["generated_at"], whole["MONITOR_FOOTER"]["nyc_timestamp"]) == (None, None)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, "Status ID: 0 (Abnormal (suggest hiding))"),
        (2, "Status ID: 2 (First half)"),
        (8, "Status ID: 8 (End)"),
        (13, "Status ID: 13 (To be determined)"),
        (31, "Status ID: 31 (Unknown Status)"),
    ],
)
def test_every_status_is_shown_with_its_id_and_name(status: int, text: str) -> None:
    info = displayed(live(status=status)).match_info
    assert (info.status_id, info.status) == (status, text)
    assert info.status_conflict


def test_a_status_that_nobody_knows_is_empty() -> None:
    no_status = detail()
    del no_status[0]["status_id"]
    info = displayed(live(status=None), details={MATCH: no_status}).match_info
    assert (info.status_id, info.status) == (None, "")


@pytest.mark.parametrize(
    ("home", "away", "shown"),
    [(4, 2, (4, 2, 6)), (0, 0, (0, 0, 0)), (-1, 2, (None, 2, None)), (-1, -1, (None, None, None))],
)
def test_unknown_corners_are_null_and_never_summed(
    home: int, away: int, shown: tuple[int | None, ...]
) -> None:
    record = displayed(live(home=[0, 0, 0, 0, home, 0, 0], away=[0, 0, 0, 0, away, 0, 0]))
    assert msgspec.structs.astuple(record.corners) == shown


def test_a_score_too_short_to_read_is_unknown_not_nil_nil() -> None:
    info = displayed(live(home=[2, 1])).match_info
    assert (info.home_goals, info.home_goals_ht, info.live_score) == (None, None, None)
    assert info.away_goals == 0


def test_without_detail_the_match_is_shown_without_names() -> None:
    record = displayed(live(), details={MATCH: []})
    info = record.match_info
    assert (info.home_team, info.away_team, info.competition_name) == (None, None, None)
    assert info.status == "Status ID: 3 (Half-time)"
    assert record.odds is not None


def test_without_odds_the_match_is_shown_without_odds() -> None:
    record = displayed(live(), odds={MATCH: {}})
    assert (record.odds, record.odds_company, record.odds_states) == (None, None, None)
    assert record.prematch_money_line is None


def test_another_companys_odds_are_named() -> None:
    company = displayed(live(), odds={MATCH: {"22": MARKETS}}).odds_company
    assert company is not None
    assert (company.id, company.name, company.fallback) == ("22", "Pinnacle", True)


def test_records_keep_the_order_of_the_list_and_no_status_is_left_out() -> None:
    entries = [live(f"{status:015d}", status=status) for status in (13, 8, 2, 0, 9)]
    records = chain(fetched(*entries)).monitor.records
    assert [record.match_id for record in records] == [entry["id"] for entry in entries]


def test_one_bad_match_is_quarantined_and_the_others_are_shown() -> None:
    raw = fetched(live(), live("b" * 15))
    good, bad = chain(raw).converted.records
    bad = msgspec.structs.replace(bad, live_data=None)  # pyright: ignore[reportArgumentType]

    monitor = monitor_central(raw.ref, [bad, good], carried=None)

    assert [record.match_id for record in monitor.records] == [MATCH]
    assert [one.key for one in monitor.quarantined] == [bad.match_id]
    assert monitor.account.conserved


@pytest.mark.parametrize("made", ["reduced", "converted", "monitor"])
def test_the_records_of_each_stage_survive_their_columns(made: str) -> None:
    other = "b" * 15
    raw = fetched(
        live(),
        live(other, home=[1]),
        odds={other: {}},
        details={MATCH: detail(environment={"wind": "11.m/s", "new": [1.50]})},
    )
    assert survive_columns(getattr(chain(raw), made).records)
