"""The incident list of a simulated match as the vendor sends it, with its late corrections."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from simulator.fixtures import (
    ENDED,
    FIRST_HALF,
    HALF_TIME,
    OVERTIME,
    SECOND_HALF,
    SHOOT_OUT,
)
from simulator.ids import Ids
from simulator.match import BRIEFLY_SECONDS, Course, Goal, Happening
from simulator.names import FAMILY_NAMES, GIVEN_NAMES

GOAL, YELLOW, RED, PENALTY, SUBSTITUTION, HALF_TIME_MARK, END_MARK = 1, 3, 4, 8, 9, 11, 12
SECOND_YELLOW, PENALTY_MISSED, OWN_GOAL, INJURY_TIME, SHOOT_OUT_OVER = 15, 16, 17, 19, 27
VAR, SHOOT_OUT_SCORED, SHOOT_OUT_MISSED = 28, 29, 30

_VAR_GOAL, _VAR_PENALTY, _VAR_RED = 1, 3, 5  # reasons: awarded or given
_UNKNOWN, _GOAL_CANCELED, _ORIGINAL_DECISION = 0, 2, 9  # results
_PLAYERS_COVERAGE = -0.1  # below it goals carry the running score but no player
_PLAYER_IDS = Ids(seed=1_000_003)
_FOREVER = 1 << 62


class Incident(NamedTuple):
    """One incident's JSON, part of the list from `since` until `until` (Unix s)."""

    since: int
    until: int
    text: bytes


class IncidentList:
    """Builds a match's incidents. `delay` gives the seconds until the vendor has something."""

    def __init__(self, course: Course, rng: random.Random, delay: Callable[[], int]) -> None:
        self._course = course
        self._rng = rng
        self._delay = delay
        self._names_players = course.fixture.coverage > _PLAYERS_COVERAGE
        self.incidents: list[Incident] = []
        for goal in course.goals:
            self._goal(goal)
        if course.fixture.coverage > -0.9:
            for happening in course.happenings:
                self._happening(happening)
        self._marks()
        self._shoot_out()
        self.incidents.sort(key=lambda incident: incident.since)

    def _add(self, since: int, until: int, **fields: Any) -> None:
        self.incidents.append(Incident(since, until, msgspec.json.encode(fields)))

    def _minute(self, time: int) -> dict[str, int]:
        """Minute of an incident; stoppage is counted on and named."""
        period = next(p for p in reversed(self._course.periods) if p.start <= time)
        first, regular = {
            SECOND_HALF: (45, 90),
            OVERTIME: (90, 120),
            SHOOT_OUT: (90, 120),
        }.get(period.status, (0, 45))
        minute = first + (time - period.start) // 60 + 1
        if minute > regular:
            return {"time": minute, "add_time": minute - regular}
        return {"time": minute}

    def _player(self, prefix: str = "player") -> dict[str, str]:
        if not self._names_players:
            return {}
        number = self._rng.randrange(40_000)
        given = GIVEN_NAMES[number % len(GIVEN_NAMES)]
        family = FAMILY_NAMES[number // len(GIVEN_NAMES) % len(FAMILY_NAMES)]
        separator = "·" if number % 19 == 0 else " "
        name = f"{given}{separator}{family}"
        if number % 11 == 0:
            name = name.lower()
        return {f"{prefix}_id": _PLAYER_IDS.encode(number), f"{prefix}_name": name}

    def _running(self, time: int) -> dict[str, int]:
        home, away = self._course.score(time)
        return {"home_score": home, "away_score": away}

    def _goal(self, goal: Goal) -> None:
        seen = goal.time + self._delay()
        kind = {"play": GOAL, "penalty": PENALTY, "own": OWN_GOAL}[goal.how]
        scorer = self._player()
        helper = self._player("assist1") if kind == GOAL and self._rng.random() < 0.5 else {}
        stood = goal.taken_back - goal.time if goal.taken_back else None
        until = seen + stood if stood else _FOREVER
        minute, position = self._minute(goal.time), goal.side + 1
        running = self._running(goal.time)
        self._add(
            seen, until, type=kind, position=position, **minute, **scorer, **helper, **running
        )
        if stood and stood >= BRIEFLY_SECONDS:
            review = {
                "type": VAR,
                "position": position,
                **minute,
                **scorer,
                "var_reason": _VAR_GOAL,
            }
            opened = goal.time + stood // 2
            self._add(opened, until, **review, var_result=_UNKNOWN)
            withdrawn = until + 1_200 if self._rng.random() < 0.05 else _FOREVER
            self._add(until, withdrawn, **review, var_result=_GOAL_CANCELED)

    def _happening(self, happening: Happening) -> None:
        since = happening.time + self._delay()
        common: dict[str, Any] = {"position": happening.side + 1, **self._minute(happening.time)}
        if happening.kind == "review":
            reason = self._rng.choice((_VAR_PENALTY, _VAR_RED, _VAR_PENALTY + 1))
            review = {"type": VAR, **common, **self._player(), "var_reason": reason}
            self._add(since, since + 70, **review, var_result=_UNKNOWN)
            self._add(since + 70, _FOREVER, **review, var_result=_ORIGINAL_DECISION)
            return
        if happening.kind == "substitution":
            if self._names_players:
                coming, going = self._player("in_player"), self._player("out_player")
                reason = {"reason_type": 3} if self._rng.random() < 0.06 else {}
                self._add(since, _FOREVER, type=SUBSTITUTION, **common, **coming, **going, **reason)
            return
        kinds = {
            "yellow": YELLOW,
            "second_yellow": SECOND_YELLOW,
            "red": RED,
            "penalty_missed": PENALTY_MISSED,
        }
        if happening.kind in kinds:
            reason = {"reason_type": self._rng.choice((1, 4, 15, 19))}
            known = reason if self._rng.random() < 0.3 else {}
            kind = kinds[happening.kind]
            self._add(since, _FOREVER, type=kind, **common, **self._player(), **known)

    def _marks(self) -> None:
        course = self._course
        for half, regular in ((FIRST_HALF, 45), (SECOND_HALF, 90)):
            start = course.start(half)
            if start is not None and course.fixture.coverage > 1.2 and half in course.stoppage:
                end = course.start(HALF_TIME if half == FIRST_HALF else ENDED)
                if end is None or end > start + 45 * 60:
                    shown = start + 45 * 60 + self._delay()
                    added = course.stoppage[half]
                    self._add(
                        shown, _FOREVER, type=INJURY_TIME, position=0, time=regular, add_time=added
                    )
        for status, kind in ((HALF_TIME, HALF_TIME_MARK), (ENDED, END_MARK)):
            start = course.start(status)
            if start is not None and (course.goals or course.fixture.coverage > -0.5):
                half = course.start(FIRST_HALF) or start
                played = (start - half) // 60 + 1 if kind == HALF_TIME_MARK else 90
                self._add(start + self._delay(), _FOREVER, type=kind, position=0, time=played)

    def _shoot_out(self) -> None:
        scored = [0, 0]
        for time, side, success in self._course.shoot_out:
            scored[side] += success
            running = {"home_score": scored[0], "away_score": scored[1]}
            kind = SHOOT_OUT_SCORED if success else SHOOT_OUT_MISSED
            since = time + self._delay()
            self._add(
                since, _FOREVER, type=kind, position=side + 1, time=120, **self._player(), **running
            )
        if self._course.shoot_out:
            over = self._course.shoot_out[-1][0] + 20
            self._add(over, _FOREVER, type=SHOOT_OUT_OVER, position=0, time=120)
