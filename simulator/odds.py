"""The odds history of one simulated match: every company's rows from opening to the last minute."""

from __future__ import annotations

import math
from statistics import NormalDist

from simulator.board import Board, View
from simulator.fixtures import NOT_STARTED
from simulator.history import Market, MarketHistory, OddsHistory
from simulator.houses import HOUSES
from simulator.match import Course
from simulator.quoting import Quoting
from simulator.reactions import reactions

_NORMAL = NormalDist()
_FOLLOWS_COVERAGE = 0.7  # correlation of a company's decision to quote with the match's coverage
_UNQUOTED_BELOW = -1.14  # 14 % of the matches have no odds
_QUOTED_COVERAGE = 0.2  # mean coverage of the matches with odds
_CORNERS_QUOTED = 0.5  # share of the matches in which any company quotes corners
_PACE_FACTOR = 0.97  # so that the rows a minute are the measured ones
_NOT_IN_PLAY = 0.04  # of the companies stop at kick-off
_NOT_IN_PLAY_UNFOLLOWED = 0.65  # in the two recorded ones one and two companies go on
_KNOW_THE_STATUS = 0.15  # of the companies at an unfollowed match: 2 to 7, still without a minute
_MARKETS = ("asia", "eu", "bs", "cr")


def odds_history(course: Course) -> OddsHistory:
    """All rows of the match. Rows are stamped with the company's clock; a few run ahead."""
    fixture = course.fixture
    rng = fixture.random("odds")
    if not fixture.always_quoted and fixture.coverage + rng.gauss(0, 0.6) < _UNQUOTED_BELOW:
        return OddsHistory([])
    # Companies take no notice of most delays: their rows say "not started" all the same.
    board = Board(course, fixture.before if rng.random() < 0.06 else NOT_STARTED)
    pace = _PACE_FACTOR * math.exp(0.3 * fixture.coverage + rng.gauss(0, 0.25))
    early = min(5.0, math.exp(rng.gauss(-0.15, 1.05)))
    lead = 3_600 * min(96.0, max(1.0, math.exp(rng.gauss(3.0, 0.8))))
    corners = rng.random() < _CORNERS_QUOTED
    in_play = (rng.random() > 0.05 or fixture.unfollowed) and course.kick_off is not None
    missing = _NOT_IN_PLAY_UNFOLLOWED if fixture.unfollowed else _NOT_IN_PLAY
    goals = fixture.random("goals")
    markets: list[Market] = []
    for house in HOUSES:
        noise = math.sqrt(1 - _FOLLOWS_COVERAGE**2) * rng.gauss(0, 1)
        wish = _FOLLOWS_COVERAGE * (fixture.coverage - _QUOTED_COVERAGE) + noise
        if wish < _NORMAL.inv_cdf(1 - house.share):
            continue
        quotes_in_play = in_play and rng.random() > missing
        ahead = rng.randint(5, 97) if rng.random() < 0.03 else 0
        lag = rng.randint(10, 34)
        knows_status = goals.random() < _KNOW_THE_STATUS
        view = View(board, lag, reactions(course, house, lag, goals), knows_status)
        for name, habit in zip(_MARKETS, (house.asia, house.eu, house.bs, house.cr), strict=True):
            presence = habit.presence if habit else 0.0
            if name == "cr":
                presence = presence / _CORNERS_QUOTED if corners else 0.0
            if habit is None or rng.random() >= presence:
                continue
            quoting = Quoting(view, house, name, rng)
            quoting.before_kick_off(habit.before_kick_off * early, lead * rng.uniform(0.5, 1.0))
            if quotes_in_play:
                quoting.in_play(habit.in_play_a_minute * pace)
            rows = [
                b"[%d,%s" % (time + ahead, row.encode())
                for time, row in zip(quoting.times, quoting.rows, strict=True)
            ]
            if rows:
                markets.append(Market(house.company, name, MarketHistory(quoting.times, rows)))
    return OddsHistory(markets)
