"""Test how games and rows of players are read, in every shape that they come in."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pipeline_assets.basketball.wire.fields import Malformed, Unread
from pipeline_assets.basketball.wire.games import Game, games_of, read_game
from pipeline_assets.basketball.wire.player_rows import flat_row, read_row, whole_minutes
from tests.pipeline_assets.basketball.boxes import (
    DATE,
    answer,
    game,
    needs_recording,
    recorded,
    row,
    rows,
    team,
)


def text(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def flat(each: dict[str, Any], team_id: int, of: dict[str, Any]) -> dict[str, Any]:
    return {"id": 70_000 + each["player"]["id"], **each, "team": team(team_id), "game": of}


FLAT_GAME = {
    "id": 77,
    "date": DATE,
    "season": 2025,
    "status": "Final",
    "period": 4,
    "time": "Final",
    "postseason": False,
    "home_team_score": 90,
    "visitor_team_score": 90,
    "home_team_id": 1,
    "visitor_team_id": 2,
}


def test_a_game_of_the_newer_shape_has_its_start_in_utc_and_its_date_in_new_york() -> None:
    found = read_game(text(game(18447346, home_ot1=7)))
    assert (found.key, found.date) == ("18447346", DATE)
    assert found.starts_at is not None
    assert found.starts_at.isoformat() == "2026-01-10T00:00:00+00:00"
    assert found.home.quarters == [22, 22, 22, 24]
    assert (found.home.overtimes, found.visitor.overtimes) == ([7], [])


def test_a_game_of_the_older_shape_is_known_by_its_date_and_teams() -> None:
    found = read_game(text(game(None)))
    assert found.key == f"{DATE}/1/2"
    assert (found.starts_at, found.home.quarters, found.home.overtimes) == (None, None, None)
    assert len(found.home.players) == 17
    assert [read_game(text(game(1) | {"id": odd})).key for odd in (None, "")] == [found.key] * 2


def test_a_team_is_read_where_the_openapi_says_and_where_it_is() -> None:
    nested = {"team": team(1), "players": rows(100)}
    as_it_is, as_it_says = (
        read_game(text(game(home_team=home))) for home in (game()["home_team"], nested)
    )
    assert as_it_says.home == as_it_is.home


def test_what_the_openapi_says_may_be_null_may_be() -> None:
    null = dict.fromkeys(
        ("status", "period", "time", "datetime", "postseason", "home_team_score", "home_q1")
    )
    found = read_game(text(game(**null)))
    assert (found.status, found.period, found.starts_at, found.home.score) == (None,) * 4
    assert found.home.quarters == [None, 22, 22, 24]


def test_a_start_that_stands_in_the_status_is_one() -> None:
    found = read_game(text(game(datetime=None, status="2026-01-10T00:30:00Z")))
    assert found.starts_at is not None
    assert found.starts_at.isoformat() == "2026-01-10T00:30:00+00:00"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"date": None}, "game.date: "),
        ({"date": "20260109"}, "game.date: '20260109' is not a day"),
        ({"date": "9999-12-31"}, "game.date: 9999-12-31 is not in the years 2000 to 2099"),
        ({"datetime": "0001-01-01T05:00:00Z"}, "game.datetime: 0001-01-01 .* is not in the years"),
        ({"id": []}, "game.id: "),
        ({"period": "four"}, "game.period: "),
        ({"home_q2": 10**30}, "game.home_q2: "),
        ({"datetime": "2026-01-10T00:00:00"}, "game.datetime: .* has no time zone"),
        ({"home_team": {"players": []}}, "game.home_team: .*`id`"),
        ({"home_team": {"team": {"id": "x"}}}, "game.home_team.team.id: "),
        ({"visitor_team": team(2) | {"players": {}}}, "game.visitor_team.players: "),
        ({"visitor_team": team(1)}, "game.visitor_team.id: 1, as that of the home team"),
    ],
)
def test_a_game_that_fits_no_shape_names_the_field(change: dict[str, Any], named: str) -> None:
    with pytest.raises(Malformed, match=named):
        read_game(text({**game(), **change}))


@pytest.mark.parametrize(
    ("told", "minutes"),
    [
        ("37", 37),
        ("05", 5),
        ("5", 5),
        (37, 37),
        (37.0, 37),
        ("36:30", 37),
        ("36:29", 36),
        ("00:10", 1),
        ("0", 0),
        ("00", 0),
        ("00:00", 0),
        (0, 0),
        ("", None),
        (None, None),
    ],
)
def test_minutes_are_text_of_several_kinds(told: Any, minutes: int | None) -> None:
    assert read_row(text({**row(1), "min": told})).minutes == minutes


@pytest.mark.parametrize("told", ["-1", "PT25M", "12:75", "1e3", "nan", "1000", "12:5", "x"])
def test_what_are_no_minutes_is_refused(told: str) -> None:
    with pytest.raises(Malformed, match=r"player row\.min"):
        whole_minutes(told)


def test_a_number_is_one_whatever_it_is_written_as() -> None:
    told = [read_row(text({**row(1), "pts": pts, "fg_pct": 1})) for pts in (25, 25.0, "25", "25.0")]
    assert told == [told[0]] * 4
    assert (told[0].pts, told[0].fg_pct) == (25, 1.0)


def test_nulls_and_empty_texts_stay_what_they_are() -> None:
    null = {**row(1), "fg3_pct": None, "reb": None}
    del null["plus_minus"]
    found = read_row(text(null))
    assert (found.fg3_pct, found.reb, found.plus_minus) == (None, None, None)
    assert (found.player.position, found.player.jersey) == ("", "00")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"player": None}, "player row.player: "),
        ({"player": {"id": "x"}}, "player row.player.id: "),
        ({"min": []}, "player row.min: "),
        ({"fgm": ""}, "player row.fgm: "),
        ({"fgm": 1.5}, "player row.fgm: "),
        ({"pts": True}, "player row.pts: "),
        ({"fg_pct": "nan"}, "player row.fg_pct: "),
        ({"reb": 2**63}, "player row.reb: "),
    ],
)
def test_a_row_that_fits_no_shape_names_the_field(change: dict[str, Any], named: str) -> None:
    with pytest.raises(Malformed, match=named):
        read_row(text({**row(1), **change}))


def test_rows_of_the_flat_shape_make_their_game() -> None:
    listed = [flat(each, 1, FLAT_GAME) for each in rows(100)]
    listed += [flat(each, 2, FLAT_GAME) for each in rows(200)]
    assert flat_row(text(listed[0])).game_key == "77"
    [found] = games_of(json.dumps({"data": listed, "meta": {"per_page": 100}}).encode())
    assert isinstance(found, Game)
    assert (found.key, found.home.team.full_name, found.home.score) == ("77", "Town 1s", 90)
    assert [read_row(each).player.id for each in found.visitor.players] == list(range(200, 217))


def test_a_flat_row_of_no_team_of_its_game_makes_none_of_it() -> None:
    listed = [flat(row(1), 1, FLAT_GAME), flat(row(2), 3, FLAT_GAME)]
    first, second = games_of(answer(listed))
    assert isinstance(first, Unread)
    assert isinstance(second, Unread)
    assert first.why == second.why == "player row.team.id: 3, no team of game 77"
    [unnamed] = games_of(answer([flat(row(1), 1, {"id": 77, "date": DATE})]))
    assert isinstance(unnamed, Unread)
    assert unnamed.why == "game.home_team_id: it is absent"


def test_an_odd_element_costs_no_other() -> None:
    found = games_of(answer([game(1), 7, {"player": {}, "game": {}}, game(2)]))
    assert [each.key for each in found] == ["1", "#2", "#3", "2"]


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data":{}}', b'{"error":"no"}', b"null", b"7"])
def test_a_body_that_is_no_list_of_records_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match=r"^response"):
        games_of(body)


@needs_recording
def test_the_recorded_date_and_the_empty_one_are_read() -> None:
    found = games_of(recorded("box_scores_2026-01-09"))
    assert all(isinstance(each, Game) for each in found)
    assert len(found) == 10
    assert games_of(recorded("box_scores_empty_day")) == []
