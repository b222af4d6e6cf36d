"""How far a game is at a moment: status, period, clock and the score until then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from simulator.basketball.boxes import PERIODS, course, score
from simulator.basketball.schedule import Game
from simulator.basketball.season import Season
from simulator.basketball.seeded import share
from touchline.day import NEW_YORK

_QUARTER, _OVERTIME = 12, 5
_ORDINALS = ("1st", "2nd", "3rd", "4th")
_UNKNOWN_FOR = timedelta(seconds=90)
_UNKNOWN_SHARE = 0.1


class State(NamedTuple):
    """A game at a moment. `played` is the share that is played, 0 before it and 1 when final."""

    status: str | None
    period: int | None
    time: str | None
    played: float
    home: tuple[int, ...] = ()
    visitor: tuple[int, ...] = ()

    @property
    def is_final(self) -> bool:
        return self.played == 1


def state(season: Season, game: Game, at: datetime, *, of_box: bool = False) -> State:
    """A game's state at `at`; that of its box score is final only some minutes after its end."""
    if game.is_off(at):
        return State("Postponed", 0, "", 0)
    real = course(season, game)
    # Before that, a game that is postponed later looks like any other.
    if at < real.start or (game.postponement and at < game.postponement.known_at):
        return State(_start_text(game.time(at).start), 0, "", 0)
    points = score(season, game)
    if at >= (real.box_final_at if of_box else real.end):
        return State("Final", len(points.home), "Final", 1, *points)
    if at < real.start + _UNKNOWN_FOR and share(season.seed, game.id, "state") < _UNKNOWN_SHARE:
        return State(None, None, None, 0)
    played = min(0.999, (at - real.start) / (real.end - real.start))
    minute = played * (PERIODS * _QUARTER + points.overtimes * _OVERTIME)
    period, left, of_period = _clock(minute)
    name = f"{_ORDINALS[period - 1]} Qtr" if period <= PERIODS else f"OT{period - PERIODS}"
    short = f"Q{period}" if period <= PERIODS else name
    home, visitor = (
        (*side[: period - 1], int(side[period - 1] * (1 - left / of_period))) for side in points
    )
    text = f"{short} {int(left)}:{int(left % 1 * 60):02d}"
    return State(name, period, text, played, home, visitor)


def _clock(minute: float) -> tuple[int, float, int]:
    """The period, the minutes left of it, and how many it has."""
    if minute < PERIODS * _QUARTER:
        return int(minute // _QUARTER) + 1, _QUARTER - minute % _QUARTER, _QUARTER
    over = minute - PERIODS * _QUARTER
    return PERIODS + int(over // _OVERTIME) + 1, _OVERTIME - over % _OVERTIME, _OVERTIME


def _start_text(start: datetime) -> str:
    local = start.astimezone(NEW_YORK)
    return f"{local.hour % 12 or 12}:{local.minute:02d} {'am' if local.hour < 12 else 'pm'} ET"
