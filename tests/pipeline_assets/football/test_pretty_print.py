"""What is left of a match, what the record says about it, and matches that cannot be reduced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline_assets.football.merged import merged
from pipeline_assets.football.pretty_print import Reason, pretty_print, pretty_print_document
from tests.pipeline_assets.football.examples import (
    ENVIRONMENT,
    MARKETS,
    MATCH,
    VAR,
    as_json,
    chain,
    content,
    fetched,
    live,
)

FINISHED = datetime(2025, 7, 8, 18, 40, 5, tzinfo=UTC)


def document(*entries: dict[str, Any], **parts: Any) -> dict[str, Any]:
    raw = fetched(*entries, **parts)
    reduced = chain(raw).reduced
    return as_json(
        pretty_print_document(raw.ref, content(reduced, finished_at=FINISHED, seconds=0.07666))
    )


def shown(*entries: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return document(*entries, **parts)["PRETTY_PRINT_DATA"]["matches"][0]


def test_the_odds_of_the_example() -> None:
    match = shown(live())
    assert match["odds_company_id"] == "2"
    assert match["odds_company_name"] == "bet365"
    assert match["odds_company_fallback"] is False
    assert match["odds_states"] == {
        "Spread": "ok",
        "MoneyLine": "ok",
        "O/U": "ok",
        "Corners": "absent",
    }
    assert match["odds"] == {
        "Spread": [
            [1748449800, "", 0.9, 0.75, 0.92, 0, "0-0"],
            [1748450580, "3", 0.95, 0.75, 0.85, 0, "0-0"],
        ],
        "MoneyLine": [
            [1748443400, "", 1.8, 3.6, 4.33, 0, "0-0"],
            [1748450300, "", 1.72, 3.4, 4.5, 0, "0-0"],
            [1748450580, "3", 1.72, 3.4, 4.5, 0, "0-0"],
        ],
        "O/U": [
            [1748450300, "", 0.92, 3.25, 0.97, 0, "0-0"],
            [1748450580, "3", 1.05, 3.25, 0.83, 0, "0-0"],
        ],
    }
    assert match["odds_issues"] == []


def test_what_is_removed_and_what_stays() -> None:
    match = shown(live())
    assert match["live_data"]["incidents"] == [VAR]
    assert match["live_data"].keys() == {"raw_score_array", "parsed_score", "incidents"}
    assert match["match_details"].keys() == {"environment", "parsed_details"}
    assert match["match_details"]["environment"] == ENVIRONMENT
    assert match["match_details"]["parsed_details"]["competition_name"] == "Example League"
    assert match["home_team"]["parsed_team"]["name"] == "Northfield"


def test_unknown_fields_of_a_var_incident_survive() -> None:
    incident = VAR | {"referee_mood": {"before": 3}}
    assert shown(live(incidents=[incident, VAR]))["live_data"]["incidents"] == [incident, VAR]


def test_another_companys_odds_are_shown_as_such() -> None:
    match = shown(live(), odds={MATCH: {"136": MARKETS, "22": MARKETS}})
    assert match["odds_company_id"] == "22"
    assert match["odds_company_name"] == "Pinnacle"
    assert match["odds_company_fallback"] is True


def test_an_unlisted_company_has_a_name() -> None:
    assert shown(live(), odds={MATCH: {"77": MARKETS}})["odds_company_name"] == "Company 77"


def test_the_company_order_is_a_parameter() -> None:
    raw = fetched(live(), odds={MATCH: {"2": MARKETS, "22": MARKETS}})
    joined = merged(raw.ref, raw).records
    (match,) = pretty_print(raw.ref, joined, raw, company_order=["22", "2"]).records
    assert (match.odds_company_id, match.odds_company_fallback) == ("22", False)
    (match,) = pretty_print(raw.ref, joined, raw, company_order=["3", "22", "2"]).records
    assert (match.odds_company_id, match.odds_company_fallback) == ("22", True)


@pytest.mark.parametrize(
    "nothing", [{}, [], {"2": {}}, {"2": []}, {"2": {"eu": []}}, {"2": {"eu": {}}}]
)
def test_without_odds_every_odds_field_is_null(nothing: Any) -> None:
    match = shown(live(), odds={MATCH: nothing})
    fields = ("id", "name", "fallback")
    assert [match[f"odds_company_{field}"] for field in fields] == [None, None, None]
    assert match["odds"] is None
    assert match["odds_states"] is None
    assert match["odds_issues"] == []


def test_a_goal_before_every_early_row_is_said_in_words_and_in_the_states() -> None:
    late = {
        "eu": [[5, "4", 1.5, 3.0, 6.0, 2, 0, "1-0"]],
        "cr": [[6, "4", 1, 9.5, 0.8, 2, 0, "2-0"]],
    }
    match = shown(live(), odds={MATCH: {"2": late}})
    assert match["odds"] == dict.fromkeys(["MoneyLine", "Corners"], "Goal scored - odds invalid")
    assert match["odds_states"]["MoneyLine"] == match["odds_states"]["Corners"] == "goal_scored"


def test_a_match_without_detail_keeps_its_row() -> None:
    match = shown(live(), details={MATCH: []})
    assert match["match_details"] == {"environment": None, "parsed_details": None}
    assert match["odds_company_id"] == "2"


def test_the_footer_counts_what_is_written() -> None:
    whole = document(live(), live("b" * 15, status=8), live("c" * 15, status=None))
    assert whole["FETCH_HEADER"]["fetch_start"] == "=== PRETTY PRINT DATA START ==="
    assert whole["FETCH_FOOTER"] == {
        "fetch_number": 811,
        "random_fetch_id": "Qx7LmA20bTzK",
        "nyc_timestamp": "07/08/2025 02:40:05 PM EDT",
        "pretty_print_completion_time_seconds": 0.077,
        "total_matches": 3,
        "matches_in_play": 2,
        "match_status_breakdown": [
            "Status ID 3 (Half-time): 2 matches",
            "Status ID 8 (End): 1 matches",
        ],
        "outcome": "complete",
        "account": {"received": 3, "emitted": 3, "dropped": {}, "quarantined": {}},
        "fetch_end": "=== PRETTY PRINT DATA END ===",
    }


def test_odds_that_no_longer_stand_in_the_raw_fetch_quarantine_the_match_alone() -> None:
    moved, other = live(), live("b" * 15)
    joined = merged((raw := fetched(other, moved)).ref, raw).records
    replaced = fetched(other, moved, odds={MATCH: {"2": {"eu": MARKETS["eu"]}}})

    reduced = pretty_print(raw.ref, joined, replaced)

    assert [match.match_id for match in reduced.records] == [other["id"]]
    (quarantined,) = reduced.quarantined
    assert (quarantined.key, quarantined.reason) == (MATCH, Reason.ODDS_NOT_IN_RAW_FETCH)
    assert reduced.account.conserved
