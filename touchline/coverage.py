"""What a day is to hold, as a calendar says, against what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from touchline.accounting import LossClass
from touchline.day import Day
from touchline.retries import Calendar


class Lack(NamedTuple):
    """One thing of which calendar and day do not say the same: its id, what is wrong, its class."""

    key: str
    detail: str
    loss: LossClass


@dataclass(frozen=True)
class Coverage:
    """How a stage that spans a day is compared with a calendar.

    `due` says from when on (UTC) a day is to be complete; before that nothing is lacking. `lacks`
    is a pure function from the day, the calendar's records and those of the day's newest version,
    of which there may be none, to what is wrong, one thing at a time: a day is complete only where
    each game of it is. `reaches` says whether the calendar's records speak of the day at all: where
    they do not, nothing is concluded from them.
    """

    calendar: Calendar
    due: Callable[[Day], datetime]
    lacks: Callable[[Day, Sequence[Any], Sequence[Any]], Iterable[Lack]]
    reaches: Callable[[Day, Sequence[Any]], bool] = lambda day, calendar: True
