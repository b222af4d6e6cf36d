"""Which rows were quoted before a goal, by the definitions of the feed's reference, word by word.

It is slow on purpose and shares no code with the product: everything is worked out anew, for one
company and one time T, from the vendor's own rows, which are lists of eight. Prices are exact
where they are Decimals.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

IN_PLAY = {2, 3, 4, 5, 6, 7}
LAG = 180
TEXTS = ("asia", "eu", "bs")
"""The markets whose text is the goal score."""
PRICES = ("eu", "bs")
"""The markets whose price tells of a goal."""
EARLY = ("", *map(str, range(11)))
"""The minutes of the early window, in the order in which its rows are kept."""
Row = list[Any]
Score = tuple[int, int]
Move = tuple[int, set[str]]
"""When a price moved by the size of a jump, and what rose: `line`, `home`, `away`."""


def is_open(row: Row) -> bool:
    return row[6] == 0


@functools.cache
def goals_in(text: str) -> Score | None:
    """None where the text is not two numbers joined by `-`."""
    if not re.fullmatch("([1-9]?[0-9])-([1-9]?[0-9])", text):
        return None
    home, away = text.split("-")
    return int(home), int(away)


def score(row: Row) -> Score:
    found = goals_in(row[7])
    assert found is not None, "such rows are left out"
    return found


def phase(row: Row, scheduled: int | None) -> str:
    """`before`, `playing` or `unknown`."""
    if row[1] != "":
        words = row[1] in ("45+", "midfield")
        return "playing" if words or re.fullmatch("0|[1-9][0-9]{0,2}", row[1]) else "unknown"
    if row[5] in (1, 9) or (row[5] == 13 and scheduled is not None and row[0] <= scheduled):
        return "before"
    return "playing" if row[5] in IN_PLAY else "unknown"


def reaches(new: Score, old: Score) -> bool:
    """Whether no side has fewer goals."""
    return new[0] >= old[0] and new[1] >= old[1]


def is_above(new: Score, old: Score) -> bool:
    return new != old and reaches(new, old)


def scorers(old: Score, new: Score) -> set[str]:
    """The sides whose number rose."""
    return {side for side, i in (("home", 0), ("away", 1)) if new[i] > old[i]}


def risen(market: str, old: Row, new: Row) -> set[str]:
    """What rose by the size of a jump."""
    if market == "bs":
        return {"line"} if new[3] - old[3] >= Decimal("0.5") else set()
    return {
        side
        for side, i in (("home", 2), ("away", 4))
        # 1 / new - 1 / old >= 0.08, without a division that rounds
        if 100 * (old[i] - new[i]) >= 8 * old[i] * new[i]
    }


@dataclass
class Goal:
    """`text` is G, the time of its first text; `back` is when it was taken back."""

    text: int
    moment: int
    before: Score
    after: Score
    back: int | None = None
    shown_by: set[str] = field(default_factory=set)
    """The markets that have shown the higher score."""

    def is_back(self, last: Mapping[str, Row], now: int) -> bool:
        """Whether all markets that had shown the higher score show it no more, or have been
        silent; one at least shows another."""
        still = [
            last[market] for market in self.shown_by if reaches(score(last[market]), self.after)
        ]
        return len(still) < len(self.shown_by) and all(now - row[0] >= LAG for row in still)


def held(goals: list[Goal]) -> Score:
    """The score that holds after these goals."""
    standing = [goal.after for goal in goals if goal.back is None]
    return standing[-1] if standing else (0, 0)


class Reference:
    """A company's history as it was known at `at`, from its rows by market, newest first."""

    def __init__(
        self,
        markets: Mapping[str, list[Row]],
        at: int,
        *,
        price_first: bool,
        scheduled: int | None = None,
    ) -> None:
        self.at, self.price_first, self.scheduled = at, price_first, scheduled
        self.rows = {
            market: sorted(
                (row for row in reversed(rows) if goals_in(row[7]) and row[0] <= at),
                key=lambda row: row[0],
            )
            for market, rows in markets.items()
        }
        """Oldest first."""

    def _rises(self, market: str) -> Iterator[tuple[Move, bool]]:
        """Each move of a market, and whether it is a jump."""
        before, suspended = None, False
        for row in self.rows.get(market, []):
            if not is_open(row):
                suspended = True
                continue
            if before and (rose := risen(market, before, row)):
                is_same = score(before) == score(row)
                yield (row[0], rose), suspended and is_same and row[5] in IN_PLAY
            before, suspended = row, False

    @cached_property
    def jumps(self) -> list[Move]:
        both = [rise for market in PRICES for rise in self._rises(market)]
        return sorted((move for move, is_jump in both if is_jump), key=lambda move: move[0])

    # Goals, their moments, and goals taken back

    @cached_property
    def goals(self) -> list[Goal]:
        goals: list[Goal] = []
        last: dict[str, Row] = {}
        """What each market shows."""
        at_time: dict[int, list[tuple[str, Row]]] = {}
        for market in TEXTS:
            for row in self.rows.get(market, []):
                at_time.setdefault(row[0], []).append((market, row))
        for now in sorted({*at_time, *(time + LAG for time in at_time if time + LAG <= self.at)}):
            for market, row in at_time.get(now, []):
                last[market] = row
                self._see(goals, now, last, row)
            gone = [goal for goal in goals if goal.back is None and goal.is_back(last, now)]
            if not gone:
                continue
            for goal in goals[goals.index(gone[0]) :]:
                goal.back = now if goal.back is None else goal.back
            # What another market shows may be above the score that holds now.
            for row in sorted(last.values(), key=lambda row: row[0]):
                if not reaches(score(row), gone[0].after):
                    self._see(goals, now, last, row)
        return goals

    def _see(self, goals: list[Goal], now: int, last: Mapping[str, Row], row: Row) -> None:
        old, new = held(goals), score(row)
        if is_above(new, old):
            since = _since(goals, now)
            fits = [at for at in _of(self.jumps, scorers(old, new)) if since < at <= now]
            goals.append(Goal(now, min(fits, default=now), old, new))
        for goal in goals:
            if goal.back is None:
                goal.shown_by |= {m for m in last if reaches(score(last[m]), goal.after)}

    def score_at(self, time: int) -> Score | None:
        """The score that a row of this time belongs to; None for none."""
        if any(g.back is not None and g.moment <= time <= g.back for g in self.goals):
            return None
        return held([goal for goal in self.goals if goal.moment <= time])

    @property
    def first_goal(self) -> int | None:
        return min((goal.moment for goal in self.goals if goal.back is None), default=None)

    # Doubt

    @cached_property
    def doubt_since(self) -> int | None:
        rises = [goal.text for goal in self.goals]
        for market in TEXTS:
            for old, new in pairwise(self.rows.get(market, [])):
                rises += [new[0]] if is_above(score(new), score(old)) else []
        in_doubt = [
            at
            for at, _ in self.jumps
            if at > self.at - LAG and not any(rise > at - LAG for rise in rises)
        ]
        return min(in_doubt, default=None) if self.price_first else None

    def is_in_doubt(self, time: int) -> bool:
        return self.doubt_since is not None and time >= self.doubt_since

    # Catching up

    def is_catching_up(self, market: str, time: int) -> bool:
        if market not in PRICES:
            return any(self.is_catching_up(other, time) for other in PRICES)
        if self.price_first or not self.rows.get(market):
            return False
        moves = [move for move, _ in self._rises(market)]
        for place, goal in enumerate(self.goals):
            since = _since(self.goals[:place], goal.text)
            moved = [
                at for at in _of(moves, scorers(goal.before, goal.after)) if since < at <= time
            ]
            ends = goal.text + LAG if goal.back is None else min(goal.text + LAG, goal.back + 1)
            if goal.text <= time < ends and not moved:
                return True
        return False

    # The early window

    def early(self, market: str) -> tuple[str, list[Row]]:
        """A market's state and the rows that are kept of it."""
        without_minute = [row for row in self.rows.get(market, []) if row[1] == ""]
        rows = [row for row in without_minute if phase(row, self.scheduled) == "before"]
        rows += [row for row in self.rows.get(market, []) if row[1] in EARLY[1:]]
        good = [row for row in rows if self._is_before_goal(market, row[0])]
        kept: list[Row] = []
        for minute in EARLY:
            of_minute = [row for row in good if row[1] == minute and not self.is_in_doubt(row[0])]
            open_rows = [row for row in of_minute if is_open(row)]
            kept += (open_rows or of_minute)[:1]
            kept += open_rows[-1:] if minute == "" and len(open_rows) > 1 else []
        if kept:
            return "ok" if any(map(is_open, kept)) else "closed", kept
        if good:
            return "in_doubt", []
        if without_minute and {phase(r, self.scheduled) for r in without_minute} == {"unknown"}:
            return "unknown_phase", []
        seen = market != "cr" and any(score(row) != (0, 0) for row in without_minute)
        return "goal_scored" if rows or seen else "absent", []

    def _is_before_goal(self, market: str, time: int) -> bool:
        if market == "cr":
            return self.first_goal is None or time < self.first_goal
        return self.score_at(time) == (0, 0)


def _of(moves: list[Move], sides: set[str]) -> list[int]:
    """When a total line rose, or the chance of one of these sides."""
    return [at for at, rose in moves if rose & {"line", *sides}]


def _since(earlier: list[Goal], text: int) -> int:
    """After when a price may have moved for a goal whose first text came at `text`."""
    returns = [goal.back for goal in earlier if goal.back is not None and goal.back <= text]
    return max([text - LAG, *(goal.moment for goal in earlier), *returns])
