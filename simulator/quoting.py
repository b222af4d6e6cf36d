"""One company's rows in one market of one match."""

from __future__ import annotations

import random

from simulator.board import PACE, View
from simulator.houses import House
from simulator.pricing import Fair

# What makes a company close a market: how likely, for goals markets and for corners.
_CLOSING_TURNS = {
    False: {"goal": 0.75, "red": 0.6},
    True: {"goal": 0.4, "corner": 0.45},
}
_CLOSES_ANYWAY = {False: 0.019, True: 0.055}  # a row, without visible reason
_MINUTE_SLIPS = 0.0007  # of the rows carry a minute that has passed
_PRICE, _CLOSE, _REOPEN = 0, 1, 2


class Quoting:
    """Rows of one list, oldest first: `times` in Unix s, `rows` as JSON text.

    No two neighbors have the same prices, line and closed flag: the vendor keeps changes only.
    """

    def __init__(self, view: View, house: House, market: str, rng: random.Random) -> None:
        self.times: list[int] = []
        self.rows: list[str] = []
        self._view = view
        self._market = market
        self._house = house
        self._rng = rng
        self._count = view.corners if market == "cr" else view.score
        self._drift = (rng.random() - 0.5) * 0.05
        self._last = (0.0, 0.0, 0.0)
        self._closed = False
        self._time = 0

    def before_kick_off(self, mean: float, lead: float) -> None:
        """About `mean` rows from `lead` seconds before kick-off on, denser towards it."""
        rng, course = self._rng, self._view.board.course
        until = course.kick_off or course.fixture.scheduled
        count = int(rng.expovariate(1 / mean) * 0.6 + mean * 0.4 + rng.random()) if mean else 0
        opening = self._view.board.opening
        for time in sorted(until - 5 - int(lead * rng.random() ** 3) for _ in range(count)):
            closes = not self._closed and rng.random() < 0.004
            self._drift += (rng.random() - 0.5) * 0.012
            self._drift *= 0.995
            if closes and self.times:
                self._close(time)
            else:
                self._price(time, opening)

    def in_play(self, a_minute: float) -> None:
        """Rows of the match in play, at a mean number of price changes a minute."""
        rng = self._rng
        corners = self._market == "cr"
        closes_anyway = _CLOSES_ANYWAY[corners]
        reopens_from = 0
        for time, what in self._occasions(a_minute):
            if what == _CLOSE:
                if not self._closed and self.times:
                    self._close(time)
                    reopens_from = time + 90
                continue
            if self._closed:
                if what == _PRICE and time < reopens_from:
                    if rng.random() < 0.02:
                        self._price(time, self._view.fair(time), closed=True)
                    continue
            elif what == _REOPEN:
                continue
            elif rng.random() < closes_anyway and self.times:
                self._close(time)
                reopens_from = time + 3
                continue
            self._drift = 0.93 * self._drift + (rng.random() - 0.5) * 0.024
            self._price(time, self._view.fair(time))

    def _occasions(self, a_minute: float) -> list[tuple[int, int]]:
        """When the market may change and how, in order: price, close or reopen.

        It takes a goal with one row at the moment its text changes and one when its price does,
        unless it is suspended then. No market changes after the end of play.
        """
        rng, board = self._rng, self._view.board
        occasions: list[tuple[int, int]] = []
        playing = board.playing()
        for start, end, status in playing:
            rate = a_minute * PACE[status] / 60
            if rate <= 0:
                continue
            time = start + rng.expovariate(rate)
            while time < end:
                occasions.append((int(time), _PRICE))
                time += rng.expovariate(rate)
        likely = _CLOSING_TURNS[self._market == "cr"]
        attention = min(1.0, a_minute)
        for time, kind in board.turns:
            if a_minute and rng.random() < likely.get(kind, 0.0) * attention:
                occasions.append((time + rng.randint(-6, 4), _CLOSE))
                occasions.append((time + rng.randint(22, 75), _REOPEN))
        for reaction in self._view.reactions:
            rewrites = {reaction.text, reaction.price}
            closes = rng.random() < likely["goal"] * attention
            if a_minute and (closes or (reaction.every and self._market != "cr")):
                occasions += [(reaction.close, _CLOSE), (reaction.reopen, _REOPEN)]
                rewrites -= {reaction.close, reaction.reopen}
            if rng.random() < attention:
                occasions += [(time, _PRICE) for time in rewrites]
        over = playing[-1][1]
        return sorted(occasion for occasion in occasions if occasion[0] < over)

    def _close(self, time: int) -> None:
        prices = self._last
        if self._rng.random() < 0.001:
            prices = (0.0, prices[1], 0.0)
        self._closed = True
        self._add(time, prices)

    def _price(self, time: int, fair: Fair, closed: bool = False) -> None:
        if self._hardly_moves(fair) and self._rng.random() < 0.85:
            return
        prices = self._three_way(fair) if self._market == "eu" else self._two_way(fair)
        if prices == self._last and closed == self._closed:
            least = 1.0 if self._market == "eu" else 0.05
            step = 0.01 if self._rng.random() < 0.5 or prices[0] <= least else -0.01
            prices = (round(prices[0] + step, 2), prices[1], prices[2])
        self._closed = closed
        self._add(time, prices)

    def _hardly_moves(self, fair: Fair) -> bool:
        """A market that is as good as decided."""
        if self._market == "eu":
            return max(fair.winner) > 0.94
        return self._market == "bs" and fair.total[1] < 0.37

    def _two_way(self, fair: Fair) -> tuple[float, float, float]:
        if self._market == "bs":
            line, even, slope = fair.total
        elif self._market == "asia":
            line, even, slope = fair.handicap
        else:
            line, even, slope = fair.corners
        even += self._drift
        quarters = round((even - 0.5) / slope) if self._market != "cr" else 0
        if quarters and (quarters > 0 or self._market == "asia"):
            line += 0.25 * quarters
            even -= quarters * slope
        even = min(0.97, max(0.04, even))
        return self._hong_kong(even), line, self._hong_kong(1 - even)

    def _hong_kong(self, probability: float) -> float:
        house = self._house
        price = 1 / (probability * house.margin) - 1
        tick = house.tick if price < 2 else 0.05
        return max(0.01, round(round(price / tick) * tick, 2))

    def _three_way(self, fair: Fair) -> tuple[float, float, float]:
        home, draw, away = fair.winner
        shift = self._drift * 4 * home * (1 - home)
        return (
            self._decimal(home + shift),
            self._decimal(draw),
            self._decimal(away - shift),
        )

    def _decimal(self, probability: float) -> float:
        price = 1 / (max(probability, 0.0025) * (self._house.margin + 0.045))
        coarse = 1 if self._house.tick <= 0.01 else 5
        tick = 0.01 if price < 2 else 0.01 * coarse if price < 4 else 0.05 * coarse
        if price >= 8:
            tick = 0.5 if price < 20 else 1.0
        return max(1.0, round(round(price / tick) * tick, 2))

    def _add(self, time: int, prices: tuple[float, float, float]) -> None:
        # Neighbors share a second now and then, but less often than chance would have it.
        if time <= self._time:
            time = self._time + (self._rng.random() < 0.8)
        self._time = time
        self._last = prices
        minute, status = self._view.minute_and_status(time)
        if self._rng.random() < _MINUTE_SLIPS and minute.isdigit() and minute > "1":
            minute = str(max(1, int(minute) - 2))
        first, line, second = prices
        self.times.append(time)
        self.rows.append(
            f'"{minute}",{first},{line},{second},{status},{int(self._closed)},"{self._count(time)}"]'
        )
