"""What a stage owes of a day, and what may be said of a slot that brought no fetch.

A slot is expected when its time lies inside a watch interval. An interval is closed by those who
stop watching and never by a crash, so one that is open while nothing runs keeps producing missed
slots.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from touchline.accounting import MissedReason
from touchline.day import FetchNumber
from touchline.schedule import Patience
from touchline.slot import Slot

ROTATION_MINUTES = 5
WINDOW_DUE = timedelta(minutes=15)
"""So long after its last minute a window is stored, whatever of it is still missing."""
WINDOW_OVERDUE = timedelta(minutes=17)
"""One that is still not stored is an alarm: 13 of 10 and 14 of 10 once passed unseen."""
STALE_FOR = timedelta(hours=2)
"""So long a day may wait to be made again: the seal's job does it, once an hour at least."""
SINGLES_OUTLIVE_WINDOW = timedelta(minutes=10)
"""Fetch objects stay for so long after their window was verified: whoever has listed them reads
them."""


def is_rotation_minute(at: datetime) -> bool:
    """Whether windows are stored in the minute of this time: every fifth, among them the second
    after a window's last, when its fates are known."""
    return at.minute % ROTATION_MINUTES == 1


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
    slot: Slot, now: datetime, patience: Patience, *, started: bool, died: bool = False
) -> MissedReason | None:
    """What a slot without a fetch is, or None while a run may still bring one. `started` is a run
    that was seen at work on it, whether or not it has begun to fetch; `died` is what somebody knows
    who watched the run: nobody has to wait for it then."""
    if started:
        is_over = died or now >= slot.at + patience.max_runtime
        return MissedReason.RUN_DIED if is_over else None
    is_too_late = now >= slot.at + patience.start_within
    return MissedReason.NOT_REQUESTED if is_too_late else None
