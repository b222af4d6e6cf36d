"""Status and score of a simulated match as the vendor shows them, irregularities included."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

from simulator.fixtures import ENDED, FIRST_HALF, HALF_TIME, SECOND_HALF
from simulator.match import STATISTICS_COVERAGE, Course

GOALS, HALF_TIME_GOALS, REDS, YELLOWS, CORNERS, OVERTIME_SCORE, SHOOT_OUT_SCORE = range(7)
_STATUS, _KICK_OFF, _SWAP, _COUNT = range(4)


class Score(NamedTuple):
    """The vendor's score from a Unix second on. `kick_off` is 0 unless status is 2 or 4."""

    since: int
    status: int
    home: tuple[int, ...]
    away: tuple[int, ...]
    kick_off: int


class Scoreboard:
    """The changes of one match's score array, each with the vendor's delay.

    Irregular as measured: a half's kick-off is revised by up to 62 s in 57 % of the halves; the
    status goes back for a minute or two now and then; goals are taken back; corners are corrected
    downwards; and repeated end messages swap home and away cards and corners. A match without
    statistics has no cards and corners, and 1 % have -1 for corners. The status of an unfollowed
    match never changes, its goals are counted.
    """

    def __init__(self, course: Course, rng: random.Random, delay: Callable[[], int]) -> None:
        self._course = course
        self._rng = rng
        self._delay = delay
        self._changes: list[tuple[int, int, int, int, int]] = []
        self._unknown_corners = rng.random() < 0.01
        self._statuses()
        self._goals()
        if course.fixture.coverage > STATISTICS_COVERAGE:
            self._counts()
        self._changes.sort()
        self._scores = self._fold()
        self._since = [score.since for score in self._scores]

    def at(self, moment: int) -> Score:
        return self._scores[max(0, bisect_right(self._since, moment) - 1)]

    def _change(self, time: int, what: int, a: int = 0, b: int = 0, c: int = 0) -> None:
        self._changes.append((time, what, a, b, c))

    def _statuses(self) -> None:
        rng, course = self._rng, self._course
        first = course.periods[0]
        self._change(first.start, _STATUS, first.status)
        if course.fixture.unfollowed:
            return
        for period in course.periods[1:]:
            seen = period.start + self._delay()
            self._change(seen, _STATUS, period.status)
            if period.status in (FIRST_HALF, SECOND_HALF):
                guess = period.start
                if rng.random() < 0.57:
                    guess += rng.randint(-62, 62)
                    revised = seen + rng.randint(30, 240)
                    self._change(revised, _KICK_OFF, period.status, period.start)
                self._change(seen, _KICK_OFF, period.status, min(guess, seen))
            back = {SECOND_HALF: (0.05, HALF_TIME), ENDED: (0.05, SECOND_HALF)}.get(period.status)
            if back and len(course.periods) <= 6 and rng.random() < back[0]:
                slip = seen + rng.randint(40, 600)
                self._change(slip, _STATUS, back[1])
                self._change(slip + rng.randint(60, 130), _STATUS, period.status)
            if period.status == FIRST_HALF and rng.random() < 0.01:
                slip = seen + rng.randint(600, 1_800)
                self._change(slip, _STATUS, ENDED)
                self._change(slip + rng.randint(60, 110), _STATUS, FIRST_HALF)
        if course.end is not None:
            repeated = course.end + 60
            for _ in range(rng.choice((0, 1, 1, 2, 3))):
                repeated += rng.randint(120, 1_500)
                self._change(repeated, _SWAP)

    def _goals(self) -> None:
        course = self._course
        regular_end = course.start(ENDED) or 0
        overtime = course.start(5)
        for goal in course.goals:
            index = OVERTIME_SCORE if overtime and goal.time >= overtime else GOALS
            seen = goal.time + self._delay()
            self._change(seen, _COUNT, index, goal.side, 1)
            if goal.taken_back:
                stood = goal.taken_back - goal.time
                self._change(seen + stood, _COUNT, index, goal.side, -1)
        if overtime and regular_end:
            # The overtime score counts all 120 minutes.
            for side, goals in enumerate(course.score(overtime)):
                self._change(overtime + 60, _COUNT, OVERTIME_SCORE, side, goals)
        for time, side, success in course.shoot_out:
            self._change(time + 5, _COUNT, SHOOT_OUT_SCORE, side, int(success))

    def _counts(self) -> None:
        indexes = {"corner": CORNERS, "yellow": YELLOWS, "red": REDS, "second_yellow": REDS}
        for happening in self._course.happenings:
            if happening.kind in indexes:
                index = indexes[happening.kind]
                self._change(happening.time + self._delay(), _COUNT, index, happening.side, 1)
                if index in (CORNERS, YELLOWS) and self._rng.random() < 0.006:
                    corrected = happening.time + self._rng.randint(90, 600)
                    self._change(corrected, _COUNT, index, happening.side, -1)

    def _fold(self) -> list[Score]:
        status, kick_offs = 0, {}
        sides = [[0] * 7, [0] * 7]
        half_time_over = False
        scores: list[Score] = []
        for time, what, a, b, c in self._changes:
            if what == _STATUS:
                status = a
                half_time_over = half_time_over or status == SECOND_HALF
            elif what == _KICK_OFF:
                kick_offs[a] = b
            elif what == _SWAP:
                for index in (REDS, YELLOWS, CORNERS):
                    sides[0][index], sides[1][index] = sides[1][index], sides[0][index]
            else:
                sides[b][a] = max(0, sides[b][a] + c)
                if a == GOALS and not half_time_over:
                    sides[b][HALF_TIME_GOALS] = sides[b][GOALS]
            if scores and scores[-1].since == time:
                scores.pop()
            kick_off = kick_offs.get(status, 0) if status in (FIRST_HALF, SECOND_HALF) else 0
            home, away = (self._side(side) for side in sides)
            scores.append(Score(time, status, home, away, kick_off))
        return scores

    def _side(self, counts: list[int]) -> tuple[int, ...]:
        if self._unknown_corners:
            return (*counts[:CORNERS], -1, *counts[CORNERS + 1 :])
        return tuple(counts)
