"""Ends runs that hang, and tells of those whose process is gone.

Runs are children of the process that evaluates sensors. Only such a child is ended, by the pid that
it recorded and by when it was created: a pid alone may be another's by now.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import psutil

from resources.processes import runs
from touchline.accounting import RunState

if TYPE_CHECKING:
    from resources.ledger import RunRow

LOOKS_EVERY_SECONDS = 10
ABANDONED_LATELY = timedelta(days=1)
"""A run that was silent for long is called abandoned long before a seal or the like may be ended.
"""
CLOCK_STEP = timedelta(minutes=1)
"""When a process was created is told by the clock of now, and the run's start by that of then. No
pid is given again so soon."""

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
    """The ids of the runs that were ended, of those whose process is one of these, and of those
    that have no process any more. Raises LedgerUnavailable."""
    from pipeline_assets.recovery import hung_runs, tell_ended
    from pipeline_assets.settings import AllSettings
    from resources.ledger import Ledger

    settings, ended = AllSettings.load(), []
    with closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger:
        ledger.migrate()
        for run in hung_runs(ledger.perhaps_running(now - ABANDONED_LATELY), now):
            child = children.get(run.pid or 0)
            if not _is_at_work(run):
                if run.host != socket.gethostname() or run.state != RunState.RUNNING:
                    continue
                what = "its process is gone"
            elif child is None:
                continue
            else:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
                what = f"it hung: it was ended after {(now - run.started_at).total_seconds():.0f} s"
            log.error("run %s, a %s of %s: %s", run.run_id, run.kind, run.feed, what)
            tell_ended(ledger, run, now, what)
            ended.append(run.run_id)
    return ended


def _is_at_work(run: RunRow) -> bool:
    """Whether this very process runs on this machine: somebody may have killed it, with the code
    server or alone, and its pid be another's by now."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(run.pid or 0)
        is_younger = process.create_time() > (run.started_at + CLOCK_STEP).timestamp()
        return not is_younger and runs(process)
    return False


watchdogs = [watchdog]
