"""One housekeeping: what may go, and letting it go."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from pipeline_assets.housekeeping.dagster_storage import Compacted, DagsterStorage, compact, size
from pipeline_assets.housekeeping.runs import Why, kept

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DagsterPlan:
    """What may go of Dagster's records, and why the rest stays."""

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
    """Of files of runs alone; their rows are between a third and a half of that again."""


@dataclass
class DagsterReport:
    """What a housekeeping did; `findings` is what it could not do, and the next one will."""

    compacted: list[Compacted] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def plan_of(instance: dg.DagsterInstance, now: datetime, keep_hours: float) -> DagsterPlan:
    """What may go by now. Raises DagsterUnreadable."""
    storage, keep = DagsterStorage(instance), timedelta(hours=keep_hours)
    runs = list(storage.runs())
    stays = kept(runs, storage.needed(), now, keep)
    gone = [run.run_id for run in reversed(runs) if run.run_id not in stays]
    left_behind = storage.without_record({run.run_id for run in runs}, now - keep)
    files = (path for run_id in (*gone, *left_behind) for path in storage.paths(run_id))
    return DagsterPlan(
        before=now - keep,
        gone=gone,
        kept=Counter(stays.values()),
        left_behind=left_behind,
        ticks=storage.ticks(now - keep),
        bytes=sum(size(path) for path in files),
    )


def tidy(instance: dg.DagsterInstance, plan: DagsterPlan) -> DagsterReport:
    """Let go of what the plan names. A minute that runs meanwhile is not in it, nor is one that the
    sensor could ask for again: it asks for the coming minute alone, and runs stay for an hour."""
    storage, report = DagsterStorage(instance), DagsterReport()
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
    return report
