"""Asks for a housekeeping every hour: a minute's run leaves more than a megabyte in Dagster, and
what an hour left is gone in seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from pipeline_assets.jobs import housekeeping_job

AT = timedelta(minutes=27, seconds=20)
"""Past the hour, and past the beginning of a minute: that fetch has started."""


def slot_of(now: datetime) -> datetime:
    """The moment for which a housekeeping may be asked, once."""
    past = now - AT
    return past.replace(minute=0, second=0, microsecond=0) + AT


@dg.sensor(
    name="housekeeping",
    job=housekeeping_job,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks every hour that what nobody looks at any more goes.",
)
def housekeeping(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    slot = slot_of(datetime.now(UTC)).isoformat()
    if context.cursor is None:
        return dg.SensorResult(skip_reason="there is nothing to tidy up yet", cursor=slot)
    if context.cursor == slot:
        return dg.SkipReason("not yet again")
    return dg.SensorResult(run_requests=[dg.RunRequest(f"housekeeping:{slot}")], cursor=slot)


housekeepings = [housekeeping]
