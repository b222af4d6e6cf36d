"""Asks for runs of the checks alone, where no minute's run brings a verdict.

One asset that raises ends the run before any check, and the last green verdict would stay: so a
minute that failed is followed by its checks, which are told that nothing more comes from it. A day
that has ended and is not sealed has no minutes any more: it is checked every ten.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import dagster as dg

from pipeline_assets.clocks import clock_of
from pipeline_assets.jobs import CHECKS_JOBS, SLOT_JOBS
from pipeline_assets.partitions import day_of_run, slot_of_run, tags_of_day
from pipeline_assets.plans import WATCHED
from touchline.day import Day
from touchline.plan import FeedPlan

log = logging.getLogger(__name__)

OFTEN = timedelta(minutes=10)


def slot_of(now: datetime) -> datetime:
    """The moment for which the checks of ended days may be asked, once."""
    return now - (now - Day.containing(now).start) % OFTEN


def ended_days(plan: FeedPlan, job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{plan.name}_ended_days",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks every ten minutes for the checks of {plan.name} days that have ended "
        "and are not sealed.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = clock_of(plan).now()
        slot = slot_of(now).isoformat()
        if context.cursor == slot:
            return dg.SkipReason("not yet again")
        requests = [
            dg.RunRequest(run_key=f"{plan.name}:checks:{day}:{slot}", tags=tags_of_day(day))
            for day in _not_sealed(plan, now)
        ]
        if not requests:
            return dg.SensorResult(skip_reason="every ended day is sealed", cursor=slot)
        return dg.SensorResult(run_requests=requests, cursor=slot)

    return tick


def _not_sealed(plan: FeedPlan, now: datetime) -> list[Day]:
    from pipeline_assets.seals_due import days_to_seal
    from pipeline_assets.settings import AllSettings
    from resources.ledger import Ledger

    settings = AllSettings.load()
    ledger = Ledger(settings.ledger_database, settings.s3_prefix)
    try:
        return days_to_seal(ledger, plan, now)
    finally:
        ledger.close()


def failed_minutes(plan: FeedPlan, checks: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    feed = plan.name

    @dg.run_failure_sensor(
        name=f"{feed}_failed_minutes",
        monitored_jobs=[SLOT_JOBS[raw.name] for raw in plan.raws],
        request_job=checks,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks for the checks of the day when a {feed} minute has failed.",
    )
    def tick(context: dg.RunFailureSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        run = context.dagster_run
        day = day_of_run(run.tags)
        if day is None:
            yield dg.SkipReason(f"run {run.run_id} has no day")
            return
        _has_failed(plan, run)
        yield dg.RunRequest(run_key=f"{feed}:checks:{run.run_id}", tags=tags_of_day(day))

    return tick


def _has_failed(plan: FeedPlan, run: dg.DagsterRun) -> None:
    """Tell the ledger: a run that was killed could not, and one of which a step raised has only
    said how far it came."""
    from pipeline_assets.settings import AllSettings
    from resources.ledger import Ledger, LedgerUnavailable

    settings, now = AllSettings.load(), datetime.now(UTC)
    with closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger:
        try:
            ledger.run_failed(run.run_id, now, "a step of it failed in Dagster")
            if slot := slot_of_run(run.tags):
                # A run that failed before its first step has said of no stage that it is owed.
                raw = plan.raw_of(slot.raw)
                assets = [asset.name for asset in (raw, *plan.stages_after(raw))]
                ledger.assets_begin(assets, slot.day)
                ledger.fetch_died(slot, run.run_id, now)
        except LedgerUnavailable as error:
            log.error("run %s: %s", run.run_id, error)


check_sensors = [
    sensor
    for feed, job in CHECKS_JOBS.items()
    for sensor in (ended_days(WATCHED[feed], job), failed_minutes(WATCHED[feed], job))
]
