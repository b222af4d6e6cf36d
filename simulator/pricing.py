"""Fair probabilities of a match in play, minute by minute, from the goals still to be expected."""

from __future__ import annotations

import math
from typing import NamedTuple

_MOST_GOALS = 9
_STEP = 0.25
_LOWEST_TOTAL = 2  # quarters: no total line is less than half a goal above the score


class Fair(NamedTuple):
    """Fair quotes at one moment.

    For `total` (goals over/under, whole match), `handicap` (of the rest of the match) and
    `corners`: the line nearest to even, the probability that its first side wins a unit bet
    without stake returned, and how much that changes a line step of 0.25. `winner` holds the
    probabilities of home, draw and away at the end.
    """

    total: tuple[float, float, float]
    handicap: tuple[float, float, float]
    corners: tuple[float, float, float]
    winner: tuple[float, float, float]


def fair(
    home: float, away: float, score: tuple[int, int], corners: float, corner_count: int
) -> Fair:
    """Quotes for the mean goals still expected of each side and the mean corners to come."""
    pmf_home, pmf_away = _poisson(home), _poisson(away)
    difference = [0.0] * (2 * _MOST_GOALS + 1)
    for goals, probability in enumerate(pmf_home):
        base = goals + _MOST_GOALS
        for against, other in enumerate(pmf_away):
            difference[base - against] += probability * other
    # A lead of `lead` now is overcome where the rest of the match has a smaller difference.
    lead = score[0] - score[1]
    level = min(2 * _MOST_GOALS, max(0, _MOST_GOALS - lead))
    home_wins = sum(difference[level + 1 :])
    draw = difference[level]
    return Fair(
        total=_over(_poisson(home + away), sum(score)),
        handicap=_handicap(difference, home - away),
        corners=_over_normal(corners, corner_count),
        winner=(home_wins, draw, max(0.0, 1.0 - home_wins - draw)),
    )


def _poisson(mean: float) -> list[float]:
    value = math.exp(-mean)
    values = [value]
    for count in range(1, _MOST_GOALS + 1):
        value *= mean / count
        values.append(value)
    return values


def _over(pmf: list[float], scored: int) -> tuple[float, float, float]:
    """The total line nearest to even among those from 0.5 above the score."""
    cumulative = [0.0]
    for probability in pmf:
        cumulative.append(cumulative[-1] + probability)
    quarter = _LOWEST_TOTAL
    even = higher = _quarter_line(cumulative, pmf, quarter)
    while even > 0.5 and quarter < 4 * _MOST_GOALS - 4:
        quarter, higher = quarter + 1, even
        even = _quarter_line(cumulative, pmf, quarter)
    slope = max(0.03, higher - even)
    if abs(higher - 0.5) < abs(even - 0.5):
        quarter, even = quarter - 1, higher
    return scored + quarter * _STEP, even, slope


def _quarter_line(cumulative: list[float], pmf: list[float], quarter: int) -> float:
    """P(over) of a line in quarters, stake-back excluded; quarter lines are two half bets."""
    if quarter % 2:
        lower = _quarter_line(cumulative, pmf, quarter - 1)
        return (lower + _quarter_line(cumulative, pmf, quarter + 1)) / 2
    line, half = divmod(quarter, 4)
    if half:
        return 1.0 - cumulative[line + 1]
    under, push = cumulative[line], pmf[line]
    return (1.0 - under - push) / max(1e-9, 1.0 - push)


def _handicap(difference: list[float], mean: float) -> tuple[float, float, float]:
    """The handicap nearest to even; + means that home gives. Starts from the mean difference."""
    nearest = round(mean / _STEP)
    candidates = [
        (quarter, _cover(difference, quarter)) for quarter in range(nearest - 2, nearest + 3)
    ]
    quarter, even = min(candidates, key=lambda candidate: abs(candidate[1] - 0.5))
    slope = abs(candidates[0][1] - candidates[-1][1]) / 4
    return quarter * _STEP, even, max(0.03, slope)


def _cover(difference: list[float], quarter: int) -> float:
    """P(home covers a handicap in quarters), stake-back excluded."""
    if quarter % 2:
        return (_cover(difference, quarter - 1) + _cover(difference, quarter + 1)) / 2
    line, half = divmod(quarter, 4)
    index = min(2 * _MOST_GOALS, max(0, _MOST_GOALS + line))
    more = sum(difference[index + 1 :])
    push = 0.0 if half else difference[index]
    return more / max(1e-9, 1.0 - push)


def _over_normal(mean: float, counted: int) -> tuple[float, float, float]:
    """Corners: the half line next to the mean, with a normal approximation."""
    spread = math.sqrt(max(mean, 0.4))
    line = max(0.5, math.floor(mean) + 0.5)
    even = 0.5 * math.erfc((line - mean) / (spread * math.sqrt(2)))
    return counted + line, even, 0.1 / spread
