"""How far a company's prices and score texts lie apart at goals: who moves the price first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import msgspec

from pipeline_assets.football.goal_moments import LAG_SECONDS, Goal, score_history
from pipeline_assets.football.price_moves import MOVING_MARKETS, Quote, jumps_in, moves_in
from pipeline_assets.football.wire.codes import IN_PLAY, company_name
from pipeline_assets.football.wire.odds import score_of

END_OF_TIME = 2**62


class Lags(msgspec.Struct, frozen=True):
    """What one company did in one market at the goals of its own score texts.

    `goals` are those that it quoted the market before and after. In `price_first` of them the
    price jumped before the text rose, in `label_first` it moved after a price was open under the
    new text; in the others both came together, or the price moved by less than a goal's size.
    Seconds lie between text and price, null where there is no such goal.
    """

    company_id: str
    company: str
    market: str
    goals: int
    price_first: int
    price_first_median_seconds: float | None
    price_first_longest_seconds: int | None
    label_first: int
    label_first_median_seconds: float | None
    label_first_longest_seconds: int | None


@dataclass
class LagTable:
    """Counts the lags of one company and match after the other."""

    _goals: dict[tuple[str, str], int] = field(default_factory=dict)
    _price_first: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _label_first: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, company_id: str, markets: Mapping[str, Sequence[Quote]], since: int = 0) -> None:
        """Count a company's rows of one match, by market and oldest first, all with readable score
        texts. Goals whose text rose before `since` (Unix s) are context alone."""
        goals = score_history(markets, END_OF_TIME, is_price_first=False).goals
        for market in MOVING_MARKETS:
            rows = markets.get(market, ())
            earlier = 0
            for goal in goals:
                if goal.text >= since and _is_quoted_around(rows, goal):
                    self._count((company_id, market), rows, goal, earlier)
                earlier = goal.moment if goal.taken_back is None else goal.taken_back

    def _count(self, key: tuple[str, str], rows: Sequence[Quote], goal: Goal, earlier: int) -> None:
        self._goals[key] = self._goals.get(key, 0) + 1
        since = max(goal.text - LAG_SECONDS, earlier)
        market = key[1]
        for jump in jumps_in(market, rows):
            if since < jump.time < goal.text and jump.sides & goal.scorers:
                self._price_first.setdefault(key, []).append(goal.text - jump.time)
                return
        for move in moves_in(market, rows):
            if since < move.time <= goal.text + LAG_SECONDS and move.sides & goal.scorers:
                if move.time > goal.text and score_of(move.from_text) == goal.after:
                    self._label_first.setdefault(key, []).append(move.time - goal.text)
                return

    def rows(self) -> list[Lags]:
        """Return a row for each company and market with a goal, by company id."""
        found = sorted(self._goals, key=lambda key: (len(key[0]), key))
        return [self._row(*key) for key in found]

    def _row(self, company_id: str, market: str) -> Lags:
        price_first = self._price_first.get((company_id, market), [])
        label_first = self._label_first.get((company_id, market), [])
        return Lags(
            company_id,
            company_name(company_id),
            market,
            self._goals[company_id, market],
            len(price_first),
            median(price_first) if price_first else None,
            max(price_first, default=None),
            len(label_first),
            median(label_first) if label_first else None,
            max(label_first, default=None),
        )


def _is_quoted_around(rows: Iterable[Quote], goal: Goal) -> bool:
    """Return whether the market was open in play before the goal's text and again from it on."""
    is_before = is_after = False
    for row in rows:
        if not row.closed:
            is_before = is_before or (row.change_time < goal.text and row.status in IN_PLAY)
            is_after = is_after or row.change_time >= goal.text
    return is_before and is_after
