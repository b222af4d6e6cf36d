"""What bookmakers see of a match: status, minute, score, and what fair quotes would be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from simulator.fixtures import (
    ENDED,
    FIRST_HALF,
    HALF_TIME,
    INTERRUPTED,
    OVERTIME,
    SECOND_HALF,
    SHOOT_OUT,
    UNDETERMINED,
)
from simulator.match import FIRST_HALF_SHARE, Course
from simulator.pricing import Fair, fair
from simulator.reactions import Reaction

_EXPECTED_CORNERS = 10.0
# Price changes relative to normal play.
PACE = {FIRST_HALF: 1.0, HALF_TIME: 0.12, SECOND_HALF: 1.0, OVERTIME: 0.3, SHOOT_OUT: 0.02}


class Board:
    """The match in play for its bookmakers. Without kick-off there is only `opening`."""

    def __init__(self, course: Course, status_before: int) -> None:
        self.course = course
        self.status_before = status_before
        self.opening = fair(*course.expected, (0, 0), _EXPECTED_CORNERS, 0)
        self.corner_times = [h.time for h in course.happenings if h.kind == "corner"]
        self.corner_counts = [(0, 0)]
        for happening in course.happenings:
            if happening.kind == "corner":
                home, away = self.corner_counts[-1]
                corner = (home + 1, away) if happening.side == 0 else (home, away + 1)
                self.corner_counts.append(corner)
        self.turns = sorted(
            [(time, "corner") for time in self.corner_times]
            + [(h.time, "red") for h in course.happenings if h.kind in ("red", "second_yellow")]
        )
        self.times, self.fair = self._grid() if course.kick_off else ([], [])

    def playing(self) -> list[tuple[int, int, int]]:
        """Start, end and status of each period with in-play quotes."""
        periods = self.course.periods
        return [
            (period.start, following.start, period.status)
            for period, following in pairwise(periods)
            if period.status in PACE
        ]

    def _grid(self) -> tuple[list[int], list[Fair]]:
        """Fair quotes from each minute of play and each goal on."""
        moments = set(self.course.turns())
        for start, end, status in self.playing():
            moments.update(range(start, end, 60) if status != HALF_TIME else [start])
        times = sorted(moments)
        return times, [self._fair(time) for time in times]

    def _fair(self, time: int) -> Fair:
        left = self._share_left(time)
        home, away = self.course.expected
        corners = bisect_right(self.corner_times, time)
        return fair(
            home * left,
            away * left,
            self.course.score(time),
            _EXPECTED_CORNERS * left,
            corners,
        )

    def _share_left(self, time: int) -> float:
        """The share of a match's goals still to be expected."""
        start, end, status = next(
            (p for p in reversed(self.playing()) if p[0] <= time), self.playing()[0]
        )
        left = max(0.02, 1.0 - (time - start) / (end - start))
        if status == FIRST_HALF:
            return FIRST_HALF_SHARE * left + 1 - FIRST_HALF_SHARE
        if status == HALF_TIME:
            return 1 - FIRST_HALF_SHARE
        return (1 - FIRST_HALF_SHARE) * left if status == SECOND_HALF else 0.3 * left


class View:
    """The match as one company sees it: statuses and corners `lag` seconds late, goals as it
    reacts to them. Of an unfollowed match it gives no minute, and the status only if it
    `knows_status`."""

    def __init__(
        self, board: Board, lag: int, reactions: Sequence[Reaction], knows_status: bool
    ) -> None:
        self.board = board
        self.reactions = reactions
        course = board.course
        self._gives_minute = not course.fixture.unfollowed
        self._starts = [period.start + lag for period in course.periods]
        self._starts[0] = 0
        self._statuses = [board.status_before, *(period.status for period in course.periods[1:])]
        if not self._gives_minute and not knows_status:
            self._statuses[1:] = [UNDETERMINED] * len(self._statuses[1:])
        self._goal_times = [reaction.text for reaction in reactions]
        self._goal_texts = ["0-0", *(_text(course.score(r.turn)) for r in reactions)]
        self._corner_times = [time + lag for time in board.corner_times]
        self._corner_texts = [_text(count) for count in board.corner_counts]

    def score(self, at: int) -> str:
        return self._goal_texts[bisect_right(self._goal_times, at)]

    def corners(self, at: int) -> str:
        return self._corner_texts[bisect_right(self._corner_times, at)]

    def fair(self, at: int) -> Fair:
        """Fair quotes as the company has them: without a goal that its prices do not follow yet."""
        for reaction in self.reactions:
            if reaction.turn <= at < reaction.price:
                at = reaction.turn - 1
                break
        return self.board.fair[max(0, bisect_right(self.board.times, at) - 1)]

    def minute_and_status(self, at: int) -> tuple[str, int]:
        """Minute and status as an odds row writes them."""
        index = bisect_right(self._starts, at) - 1
        status = self._statuses[index]
        if not self._gives_minute:
            return "", status
        played = (at - self._starts[index]) // 60 + 1
        if status == FIRST_HALF:
            return (str(played) if played <= 45 else "45+"), status
        if status == HALF_TIME:
            return "midfield", status
        if status == SECOND_HALF:
            return str(45 + played), status
        if status in (OVERTIME, SHOOT_OUT, ENDED, INTERRUPTED):
            return str(min(120, 90 + played)), status
        return "", status


def _text(count: tuple[int, int]) -> str:
    return f"{count[0]}-{count[1]}"
