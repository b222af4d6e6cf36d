"""Tells people what the checks of every run have found, and that checks have fallen silent.

A failing check leaves its run green, so nothing else would say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipeline_assets.partitions import day_of_run
from pipeline_assets.plans import PLANS

if TYPE_CHECKING:
    from dagster._core.event_api import EventLogRecord

    from touchline.alerting import Evaluation

BATCH = 500
"""Evaluations a tick; a minute brings some 60."""
FIRST_LOOK_BACK = timedelta(hours=1)
"""Without a cursor older evaluations are history."""


@dg.sensor(
    name="check_alerts",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells what checks have found, once; and that they have fallen silent.",
)
def check_alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    from pipeline_assets.alerting import look
    from pipeline_assets.clocks import times_of
    from pipeline_assets.delivery import notifier_of
    from pipeline_assets.settings import AllSettings
    from resources.ledger import Ledger

    now = datetime.now(UTC)
    records = newest_evaluations(context.instance, context.cursor, now)
    settings = AllSettings.load()
    with closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger:
        ledger.migrate()
        read = (evaluation_of(record, context.instance) for record in records)
        said = [each for each in read if each is not None]
        notifier = cache(partial(notifier_of, settings, ledger))
        times = times_of(PLANS, settings, now)
        look(ledger, PLANS, notifier, said, now, is_all=len(records) < BATCH, times=times)
    cursor = str(records[-1].storage_id) if records else context.cursor
    return dg.SensorResult(skip_reason=f"{len(records)} evaluations", cursor=cursor)


def newest_evaluations(
    instance: dg.DagsterInstance, cursor: str | None, now: datetime
) -> Sequence[EventLogRecord]:
    """The evaluations that follow on the cursor, oldest first, at most BATCH."""
    from dagster._core.storage.event_log import SqlEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"the event log is no SQL storage, but {type(storage).__name__}")
    which = dg.EventRecordsFilter(
        dg.DagsterEventType.ASSET_CHECK_EVALUATION,
        after_cursor=None if cursor is None else int(cursor),
        after_timestamp=(now - FIRST_LOOK_BACK).timestamp() if cursor is None else None,
    )
    # Of SQLite's storage, which has an index of evaluations across runs since it has checks, but
    # in its own method still opens the file of every run to look for them.
    return SqlEventLogStorage.get_event_records(storage, which, limit=BATCH, ascending=True)


def evaluation_of(record: EventLogRecord, instance: dg.DagsterInstance) -> Evaluation | None:
    """What the check said; None for another project's check. A verdict that cannot be read is one
    that could not be made. One of no partition is of the day of its run; where that has none
    either, all that is known is that something was said, and on which day."""
    from touchline.accounting import Verdict
    from touchline.alerting import BLIND, UNPLACED, Evaluation
    from touchline.day import Day

    event = record.event_log_entry.dagster_event
    if event is None:
        return None
    found = event.asset_check_evaluation_data
    asset = "/".join(found.asset_key.path)
    if asset.partition("/")[0] not in PLANS:
        return None
    at = datetime.fromtimestamp(record.event_log_entry.timestamp, UTC)
    if found.partition is not None:
        day = Day.parse(found.partition)
    else:
        run = instance.get_run_by_id(record.run_id)
        day = day_of_run(run.tags) if run else None
    if day is None:
        return Evaluation(found.check_name, asset, Day.containing(at), at, (UNPLACED,))
    causes = _value(found, "causes")
    if found.passed:
        causes = []
    elif not isinstance(causes, list) or not causes:
        causes = [BLIND]
    blind = _value(found, "verdict") == Verdict.COULD_NOT_CHECK
    return Evaluation(
        found.check_name,
        asset,
        day,
        at,
        tuple(str(cause) for cause in causes),
        recorded=None if blind else _value(found, "recorded"),
        landed=None if blind else _value(found, "landed"),
        fetches=tuple(_value(found, "fetch_numbers") or ()),
    )


def _value(found: dg.AssetCheckEvaluation, name: str) -> Any:
    value = found.metadata.get(name)
    return None if value is None else value.value


check_alert_sensors = [check_alerts]
