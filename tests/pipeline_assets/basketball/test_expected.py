"""What the calendar says of a day: whether box scores can exist, when prices are asked for, and
which games a complete day holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from pipeline_assets.basketball.expected import (
    box_scores_expected,
    complete_at,
    is_asked,
    when_lines_are_asked,
    when_props_are_asked,
)
from pipeline_assets.basketball.game_lines import game_lines
from touchline.day import NEW_YORK, Day
from touchline.slot import Slot
from touchline.zeros import Expected

FRIDAY, HOUR = Day.parse("2026-01-09"), timedelta(hours=1)
EARLY, LATE = FRIDAY.start + 19 * HOUR, FRIDAY.start + 22.5 * HOUR
LASTS = 3.5 * HOUR


@dataclass(frozen=True)
class Game:
    game_id: str
    game_date: str
    scheduled_start: datetime | None
    home_id: int = 1
    away_id: int = 2
    status: str = "scheduled"

    @property
    def expected_final_at(self) -> datetime | None:
        return None if self.scheduled_start is None else self.scheduled_start + LASTS


GAMES = (
    Game("before", "2026-01-02", FRIDAY.start - 5 * 24 * HOUR),
    Game("early", "2026-01-09", EARLY),
    Game("late", "2026-01-09", LATE, 3, 4),
    Game("after", "2026-01-20", FRIDAY.start + 11.8 * 24 * HOUR),
)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (FRIDAY.start + 6 * HOUR, (Expected.NOT_YET, EARLY + LASTS)),
        (EARLY + LASTS - timedelta(seconds=1), (Expected.NOT_YET, EARLY + LASTS)),
        (EARLY + LASTS, (Expected.SOME, EARLY + LASTS)),
    ],
)
def test_box_scores_can_exist_once_a_game_is_to_have_ended(
    now: datetime, said: tuple[Expected, datetime]
) -> None:
    assert box_scores_expected(FRIDAY, now, GAMES) == said


def test_a_game_that_is_reported_final_is_not_waited_for() -> None:
    games = [replace(game, status="final") if game.game_id == "late" else game for game in GAMES]
    assert box_scores_expected(FRIDAY, EARLY, games)[0] is Expected.SOME


@pytest.mark.parametrize("status", ["postponed", "canceled"])
def test_a_date_whose_games_are_off_has_none(status: str) -> None:
    games = [replace(game, status=status) for game in GAMES]
    assert box_scores_expected(FRIDAY, EARLY, games) == (Expected.NONE, None)
    assert when_lines_are_asked(games) == when_props_are_asked(games) == {}


@pytest.mark.parametrize("day", ["2026-01-01", "2026-01-21", "2024-01-15"])
def test_a_date_that_the_calendar_does_not_reach_is_unknown(day: str) -> None:
    assert box_scores_expected(Day.parse(day), EARLY, GAMES) == (Expected.UNKNOWN, None)
    assert box_scores_expected(FRIDAY, EARLY, []) == (Expected.UNKNOWN, None)


def test_a_game_without_a_known_start_says_nothing_of_its_end() -> None:
    games = [replace(game, scheduled_start=None) for game in GAMES]
    assert box_scores_expected(FRIDAY, LATE + 9 * HOUR, games) == (Expected.UNKNOWN, None)
    assert list(when_lines_are_asked(games)[FRIDAY]) == [FRIDAY.start + timedelta(minutes=545)]


@pytest.mark.parametrize("days", [-400, -1, 1, 25_000])
def test_a_start_on_another_date_than_the_games_moves_no_other_games_slots(days: int) -> None:
    odd = Game("odd", "2026-01-09", EARLY + days * 24 * HOUR, 5, 6)
    for when in (when_lines_are_asked, when_props_are_asked):
        assert when([*GAMES, odd]) == when(GAMES)
    assert box_scores_expected(FRIDAY, EARLY, [*GAMES, odd]) == (Expected.NOT_YET, EARLY + LASTS)


def test_lines_are_asked_for_hourly_up_to_the_last_tip_off() -> None:
    times = list(when_lines_are_asked(GAMES)[FRIDAY])
    assert [f"{at.astimezone(NEW_YORK):%H:%M}" for at in (times[0], times[-1])] == [
        "09:05",
        "22:05",
    ]
    assert len(times) == 14
    for at in times:
        Slot.of(game_lines.name, FRIDAY, at)


def test_props_are_asked_for_in_the_morning_and_before_each_start() -> None:
    times = when_props_are_asked(GAMES)[FRIDAY]
    assert times == [FRIDAY.start + timedelta(minutes=545), EARLY - HOUR / 2, LATE - HOUR / 2]
    morning, first, second = (Slot.of(game_lines.name, FRIDAY, at) for at in times)
    assert [is_asked(start, morning) for start in (EARLY, LATE, None)] == [True, True, True]
    assert [is_asked(start, first) for start in (EARLY, LATE, None)] == [True, False, True]
    assert [is_asked(start, second) for start in (EARLY, LATE)] == [False, True]


@pytest.mark.parametrize(("day", "utc"), [("2026-01-09", "13:00"), ("2026-03-07", "12:00")])
def test_a_date_is_to_be_complete_at_eight_in_new_york(day: str, utc: str) -> None:
    assert f"{complete_at(Day.parse(day)):%H:%M}" == utc
