"""How an alert comes to its end: what is seen of its match, and when that is believed.

A status was seen to go back from the end to the second half, and a goal is taken back after it was
shown. So nothing is decided by one look: two of them, at least five minutes apart and nothing else
seen between, must show the same end and the same goals.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from touchline.football.codes import CANCELED, CUT_IN_HALF, ENDED
from touchline.outcomes import State

Meta = msgspec.Meta

AGREE_SECONDS = 5 * 60
"""How far apart two looks at the same end must at least be."""

NOT_PLAYED_OUT = {CUT_IN_HALF: "cut_in_half", CANCELED: "canceled"}
"""The statuses after which no rule wins or loses, and the reason that is given."""


def is_end(status_id: int) -> bool:
    """Whether a match with this status is over, played out or not."""
    return status_id == ENDED or status_id in NOT_PLAYED_OUT


class Result(msgspec.Struct, frozen=True):
    """How a match stands: its status, and its goals in regular time, stoppage included."""

    status_id: int
    home: int
    away: int
    ht_home: Annotated[int, Meta(description="at half-time")]
    ht_away: Annotated[int, Meta(description="at half-time")]

    @property
    def goals_after_half_time(self) -> int:
        return self.home + self.away - self.ht_home - self.ht_away


class Settled(msgspec.Struct, frozen=True):
    """What a rule says of an ended match, and why: in lower snake case."""

    state: State
    reason: str


class Sighting(msgspec.Struct, frozen=True):
    """A result and since when nothing else was seen, Unix s."""

    result: Result
    since: int

    def is_believed(self, at: int) -> bool:
        """Whether it is an end that a look at this time confirms."""
        return is_end(self.result.status_id) and at - self.since >= AGREE_SECONDS


def sighted(before: Sighting | None, result: Result, at: int) -> Sighting:
    """What is known after another look, which showed this result."""
    return before if before and before.result == result else Sighting(result, at)
