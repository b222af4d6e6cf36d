"""Asks for a rotation every five minutes: a window is due a minute after its last one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from pipeline_assets.jobs import ROTATION_JOBS
from touchline.day import ONE_MINUTE, parse_instant, utc_text
from touchline.watch import is_rotation_minute


def rotation_to_ask_for(now: datetime, asked: datetime | None) -> datetime | None:
    """The latest minute of rotation that has begun, unless it was asked for; after a pause the ones
    in between are not: one rotation does whatever is due."""
    at = now.replace(second=0, microsecond=0)
    while not is_rotation_minute(at):
        at -= ONE_MINUTE
    return at if asked is None or at > asked else None


def rotation(feed: str, job: dg.JobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{feed}_rotation",
        job=job,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks every five minutes for the windows of {feed} that are due.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        asked = parse_instant(context.cursor) if context.cursor else None
        due = rotation_to_ask_for(datetime.now(UTC) - timedelta(seconds=15), asked)
        if due is None:
            return dg.SkipReason("the next rotation is not due yet")
        request = dg.RunRequest(run_key=f"{feed}:rotation:{utc_text(due)}")
        return dg.SensorResult(run_requests=[request], cursor=utc_text(due))

    return tick


rotations = [rotation(feed, job) for feed, job in ROTATION_JOBS.items()]
