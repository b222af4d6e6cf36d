"""The companies that quote: how often each covers a match, and how often it moves its prices."""

from __future__ import annotations

import math
import random
from typing import NamedTuple


class Habit(NamedTuple):
    """How a company treats one market: the share of its matches in which it quotes it, its price
    changes a minute in play, and its price changes before kick-off."""

    presence: float
    in_play_a_minute: float
    before_kick_off: float


class House(NamedTuple):
    """A company. `share` is that of the quoted matches it covers; `tick` the step of its
    Hong Kong prices; `margin` what the probabilities of a two-way market add up to.

    `price_first` and `label_first` are the shares of the goals at which the prices of goals and
    winner move before the score text does, and after it. At the others both move together."""

    company: int
    share: float
    tick: float
    margin: float
    asia: Habit | None = None
    eu: Habit | None = None
    bs: Habit | None = None
    cr: Habit | None = None
    price_first: float = 0.0
    label_first: float = 0.0


class Lag(NamedTuple):
    """How far apart score text and price move: seconds, lognormal, never more than `most`."""

    median: float
    spread: float
    most: int

    def draw(self, rng: random.Random) -> int:
        return min(self.most, round(self.median * math.exp(rng.gauss(0, self.spread))))


# Measured at the goals of the same poll: 19 s and at most 117 s; 75 s and up to 180 s.
TEXT_AFTER_PRICE = Lag(19, 0.55, 117)
PRICE_AFTER_TEXT = Lag(75, 0.5, 180)


# Means over 88 quoted matches of one recorded poll.
HOUSES = (
    House(
        2,
        0.77,
        0.025,
        1.055,
        Habit(1.0, 1.25, 19.6),
        Habit(1.0, 1.26, 12.6),
        Habit(1.0, 1.92, 15.8),
        Habit(0.54, 1.12, 1.4),
        price_first=0.79,
    ),
    House(
        3,
        0.66,
        0.01,
        1.05,
        Habit(1, 1.46, 21.3),
        Habit(1, 1.30, 12.6),
        Habit(1, 1.98, 13.1),
        label_first=0.36,
    ),
    House(
        4, 0.80, 0.05, 1.07, None, Habit(1, 0.38, 16.8), Habit(0.97, 0.39, 13.3), label_first=0.27
    ),
    House(
        5,
        0.74,
        0.05,
        1.075,
        Habit(0.05, 0.0, 9.0),
        Habit(1, 0.50, 9.8),
        Habit(1, 0.88, 7.2),
        Habit(0.015, 0.82, 1.0),
        label_first=0.01,
    ),
    House(
        6,
        0.60,
        0.01,
        1.05,
        Habit(1, 1.06, 30.6),
        Habit(0.96, 1.46, 29.8),
        Habit(1, 1.58, 21),
        label_first=0.11,
    ),
    House(7, 0.08, 0.02, 1.06, Habit(1, 0.27, 5.1), Habit(1, 0.0, 2.7), Habit(1, 0.34, 3.3)),
    House(8, 0.23, 0.05, 1.07, None, Habit(1, 0.0, 23.4)),
    House(
        9,
        0.80,
        0.04,
        1.07,
        Habit(0.3, 0.02, 31.3),
        Habit(1, 0.27, 13),
        Habit(0.79, 0.03, 2.9),
        label_first=0.08,
    ),
    House(
        10,
        0.70,
        0.01,
        1.055,
        Habit(1, 1.23, 22.8),
        Habit(1, 0.97, 13.7),
        Habit(1, 1.72, 16.0),
        Habit(0.52, 0.19, 1.2),
        label_first=0.07,
    ),
    House(
        11,
        0.68,
        0.025,
        1.055,
        Habit(0.98, 1.38, 28.5),
        Habit(0.98, 0.98, 18.8),
        Habit(1, 1.94, 23.9),
        Habit(0.15, 0.81, 0.7),
        label_first=0.04,
    ),
    House(
        13,
        0.72,
        0.05,
        1.075,
        Habit(0.37, 0.03, 12.3),
        Habit(0.98, 0.65, 11.5),
        Habit(0.98, 0.58, 4.4),
        label_first=0.12,
    ),
    House(
        14,
        0.59,
        0.01,
        1.05,
        Habit(1, 0.89, 14.7),
        Habit(0.96, 1.12, 15.0),
        Habit(1, 1.20, 11.8),
        Habit(0.15, 2.07, 0.8),
        label_first=0.51,
    ),
    House(
        15,
        0.53,
        0.01,
        1.045,
        Habit(1, 1.58, 13.5),
        Habit(1, 2.76, 17.9),
        Habit(1, 1.93, 5.3),
        Habit(0.06, 1.30, 0.0),
        label_first=0.16,
    ),
    House(
        16,
        0.76,
        0.01,
        1.05,
        Habit(1, 0.98, 23.0),
        Habit(1, 1.33, 27),
        Habit(1, 1.21, 13.4),
        label_first=0.13,
    ),
    House(
        17,
        0.89,
        0.01,
        1.06,
        Habit(1, 0.51, 36.5),
        Habit(1, 0.50, 30.3),
        Habit(1, 0.63, 29.7),
        label_first=0.29,
    ),
    House(
        21,
        0.66,
        0.01,
        1.055,
        Habit(1, 1.35, 17.8),
        Habit(1, 1.17, 11.2),
        Habit(1, 1.85, 11.5),
        Habit(0.34, 1.41, 4.0),
        label_first=0.19,
    ),
    House(
        22,
        0.65,
        0.01,
        1.04,
        Habit(1, 1.77, 33.7),
        Habit(1, 1.88, 35.4),
        Habit(1, 2.08, 29.3),
        label_first=0.2,
    ),
)
