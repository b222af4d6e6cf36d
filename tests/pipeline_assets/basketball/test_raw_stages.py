"""Test the games and rows of a date as they are made of all its fetches so far."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest

from pipeline_assets.basketball.box_scores import row_keys
from pipeline_assets.basketball.outcomes import BoxReason, Broken, GameState, Seen
from pipeline_assets.basketball.raw_game import NO_FIGURES, OTHER_DATE, RawGame, raw_games
from pipeline_assets.basketball.raw_player_box import RawPlayerBox, raw_player_boxes
from tests.pipeline_assets.basketball.boxes import (
    AFTER,
    MORNING,
    answer,
    envelope,
    fetched,
    game,
    needs_recording,
    not_yet,
    recorded,
    roster_only,
    rows,
    unused,
)
from touchline.fetch import Envelope, FetchRef
from touchline.stage import Staged

Fetches = list[tuple[FetchRef, Envelope]]


def boxes(so_far: Fetches) -> Staged[RawPlayerBox]:
    """The rows, each of those received with one fate."""
    staged = raw_player_boxes(so_far[-1][0], so_far)
    assert staged.account.conserved
    assert staged.received == sum(len(row_keys(raw)) for _, raw in so_far)
    keys = [f"{row.game_id}/{row.player_id}" for row in staged.records]
    assert len(keys) == len(set(keys))
    return staged


def games(so_far: Fetches) -> Staged[RawGame]:
    staged = raw_games(so_far[-1][0], so_far)
    assert staged.account.conserved
    keys = [game.game_id for game in staged.records]
    assert len(keys) == len(set(keys))
    return staged


def dropped(staged: Staged[Any]) -> dict[str, int]:
    return dict(staged.account.dropped)


def fewer() -> Any:
    """The game of `game()` with one player less, who made no points, and a correction."""
    home = rows(100)[1:]
    home[0] |= {"pts": 20, "fgm": 7, "ftm": 4}
    return game(home=home)


@needs_recording
def test_the_recorded_date() -> None:
    raw = envelope(recorded("box_scores_2026-01-09"))
    told = boxes([(raw.ref, raw)])
    assert (told.account.received, told.account.emitted) == (347, 347)
    assert Counter(row.played for row in told.records) == {True: 208, False: 139}
    assert {row.placeholder for row in told.records} == {False}
    played = [row for row in told.records if row.played]
    assert all(row.fg_pct is not None and row.plus_minus is not None for row in played)
    found = games([(raw.ref, raw)])
    assert (len(found.records), found.findings) == (10, [])
    for each in found.records:
        assert (each.state, each.state_reason) == (GameState.FINAL, None)
        for team, score in ((each.home_id, each.home_score), (each.visitor_id, each.visitor_score)):
            mine = [
                row for row in told.records if (row.game_id, row.team_id) == (each.game_id, team)
            ]
            assert sum(row.pts or 0 for row in mine) == score
            assert {row.opponent_id for row in mine} == {each.home_id + each.visitor_id - team}


@needs_recording
def test_an_empty_date_has_nothing_and_says_so() -> None:
    raw = envelope(recorded("box_scores_empty_day"))
    assert boxes([(raw.ref, raw)]).account == games([(raw.ref, raw)]).account
    assert boxes([(raw.ref, raw)]).received == 0


def test_a_game_has_both_teams_as_it_is_told() -> None:
    [found] = games(fetched([game(7)])).records
    assert (found.game_id, found.home_id, found.visitor_id) == ("7", 1, 2)
    assert (found.home_name, found.home_score, found.home_quarters) == (
        "Town 1s",
        90,
        [22, 22, 22, 24],
    )
    assert (found.listed_home, found.with_minutes_home, found.played) == (17, 9, 18)
    [home] = [row for row in boxes(fetched([game(7)])).records if row.player_id == 100]
    assert (home.team_id, home.opponent_id, home.is_home) == (1, 2, True)
    assert (home.minutes, home.pts, home.position, home.jersey) == (30, 10, "", "00")
    [away] = [row for row in boxes(fetched([game(7)])).records if row.player_id == 200]
    assert (away.team_id, away.opponent_id, away.is_home) == (2, 1, False)


def test_a_game_that_lacks_its_id_in_one_fetch_is_the_same_game() -> None:
    for order in ([game(1)], [game(None)]), ([game(None)], [game(1)]):
        found = boxes(fetched(*order))
        assert {row.game_id for row in found.records} == {"1"}
        assert dropped(found) == {BoxReason.SUPERSEDED: 34}
    apart = boxes(fetched([game(None, home_team={"id": 3})], [game(1)]))
    assert {row.game_id for row in apart.records} == {"1", "2026-01-09/3/2"}


def test_the_older_shape_makes_the_same_rows_but_for_what_it_lacks() -> None:
    newer, older = (boxes(fetched([game(of)])).records for of in (1, None))
    assert {row.game_id for row in older} == {"2026-01-09/1/2"}
    assert [row.pts for row in newer] == [row.pts for row in older]
    assert games(fetched([game(None)])).records[0].scheduled_start is None


@pytest.mark.parametrize("order", sorted(set(itertools.permutations("nnrf"))))
def test_the_final_figures_count_whatever_comes_before_and_after(order: tuple[str, ...]) -> None:
    """Not yet, not yet, final: the first, empty, answer once blocked the last one."""
    told = {"n": not_yet, "r": roster_only, "f": game}
    so_far = fetched(*([told[each]()] for each in order))
    found = boxes(so_far)
    assert found.records == boxes(fetched([game()])).records
    assert sum(dropped(found).values()) == 30
    [one] = games(so_far).records
    assert one == games(fetched([game()])).records[0]
    assert games(so_far).account.dropped.keys() <= {"superseded", "not_yet", "placeholder_only"}


def test_a_roster_is_shown_as_placeholders_until_there_are_figures() -> None:
    found = boxes(fetched([not_yet()], [roster_only()]))
    assert len(found.records) == 30
    assert {(row.placeholder, row.played) for row in found.records} == {(True, False)}
    assert {row.game_state for row in found.records} == {GameState.PLACEHOLDER_ONLY}
    over = boxes(fetched([roster_only()], [game()], [roster_only()]))
    assert dropped(over) == {BoxReason.SUPERSEDED: 30, BoxReason.PLACEHOLDER_ONLY: 30}
    assert not any(row.placeholder for row in over.records)


@pytest.mark.parametrize(
    ("told", "reason"),
    [({"period": 3}, BoxReason.NOT_YET), ({"period": None}, BoxReason.UNKNOWN_STATE)],
)
def test_figures_of_a_game_that_is_played_are_no_rows(
    told: dict[str, Any], reason: BoxReason
) -> None:
    found = boxes(fetched([game(status="3rd Qtr", **told)]))
    assert dropped(found) == {reason: 34}
    assert games(fetched([game(status="3rd Qtr", **told)])).records[0].state == reason


def test_a_correction_counts_and_the_same_once_more_changes_nothing() -> None:
    home = rows(100)
    home[0] |= {"ast": 6}
    corrected = game(home=home)
    found = boxes(fetched([game()], [corrected], [corrected]))
    assert [row.ast for row in found.records if row.player_id == 100] == [6]
    assert dropped(found) == {BoxReason.SUPERSEDED: 68}
    assert found.records == boxes(fetched([corrected])).records


def test_a_shrinking_fetch_never_overwrites_a_fuller_one() -> None:
    found = boxes(fetched([game()], [fewer()], [not_yet()]))
    assert found.records == boxes(fetched([game()])).records
    assert dropped(found) == {BoxReason.SHRINKING: 33}
    assert dropped(games(fetched([game()], [fewer()]))) == {BoxReason.SHRINKING: 1}
    fuller = boxes(fetched([fewer()], [game()]))
    assert fuller.records == found.records
    assert dropped(fuller) == {BoxReason.SUPERSEDED: 33}
    anew = boxes(fetched([game()], [fewer()], [game()]))
    assert dropped(anew) == {BoxReason.SHRINKING: 33, BoxReason.SUPERSEDED: 34}


def test_a_fetch_that_lost_scorers_is_shrinking_though_it_does_not_add_up() -> None:
    lost = game(home_team=game()["home_team"] | {"players": rows(100)[2:]})
    assert dropped(boxes(fetched([game()], [lost]))) == {BoxReason.SHRINKING: 32}
    alone = games(fetched([lost])).records[0]
    assert (alone.state, alone.state_reason) == (GameState.DEGRADED, Broken.TEAM_POINTS)


def test_a_final_game_without_figures_is_noticed() -> None:
    told = [game(status="Final", home=[], visitor=[]), roster_only(2, status="Final", period=4)]
    found = games(fetched(told))
    assert [(each.kind, each.key) for each in found.findings] == [
        (NO_FIGURES, "1"),
        (NO_FIGURES, "2"),
    ]
    assert {each.state for each in found.records} == {GameState.PLACEHOLDER_ONLY}
    assert games(fetched([roster_only()])).findings == []


def test_a_game_that_is_told_twice_in_one_answer_counts_once() -> None:
    found = boxes(fetched([game(1), fewer()]))
    assert found.records == boxes(fetched([game(1)])).records
    assert dropped(found) == {BoxReason.SHRINKING: 33}


def test_a_game_that_a_later_fetch_leaves_out_stays() -> None:
    found = boxes(fetched([game(1), game(2)], [game(2)], []))
    assert Counter(row.game_id for row in found.records) == {"1": 34, "2": 34}


def test_what_adds_up_counts_before_what_does_not() -> None:
    degraded = game(home_team_score=77)
    for so_far in (fetched([game()], [degraded]), fetched([degraded], [game()])):
        assert {row.game_state for row in boxes(so_far).records} == {GameState.FINAL}
    assert dropped(boxes(fetched([game()], [degraded]))) == {BoxReason.DEGRADED: 34}
    alone = games(fetched([not_yet()], [degraded]))
    assert (alone.records[0].state, alone.records[0].state_reason) == (
        GameState.DEGRADED,
        "team_points_differ, quarter_points_differ",
    )
    assert [each.kind for each in alone.findings] == [Broken.TEAM_POINTS, Broken.QUARTER_POINTS]


def test_missing_minutes_are_judged_by_statistics_until_there_are_some() -> None:
    home, visitor = ([each | {"min": "00"} for each in rows(at)] for at in (100, 200))
    without = game(home=home, visitor=visitor)
    found = boxes(fetched([without]))
    assert Counter(row.played for row in found.records) == {True: 18, False: 16}
    assert {row.game_state for row in found.records} == {GameState.DEGRADED}
    told = games(fetched([without]))
    assert told.records[0].state_reason == Broken.MINUTES_MISSING
    assert [each.kind for each in told.findings] == [
        Broken.MINUTES_MISSING,
        Seen.TOO_FEW_WITH_MINUTES,
    ]
    assert {row.game_state for row in boxes(fetched([without], [game()])).records} == {"final"}


def test_what_is_set_aside_says_which_field_and_costs_no_other() -> None:
    home = rows(100)
    home[1]["reb"] = "many"
    home[9]["stl"] = 1
    odd = game(1, home, [*rows(200), unused(116)])
    found = boxes(fetched([odd, game(2), {"id": 3}, 7]))
    assert {(each.key, each.reason) for each in found.quarantined} == {
        ("1/#2", "malformed"),
        ("1/109", "stat_without_minutes"),
        ("1/116", "in_both_teams"),
        ("#3", "malformed"),
        ("#4", "malformed"),
    }
    details = {each.key: each.detail for each in found.quarantined}
    assert details["1/#2"] == "player row.reb: Expected `int | null`, got `str`"
    assert details["#3"].startswith("game: Object missing required field `date`")
    assert all(each.raw for each in found.quarantined)
    assert Counter(row.game_id for row in found.records) == {"1": 31, "2": 34}
    told = games(fetched([odd, game(2), {"id": 3}, 7]))
    assert told.account.quarantined == {"malformed": 2}
    assert [each.state for each in told.records] == [GameState.DEGRADED, GameState.FINAL]


def test_a_body_of_no_shape_is_set_aside_once() -> None:
    bad = envelope(b'{"error":"no such date"}', MORNING)
    good = envelope(answer([game()]), AFTER)
    for staged in (boxes([(bad.ref, bad), (good.ref, good)]), games([(bad.ref, bad)])):
        [aside] = staged.quarantined
        assert (aside.reason, aside.raw) == ("malformed", '{"error":"no such date"}')
    assert len(boxes([(bad.ref, bad), (good.ref, good)]).records) == 34


def test_a_game_of_another_date_is_noticed() -> None:
    found = games(fetched([game(date="2026-01-10")]))
    assert [(each.kind, each.key) for each in found.findings] == [(OTHER_DATE, "1")]
    assert len(found.records) == 1
