"""The partition of every asset: a New York day, today included."""

from __future__ import annotations

import os
from collections.abc import Mapping

import dagster as dg

from touchline.accounting import RunKind
from touchline.day import Day, parse_instant
from touchline.slot import Slot

FIRST_DAY = os.environ.get("TOUCHLINE_FIRST_DAY") or "2025-01-01"
"""Where partitions begin. `touchline up` sets it: to the setting, or the first day watched."""
SLOT = "touchline/slot"
"""The run tag that alone makes a run live; its value is the slot that it fetches."""
_SCHEDULED_MINUTE = "touchline/scheduled_minute"
"""The tag that football's runs had in its place; its value is the UTC minute."""
_FOOTBALL = "football"
_PARTITION = "dagster/partition"
_BACKFILL = "dagster/backfill"
_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
LANE = "touchline/lane"
"""The run tag by which runs are kept from standing in each other's way: its value is the kind of
run, and behind a slash the feed, such as `seal/league`; football's lanes, and those of no feed, are
named by the kind alone. `dagster.yaml` says how many runs of one lane go at a time."""
_ALONE = "touchline/alone"
"""The run tag that another feed's lane has too where its runs go one at a time."""

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


def one_day(tags: Mapping[str, str]) -> Day:
    """The day that a run works on.

    Raises dagster.Failure for a run that carries a range of days, or none. Dagster keeps what a
    check says in a run of a range under no partition, so that no day would show its verdict; and
    where the range ends before it begins, it calls the run a success with nothing made.
    """
    if (day := day_of_run(tags)) is not None:
        return day
    start, end = (tags.get(name) for name in _RANGE)
    if start is None or end is None:
        problem, instead = "the run has no partition", "materialize a day"
    elif end < start:
        problem = f"the run's range ends on {end}, before it begins on {start}"
        instead = f"launch a backfill of {end} to {start}"
    elif start == end:
        problem, instead = f"the run carries the range {start} to {end}", f"materialize {start}"
    else:
        problem = f"the run carries the range {start} to {end}"
        instead = f"launch a backfill of {start} to {end}, which makes one run a day"
    raise dg.Failure(
        f"{problem}: nothing was made or checked. Each run works on one day, which its tag "
        f"{_PARTITION} names: {instead}",
        allow_retries=False,
    )


def refuse_part_of_backfill(tags: Mapping[str, str], instance: dg.DagsterInstance) -> None:
    """Raise dagster.Failure in a run of a backfill from which Dagster has left out chosen assets.

    It goes from the first of them along the graph and stops at what was not chosen, so that what
    lies behind is never asked for, and the backfill is called a success all the same
    (AssetBackfillData.from_asset_partitions in 1.13.27).
    """
    backfill = instance.get_backfill(tags[_BACKFILL]) if _BACKFILL in tags else None
    if backfill is None or backfill.asset_backfill_data is None:
        return
    taken = backfill.asset_backfill_data.target_subset.asset_keys
    left_out = sorted("/".join(k.path) for k in backfill.asset_selection or () if k not in taken)
    if left_out:
        raise dg.Failure(
            f"this backfill was launched for {', '.join(left_out)} too, which Dagster leaves out: "
            "what lies between them and the others was not chosen. Nothing was made: choose that "
            "too, or launch a backfill for each part",
            allow_retries=False,
        )


def lane_tags(kind: RunKind, feed: str | None) -> dict[str, str]:
    """Return the tags that put a job into its feed's lane for this kind of run; None for a job of
    no feed."""
    if feed in (None, _FOOTBALL):
        return {LANE: str(kind)}
    lane = f"{kind}/{feed}"
    return {LANE: lane} if kind is RunKind.MINUTE else {LANE: lane, _ALONE: lane}


def kind_of(tags: Mapping[str, str]) -> RunKind:
    """What a run is for. Without a slot to fetch, or a lane of its own, it makes a day anew."""
    if SLOT in tags or _SCHEDULED_MINUTE in tags:
        return RunKind.MINUTE
    lane = tags.get(LANE, "").partition("/")[0]
    of_lane = (
        *(RunKind.CHECKS, RunKind.ROTATION, RunKind.SEAL),
        *(RunKind.INBOX, RunKind.HOUSEKEEPING),
    )
    return next((kind for kind in of_lane if kind == lane), RunKind.REBUILD)


def slot_of_run(tags: Mapping[str, str]) -> Slot | None:
    """The slot that a run is to fetch; None for a backfill or a run from the UI.

    Raises ValueError for a tag that is no slot.
    """
    if text := tags.get(SLOT):
        return Slot.parse(text)
    minute = tags.get(_SCHEDULED_MINUTE)
    return Slot.implied(_FOOTBALL, parse_instant(minute)) if minute else None
