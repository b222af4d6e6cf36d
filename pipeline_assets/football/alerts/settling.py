"""How an alert comes to its end: what is seen of its match, and when that is believed.

A status was seen to go back from the end to the second half, and a goal is taken back after it was
shown. So nothing is decided by one look: two of them, at least five minutes apart and nothing else
seen between, must show the same end and the same goals.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from pipeline_assets.football.wire.codes import CANCELED, CUT_IN_HALF, ENDED
from touchline.outcomes import State

Meta = msgspec.Meta

AGREE_SECONDS = 5 * 60
"""How far apart two looks at the same end must at least be."""

NOT_PLAYED_OUT = {CUT_IN_HALF: "cut_in_half", CANCELED: "canceled"}
"""The statuses after which no rule wins or loses, and the reason that is given."""


def is_end(status_id: int) -> bool:
    """Whether a match with this status is over, played out or not."""
    return status_id == ENDED or status_id in NOT_PLAYED_OUT


class Scoreline(msgspec.Struct, frozen=True):
    """How a match stands: its status, and its goals in regular time, stoppage included; null where
    the vendor's figure cannot be read."""

    status_id: int
    home: int | None
    away: int | None
    ht_home: Annotated[int | None, Meta(description="at half-time")]
    ht_away: Annotated[int | None, Meta(description="at half-time")]

    @property
    def goals(self) -> tuple[int | None, ...]:
        return self.home, self.away, self.ht_home, self.ht_away

    @property
    def result(self) -> Result | None:
        """None where a goal is unknown."""
        if None in (goals := self.goals):
            return None
        return Result(self.status_id, *(goal for goal in goals if goal is not None))

    @property
    def decides(self) -> bool:
        """Whether an alert may be settled by it: a match that was not played out needs no goals."""
        is_known = None not in self.goals
        return self.status_id in NOT_PLAYED_OUT or (self.status_id == ENDED and is_known)

    def is_part_of(self, other: Scoreline) -> bool:
        """Whether it is the other one with some goals unknown."""
        both = zip(self.goals, other.goals, strict=True)
        return self.status_id == other.status_id and all(a is None or a == b for a, b in both)


class Result(Scoreline, frozen=True):
    """A scoreline whose goals are all known."""

    home: int
    away: int
    ht_home: int
    ht_away: int

    @property
    def goals_after_half_time(self) -> int:
        return self.home + self.away - self.ht_home - self.ht_away


class Settled(msgspec.Struct, frozen=True):
    """What a rule says of an ended match, and why: in lower snake case."""

    state: State
    reason: str


class Sighting(msgspec.Struct, frozen=True):
    """A scoreline and since when nothing else was seen, Unix s."""

    result: Scoreline
    since: int

    def is_believed(self, at: int) -> bool:
        """Whether it is an end that a look at this time, which showed all of it, confirms."""
        return self.result.decides and at - self.since >= AGREE_SECONDS


def sighted(before: Sighting | None, shown: Scoreline, at: int) -> Sighting:
    """What is known after another look, which showed this. One that shows a part of what is known
    changes nothing, and confirms nothing."""
    return before if before and shown.is_part_of(before.result) else Sighting(shown, at)
