"""Ends runs that hang.

Runs are children of the process that evaluates sensors. Only such a child is ended, by the pid that
it recorded and by when it was created: a pid alone may be another's by now.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime

import dagster as dg
import psutil

LOOKS_EVERY_SECONDS = 10

log = logging.getLogger(__name__)


@dg.sensor(
    name="watchdog",
    minimum_interval_seconds=LOOKS_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs that are at work for longer than they may.",
)
def watchdog(_: dg.SensorEvaluationContext) -> dg.SkipReason:
    children = {child.pid: child for child in psutil.Process(os.getpid()).children()}
    ended = end_hung_runs(children, datetime.now(UTC))
    return dg.SkipReason(f"ended: {', '.join(ended)}" if ended else "no run hangs")


def end_hung_runs(children: Mapping[int, psutil.Process], now: datetime) -> list[str]:
    """The ids of the runs that were ended, of those whose process is one of these. Raises
    LedgerUnavailable."""
    from pipeline_assets.recovery import hung_runs, tell_ended
    from resources.ledger import Ledger
    from resources.settings import Settings

    settings, ended = Settings.load(), []
    with closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger:
        ledger.migrate()
        for run in hung_runs(ledger.running(), now):
            process = children.get(run.pid or 0)
            with suppress(psutil.NoSuchProcess):
                if process is None or process.create_time() > run.started_at.timestamp():
                    continue
                log.error("run %s, a %s of %s, hangs and is ended", run.run_id, run.kind, run.feed)
                process.kill()
                tell_ended(ledger, run, now)
                ended.append(run.run_id)
    return ended


watchdogs = [watchdog]
