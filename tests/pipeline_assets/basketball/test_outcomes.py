"""Test what a game is judged to be, and a date: every row of the table of outcomes, and identities
broken one at a time."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from pipeline_assets.basketball.outcomes import (
    BoxReason,
    Broken,
    Coverage,
    DateOutcome,
    GameState,
    Judged,
    Seen,
    coverage_of,
    judge,
    judged_in,
    outcome_of,
)
from pipeline_assets.basketball.wire.fields import Unread
from pipeline_assets.basketball.wire.games import Game, games_of
from tests.pipeline_assets.basketball.boxes import (
    answer,
    envelope,
    game,
    needs_recording,
    not_yet,
    recorded,
    roster_only,
    row,
    rows,
    unused,
)
from touchline.fetch import Call


def judged(told: Any) -> Judged:
    [found] = games_of(answer([told]))
    assert isinstance(found, Game)
    return judge(found)


def faults(found: Judged) -> dict[str, BoxReason]:
    return {each.key: each.fault.reason for each in found.entries if each.fault}


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (not_yet(), GameState.NOT_YET),
        (not_yet(home_team_score=None, datetime=None), GameState.NOT_YET),
        (game(status="3rd Qtr", period=3), GameState.NOT_YET),
        (game(status=None, period=4), GameState.NOT_YET),
        (roster_only(status="1st Qtr", period=1), GameState.NOT_YET),
        (not_yet(period=None), GameState.UNKNOWN_STATE),
        (not_yet(period=None, status=None), GameState.UNKNOWN_STATE),
        (game(status="3rd Qtr", period=None), GameState.UNKNOWN_STATE),
        (roster_only(), GameState.PLACEHOLDER_ONLY),
        (roster_only(status="Final", period=4), GameState.PLACEHOLDER_ONLY),
        (not_yet(status="Final", period=4), GameState.PLACEHOLDER_ONLY),
        (game(), GameState.FINAL),
        (game(None), GameState.FINAL),
        (game(period=None), GameState.FINAL),
        (game(home_team_score=1), GameState.DEGRADED),
    ],
)
def test_a_game_is_one_of_these(told: Any, state: GameState) -> None:
    assert judged(told).state is state


@pytest.mark.parametrize(
    ("states", "unread", "outcome"),
    [
        ([], 0, DateOutcome.EMPTY),
        ([], 1, DateOutcome.NOT_YET),
        ([GameState.NOT_YET, GameState.UNKNOWN_STATE], 0, DateOutcome.NOT_YET),
        ([GameState.NOT_YET, GameState.PLACEHOLDER_ONLY], 0, DateOutcome.PLACEHOLDER_ONLY),
        ([GameState.FINAL, GameState.FINAL], 0, DateOutcome.FINAL),
        ([GameState.FINAL, GameState.NOT_YET], 0, DateOutcome.PARTIAL),
        ([GameState.FINAL, GameState.DEGRADED], 0, DateOutcome.PARTIAL),
        ([GameState.FINAL], 1, DateOutcome.PARTIAL),
    ],
)
def test_a_date_is_what_its_games_are(
    states: list[GameState], unread: int, outcome: DateOutcome
) -> None:
    assert outcome_of(states, unread) is outcome


def broken_row(**change: Any) -> Any:
    """A game in which the first row of the home team is changed, and the score with it."""
    home = rows(100)
    home[0] |= change
    return game(home=home)


@pytest.mark.parametrize(
    ("told", "reason", "detail"),
    [
        (game(home_team_score=91, home_q4=25), Broken.TEAM_POINTS, "90 points, the score is 91"),
        (game(visitor_team_score=None), Broken.TEAM_POINTS, "visitor team: .* is None"),
        (game(home_q1=23), Broken.QUARTER_POINTS, "quarters have 91 points, the score is 90"),
        (game(home_ot1=1, period=5), Broken.QUARTER_POINTS, "quarters have 91"),
        (game(home_q1=0, period=7), Broken.QUARTER_POINTS, "quarters have 68"),
        (game(home_q1=23, period=8), Broken.QUARTER_POINTS, "quarters have 91"),
        (broken_row(ftm=5), Broken.ROW_POINTS, "fgm 2, fg3m 2, ftm 5, pts 10"),
        (broken_row(fgm=None), Broken.ROW_POINTS, "fgm None"),
        (broken_row(fgm=None, pts=None), Broken.ROW_POINTS, "pts None"),
        (broken_row(reb=5), Broken.ROW_REBOUNDS, "oreb 1, dreb 3, reb 5"),
        (broken_row(oreb=None, reb=None), Broken.ROW_REBOUNDS, "oreb None"),
        (game(visitor=[unused(200)]), Broken.TEAM_WITHOUT_MINUTES, "visitor team"),
    ],
)
def test_each_identity_that_is_broken_is_named(told: Any, reason: Broken, detail: str) -> None:
    found = judged(told)
    assert found.state is GameState.DEGRADED
    assert found.reasons == [reason]
    assert all(each.key in ("1", "1/100") for each in found.breaks)
    assert re.search(detail, found.breaks[0].detail)


@pytest.mark.parametrize(
    "told",
    [
        game(home_q1=12, home_ot1=10, period=5),
        game(home_q1=12, period=8),
        game(home_q1=None),
        broken_row(min="01"),
        game(home=[*rows(100), unused(199) | {"pts": None, "reb": None}]),
        game(home=[*rows(100), row(198, threes=0, free=0) | {"oreb": 0, "dreb": 0, "reb": 0}]),
    ],
)
def test_what_only_looks_broken_is_none(told: Any) -> None:
    """More overtimes than have columns; quarters that are not told; a minute without statistics."""
    assert list(judged(told).breaks) == []
    assert judged(told).state is GameState.FINAL


def test_a_statistic_without_minutes_is_set_aside_and_is_missing_from_the_sum() -> None:
    home = rows(100)
    home[0]["min"] = "00"
    home += [unused(300) | {"stl": 1}, unused(301) | {"plus_minus": -2}]
    found = judged(game(home=home))
    aside = ("1/100", "1/300", "1/301")
    assert faults(found) == dict.fromkeys(aside, BoxReason.STAT_WITHOUT_MINUTES)
    assert (found.state, found.reasons) == (GameState.DEGRADED, [Broken.TEAM_POINTS])
    assert found.played_rows == 17


@pytest.mark.parametrize("nothing", ["00", "", None, "00:00", 0])
def test_a_final_game_in_which_all_minutes_are_missing_is_loaded(nothing: Any) -> None:
    home, visitor = ([each | {"min": nothing} for each in rows(at)] for at in (100, 200))
    found = judged(game(home=home, visitor=visitor))
    assert (found.state, found.reasons) == (GameState.DEGRADED, [Broken.MINUTES_MISSING])
    assert faults(found) == {}
    assert found.played_rows == 18
    assert (found.with_minutes(is_home=True), found.with_minutes(is_home=False)) == (0, 0)


def test_a_player_in_both_teams_is_set_aside_in_both() -> None:
    found = judged(game(visitor=[*rows(200), unused(100)]))
    assert faults(found) == {"1/100": BoxReason.IN_BOTH_TEAMS}
    assert sum(bool(each.fault) for each in found.entries) == 2


def test_a_row_that_is_told_twice_counts_once_and_two_that_differ_are_set_aside() -> None:
    home = rows(100)
    again = judged(game(home=home, home_team={"id": 1, "players": [*home, home[0]]}))
    assert [each.fault and each.fault.reason for each in again.entries[:18:17]] == [
        None,
        BoxReason.DUPLICATE,
    ]
    assert again.state is GameState.FINAL
    other = judged(game(home=home, home_team={"id": 1, "players": [*home, home[0] | {"ast": 9}]}))
    assert [each.fault and each.fault.reason for each in other.entries[:18:17]] == [
        BoxReason.LISTED_TWICE
    ] * 2


@pytest.mark.parametrize(
    ("home", "visitor", "kinds"),
    [
        ((9, 8), (9, 8), []),
        ((8, 5), (8, 5), []),
        ((8, 5), (8, 4), [Seen.FEW_LISTED]),
        ((8, 2), (8, 2), [Seen.FEW_LISTED]),
        ((8, 2), (8, 1), [Seen.TOO_FEW_LISTED]),
        ((7, 10), (12, 5), [Seen.TOO_FEW_WITH_MINUTES]),
        ((7, 10), (8, 9), [Seen.TOO_FEW_WITH_MINUTES]),
        ((5, 0), (5, 0), [Seen.TOO_FEW_LISTED, Seen.TOO_FEW_WITH_MINUTES]),
    ],
)
def test_a_game_with_few_rows_is_said_to_have_few(
    home: tuple[int, int], visitor: tuple[int, int], kinds: list[Seen]
) -> None:
    found = judged(game(home=rows(100, *home), visitor=rows(200, *visitor)))
    assert found.state is GameState.FINAL
    assert [each.kind for each in coverage_of(found)] == kinds


def test_coverage_is_asked_of_games_that_are_over() -> None:
    assert coverage_of(judged(roster_only())) == coverage_of(judged(not_yet())) == []
    strict = Coverage(with_minutes=20)
    assert [each.kind for each in coverage_of(judged(game()), strict)] == [
        Seen.TOO_FEW_WITH_MINUTES
    ]


def test_a_call_that_failed_is_not_read_and_a_body_of_no_shape_is_one_unread() -> None:
    failed = Call("box_scores", {}, answer([game()]), 200, error="vendor_error")
    assert judged_in(envelope(failed, outcome="partial")) == []
    [unread] = judged_in(envelope(b'{"error": "no"}'))
    assert isinstance(unread, Unread)
    assert unread.why.startswith("response")


@needs_recording
def test_the_recorded_date_is_final_and_covered() -> None:
    found = judged_in(envelope(recorded("box_scores_2026-01-09")))
    games = [each for each in found if isinstance(each, Judged)]
    assert len(games) == len(found) == 10
    assert Counter(each.state for each in games) == {GameState.FINAL: 10}
    assert outcome_of(each.state for each in games) is DateOutcome.FINAL
    assert sum(len(each.entries) for each in games) == 347
    assert sum(each.played_rows for each in games) == 208
    assert sum(each.with_minutes(is_home=True) for each in games) == 208 - sum(
        each.with_minutes(is_home=False) for each in games
    )
    assert [finding for each in games for finding in coverage_of(each)] == []
    for each in games:
        for side in each.game.sides:
            points = sum(
                row.pts or 0
                for entry, row in each.rows
                if entry.is_home is (side is each.game.home)
            )
            assert points == side.score
    assert (
        outcome_of(
            each.state
            for each in judged_in(envelope(recorded("box_scores_empty_day")))
            if isinstance(each, Judged)
        )
        is DateOutcome.EMPTY
    )
