"""balldontlie's lists: players, teams, games, and how they are paged."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import msgspec
import pytest

from simulator.basketball.schedule import CUP_FINAL
from simulator.basketball.season import Calendar, Season
from simulator.basketball.simulated import Simulated
from simulator.basketball.teams import ALL_TEAMS
from tests.simulator.basketball.conftest import SEASON, Ask

SUMMER = datetime(2026, 6, 30, tzinfo=UTC)


def test_rosters_are_of_the_real_size_with_the_real_oddities(
    season: Season, balldontlie: Ask
) -> None:
    players = [player for _, player in season.listed(SUMMER)]
    assert 510 <= len(players) <= 540
    assert len({player.full_name for player in players}) == len(players)
    numbers = {player.jersey_number for player in players}
    assert {"0", "00", None} <= numbers
    assert any(player.college and not player.college.strip() for player in players)
    assert any(not player.position for player in players)
    assert any(player.last_name.endswith("Jr.") for player in players)
    assert any(not player.full_name.isascii() for player in players)
    assert 20 <= len(balldontlie("player_injuries", SUMMER, per_page=100)["data"]) <= 100


def test_the_teams_that_nobody_can_look_up_by_name() -> None:
    assert len(ALL_TEAMS) == 45
    names = Counter(team.full_name for team in ALL_TEAMS)
    shorts = Counter(team.abbreviation for team in ALL_TEAMS)
    assert names["Denver Nuggets"] == shorts["WAS"] == 2
    assert {team.conference for team in ALL_TEAMS[30:]} == {"    "}


@pytest.mark.parametrize("size", [1, 7, 25, 100])
def test_pages_end_without_a_cursor(season: Season, balldontlie: Ask, size: int) -> None:
    for endpoint, params in (
        ("games", {"start_date": "2026-01-01", "end_date": "2026-01-07"}),
        ("players/active", {}),
    ):
        seen, cursor, pages = [], 0, 0
        while True:
            answer = balldontlie(endpoint, SUMMER, **params, per_page=size, cursor=cursor)
            seen += [entry["id"] for entry in answer["data"]]
            pages += 1
            if "next_cursor" not in answer["meta"]:
                break
            cursor = answer["meta"]["next_cursor"]
        assert seen == sorted(set(seen))
        assert pages >= len(seen) / size
    assert len(seen) == len(season.listed(SUMMER))


def test_games_are_chosen_by_season_dates_and_span(calendar: Calendar, balldontlie: Ask) -> None:
    day = date(2026, 1, 9)
    one = balldontlie("games", SUMMER, dates=day)["data"]
    span = balldontlie("games", SUMMER, start_date=day, end_date=day, seasons=SEASON)["data"]
    assert one == span
    assert {game["date"] for game in one} == {"2026-01-09"}
    assert len(one) == len(calendar.on(day, SUMMER))
    assert balldontlie("games", SUMMER, dates=day, seasons=2024)["data"] == []
    final = balldontlie("games", SUMMER, start_date="2025-12-15", end_date="2025-12-21")["data"]
    assert [game["ist_stage"] for game in final if game["ist_stage"]] == [CUP_FINAL]


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-25", "2026-08-01", "9999-12-31"])
def test_dates_far_from_any_season_have_no_games(balldontlie: Ask, day: str) -> None:
    assert balldontlie("box_scores", SUMMER, date=day) == {"data": []}
    assert balldontlie("games", SUMMER, dates=day)["data"] == []


def test_every_answer_is_compact_json(season: Season) -> None:
    simulated = Simulated(season)
    for endpoint in ("teams", "games", "players/active", "player_injuries"):
        body = simulated.balldontlie(endpoint, {}, SUMMER)
        assert body == msgspec.json.encode(msgspec.json.decode(body or b""))
    assert simulated.balldontlie("nothing", {}, SUMMER) is None
