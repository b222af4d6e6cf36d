"""The partition of every asset: a New York day, today included."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from touchline.accounting import RunKind
from touchline.day import Day, Minute

FIRST_DAY = "2025-01-01"
SCHEDULED_MINUTE = "touchline/scheduled_minute"
"""The run tag that alone makes a run live; its value is the UTC minute."""
_PARTITION = "dagster/partition"
LANE = "touchline/lane"
"""The run tag by which kinds of runs are kept from standing in each other's way."""

daily = dg.DailyPartitionsDefinition(
    start_date=FIRST_DAY, timezone="America/New_York", end_offset=1
)


def tags_of_day(day: Day) -> dict[str, str]:
    """What makes a run one of this day, where its job cannot be asked for a partition."""
    return {_PARTITION: str(day)}


def day_of_run(tags: Mapping[str, str]) -> Day | None:
    """The day that a run works on, by its partition; None for a run that has none."""
    text = tags.get(_PARTITION)
    return Day.parse(text) if text else None


def kind_of(tags: Mapping[str, str]) -> RunKind:
    """What a run is for. Without a minute to fetch, or a lane of its own, it makes a day anew."""
    if SCHEDULED_MINUTE in tags:
        return RunKind.MINUTE
    lane = tags.get(LANE)
    of_lane = (
        *(RunKind.CHECKS, RunKind.ROTATION, RunKind.SEAL),
        *(RunKind.INBOX, RunKind.HOUSEKEEPING),
    )
    return next((kind for kind in of_lane if kind == lane), RunKind.REBUILD)


def scheduled_minute(tags: Mapping[str, str]) -> Minute | None:
    """The minute that a run is to fetch; None for a backfill or a run from the UI.

    Raises ValueError for a tag that is not a UTC minute.
    """
    text = tags.get(SCHEDULED_MINUTE)
    return Minute.parse(text) if text else None
