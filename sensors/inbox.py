"""Asks for a run when something was left in a feed's inbox.

It looks at names, lengths and times, which only say that there is something to look into; what it
is and whether it was taken is for the run to know. So a lost cursor costs one run too many.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from pipeline_assets.jobs import INBOX_JOBS
from touchline.day import Day

AGAIN = timedelta(minutes=5)
"""What waits - a file that is being written, a day at which live runs are at work - is tried again
so often."""


def inbox(feed: str, job: dg.JobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{feed}_inbox",
        job=job,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks for a run when something was left in the inbox of {feed}.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        from pipeline_assets.settings import AllSettings
        from resources.inbox import Inbox, looked_at

        left = Inbox.of(AllSettings.load(), feed).left()
        if not left:
            return dg.SkipReason("nothing was left in the inbox")
        now = datetime.now(UTC)
        slot = now - (now - Day.containing(now).start) % AGAIN
        seen = f"{looked_at(left)[:16]}:{slot.isoformat()}"
        if context.cursor == seen:
            return dg.SkipReason(f"a run was asked for what was left: {len(left)} files")
        request = dg.RunRequest(run_key=f"{feed}:inbox:{seen}")
        return dg.SensorResult(run_requests=[request], cursor=seen)

    return tick


inboxes = [inbox(feed, job) for feed, job in INBOX_JOBS.items()]
