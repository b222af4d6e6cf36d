"""What a silent slot is, and what a stage owes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.slots import PATIENCE, slot_at
from touchline.accounting import MissedReason
from touchline.day import Day, FetchNumber, Minute, parse_instant
from touchline.watch import owed, why_missed

DAY = Day.parse("2025-05-28")
NOON = parse_instant("2025-05-28T16:00:00Z")


@pytest.mark.parametrize(
    ("seconds", "started", "died", "reason"),
    [
        (0, False, False, None),
        (54, False, False, None),
        (55, False, False, MissedReason.NOT_REQUESTED),
        (149, True, False, None),
        (150, True, False, MissedReason.RUN_DIED),
        (20, True, True, MissedReason.RUN_DIED),
    ],
)
def test_a_silent_slot_is_missed_when_no_run_may_bring_it_any_more(
    seconds: int, started: bool, died: bool, reason: MissedReason | None
) -> None:
    now = NOON + timedelta(seconds=seconds)
    assert why_missed(slot_at(Minute(NOON)), now, PATIENCE, started=started, died=died) is reason


@pytest.mark.parametrize(
    ("since", "begun", "owes"),
    [
        (0, True, {7, 8, 9}),
        (41, True, {7, 9}),
        (41, False, {7, 9}),
        (None, False, set()),
        (None, True, {7, 8, 9}),
    ],
)
def test_a_stage_owes_what_landed_since_it_was_added(
    since: int | None, begun: bool, owes: set[int]
) -> None:
    """Fetch 7 came late; where none of the day's minutes knew the stage, who begins owes all."""
    landed = {FetchNumber(7): 43, FetchNumber(8): 40, FetchNumber(9): 42}
    assert owed(landed, since, begun=begun) == owes
