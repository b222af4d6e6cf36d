"""`touchline collect`, as it is called: what it says, and its exit codes."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from operations.commands.collect import collect_from
from pipeline_assets.plans import PLANS
from tests.feeds.league import FEED, League, league
from tests.feeds.test_collect import Games, Told, finals
from tests.operations.conftest import RunDay
from touchline.clock import VirtualClock
from touchline.day import Day

DAY = "2026-01-06"
COLLECT = ("collect", "--feed", "league", "--date", DAY)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Who answers the league, which is one of the feeds for as long as a test."""
    client = Told()
    monkeypatch.setitem(PLANS, "league", league(client))
    monkeypatch.setenv("TOUCHLINE_FEEDS", "football,league")
    return client


def test_what_was_fetched_and_made_is_told_as_json(own_day: RunDay, client: Told) -> None:
    first = own_day.touchline(*COLLECT, "--json")
    assert first.exit_code == 0
    assert first.json.keys() == {"date", "sources", "stages"}
    said = first.json["sources"]["box_scores"]
    assert (said["decision"], said["reason"], said["received"]) == ("run", "first_or_failed", 3)
    assert said["fetch_number"] > 80_000
    assert first.json["stages"]["results"]["emitted"] == 3
    again = own_day.touchline(*COLLECT, "--json")
    # A minute may have passed since.
    assert again.exit_code == 0
    assert again.json["sources"]["box_scores"]["reason"] in ("in_progress", "identical_content")
    number = str(said["fetch_number"])
    shown = own_day.touchline("fetch", DAY, number, "--feed", "league", "--asset", "box_scores")
    assert shown.exit_code == 0
    assert own_day.touchline("verify", "--date", DAY, "--feed", "league", "--deep").exit_code == 0


def test_a_fetch_that_fails_ends_with_1_and_says_where_it_is(own_day: RunDay, client: Told) -> None:
    client.fails = True
    said = own_day.touchline(*COLLECT, "--asset", "box_scores")
    assert said.exit_code == 1
    assert f"touchline fetch {DAY} " in said.stderr


def before(day: RunDay, client: Told, says: Games, *minutes_ago: int) -> None:
    """Collect the day at earlier times, each with this answer."""
    client.says = says
    now = datetime.now(UTC)
    with closing(day.site()) as site:
        for ago in minutes_ago:
            site.clock = VirtualClock(now - timedelta(minutes=ago))
            collect_from(site, FEED, Day.parse(DAY))


def test_less_than_had_landed_ends_with_1(own_day: RunDay, client: Told) -> None:
    before(own_day, client, finals(100, 101), 60)
    client.says = finals(100)
    said = own_day.touchline(*COLLECT, "--json")
    assert (said.exit_code, said.json["sources"]["box_scores"]["decision"]) == (1, "set_aside")
    assert "if that is right, collect it with --force --reason TEXT" in said.stderr


def test_what_is_not_asked_for_any_more_ends_with_1(own_day: RunDay, client: Told) -> None:
    before(own_day, client, [], 300, 250, 200)
    said = own_day.touchline(*COLLECT, "--json")
    assert (said.exit_code, said.json["sources"]["box_scores"]["reason"]) == (1, "retry_cap")
    assert "several attempts brought no data" in said.stderr


def test_what_is_forced_keeps_its_reason(own_day: RunDay, client: Told) -> None:
    client.says = finals(100)
    said = own_day.touchline(*COLLECT, "--force", "--reason", "they were corrected", "--json")
    assert (said.exit_code, said.json["sources"]["box_scores"]["reason"]) == (0, "forced")
    runs = own_day.touchline("ledger", "runs", "--json").json["runs"]
    assert next(run["reason"] for run in runs if run["kind"] == "collect").endswith(
        ": they were corrected"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--feed", "football"], "the past of football cannot be fetched again"),
        (["--feed", "league", "--asset", "game_lines"], "game_lines of league cannot be fetched"),
        (["--feed", "league", "--force"], "--force needs a --reason"),
        (["--feed", "league", "--force", "--reason", " "], "--force needs a --reason"),
        (["--feed", "league", "--reason", "why"], "--reason says why a fetch is forced"),
        (["--feed", "chess"], "'chess' is not a feed"),
    ],
)
def test_what_cannot_be_collected_is_a_usage_error(
    own_day: RunDay, client: League, arguments: list[str], said: str
) -> None:
    answer = own_day.touchline("collect", *arguments, "--date", DAY, "--json")
    assert (answer.exit_code, answer.json["error"]["kind"]) == (2, "usage")
    assert said in answer.json["error"]["message"]
