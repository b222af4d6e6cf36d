"""Reading on in an ordered stage: what has landed since, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from resources.day_store import DayStore
from resources.fetch_object import FetchObject
from resources.stage_codec import decode_stage
from touchline.day import WINDOW_MINUTES, Day, FetchNumber, Minute
from touchline.stage import Stage


@dataclass(order=True)
class Position:
    """The fetch of a day up to which a stage was read; number 0 is before its first one."""

    day: Day
    number: FetchNumber

    @classmethod
    def before(cls, minute: Minute) -> Position:
        return cls(minute.day, FetchNumber(minute.number - 1))


def read_on(
    days: DayStore, stage: Stage[Any], position: Position, until: Day
) -> Iterator[pa.Table]:
    """The rows of the fetches behind a position, which moves on as they are taken, to the newest
    one of the day `until`. A table may begin with rows that were read before: those of one window
    come together. Raises StoreError, UnreadableObject, UnreadableStageObject."""
    while True:
        begins = position.number // WINDOW_MINUTES * WINDOW_MINUTES
        numbers = days.index(stage.name, position.day, after=begins).numbers
        for part in days.parts(stage.name, position.day, after=position.number):
            yield decode_stage(stage, part.body).table if isinstance(part, FetchObject) else part
        days.forget_window(stage.name)
        # The stage takes fetches in their order, so that none of before these comes later.
        position.number = max([position.number, *numbers])
        if position.day >= until:
            return
        position.day, position.number = position.day.shifted(1), FetchNumber(0)
