"""A housekeeping by hand: what it lets go, why the rest stays, and what that frees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg
from rich.console import Console

from operations.dagster_home import opened_dagster
from operations.opened import NothingThere, opened_ledger
from pipeline_assets.housekeeping import DagsterUnreadable
from pipeline_assets.housekeeping.dagster_storage import size
from pipeline_assets.housekeeping.runs import Why
from pipeline_assets.housekeeping.work import Plan, Report, plan_of, tidy
from resources.settings import Settings
from touchline.day import utc_second_text, utc_text

_WHY = {
    Why.AT_WORK: "at work",
    Why.NEW: "newer than TOUCHLINE_KEEP_RUN_HOURS",
    Why.SHOWN: "the newest of a partition or of a check",
    Why.UNREAD: "not read yet by the sensor check_alerts",
    Why.FAILED: "failed in the last days",
    Why.CHECK_FAILED: "with a failed check in the last days",
}


@dataclass
class Housekeeping:
    """One call, dry or not; the folder's sizes are in bytes."""

    is_dry: bool
    plan: Plan
    before: int
    after: int
    findings: list[str]


def keep_house(settings: Settings, now: datetime, *, is_dry: bool) -> Housekeeping:
    """Raises NothingThere where there is no ledger or Dagster never ran on this state folder,
    DagsterUnreadable, LedgerUnavailable."""
    home = settings.dagster_home
    if not (home / "dagster.yaml").is_file():
        raise NothingThere(f"Dagster never ran on {settings.home}: run `touchline up` first")
    try:
        with opened_ledger() as ledger, opened_dagster(settings) as instance:
            before = size(home)
            plan = plan_of(instance, ledger, settings, now)
            report = Report() if is_dry else tidy(instance, ledger, plan, now)
    except dg.DagsterError as error:
        raise DagsterUnreadable(f"Dagster's storage in {home} cannot be used: {error}") from error
    after = before if is_dry else size(home)
    return Housekeeping(is_dry, plan, before, after, report.findings)


def as_json(done: Housekeeping) -> dict[str, Any]:
    return {
        "verdict": "BAD" if done.findings else "OK",
        "dry_run": done.is_dry,
        "runs": {
            "gone": len(done.plan.gone),
            "left_behind": len(done.plan.left_behind),
            "kept": {str(why): done.plan.kept[why] for why in Why},
        },
        "ended_before": utc_text(done.plan.before),
        "ticks": done.plan.ticks,
        "logs": [log.name for log in done.plan.logs],
        "history": done.plan.history,
        "file_bytes": done.plan.bytes,
        "bytes": {"before": done.before, "after": done.after},
        "findings": done.findings,
    }


def show(done: Housekeeping, console: Console) -> None:
    for line in _lines(done):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _lines(done: Housekeeping) -> Iterator[str]:
    plan, would = done.plan, "would go" if done.is_dry else "went"
    yield (
        f"{len(plan.gone):,} runs that ended before {utc_second_text(plan.before)} {would}, "
        f"{plan.bytes / 1e6:,.1f} MB in files of their own"
    )
    if plan.left_behind:
        yield f"files of {len(plan.left_behind):,} runs that were gone already {would}"
    yield f"{plan.ticks:,} ticks that asked for nothing {would}"
    for log in plan.logs:
        yield f"{log.name} {'would begin' if done.is_dry else 'began'} anew"
    yield f"{plan.history:,} history rows of claims that landed exactly as first claimed {would}"
    for why, says in _WHY.items():
        if plan.kept[why]:
            yield f"{plan.kept[why]:,} runs stay: {says}"
    if not done.is_dry:
        yield f"Dagster's folder: {done.before / 1e6:,.1f} MB before, {done.after / 1e6:,.1f} after"
    yield from done.findings
