"""The season: who plays when, what happened, and what the vendor gets wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest

from simulator.basketball.boxes import score
from simulator.basketball.schedule import CUP_FINAL, dates_of, season_of
from simulator.basketball.season import Calendar, Oddities, Season
from simulator.basketball.simulated import Simulated
from simulator.basketball.teams import TEAMS
from tests.simulator.basketball.conftest import SEASON, Ask
from touchline.day import NEW_YORK

ONE_DAY = timedelta(days=1)
SUMMER = datetime(2026, 7, 1, tzinfo=UTC) - ONE_DAY


def morning(day: date, hour: int, minute: int = 5) -> datetime:
    """New York's time on the morning after `day`."""
    local = datetime.combine(day + ONE_DAY, time(hour, minute))
    return NEW_YORK.localize(local).astimezone(UTC)


def rows_of(game: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for side in ("home", "visitor"):
        yield side, game[f"{side}_team"]["players"]


def played(games: list[dict[str, Any]]) -> int:
    return sum(row["min"] != "00" for game in games for _, rows in rows_of(game) for row in rows)


def test_a_season_has_1230_games_and_the_cups_final(calendar: Calendar) -> None:
    regular = [game for game in calendar.games.values() if game.ist_stage != CUP_FINAL]
    assert len(regular) == 1_230
    assert len(calendar.games) == 1_231
    for sides in (
        Counter(game.home for game in regular),
        Counter(game.visitor for game in regular),
    ):
        assert sides == dict.fromkeys(TEAMS, 41)
    assert 160 <= len({game.planned.date for game in regular}) <= 165


def test_no_team_plays_twice_on_a_date_whatever_was_postponed(calendar: Calendar) -> None:
    dates: dict[date, list[int]] = defaultdict(list)
    for game in calendar.games.values():
        dates[game.played.date] += [game.home, game.visitor]
    assert all(len(teams) == len(set(teams)) for teams in dates.values())


def test_games_start_in_the_evening_of_their_new_york_date(calendar: Calendar) -> None:
    for game in calendar.games.values():
        local = game.played.start.astimezone(NEW_YORK)
        assert local.date() == game.played.date
        assert time(19) <= local.time() <= time(22, 30)


@pytest.mark.parametrize("season", [2023, 2024, 2025, 2026])
def test_seasons_run_from_october_to_april_with_breaks(season: int) -> None:
    days = dates_of(season)
    assert days[0].month == 10
    assert days[-1].month == 4
    assert {season_of(day) for day in days} == {season}
    assert max(b - a for a, b in pairwise(days)) == 7 * ONE_DAY  # All-Star
    assert date(season, 12, 24) not in days


def test_about_one_in_a_hundred_is_postponed(calendar: Calendar) -> None:
    moved = [game for game in calendar.games.values() if game.postponement]
    assert 4 <= len(moved) <= 25
    for game in moved:
        assert game.postponement is not None
        assert game.postponement.known_at < game.planned.start
        assert game.postponement.to.date > game.planned.date


def test_the_calendar_moves_a_postponed_game(calendar: Calendar, balldontlie: Ask) -> None:
    game = next(game for game in calendar.games.values() if game.postponement)
    moved = game.postponement
    assert moved is not None
    seen = []
    ends = morning(moved.to.date, 3)
    for at in (moved.known_at - ONE_DAY, moved.known_at, moved.replanned_at, ends):
        for day in (game.planned.date, moved.to.date):
            for listed in balldontlie("games", at, dates=day, per_page=100)["data"]:
                if listed["id"] == game.id:
                    seen.append((listed["date"], listed["status"]))
    first, then = str(game.planned.date), str(moved.to.date)
    assert [day for day, _ in seen] == [first, first, then, then]
    assert [status for _, status in seen][1::2] == ["Postponed", "Final"]


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    at = morning(date(2026, 1, 9), 3)
    answers = [
        Simulated(Season(seed)).balldontlie("box_scores", {"date": ["2026-01-09"]}, at)
        for seed in (3, 3, 4)
    ]
    assert answers[0] == answers[1] != answers[2]


def test_identities_hold_for_every_final_game_of_a_month(
    calendar: Calendar, oddities: Oddities, balldontlie: Ask
) -> None:
    sizes, minutes = [], []
    for day in calendar.dates:
        if day.month != 1:
            continue
        for game in balldontlie("box_scores", SUMMER, date=day)["data"]:
            assert (game["status"], game["time"]) == ("Final", "Final")
            for side, rows in rows_of(game):
                assert_identities(game, side, rows, all_periods=game["period"] < 8)
                of_team = sum(int(row["min"]) for row in rows)
                minutes.append(of_team - 240 - 25 * (game["period"] - 4))
            sizes.append((sum(len(rows) for _, rows in rows_of(game)), played([game])))
    assert all(32 <= listed <= 37 and 18 <= in_play <= 28 for listed, in_play in sizes)
    assert set(minutes) <= {0, 1, 2}
    assert 0 < sum(minutes) < 0.1 * len(minutes)


PERIODS = [f"q{n}" for n in range(1, 5)] + [f"ot{n}" for n in range(1, 4)]


def assert_identities(
    game: dict[str, Any], side: str, rows: list[dict[str, Any]], *, all_periods: bool
) -> None:
    score = game[f"{side}_team_score"]
    assert sum(row["pts"] for row in rows) == score
    of_periods = sum(game[f"{side}_{name}"] or 0 for name in PERIODS)
    assert (of_periods == score) is all_periods
    for row in rows:
        assert 2 * row["fgm"] + row["fg3m"] + row["ftm"] == row["pts"]
        assert row["oreb"] + row["dreb"] == row["reb"]
        assert row["fg3m"] <= row["fgm"] <= row["fga"]
        assert row["fg3m"] <= row["fg3a"] <= row["fga"]
        assert row["ftm"] <= row["fta"]


def test_the_longest_game_has_points_without_a_column(
    season: Season, oddities: Oddities, balldontlie: Ask
) -> None:
    game = season.game(oddities.four_overtimes)
    assert game is not None
    games = balldontlie("box_scores", SUMMER, date=game.played.date)["data"]
    longest = next(listed for listed in games if listed["id"] == game.id)
    assert longest["period"] == 8
    for side, rows in rows_of(longest):
        assert_identities(longest, side, rows, all_periods=False)


def test_one_game_in_fifty_has_an_overtime(season: Season, calendar: Calendar) -> None:
    overtimes = Counter(score(season, game).overtimes for game in calendar.games.values())
    assert 0.01 < 1 - overtimes[0] / len(calendar.games) < 0.04
    assert overtimes[4] == 1
    made = [score(season, game) for game in calendar.games.values()]
    assert all(sum(points.home) != sum(points.visitor) for points in made)


def test_a_night_goes_from_not_yet_to_final(balldontlie: Ask) -> None:
    day = date(2026, 1, 9)
    seen = []
    for hours in range(-12, 8):
        at = morning(day, 0, 0) + timedelta(hours=hours)
        games = balldontlie("box_scores", at, date=day)["data"]
        assert len(games) == len({game["id"] for game in games}) == 6
        seen.append([game["period"] for game in games])
        for game in games:
            if game["period"] == 0:
                assert game["status"].endswith("pm ET")
                assert [rows for _, rows in rows_of(game)] == [[], []]
                assert game["home_team_score"] == 0
                assert game["home_q1"] is None
    assert seen[0] == [0] * 6
    assert min(seen[-1]) >= 4
    assert any(0 < (period or 0) < 4 for period in seen[9])
    for earlier, later in pairwise(seen):
        assert all((a or 0) <= (b or 0) for a, b in zip(earlier, later, strict=True))


def test_box_scores_are_final_some_minutes_after_the_game(balldontlie: Ask) -> None:
    day = date(2026, 1, 9)
    late = 0
    for minute in range(0, 240, 3):
        at = morning(day, 0, 0) - timedelta(hours=3) + timedelta(minutes=minute)
        final = {
            endpoint: {
                game["id"]
                for game in balldontlie(endpoint, at, **{name: day, "per_page": 100})["data"]
                if game["status"] == "Final"
            }
            for endpoint, name in (("games", "dates"), ("box_scores", "date"))
        }
        assert final["box_scores"] <= final["games"]
        late += final["box_scores"] != final["games"]
    assert late >= 3


def test_some_games_are_corrected_in_the_morning(calendar: Calendar, balldontlie: Ask) -> None:
    changed = []
    for day in calendar.dates[:40]:
        before, after = (
            balldontlie("box_scores", morning(day, hour), date=day)["data"] for hour in (3, 6)
        )
        differ = [game for game, other in zip(before, after, strict=False) if game != other]
        changed += [len(differ)] if differ else []
    assert 1 <= changed.count(1) <= 6


def test_a_date_has_rosters_only_until_the_afternoon(oddities: Oddities, balldontlie: Ask) -> None:
    day = oddities.roster_only
    early = balldontlie("box_scores", morning(day, 9), date=day)["data"]
    assert {game["status"] for game in early} == {"Final"}
    assert played(early) == 0
    rows = [row for game in early for _, rows in rows_of(game) for row in rows]
    assert len(rows) > 100
    assert not any(row["pts"] or row["reb"] or row["ast"] for row in rows)
    assert played(balldontlie("box_scores", morning(day, 16), date=day)["data"]) > 60


def test_a_date_shrinks_and_comes_back(oddities: Oddities, balldontlie: Ask) -> None:
    day = oddities.shrinking
    counts = [
        len(balldontlie("box_scores", morning(day, hour), date=day)["data"]) for hour in (3, 6, 9)
    ]
    assert 0 < counts[1] < counts[0] == counts[2]


def test_a_date_is_empty_against_the_calendar(oddities: Oddities, balldontlie: Ask) -> None:
    day = oddities.empty
    assert len(balldontlie("games", morning(day, 9), dates=day)["data"]) >= 4
    assert balldontlie("box_scores", morning(day, 9), date=day) == {"data": []}
    assert played(balldontlie("box_scores", morning(day, 16), date=day)["data"]) > 60


def test_a_final_game_lacks_all_minutes_for_two_days(
    season: Season, oddities: Oddities, balldontlie: Ask
) -> None:
    game = season.game(oddities.minutes_missing)
    assert game is not None
    answers = []
    for days in (0, 3):
        at = morning(game.played.date, 9) + days * ONE_DAY
        games = balldontlie("box_scores", at, date=game.played.date)["data"]
        answers += [listed for listed in games if listed["id"] == game.id]
    for answer in answers:
        assert answer["status"] == "Final"
        assert sum(row["pts"] for row in answer["home_team"]["players"]) > 60
    assert played(answers[:1]) == 0
    assert played(answers[1:]) >= 18


def test_a_game_lists_a_player_with_both_teams(
    season: Season, oddities: Oddities, balldontlie: Ask
) -> None:
    game = season.game(oddities.in_both_teams)
    assert game is not None
    both = []
    for hour in (3, 9):
        at = morning(game.played.date, hour)
        games = balldontlie("box_scores", at, date=game.played.date)["data"]
        answer = next(listed for listed in games if listed["id"] == game.id)
        home, visitor = ({row["player"]["id"] for row in rows} for _, rows in rows_of(answer))
        both.append(len(home & visitor))
    assert both == [1, 0]


def test_a_player_is_renamed_everywhere(
    season: Season, oddities: Oddities, balldontlie: Ask
) -> None:
    before, after = (
        season.player(oddities.renamed, oddities.renamed_at + sign * ONE_DAY) for sign in (-1, 1)
    )
    assert before.first_name == after.first_name
    assert before.last_name != after.last_name == oddities.new_name
    assert after in [player for _, player in season.listed(oddities.renamed_at)]


def test_traded_players_change_their_teams(season: Season) -> None:
    trades = season.trades(SEASON)
    assert len(trades) == 12
    for trade in trades:
        teams = [
            {player.id: team for team, player in reversed(season.listed(at))}
            for at in (trade.at - ONE_DAY, trade.at + 2 * ONE_DAY)
        ]
        assert [teams[0][id] for id in trade.players] == list(trade.teams)
        assert [teams[1][id] for id in reversed(trade.players)] == list(trade.teams)
        listed = Counter(player.id for _, player in season.listed(trade.at))
        assert listed[trade.players[0]] == 2
