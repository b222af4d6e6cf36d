"""One housekeeping: what may go, and letting it go."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg

from pipeline_assets.housekeeping.dagster_storage import Compacted, DagsterStorage, compact, size
from pipeline_assets.housekeeping.logs import begin_anew, long_logs
from pipeline_assets.housekeeping.runs import Why, kept
from resources.ledger import Ledger
from resources.settings import Settings

HISTORY_FOR = timedelta(days=7)
"""So long after its seal a day's routine history is kept in the ledger."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What may go of Dagster's records and of the ledger's history, and why runs stay."""

    before: datetime
    """What ended or ticked later stays."""
    gone: list[str]
    """Ids of runs, oldest first."""
    kept: Counter[Why]
    left_behind: list[str]
    """Ids of runs that are gone, of which there still are files."""
    ticks: int
    """Those that asked for nothing."""
    bytes: int
    """Of files of runs alone; their rows are two thirds of that again."""
    logs: list[Path]
    """Those that are to begin anew."""
    history: int
    """Transitions of claims, of days that have been sealed for long."""


@dataclass
class Report:
    """What a housekeeping did; `findings` is what it could not do, and the next one will."""

    compacted: list[Compacted] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def plan_of(
    instance: dg.DagsterInstance, ledger: Ledger, settings: Settings, now: datetime
) -> Plan:
    """What may go by now. Raises DagsterUnreadable, LedgerUnavailable."""
    storage, keep = DagsterStorage(instance), timedelta(hours=settings.keep_run_hours)
    runs = list(storage.runs())
    stays = kept(runs, storage.needed(), now, keep)
    gone = [run.run_id for run in reversed(runs) if run.run_id not in stays]
    left_behind = storage.without_record({run.run_id for run in runs}, now - keep)
    files = (path for run_id in (*gone, *left_behind) for path in storage.paths(run_id))
    return Plan(
        before=now - keep,
        gone=gone,
        kept=Counter(stays.values()),
        left_behind=left_behind,
        ticks=storage.ticks(now - keep),
        bytes=sum(size(path) for path in files),
        logs=long_logs(settings.logs_folder),
        history=sum(ledger.routine_history(now - HISTORY_FOR).values()),
    )


def tidy(instance: dg.DagsterInstance, ledger: Ledger, plan: Plan, now: datetime) -> Report:
    """Let go of what the plan names. A minute that runs meanwhile is not in it, nor is one that the
    sensor could ask for again: it asks for the coming minute alone, and runs stay for an hour.

    Raises LedgerUnavailable, when all else is done.
    """
    storage, report = DagsterStorage(instance), Report()
    storage.remove([*plan.gone, *plan.left_behind])
    if plan.ticks:
        storage.purge_ticks(plan.before)
    for file in storage.files():
        try:
            report.compacted.append(compact(file))
        except sqlite3.OperationalError as error:
            report.findings.append(f"{file.name} stays as large as it is for now: {error}")
    for finding in report.findings:
        log.warning("%s", finding)
    for file in plan.logs:
        begin_anew(file)
    for asset, day in ledger.routine_history(now - HISTORY_FOR):
        ledger.forget_routine(asset, day)
    return report
