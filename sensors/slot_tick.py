"""Asks for a run of every coming slot, a few seconds before its time.

The run starts, imports, and waits for its slot, so that the fetch begins on time. A slot that
passed unasked is not asked for later: its next run names it as missed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

import dagster as dg

from pipeline_assets.clocks import clock_of
from pipeline_assets.jobs import SLOT_JOBS
from pipeline_assets.partitions import SLOT
from pipeline_assets.plans import WATCHED
from touchline.clock import Clock, SystemClock
from touchline.slot import Slot
from touchline.stage import RawAsset


def slot_tick(
    raw: RawAsset,
    job: dg.UnresolvedAssetJobDefinition,
    clock: Callable[[], Clock] = SystemClock,
) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{raw.job}_tick",
        job=job,
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks for a run of every {_called(raw)}, 10 to 5 s before it begins.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        due = _due(raw, clock().now(), _asked(context.cursor))
        if not due:
            return dg.SkipReason("the next slot is not near yet, or was asked for")
        requests = [
            dg.RunRequest(run_key=str(slot), partition_key=str(slot.day), tags={SLOT: str(slot)})
            for slot in due
        ]
        return dg.SensorResult(run_requests=requests, cursor=str(due[-1]))

    return tick


def _due(raw: RawAsset, now: datetime, asked: Slot | None) -> list[Slot]:
    if raw.schedule.source is None:
        return raw.schedule.due(raw.name, now, asked)
    from resources.ledger import Ledger
    from resources.settings import Settings

    settings = Settings.load()
    ledger = Ledger(settings.ledger_database, settings.s3_prefix)
    try:
        return raw.schedule.due(raw.name, now, asked, ledger.plans_of(raw.name))
    finally:
        ledger.close()


def _asked(cursor: str | None) -> Slot | None:
    """The slot that was asked for last; None where the cursor is none, as those that were written
    before there were slots."""
    with suppress(ValueError):
        return Slot.parse(cursor or "")
    return None


def _called(raw: RawAsset) -> str:
    return f"{raw.feed} minute" if raw.schedule.every_minute else f"{raw.name} slot"


slot_ticks = [
    slot_tick(raw, SLOT_JOBS[raw.name], partial(clock_of, plan))
    for plan in WATCHED.values()
    for raw in plan.raws
]
