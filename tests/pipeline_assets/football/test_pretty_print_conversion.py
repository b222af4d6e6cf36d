"""Which row is shown, and in which prices."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.pretty_print import KeptRow
from pipeline_assets.football.pretty_print_conversion import (
    conversion_document,
    pretty_print_conversion,
    shown_row,
)
from tests.pipeline_assets.football.examples import (
    CLOSING_EU,
    MATCH,
    as_json,
    chain,
    content,
    detail,
    fetched,
    live,
)

FINISHED = datetime(2025, 7, 8, 18, 40, 5, tzinfo=UTC)


def kept(minute: str, *, closed: int = 0) -> KeptRow:
    return KeptRow(1, minute, Decimal("0.9"), Decimal("2.5"), Decimal("0.9"), closed, "0-0")


@pytest.mark.parametrize(
    ("open_minutes", "closed_minutes", "shown"),
    [
        (["", "2", "5"], [], "5"),
        (["4"], ["3"], "4"),
        ([""], [], ""),
        ([], ["", "3"], None),
        ([], [], None),
        (["", *map(str, range(11))], [], "3"),
        (["", "0", "1", "2", "4", "10"], [], "4"),
        (["10", "9"], [], "9"),
        (["", "0", "1", "2"], [], "2"),
        (["", "0", "1"], ["2", "4"], "1"),
        (["", "0"], [], "0"),
        ([""], ["0", "3", "10"], ""),
    ],
)
def test_the_choice_of_the_shown_row(
    open_minutes: list[str], closed_minutes: list[str], shown: str | None
) -> None:
    rows = [kept(minute) for minute in open_minutes]
    rows += [kept(minute, closed=1) for minute in closed_minutes]
    chosen = shown_row(rows)
    assert (chosen and chosen.minute) == shown
    assert chosen is None or not chosen.closed


def test_of_the_pre_match_rows_the_closing_one_is_shown() -> None:
    opening, closing = kept(""), kept("")
    assert shown_row([opening, closing]) is closing
    assert shown_row([opening, kept("3", closed=1)]) is opening


def document(**markets: Any) -> dict[str, Any]:
    raw = fetched(live(), odds={MATCH: {"2": markets}} if markets else None)
    converted = chain(raw).converted
    whole = conversion_document(raw.ref, content(converted, finished_at=FINISHED, seconds=0.25))
    return as_json(whole)["PRETTY_PRINT_CONVERSION_DATA"]["matches"][0]


def test_the_example() -> None:
    match = document()
    assert match["converted_odds"] == {
        "Spread": [{"time_of_match": "3", "Home": "-105", "Spread": 0.75, "Away": "-118"}],
        "MoneyLine": [{"time_of_match": "3", "Home": "-139", "Tie": "+240", "Away": "+350"}],
        "O/U": [{"time_of_match": "3", "Over": "+105", "Total": 3.25, "Under": "-120"}],
    }
    assert match["prematch_odds"] == {
        "MoneyLine": {
            "Home": "-139",
            "Tie": "+240",
            "Away": "+350",
            "home_decimal": 1.72,
            "draw_decimal": 3.4,
            "away_decimal": 4.5,
        }
    }
    assert match["formatted_live_score"] == "Live Score: 0-0 (HT: 0-0)"
    assert match["environment"]["wind"] == "15mph (Moderate Breeze)"
    assert match["environment"]["wind_mph"] == pytest.approx(15.2112, abs=5e-5)
    assert match["environment_issues"] == []
    assert match["odds_company_id"] == "2"


def test_corners_are_over_and_under() -> None:
    corners = [[5, "4", 0.8, 7.5, 1.0, 2, 0, "1-0"]]
    assert document(cr=corners)["converted_odds"] == {
        "Corners": [{"time_of_match": "4", "Over": "-125", "Total": 7.5, "Under": "+100"}]
    }


def test_a_price_that_pays_nothing_is_null_and_the_others_are_shown() -> None:
    match = document(eu=[[5, "", 1.0, 3.4, 4.5, 1, 0, "0-0"]])
    assert match["converted_odds"]["MoneyLine"] == [
        {"time_of_match": "", "Home": None, "Tie": "+240", "Away": "+350"}
    ]
    assert match["prematch_odds"]["MoneyLine"]["home_decimal"] is None
    assert match["prematch_odds"]["MoneyLine"]["away_decimal"] == 4.5


def test_closed_rows_stay_and_are_never_shown() -> None:
    match = document(eu=[[9, "3", 1.5, 3.0, 6.0, 2, 1, "0-0"]])
    assert match["odds"]["MoneyLine"] == [[9, "3", 1.5, 3.0, 6.0, 1, "0-0"]]
    assert match["odds_states"]["MoneyLine"] == "closed"
    assert match["converted_odds"] is None
    assert match["prematch_odds"] is None


def test_the_pre_match_prices_are_those_of_the_last_open_quote() -> None:
    closed_later = [CLOSING_EU[0] + 1, "", 9.0, 9.0, 9.0, 1, 1, "0-0"]
    match = document(eu=[closed_later, CLOSING_EU, [1, "", 2.0, 3.0, 4.0, 1, 0, "0-0"]])
    assert match["prematch_odds"]["MoneyLine"]["home_decimal"] == 1.72


@pytest.mark.parametrize(
    ("home", "away", "text"),
    [
        ([2, 1, 0, 0, 3, 0, 0], [1, 0, 0, 0, 4, 0, 0], "Live Score: 2-1 (HT: 1-0)"),
        ([2, 1, 0, 0, 3], [1, 0, 0, 0, 4, 0, 0], None),
        ([-1, 1, 0, 0, 3, 0, 0], [1, 0, 0, 0, 4, 0, 0], None),
        ([2, 1, 0, 0, 3, 0, 0], [1, None, 0, 0, 4, 0, 0], None),
        ([2, 1, None, -1, "3", -1, -1], [1, 0, 0, 0, 4, 0, 0], "Live Score: 2-1 (HT: 1-0)"),
    ],
)
def test_the_score_is_null_when_unknown(home: list[Any], away: list[Any], text: str | None) -> None:
    (match,) = chain(fetched(live(home=home, away=away))).converted.records
    assert match.formatted_live_score == text


@pytest.mark.parametrize(
    ("environment", "wind", "issues"),
    [
        ({"wind": "11.m/s"}, "25mph (Strong Breeze)", []),
        ({"wind": "breezy"}, None, ["wind"]),
        ({"wind": 7, "pressure": False}, None, ["pressure", "wind"]),
        ("breezy", None, ["environment"]),
        (False, None, ["environment"]),
        (0, None, ["environment"]),
        ({}, None, []),
        ([], None, []),
        (None, None, []),
    ],
)
def test_weather_that_cannot_be_read_costs_no_match(
    environment: Any, wind: str | None, issues: list[str]
) -> None:
    raw = fetched(live(), details={MATCH: detail(environment=environment)})
    converted = chain(raw).converted
    (match,) = converted.records
    assert match.environment.wind == wind
    assert sorted(issue.field for issue in match.environment_issues) == issues
    names = [name if name == "environment" else f"environment.{name}" for name in issues]
    assert sorted(finding.key or "" for finding in converted.findings) == names


def test_one_bad_match_is_quarantined_and_the_others_go_on() -> None:
    good, bad = chain(fetched(live(), live("b" * 15))).reduced.records
    assert bad.odds is not None
    no_number = KeptRow(1, "3", None, Decimal(1), Decimal(1), 0, "0-0")  # pyright: ignore
    bad = msgspec.structs.replace(bad, odds=msgspec.structs.replace(bad.odds, spread=[no_number]))

    converted = pretty_print_conversion(fetched(live()).ref, [bad, good])

    assert [match.match_id for match in converted.records] == [MATCH]
    assert [one.key for one in converted.quarantined] == [bad.match_id]
    assert converted.account.conserved
