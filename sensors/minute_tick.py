"""Asks for a run of every coming minute, a few seconds before it begins.

The run starts, imports, and waits for its minute, so that the fetch begins on time. A minute that
passed unasked is never asked for: the past cannot be fetched, and the next run names it as missed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from pipeline_assets.jobs import MINUTE_JOBS
from pipeline_assets.partitions import SCHEDULED_MINUTE
from touchline.day import Day, Minute

ASK_BEFORE = timedelta(seconds=10)
"""The daemon looks at sensors every 5 s, so each minute is seen at least once in this time."""
ASK_UNTIL = timedelta(seconds=30)
"""A minute that the loop was too slow to ask for beforehand may still be fetched this late."""


def minute_to_ask_for(now: datetime, asked: Minute | None) -> Minute | None:
    """The coming minute when it is near; `asked` is the one asked for last.

    The day's first minute is asked for when it has begun: before midnight its partition does not
    exist. So is a minute that follows directly on the last one and slipped through between two
    looks; after a pause there is no such minute.
    """
    current = Minute.containing(now)
    coming = current.later(1)
    if coming.utc - now <= ASK_BEFORE and coming.day == Day.containing(now):
        return coming if asked is None or coming > asked else None
    slipped_through = asked is not None and current == asked.later(1)
    if slipped_through and now - current.utc <= ASK_UNTIL:
        return current
    return None


def minute_tick(feed: str, job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{feed}_minute_tick",
        job=job,
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks for a run of every {feed} minute, 10 to 5 s before it begins.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        asked = Minute.parse(context.cursor) if context.cursor else None
        minute = minute_to_ask_for(datetime.now(UTC), asked)
        if minute is None:
            return dg.SkipReason("the next minute is not near yet, or was asked for")
        request = dg.RunRequest(
            run_key=f"{feed}:{minute}",
            partition_key=str(minute.day),
            tags={SCHEDULED_MINUTE: str(minute)},
        )
        return dg.SensorResult(run_requests=[request], cursor=str(minute))

    return tick


minute_ticks = [minute_tick(feed, job) for feed, job in MINUTE_JOBS.items()]
