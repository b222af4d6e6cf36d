"""An event of The Odds API, and the game of the calendar that it is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import msgspec

from pipeline_assets.basketball.team_names import FULL_NAMES, Calendar, GameMatch, MatchState
from tests.pipeline_assets.basketball.odds_fetches import (
    GAME,
    GAME_LINES,
    START,
    CalendarGame,
    needs_recorded,
    recorded,
    recorded_rows,
)

HOME, AWAY = "Boston Celtics", "Los Angeles Clippers"
OTHER = CalendarGame("16", GAME.game_date, "Miami Heat", "Utah Jazz", 16, 29)


def match(
    *games: CalendarGame, home: str = HOME, away: str = AWAY, start: datetime = START
) -> GameMatch:
    return Calendar(games).game_of(home, away, [start])


def test_a_game_is_found_by_its_teams_and_the_new_york_date() -> None:
    assert match(OTHER, GAME) == (MatchState.MATCHED, GAME, ())
    assert match(GAME, away="LA Clippers").game == GAME
    for start in (START + timedelta(hours=4, minutes=49), START - timedelta(hours=19)):
        assert match(GAME, start=start).game == GAME
    for start in (START + timedelta(hours=4, minutes=50), START - timedelta(hours=20)):
        assert match(GAME, start=start).state is MatchState.GAME_UNMATCHED


def test_home_and_visitors_are_not_exchanged() -> None:
    assert match(GAME, home=AWAY, away=HOME).state is MatchState.GAME_UNMATCHED


def test_a_team_that_is_not_in_the_table_is_named() -> None:
    found = match(GAME, home="Team Stars", away="Seattle SuperSonics")
    assert found == (MatchState.TEAM_UNMATCHED, None, ("Team Stars", "Seattle SuperSonics"))


def test_without_a_calendar_no_game_is_said_to_be_missing() -> None:
    assert match() == (MatchState.CALENDAR_MISSING, None, ())


def test_the_newest_record_of_a_game_counts() -> None:
    moved = msgspec.structs.replace(GAME, game_date="2026-01-20")
    assert match(GAME, moved).state is MatchState.GAME_UNMATCHED
    assert match(moved, GAME).game == GAME


def test_two_games_of_one_date_are_ambiguous() -> None:
    again = msgspec.structs.replace(GAME, game_id="99")
    assert match(GAME, again).state is MatchState.GAME_AMBIGUOUS


def test_an_event_that_began_after_midnight_is_the_game_of_its_scheduled_date() -> None:
    late = START + timedelta(hours=5)
    found = Calendar([GAME]).game_of(HOME, AWAY, [late, START])
    assert found.game == GAME


@needs_recorded
def test_every_recorded_team_has_its_name_at_the_other_vendor() -> None:
    rows = recorded_rows(GAME_LINES)
    recorded_names = {row[side] for row in rows for side in ("home_team", "away_team")}
    assert len(recorded_names) == 30
    teams = json.loads(recorded("teams.json"))["data"]
    today = {team["full_name"] for team in teams if team["id"] <= 30}
    assert {FULL_NAMES[name] for name in recorded_names} == today
    assert set(FULL_NAMES.values()) == today
    assert all(FULL_NAMES[name] == name for name in today)
