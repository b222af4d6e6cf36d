"""At which score a company quoted its prices: goals by its own rows, found without its clock.

At a goal some companies re-open at the new price under the old score text and correct the text
later (*price first*); others change the text and move the price later (*label first*). So the
score text of a row does not say whether its price was quoted before a goal. `score_history` reads
all rows of one company and match that were known at one moment, and says from when on a goal
counts, whether it was taken back, and which rows are in doubt or catching up.

Source: the recorded poll of 2025-05-28. Company 2 is price first in three of four goals of its
goals market, 19 s in the median and at most 117 s; other companies are label first in one of six.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pipeline_assets.football.price_moves import (
    AWAY,
    HOME,
    MOVING_MARKETS,
    SIDES,
    Move,
    Quote,
    jumps_in,
    moves_in,
)
from pipeline_assets.football.wire.odds import Score, score_of

PRICE_FIRST_COMPANIES = ("2",)
"""The companies whose price moves before their score text: docs/lags.md says who belongs here."""
LAG_SECONDS = 180
"""How long price and text of one goal may be apart, and how long a silent market is waited for."""
GOALLESS: Score = (0, 0)
GOAL_MARKETS = ("asia", "eu", "bs")
"""The markets whose rows carry the goal score; those of `cr` count corners."""
Q = TypeVar("Q", bound=Quote)


@dataclass(frozen=True)
class Goal:
    """A rise of a company's score; a rise by two is one goal. Times are Unix s.

    `text` is the change time of the first row that shows it, `moment` when its price moved if that
    came first, else the same. `taken_back` is None unless the lower score is shown again.
    """

    text: int
    moment: int
    before: Score
    after: Score
    taken_back: int | None = None

    @property
    def scorers(self) -> frozenset[int]:
        """Return who scored: 0 home, 1 away."""
        return _scorers(self.before, self.after)


@dataclass(frozen=True)
class ScoreHistory:
    """What one company's rows say of the score, as far as they were known at one moment.

    `goals` are in the order of their texts. Rows from `doubt_since` (Unix s) on are in doubt: a
    jump without a text so far. `catching_up` holds for each market the spans (Unix s, the end not
    included) in which the text shows a goal and the price does not yet.
    """

    goals: tuple[Goal, ...] = ()
    doubt_since: int | None = None
    catching_up: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)

    def score_at(self, time: int) -> Score | None:
        """Return the score to which a row of this change time belongs.

        None from the moment of a goal that was taken back to its return: such a row was quoted
        for a goal that did not count, or for its review.
        """
        score = GOALLESS
        for goal in self.goals:
            if goal.moment > time:
                break
            if goal.taken_back is None:
                score = goal.after
            elif time <= goal.taken_back:
                return None
        return score

    @property
    def first_goal(self) -> int | None:
        """Return the moment of the first goal that was not taken back."""
        return next((goal.moment for goal in self.goals if goal.taken_back is None), None)

    def is_in_doubt(self, time: int) -> bool:
        return self.doubt_since is not None and time >= self.doubt_since

    def is_catching_up(self, market: str, time: int) -> bool:
        return any(start <= time < end for start, end in self.catching_up.get(market, ()))


def score_history(
    markets: Mapping[str, Sequence[Quote]], at: int, *, is_price_first: bool
) -> ScoreHistory:
    """Read what one company's rows say of the score of one match.

    `markets` are its rows by the vendor's market key, oldest first, all with readable score texts.
    Rows that changed after `at` (Unix s, when the vendor's answer was received) are not looked at,
    so that what was known then decides. Only a price-first company is ever in doubt, and it is
    never catching up.
    """
    known = {name: _until(rows, at) for name, rows in markets.items()}
    jumps = sorted(move for name in MOVING_MARKETS for move in jumps_in(name, known.get(name, ())))
    reader = _Reader(jumps)
    reader.read(known, at)
    goals = tuple(reader.goals)
    if is_price_first:
        return ScoreHistory(goals, _doubt_since(jumps, reader.rises, at))
    return ScoreHistory(goals, None, _catching_up(known, goals))


def _until(rows: Sequence[Q], at: int) -> Sequence[Q]:
    return rows[: bisect_right(rows, at, key=lambda row: row.change_time)]


def _scorers(before: Score, after: Score) -> frozenset[int]:
    return frozenset(side for side in SIDES if after[side] > before[side])


def _is_above(score: Score, other: Score) -> bool:
    return score != other and _covers(score, other)


def _covers(score: Score, other: Score) -> bool:
    return score[HOME] >= other[HOME] and score[AWAY] >= other[AWAY]


@dataclass
class _Standing:
    """A goal that has not been taken back so far.

    `turned` has each market that has shown it: since when it shows it no longer, None while it
    does.
    """

    index: int
    goal: Goal
    turned: dict[str, int | None] = field(default_factory=dict)


class _Reader:
    """Goes through the rows of all goal markets in the order of time."""

    def __init__(self, jumps: Sequence[Move]) -> None:
        self.goals: list[Goal] = []
        self.rises: list[int] = []
        """When the text of any market rose, Unix s ascending."""
        self._jumps = jumps
        self._standing: list[_Standing] = []
        self._holds = GOALLESS
        self._texts: dict[str, Score] = {}
        self._weighed: dict[str, str] = {}
        """The text of each market that was held against the score that holds now."""
        self._last: dict[str, int] = {}
        """The change time of each market's newest row."""
        self._settled: int | None = None
        """The latest goal moment or return."""

    def read(self, markets: Mapping[str, Sequence[Quote]], at: int) -> None:
        rows = [(name, row) for name in GOAL_MARKETS for row in markets.get(name, ())]
        rows.sort(key=lambda each: each[1].change_time)
        for market, row in rows:
            if self._standing:
                self._take_back(until=row.change_time - 1)
            if self._weighed.get(market) == row.score:
                self._last[market] = row.change_time
                continue
            self._weighed[market] = row.score
            if (score := score_of(row.score)) is not None:
                self._shows(market, score, row.change_time)
        self._take_back(until=at)

    def _shows(self, market: str, score: Score, time: int) -> None:
        before = self._texts.get(market, self._holds)
        self._texts[market], self._last[market] = score, time
        if _is_above(score, self._holds):
            self._goal(score, time)
        elif _is_above(score, before):
            self.rises.append(time)
        for standing in self._standing:
            if _covers(score, standing.goal.after):
                standing.turned[market] = None
            elif standing.turned.get(market, time) is None:
                standing.turned[market] = time

    def _goal(self, score: Score, time: int) -> None:
        earliest = time - LAG_SECONDS
        if self._settled is not None:
            earliest = max(earliest, self._settled)
        scorers = _scorers(self._holds, score)
        moment = next(
            (j.time for j in self._jumps if earliest < j.time <= time and j.sides & scorers), time
        )
        goal = Goal(time, moment, self._holds, score)
        showing = (market for market, text in self._texts.items() if _covers(text, score))
        self._standing.append(_Standing(len(self.goals), goal, dict.fromkeys(showing)))
        self.goals.append(goal)
        self.rises.append(time)
        self._holds, self._settled = score, moment

    def _take_back(self, until: int) -> None:
        """Take back each goal that returned at `until` (Unix s) or before, and all on top of it."""
        while returns := [
            (returned, place)
            for place, standing in enumerate(self._standing)
            if (returned := self._returned(standing)) is not None and returned <= until
        ]:
            returned, place = min(returns)
            self._standing, gone = self._standing[:place], self._standing[place:]
            for standing in gone:
                self.goals[standing.index] = replace(standing.goal, taken_back=returned)
            self._holds, self._settled = gone[0].goal.before, returned
            self._weighed.clear()
            # The goal may have been given to the other side: that score is shown already.
            for market in sorted(self._texts, key=self._last.__getitem__):
                has_turned = gone[0].turned.get(market, returned) is not None
                if has_turned and _is_above(self._texts[market], self._holds):
                    self._goal(self._texts[market], returned)

    def _returned(self, standing: _Standing) -> int | None:
        """Return when every market that had shown the goal has turned or been silent for long;
        None while no market has turned."""
        if all(turned is None for turned in standing.turned.values()):
            return None
        return max(
            self._last[market] + LAG_SECONDS if turned is None else turned
            for market, turned in standing.turned.items()
        )


def _doubt_since(jumps: Sequence[Move], rises: Sequence[int], at: int) -> int | None:
    """Return the earliest jump of the last `LAG_SECONDS` that no text explains."""
    for jump in jumps:
        since = jump.time - LAG_SECONDS
        if at - LAG_SECONDS < jump.time and not any(since < rise for rise in rises):
            return jump.time
    return None


def _catching_up(
    markets: Mapping[str, Sequence[Quote]], goals: Sequence[Goal]
) -> dict[str, list[tuple[int, int]]]:
    if not goals:
        return {}
    moves = {
        name: list(moves_in(name, markets[name])) for name in MOVING_MARKETS if markets.get(name)
    }
    spans: dict[str, list[tuple[int, int]]] = {}
    settled: list[int] = []
    for goal in goals:
        since = max([goal.text - LAG_SECONDS, *(time for time in settled if time <= goal.text)])
        ends = {name: _caught_up(found, goal, since) for name, found in moves.items()}
        last = max(ends.values(), default=goal.text)
        for name, end in (*ends.items(), ("asia", last), ("cr", last)):
            if end > goal.text:
                spans.setdefault(name, []).append((goal.text, end))
        settled += [time for time in (goal.moment, goal.taken_back) if time is not None]
    return spans


def _caught_up(moves: Sequence[Move], goal: Goal, since: int) -> int:
    """Return when a market's price has moved for a goal, or is no longer waited for, Unix s."""
    moved = next((m.time for m in moves if m.time > since and m.sides & goal.scorers), None)
    end = goal.text + LAG_SECONDS
    if goal.taken_back is not None:
        end = min(end, goal.taken_back + 1)
    return end if moved is None else min(end, max(moved, goal.text))
