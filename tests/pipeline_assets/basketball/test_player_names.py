"""A bookmaker's spelling, and the player of the game's two rosters whom it means."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from pipeline_assets.basketball.player_names import MatchedBy, Rosters, folded
from pipeline_assets.basketball.team_names import MatchState
from tests.pipeline_assets.basketball.odds_fetches import (
    GAME,
    POINTS,
    RosterPlayer,
    needs_recorded,
    recorded,
    recorded_rows,
)

BOSTON, CLIPPERS, ELSEWHERE = GAME.home_id, GAME.away_id, 30


def players(*names: str, team: int = BOSTON, first_id: int = 1) -> list[RosterPlayer]:
    told = []
    for nth, name in enumerate(names, start=first_id):
        first, _, last = name.partition(" ")
        told.append(RosterPlayer(nth, first, last, team, "a team"))
    return told


GUESTS = players("Guest Player", team=CLIPPERS, first_id=900)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Nikola Jokić", "nikola jokic"),
        ("LUKA DONČIĆ", "luka doncic"),
        ("Đorđe Ødegård", "dorde odegard"),
        ("Gary Trent Jr.", "gary trent"),
        ("Lonnie Walker IV", "lonnie walker"),
        ("Bruce Brown Jr", "bruce brown"),
        ("Dorian Finney-Smith", "dorian finney smith"),
        ("P.J. Washington, Jr.", "p j washington"),
        ("De'Aaron  Fox", "de aaron fox"),
        ("De\u2019Aaron Fox", "de aaron fox"),
        ("Jr.", "jr"),
        ("", ""),
    ],
)
def test_a_name_is_folded(name: str, words: str) -> None:
    assert " ".join(folded(name)) == words


@pytest.mark.parametrize(
    ("name", "state", "player_id", "by"),
    [
        ("Nicolas Claxton", MatchState.MATCHED, 1, MatchedBy.INITIAL),
        ("N. Claxton", MatchState.MATCHED, 1, MatchedBy.INITIAL),
        ("nic claxton", MatchState.MATCHED, 1, MatchedBy.NAME),
        ("Dennis Schroder", MatchState.MATCHED, 2, MatchedBy.NAME),
        ("Robert Williams", MatchState.MATCHED, 3, MatchedBy.NAME),
        ("Rob Williams", MatchState.MATCHED, 3, MatchedBy.INITIAL),
        ("Shai Gilgeous Alexander", MatchState.MATCHED, 6, MatchedBy.NAME),
        ("Alexander", MatchState.PLAYER_UNMATCHED, None, None),
        ("J. Williams", MatchState.PLAYER_AMBIGUOUS, None, None),
        ("Jalen Williams", MatchState.MATCHED, 4, MatchedBy.NAME),
        ("Nene", MatchState.MATCHED, 7, MatchedBy.NAME),
        ("Claxton", MatchState.PLAYER_UNMATCHED, None, None),
        ("Somebody Else", MatchState.PLAYER_UNMATCHED, None, None),
        ("Guest Player", MatchState.MATCHED, 900, MatchedBy.NAME),
        (None, MatchState.PLAYER_UNMATCHED, None, None),
    ],
)
def test_a_player_is_matched_within_the_two_rosters(
    name: str | None, state: MatchState, player_id: int | None, by: MatchedBy | None
) -> None:
    home = players(
        "Nic Claxton",
        "Dennis Schröder",
        "Robert Williams III",
        "Jalen Williams",
        "Jaylin Williams",
        "Shai Gilgeous-Alexander",
        "Nene",
    )
    far = players("Somebody Else", "Nicolas Claxton", team=ELSEWHERE, first_id=500)
    assert Rosters([*home, *GUESTS, *far]).player_of(name, GAME) == (state, player_id, by)


def test_two_of_one_name_are_ambiguous() -> None:
    rosters = Rosters(
        [*players("Jaylin Williams"), *players("Jaylin Williams", team=13, first_id=8)]
    )
    assert rosters.player_of("Jaylin Williams", GAME).state is MatchState.PLAYER_AMBIGUOUS


def test_without_the_roster_of_a_team_nobody_is_said_to_be_missing() -> None:
    for told in ([], players("Nic Claxton"), GUESTS):
        found = Rosters(told).player_of("Nic Claxton", GAME)
        assert found == (MatchState.ROSTER_MISSING, None, None)


def test_a_player_without_a_name_costs_no_other_his_match() -> None:
    nameless = [RosterPlayer(1, None, None, BOSTON, ""), RosterPlayer(2, "Nic", None, BOSTON, "")]
    rosters = Rosters([*nameless, *players("Nic Claxton", first_id=3), *GUESTS])
    assert rosters.player_of("Nic Claxton", GAME).player_id == 3
    assert rosters.player_of(None, GAME).state is MatchState.PLAYER_UNMATCHED


def test_a_player_stands_in_the_roster_that_was_told_last() -> None:
    moved = [*players("Nic Claxton", team=ELSEWHERE), *players("Nic Claxton"), *GUESTS]
    assert Rosters(moved).player_of("Nic Claxton", GAME).player_id == 1
    left = [*players("Nic Claxton", "Jalen Williams"), *players("Nic Claxton", team=30), *GUESTS]
    assert Rosters(left).player_of("Nic Claxton", GAME).state is MatchState.PLAYER_UNMATCHED


@needs_recorded
def test_all_46_recorded_spellings_are_matched_4_of_them_by_initial() -> None:
    spellings = {
        each["description"]
        for name in POINTS
        for one in json.loads(recorded(name))["bookmakers"]
        for quoted in one["markets"]
        for each in quoted["outcomes"]
    }
    assert len(spellings) == 46
    # The players of another season, and one who played no game in it.
    season = {row["player"] for row in recorded_rows("player_game_logs_2024-25.csv")}
    roster = players(*sorted(season), "Dennis Smith Jr.")
    names = {each.player_id: f"{each.first_name} {each.last_name}" for each in roster}
    rosters = Rosters([*roster, *GUESTS])
    found = {name: rosters.player_of(name, GAME) for name in spellings}
    assert Counter(match.matched_by for match in found.values()) == {
        MatchedBy.NAME: 42,
        MatchedBy.INITIAL: 4,
    }
    by_initial = {
        (name, names[match.player_id])
        for name, match in found.items()
        if match.matched_by is MatchedBy.INITIAL
    }
    assert by_initial == {
        ("Cam Johnson", "Cameron Johnson"),
        ("Cameron Thomas", "Cam Thomas"),
        ("J. Isaac", "Jonathan Isaac"),
        ("Nicolas Claxton", "Nic Claxton"),
    }


@needs_recorded
def test_recorded_spellings_of_two_weeks_meet_rosters_of_the_season() -> None:
    """Props of October 2025 against the teams of January 2026: who is not found was traded."""
    games = json.loads(recorded("box_scores_2026-01-09.json"))["data"]
    teams = [game[side] for game in games for side in ("home_team", "visitor_team")]
    roster = [
        RosterPlayer(
            each["player"]["id"],
            each["player"]["first_name"],
            each["player"]["last_name"],
            BOSTON,
            team["full_name"],
        )
        for team in teams
        for each in team["players"]
    ]
    there = {team["full_name"] for team in teams}
    rosters = Rosters([*roster, *GUESTS])
    spellings = {
        row["player"]
        for row in recorded_rows("odds_api_player_props_14_days_from_2025-10-21.csv")
        if there.issuperset(row["game"].split(" @ "))
    }
    states = Counter(rosters.player_of(name, GAME).state for name in spellings)
    assert states.pop(MatchState.MATCHED) > 0.97 * len(spellings)
    assert MatchState.ROSTER_MISSING not in states
