"""Recorded answers of both services, where they are there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulator.basketball.recorded import NOTHING, Recorded
from simulator.basketball.source import RefusedError
from simulator.source import DataDirectoryError
from tests.simulator.conftest import REAL_DATA

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def answers() -> Recorded:
    directory = REAL_DATA / "basketball"
    if not directory.is_dir():
        pytest.skip("the recorded answers are not there (TOUCHLINE_REAL_DATA)")
    return Recorded(directory)


def told(body: bytes | None) -> Any:
    assert body is not None
    return msgspec.json.decode(body)


def test_a_recorded_date_is_answered_and_others_are_empty(answers: Recorded) -> None:
    games = told(answers.balldontlie("box_scores", {"date": ["2026-01-09"]}, NOW))["data"]
    assert len(games) == 10
    empty = answers.balldontlie("box_scores", {"date": ["2026-01-11"]}, NOW)
    assert empty is not None
    assert told(empty) == told(NOTHING)


def test_recorded_lists_end_after_their_page(answers: Recorded) -> None:
    assert len(told(answers.balldontlie("teams", {}, NOW))["data"]) == 45
    page = told(answers.balldontlie("players/active", {}, NOW))
    cursor = [str(page["meta"]["next_cursor"])]
    last = told(answers.balldontlie("players/active", {"cursor": cursor}, NOW))
    assert (len(page["data"]), last["data"]) == (100, [])
    assert "next_cursor" not in last["meta"]
    assert told(answers.balldontlie("games", {}, NOW))["data"]
    assert told(answers.balldontlie("player_injuries", {}, NOW))["data"] == []
    assert answers.balldontlie("nothing", {}, NOW) is None


def test_recorded_odds_are_answered_by_event(answers: Recorded) -> None:
    sport = "sports/basketball_nba"

    def ask(path: str) -> Any:
        answer = answers.odds_api(path, {}, NOW)
        assert answer is not None
        return told(answer.body)

    events = ask(f"{sport}/events")
    lines = ask(f"{sport}/odds")
    assert len(events) == len(lines) + 2
    assert "bookmakers" not in events[0]
    for event in events[len(lines) :]:
        assert ask(f"{sport}/events/{event['id']}/odds")["id"] == event["id"]
    assert ask(f"{sport}/scores")
    past = "cd0bc7d0c238f4446ce1c03d0cea7ec4"
    assert ask(f"historical/{sport}/events/{past}/odds")["data"]["id"] == past
    with pytest.raises(RefusedError):
        ask(f"{sport}/events/{past}/odds")


def test_a_directory_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryError, match="box_scores"):
        Recorded(tmp_path)
