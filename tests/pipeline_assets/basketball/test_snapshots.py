"""Test the calendar, rosters and injuries: snapshots of a date that come in pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.basketball.calendar import (
    GameStatus,
    SeasonGame,
    SeasonType,
    game_keys,
    season_games,
)
from pipeline_assets.basketball.injuries import injuries_of, injury_keys
from pipeline_assets.basketball.rosters import ODD_SIZE, player_keys, roster
from tests.pipeline_assets.basketball.boxes import (
    game,
    needs_recording,
    not_yet,
    pages,
    recorded,
    row,
    team,
)
from tests.pipeline_assets.odd_json import hostile
from touchline.fetch import Call, Envelope
from touchline.stage import Staged


def calendar(*bodies: Any) -> Envelope:
    return pages("calendar", "games", "games", *bodies)


def rosters(*bodies: Any) -> Envelope:
    return pages("rosters", "active_players", "players/active", *bodies)


def injuries(*bodies: Any) -> Envelope:
    return pages("injuries", "injuries", "player_injuries", *bodies)


def scheduled(game_id: int, home: int = 1, visitor: int = 2, **told: Any) -> Any:
    return not_yet(game_id, home_team=team(home), visitor_team=team(visitor), **told)


def season(*bodies: Any) -> Staged[SeasonGame]:
    raw = calendar(*bodies)
    staged = season_games(raw.ref, raw)
    assert staged.account.conserved
    assert staged.received == len(game_keys(raw))
    return staged


def active(player_id: int, of: int = 1, **told: Any) -> Any:
    return {**row(player_id)["player"], "team": team(of), **told}


def injured(player_id: int, **told: Any) -> Any:
    player = {"id": player_id, "first_name": "Example", "last_name": "Player", "team_id": 3}
    return {"player": player, "status": "Out", "return_date": "Jan 12", "description": "-", **told}


# --- the calendar --------------------------------------------------------------------------------


def test_a_game_of_the_calendar_is_over_three_hours_and_a_half_after_its_start() -> None:
    found = season({"data": [scheduled(1)], "meta": {"next_cursor": 1}}, {"data": [scheduled(2)]})
    first, second = found.records
    assert (first.game_id, second.game_id, first.game_date) == ("1", "2", "2026-01-09")
    assert (first.home, first.away) == ("Town 1s", "Town 2s")
    assert first.scheduled_start is not None
    assert first.expected_final_at is not None
    assert first.scheduled_start.isoformat() == "2026-01-10T00:00:00+00:00"
    assert first.expected_final_at.isoformat() == "2026-01-10T03:30:00+00:00"
    [unknown] = season({"data": [scheduled(3, datetime=None)]}).records
    assert (unknown.scheduled_start, unknown.expected_final_at) == (None, None)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, GameStatus.SCHEDULED),
        ({"status": None}, GameStatus.SCHEDULED),
        ({"status": "2nd Qtr", "period": 2}, GameStatus.SCHEDULED),
        ({"status": "Final", "period": 4}, GameStatus.FINAL),
        ({"status": "Postponed"}, GameStatus.POSTPONED),
        ({"status": "PPD"}, GameStatus.POSTPONED),
        ({"postponed": True}, GameStatus.POSTPONED),
        ({"status": "Cancelled"}, GameStatus.CANCELED),
        ({"status": "Canceled"}, GameStatus.CANCELED),
    ],
)
def test_how_a_game_stands(told: dict[str, Any], status: GameStatus) -> None:
    assert [each.status for each in season({"data": [scheduled(1, **told)]}).records] == [status]


@pytest.mark.parametrize(
    ("told", "season_type"),
    [
        (scheduled(1), SeasonType.REGULAR),
        (scheduled(1, postseason=None), SeasonType.REGULAR),
        (scheduled(1, ist_stage="East Group A"), SeasonType.REGULAR),
        (scheduled(1, ist_stage="Semifinals"), SeasonType.REGULAR),
        (scheduled(1, ist_stage="Championship"), SeasonType.CUP_FINAL),
        (scheduled(1, postseason=True), SeasonType.POSTSEASON),
        (scheduled(1, 901, 902), SeasonType.ALL_STAR),
        (scheduled(1, 30, 902), SeasonType.PRESEASON),
    ],
)
def test_what_a_game_counts_for(told: Any, season_type: SeasonType) -> None:
    [found] = season({"data": [told]}).records
    assert found.season_type is season_type


def test_a_game_that_was_moved_while_pages_were_read_counts_once() -> None:
    moved = scheduled(1, date="2026-02-03", datetime="2026-02-04T00:00:00Z")
    found = season({"data": [scheduled(1), scheduled(2)]}, {"data": [moved, {"id": 3}]})
    assert [(each.game_id, each.game_date) for each in found.records] == [
        ("2", "2026-01-09"),
        ("1", "2026-02-03"),
    ]
    assert found.account.dropped == {"listed_again": 1}
    assert [(each.key, each.reason) for each in found.quarantined] == [("#4", "malformed")]


def test_pages_that_failed_are_not_read_and_those_of_no_shape_are_set_aside() -> None:
    failed = Call("games", {"cursor": "9"}, b'{"error":"later"}', 200, error="vendor_error")
    found = season({"data": [scheduled(1)]}, failed, {"games": []}, {"data": [scheduled(2)]})
    assert [each.game_id for each in found.records] == ["1", "2"]
    assert [each.key for each in found.quarantined] == ["#2"]


@needs_recording
def test_the_recorded_games_are_read() -> None:
    found = season(recorded("games"))
    assert {each.status for each in found.records} == {GameStatus.FINAL}
    assert {each.season_type for each in found.records} == {SeasonType.REGULAR}
    assert {each.game_date for each in found.records} == {"2025-02-20"}
    assert len(found.records) == 9
    assert found.quarantined == []


# --- rosters -------------------------------------------------------------------------------------


def test_each_active_player_has_a_team() -> None:
    raw = rosters({"data": [active(1, of=7), active(2, team=None)]})
    first, second = roster(raw.ref, raw).records
    assert (first.snapshot_date, first.player_id, first.jersey) == ("2026-01-09", 1, "00")
    assert (first.team_id, first.team_name, first.position) == (7, "Town 7s", "")
    assert (second.team_id, second.team_name) == (None, None)


def test_a_player_in_two_teams_is_set_aside_and_one_told_twice_counts_once() -> None:
    raw = rosters(
        {"data": [active(1), active(2), active(3)]}, {"data": [active(1, of=2), active(2)]}
    )
    found = roster(raw.ref, raw)
    assert [each.player_id for each in found.records] == [2, 3]
    assert [(each.key, each.reason) for each in found.quarantined] == [("1", "in_two_teams")] * 2
    assert found.account.dropped == {"duplicate": 1}
    assert player_keys(raw) == ["1", "2", "3", "1", "2"]


@pytest.mark.parametrize(("size", "is_odd"), [(499, True), (500, False), (700, False), (701, True)])
def test_a_size_that_is_not_plausible_is_noticed(size: int, is_odd: bool) -> None:
    raw = rosters({"data": [active(player) for player in range(size)]})
    found = roster(raw.ref, raw)
    assert [each.kind for each in found.findings] == [ODD_SIZE] * is_odd
    assert len(found.records) == size


@needs_recording
def test_the_recorded_page_of_players_is_read() -> None:
    raw = rosters(recorded("active_players"))
    found = roster(raw.ref, raw)
    assert (len(found.records), found.quarantined) == (100, [])
    assert {each.team_id is None for each in found.records} == {False}


# --- injuries ------------------------------------------------------------------------------------


def test_a_player_may_be_injured_twice() -> None:
    raw = injuries({"data": [injured(1), injured(1, status="Day-To-Day"), injured(1), injured(2)]})
    found = injuries_of(raw.ref, raw)
    assert [(each.player_id, each.nth, each.status) for each in found.records] == [
        (1, 1, "Out"),
        (1, 2, "Day-To-Day"),
        (2, 1, "Out"),
    ]
    assert found.account.dropped == {"duplicate": 1}
    assert {(each.team_id, each.return_date) for each in found.records} == {(3, "Jan 12")}


def test_nobody_may_be_injured() -> None:
    raw = injuries({"data": [], "meta": {"per_page": 100}})
    assert injuries_of(raw.ref, raw).received == 0


# --- whatever comes ------------------------------------------------------------------------------

ODD = hostile | st.dictionaries(
    st.sampled_from(["id", "date", "player", "team", "home_team", "visitor_team", "status"]),
    hostile,
)
GOOD = 987_654
SNAPSHOTS = pytest.mark.parametrize(
    ("of", "by", "keys", "good"),
    [
        (calendar, season_games, game_keys, game(GOOD)),
        (rosters, roster, player_keys, active(GOOD)),
        (injuries, injuries_of, injury_keys, injured(GOOD)),
    ],
)


@SNAPSHOTS
@given(st.lists(ODD, max_size=4), ODD)
def test_whatever_comes_each_record_has_one_fate_and_the_good_one_lands(
    of: Callable[..., Envelope],
    by: Callable[..., Staged[Any]],
    keys: Callable[[Envelope], list[str]],
    good: Any,
    odd: Sequence[Any],
    body: Any,
) -> None:
    raw = of({"data": [*odd, good]}, body, {"data": list(odd)})
    staged = by(raw.ref, raw)
    assert staged.account.conserved
    assert staged.received == len(keys(raw))
    assert staged.records
