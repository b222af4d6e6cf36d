"""Which minutes were expected, and what may be said of one that brought no fetch.

A minute is expected when it begins inside a watch interval. An interval is closed by those who
stop watching and never by a crash, so one that is open while nothing runs keeps producing missed
minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from touchline.accounting import MissedReason
from touchline.day import Day, FetchNumber, Minute

Intervals = Iterable[tuple[datetime, datetime | None]]
"""Disjoint and in order; the end is None while an interval is open."""

FETCH_STARTS_WITHIN = timedelta(seconds=55)
"""A minute whose fetch has not started by then is missed: the past cannot be fetched."""
MAX_RUNTIME = timedelta(seconds=150)
"""After this time from its minute, a run is no longer at work."""
ROTATION_MINUTES = 5
WINDOW_DUE = timedelta(minutes=15)
"""So long after its last minute a window is stored, whatever of it is still missing."""
WINDOW_OVERDUE = timedelta(minutes=17)
"""One that is still not stored is an alarm: 13 of 10 and 14 of 10 once passed unseen."""
SINGLES_OUTLIVE_WINDOW = timedelta(minutes=10)
"""Fetch objects stay for so long after their window was verified: whoever has listed them reads
them."""
DAY_BEFORE_IS_OPEN = timedelta(hours=2)
"""After midnight, for so long, each run looks for what the day before has left undone."""


def days_still_open(day: Day, now: datetime) -> list[Day]:
    """This day and, early in it, the day before; oldest first."""
    return [day.shifted(-1), day] if now < day.start + DAY_BEFORE_IS_OPEN else [day]


def is_rotation_minute(minute: Minute) -> bool:
    """Whether windows are stored in this minute: every fifth, among them the second after a
    window's last, when its fates are known."""
    return minute.utc.minute % ROTATION_MINUTES == 1


def expected_minutes(day: Day, intervals: Intervals, until: datetime) -> Iterator[Minute]:
    """The day's minutes that begin inside an interval and before `until`, oldest first."""
    spans = list(intervals)
    for minute in day.minutes():
        if minute.utc >= until:
            return
        if any(
            opened <= minute.utc and (closed is None or minute.utc < closed)
            for opened, closed in spans
        ):
            yield minute


def owed(
    landed: Mapping[FetchNumber, int], since: int | None, *, begun: bool
) -> frozenset[FetchNumber]:
    """Which of a day's fetches a stage has to have taken.

    `landed` has for each the number of the ledger's change that told of it, and `since` is that of
    the change since which the day's minutes know the stage. What landed before it was added it
    does not owe. Where no minute of the day knew it (None), it owes nothing, until somebody has
    `begun` to take the day through it: then all.
    """
    if since is None:
        return frozenset(landed) if begun else frozenset()
    return frozenset(number for number, change in landed.items() if change > since)


def why_missed(
    minute: Minute, now: datetime, *, started: bool, died: bool = False
) -> MissedReason | None:
    """What a minute without a fetch is, or None while a run may still bring one. `started` is a run
    that was seen at work on it, whether or not it has begun to fetch; `died` is what somebody knows
    who watched the run: nobody has to wait for it then."""
    if started:
        return MissedReason.RUN_DIED if died or now >= minute.utc + MAX_RUNTIME else None
    return MissedReason.NOT_REQUESTED if now >= minute.utc + FETCH_STARTS_WITHIN else None
