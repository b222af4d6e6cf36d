"""The course of one simulated match: what happens when, from kick-off to the end."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.fixtures import (
    CANCELED,
    CUT_IN_HALF,
    DELAYED,
    ENDED,
    FIRST_HALF,
    HALF_TIME,
    INTERRUPTED,
    NOT_STARTED,
    OVERTIME,
    SECOND_HALF,
    SHOOT_OUT,
    Fixture,
)

_MINUTE = 60
FIRST_HALF_SHARE = 0.42  # of the goals
BRIEFLY_SECONDS = 30  # a goal that stood less was the feed's mistake, and nobody reviewed it
_MISTAKEN = 0.02  # of the goals, beside the 4 % that a review takes back
STATISTICS_COVERAGE = -0.75  # below this coverage there are no statistics


class Period(NamedTuple):
    """A status that begins at a Unix second."""

    start: int
    status: int


class Goal(NamedTuple):
    """A goal for `side` (0 home, 1 away); `taken_back` is the second of its cancellation."""

    time: int
    side: int
    how: str  # play, penalty or own
    taken_back: int | None


class Happening(NamedTuple):
    """Anything else on the pitch; `kind` is one of those in `_happenings`."""

    time: int
    side: int
    kind: str


@dataclass
class Course:
    """What really happens in a match; the vendor and each company see it with their own delays.

    `expected` are the mean goals of home and away over 90 minutes, `stoppage` the minutes added to
    each half, `shoot_out` the kicks as (Unix s, side, scored).
    """

    fixture: Fixture
    expected: tuple[float, float]
    periods: list[Period] = field(default_factory=list)
    stoppage: dict[int, int] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    shoot_out: list[tuple[int, int, bool]] = field(default_factory=list)

    def start(self, status: int) -> int | None:
        """When a status first begins, None if it never does."""
        return next((period.start for period in self.periods if period.status == status), None)

    @property
    def kick_off(self) -> int | None:
        return self.start(FIRST_HALF)

    @property
    def end(self) -> int | None:
        """When play is over for good: the end, or the abandonment."""
        return self.periods[-1].start if self.kick_off is not None else None

    def score(self, at: int) -> tuple[int, int]:
        """Goals that stand at a moment."""
        sides = [0, 0]
        for goal in self.goals:
            if goal.time <= at and not (goal.taken_back and goal.taken_back <= at):
                sides[goal.side] += 1
        return sides[0], sides[1]

    def turns(self) -> list[int]:
        """When the score changes, in order: goals, and goals that are taken back."""
        turns = {goal.time for goal in self.goals}
        return sorted(turns.union(goal.taken_back for goal in self.goals if goal.taken_back))


def play(fixture: Fixture) -> Course:
    """The course of a fixture, the same for the same fixture."""
    rng = fixture.random("course")
    total = min(4.9, max(1.6, fixture.league.goals * math.exp(rng.gauss(0.1, 0.22))))
    home_share = 1 / (1 + math.exp(-(0.15 + rng.gauss(0, 0.6))))
    course = Course(fixture, (total * home_share, total * (1 - home_share)))
    if fixture.never_starts:
        course.periods.append(Period(fixture.listed_from, fixture.before))
        return course
    _regular_time(course, rng)
    _goals(course, rng, FIRST_HALF, FIRST_HALF_SHARE)
    _goals(course, rng, SECOND_HALF, 1 - FIRST_HALF_SHARE)
    _mistakes(course)
    _happenings(course, rng)
    if fixture.unfollowed:
        return course
    if fixture.league.kind == 2 and rng.random() < 0.4:
        _overtime(course, rng)
    elif rng.random() < 0.007:
        _abandon(course, rng)
    return course


def _regular_time(course: Course, rng: random.Random) -> None:
    fixture = course.fixture
    late = rng.randint(20, 240)
    if fixture.before == DELAYED:
        late += rng.randint(5, 20) * _MINUTE
    kick_off = fixture.scheduled + late
    course.stoppage = {
        FIRST_HALF: rng.choice((1, 1, 2, 2, 3, 4, 5)),
        SECOND_HALF: rng.randint(2, 8),
    }
    half_time = kick_off + (45 + course.stoppage[FIRST_HALF]) * _MINUTE + rng.randint(-20, 40)
    second_half = half_time + rng.randint(14, 18) * _MINUTE + rng.randint(0, 59)
    end = second_half + (45 + course.stoppage[SECOND_HALF]) * _MINUTE + rng.randint(-20, 50)
    course.periods = [Period(fixture.listed_from, fixture.before)]
    if fixture.before == DELAYED:
        course.periods.append(Period(kick_off - rng.randint(60, 200), NOT_STARTED))
    course.periods += [
        Period(kick_off, FIRST_HALF),
        Period(half_time, HALF_TIME),
        Period(second_half, SECOND_HALF),
        Period(end, ENDED),
    ]


def _span(course: Course, half: int) -> tuple[int, int]:
    index = next(i for i, period in enumerate(course.periods) if period.status == half)
    return course.periods[index].start, course.periods[index + 1].start


def _goals(course: Course, rng: random.Random, half: int, share: float) -> None:
    start, end = _span(course, half)
    for side, expected in enumerate(course.expected):
        for _ in range(_poisson(rng, expected * share)):
            time = rng.randint(start + 20, end - 20)
            how = rng.choices(("play", "penalty", "own"), (0.91, 0.06, 0.03))[0]
            taken_back = time + rng.randint(50, 180) if rng.random() < 0.04 else None
            course.goals.append(Goal(time, side, how, taken_back))
    course.goals.sort()


def _mistakes(course: Course) -> None:
    """Take some goals back within seconds: recorded ones stood 4, 10, 16 and 19 s."""
    rng = course.fixture.random("mistakes")
    for index, goal in enumerate(course.goals):
        if rng.random() < _MISTAKEN and goal.taken_back is None:
            course.goals[index] = goal._replace(taken_back=goal.time + rng.randint(3, 20))


def _happenings(course: Course, rng: random.Random) -> None:
    rates = (
        ("corner", 5.0),
        ("yellow", 1.9),
        ("second_yellow", 0.03),
        ("red", 0.09),
        ("penalty_missed", 0.05),
        ("review", 0.03),
    )
    for half in (FIRST_HALF, SECOND_HALF):
        start, end = _span(course, half)
        for side in (0, 1):
            for kind, rate in rates:
                for _ in range(_poisson(rng, rate / 2)):
                    course.happenings.append(
                        Happening(rng.randint(start + 30, end - 5), side, kind)
                    )
            substitutions = rng.randint(2, 5) if half == SECOND_HALF else int(rng.random() < 0.12)
            for _ in range(substitutions):
                time = start + int((end - start) * rng.betavariate(2, 1.6))
                course.happenings.append(Happening(time, side, "substitution"))
    course.happenings.sort()


def _overtime(course: Course, rng: random.Random) -> None:
    """A cup match that is level at the end goes on for half an hour, then to penalties."""
    end = course.periods[-1].start
    score = course.score(end + 600)
    if score[0] != score[1]:
        return
    course.periods[-1] = Period(end, OVERTIME)
    over = end + 34 * _MINUTE + rng.randint(0, 120)
    if rng.random() < 0.45:
        course.goals.append(
            Goal(rng.randint(end + 120, over - 60), rng.randint(0, 1), "play", None)
        )
        course.periods.append(Period(over, ENDED))
        return
    course.periods.append(Period(over, SHOOT_OUT))
    time, scored, taken = over, [0, 0], 0
    while taken < 10 or taken % 2 or scored[0] == scored[1]:
        time += rng.randint(35, 60)
        success = rng.random() < 0.75
        course.shoot_out.append((time, taken % 2, success))
        scored[taken % 2] += success
        taken += 1
    course.periods.append(Period(time + 30, ENDED))


def _abandon(course: Course, rng: random.Random) -> None:
    """Interrupted for good: what would have happened later does not."""
    start, end = _span(course, SECOND_HALF)
    stopped = rng.randint(start, end)
    course.periods[-1] = Period(stopped, INTERRUPTED)
    course.periods.append(Period(stopped + 20 * _MINUTE, rng.choice((CUT_IN_HALF, CANCELED))))
    course.goals = [goal for goal in course.goals if goal.time < stopped]
    course.happenings = [happening for happening in course.happenings if happening.time < stopped]


def _poisson(rng: random.Random, mean: float) -> int:
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
