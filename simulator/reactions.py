"""How each company takes a goal: when its score text changes, when its prices do.

Measured at 120 goals of the recorded poll: a company's text changes at one moment for all its
markets in 1,319 of 1,414 cases, so it always does here. A company that moves its prices first
suspends all markets and opens them again together, mostly after a second or two; its text is
corrected later. A company whose text changes first suspends, if at all, before its prices move.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from simulator.houses import PRICE_AFTER_TEXT, TEXT_AFTER_PRICE, House
from simulator.match import BRIEFLY_SECONDS, Course

# Shares of such goals that their rows show: the prices of a decided market hardly move.
_PRICE_FIRST_SHOWS = 0.89
_LABEL_FIRST_SHOWS = 0.72


class Reaction(NamedTuple):
    """What one company does about a goal, or about one that is taken back. Times are Unix s.

    It happens at `turn`. Rows show the new score from `text` on and have the new prices from
    `price` on. A market that the company suspends for it is closed from `close` to `reopen`.
    `every` says that it suspends all markets that goals decide, not some of them.
    """

    turn: int
    text: int
    price: int
    close: int
    reopen: int
    every: bool = False


def reactions(course: Course, house: House, lag: int, rng: random.Random) -> list[Reaction]:
    """One reaction a turn of the score, in order, `lag` seconds late unless prices move first.

    What stood for seconds alone, and the taking back of any goal, moves text and prices together.
    """
    stands = {
        goal.time
        for goal in course.goals
        if not goal.taken_back or goal.taken_back - goal.time >= BRIEFLY_SECONDS
    }
    price_first = house.price_first / _PRICE_FIRST_SHOWS
    label_first = house.label_first / _LABEL_FIRST_SHOWS
    found: list[Reaction] = []
    shown = 0  # from when on the text of the turn before is: texts keep the order of turns
    for turn in course.turns():
        draw = rng.random()
        text = max(shown, turn + lag)
        if turn not in stands or price_first <= draw < 1 - label_first:
            found.append(Reaction(turn, text, text, text, text + rng.randint(22, 75)))
        elif draw < price_first:
            close = turn + rng.randint(0, 6)
            reopen = close + (rng.randint(1, 2) if rng.random() < 0.7 else rng.randint(10, 30))
            text = max(shown, reopen + TEXT_AFTER_PRICE.draw(rng))
            found.append(Reaction(turn, text, reopen, close, reopen, every=True))
        else:
            price = text + PRICE_AFTER_TEXT.draw(rng)
            close = max(text, price - rng.randint(8, 40))
            found.append(Reaction(turn, text, price, close, price))
        shown = text
    return found
