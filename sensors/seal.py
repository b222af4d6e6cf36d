"""Asks for a seal when a day has ended and is not sealed, has news since it was, or is stale."""

from __future__ import annotations

from datetime import datetime, timedelta

import dagster as dg

from pipeline_assets.clocks import clock_of
from pipeline_assets.jobs import SEAL_JOBS
from pipeline_assets.plans import WATCHED
from touchline.day import Day
from touchline.plan import FeedPlan

AFTER_MIDNIGHT = timedelta(minutes=20)
"""The day's last window is due by then."""
OFTEN = timedelta(hours=3)
"""So long after midnight a day that could not be sealed is tried every ten minutes, then hourly."""


def slot_of(now: datetime) -> datetime | None:
    """The moment for which a seal may be asked, once; None early in the day."""
    passed = now - Day.containing(now).start
    if passed < AFTER_MIDNIGHT:
        return None
    step = timedelta(minutes=10) if passed < OFTEN else timedelta(hours=1)
    return now - passed % step


def seal(plan: FeedPlan, job: dg.JobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{plan.name}_seal",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks for the seal of {plan.name} days that have ended.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = clock_of(plan).now()
        slot = slot_of(now)
        if slot is None or context.cursor == slot.isoformat():
            return dg.SkipReason("not yet again")
        if not _is_asked_for(plan, now):
            return dg.SensorResult(skip_reason="every ended day is sealed", cursor=slot.isoformat())
        request = dg.RunRequest(run_key=f"{plan.name}:seal:{slot.isoformat()}")
        return dg.SensorResult(run_requests=[request], cursor=slot.isoformat())

    return tick


def _is_asked_for(plan: FeedPlan, now: datetime) -> bool:
    from pipeline_assets.seals_due import days_to_seal, seals_to_clear
    from pipeline_assets.settings import AllSettings
    from resources.ledger import Ledger

    settings = AllSettings.load()
    ledger = Ledger(settings.ledger_database, settings.s3_prefix)
    try:
        return bool(
            days_to_seal(ledger, plan, now)
            or seals_to_clear(ledger, plan.name, now)
            or ledger.stale(plan.name)
        )
    finally:
        ledger.close()


seals = [seal(WATCHED[feed], job) for feed, job in SEAL_JOBS.items()]
