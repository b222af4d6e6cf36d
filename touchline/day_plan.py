"""Plans of a day: when a raw asset is to be fetched for it, as data such as a calendar say.

A day has a plan for every change of these data. A plan never changes a slot whose time had come
when it was made: that slot stays expected, or not expected, as the plan before it said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from touchline.day import ONE_MINUTE, Day, FetchNumber

POSTPONED = "postponed"
"""Why there is no fetch of a slot that a plan had and a later one has not."""


@dataclass(frozen=True)
class DayPlan:
    """The numbers of the slots that a day is to have, in order, as was known at `made_at` (UTC)."""

    made_at: datetime
    numbers: tuple[FetchNumber, ...]


PlansOf = Callable[[Day], Sequence[DayPlan]]
"""Gives the plans of each day, oldest first."""


def no_plans(day: Day) -> Sequence[DayPlan]:
    """Return no plan of any day: for schedules that need none."""
    return ()


def in_force(day: Day, plans: Sequence[DayPlan]) -> list[FetchNumber]:
    """Return the numbers of the slots that `day` is to have by its `plans`, oldest first: of each
    plan those whose time comes after it was made, and not after the next was."""
    found = {
        number
        for plan, until in _spans(plans)
        for number in plan.numbers
        if plan.made_at < _at(day, number) and (until is None or _at(day, number) <= until)
    }
    return sorted(found)


def postponed(day: Day, plans: Sequence[DayPlan]) -> list[FetchNumber]:
    """Return the numbers of the slots that a plan had ahead of it and a later one closed, before
    their time had come."""
    planned = {n for plan in plans for n in plan.numbers if plan.made_at < _at(day, n)}
    return sorted(planned.difference(in_force(day, plans)))


def _spans(plans: Sequence[DayPlan]) -> list[tuple[DayPlan, datetime | None]]:
    spans: list[tuple[DayPlan, datetime | None]] = [(a, b.made_at) for a, b in pairwise(plans)]
    return [*spans, *((plan, None) for plan in plans[-1:])]


def _at(day: Day, number: int) -> datetime:
    passed: timedelta = (number - 1) * ONE_MINUTE
    return day.start + passed
