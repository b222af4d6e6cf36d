"""A housekeeping by hand: what it lets go, why the rest stays, and what that frees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import dagster as dg
import typer

from operations.arguments import Json
from operations.console import answer
from operations.dagster_home import opened_dagster
from operations.errors import BAD
from operations.opened import opened_ledger
from pipeline_assets.housekeeping import DagsterUnreadable
from pipeline_assets.housekeeping.dagster_storage import size
from pipeline_assets.housekeeping.runs import Why
from pipeline_assets.housekeeping.work import Plan, plan_of, tidy
from pipeline_assets.settings import AllSettings
from touchline.day import utc_second_text, utc_text
from touchline.errors import NothingThere

_WHY = {
    Why.AT_WORK: "at work",
    Why.NEW: "newer than TOUCHLINE_KEEP_RUN_HOURS",
    Why.SHOWN: "the newest of a partition or of a check",
    Why.UNREAD: "not read yet by the sensor check_alerts",
    Why.FAILED: "failed in the last days",
    Why.CHECK_FAILED: "with a failed check in the last days",
}


def housekeep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Let go of what nobody looks at any more: runs, ticks and logs of Dagster, and the ledger's
    history of what landed as first claimed. A sensor asks for it every hour. What the pages show of
    a partition or a check stays."""
    settings, now = AllSettings.load(), datetime.now(UTC)
    home = settings.dagster_home
    if not (home / "dagster.yaml").is_file():
        raise NothingThere(f"Dagster never ran on {settings.home}: run `touchline up` first")
    try:
        with opened_ledger() as ledger, opened_dagster(settings) as instance:
            before = size(home)
            plan = plan_of(instance, ledger, settings, now)
            findings = [] if dry_run else tidy(instance, ledger, plan, now).findings
    except dg.DagsterError as error:
        raise DagsterUnreadable(f"Dagster's storage in {home} cannot be used: {error}") from error
    after = before if dry_run else size(home)
    said = {
        "verdict": "BAD" if findings else "OK",
        "dry_run": dry_run,
        "runs": {
            "gone": len(plan.gone),
            "left_behind": len(plan.left_behind),
            "kept": {str(why): plan.kept[why] for why in Why},
        },
        "ended_before": utc_text(plan.before),
        "ticks": plan.ticks,
        "logs": [log.name for log in plan.logs],
        "history": plan.history,
        "file_bytes": plan.bytes,
        "bytes": {"before": before, "after": after},
        "findings": findings,
    }
    sizes = f"Dagster's folder: {before / 1e6:,.1f} MB before, {after / 1e6:,.1f} after"
    done = [] if dry_run else [sizes, *findings]
    answer(said, [*_lines(plan, is_dry=dry_run), *done], as_json=as_json)
    raise typer.Exit(BAD if findings else 0)


def _lines(plan: Plan, *, is_dry: bool) -> Iterator[str]:
    would = "would go" if is_dry else "went"
    yield (
        f"{len(plan.gone):,} runs that ended before {utc_second_text(plan.before)} {would}, "
        f"{plan.bytes / 1e6:,.1f} MB in files of their own"
    )
    if plan.left_behind:
        yield f"files of {len(plan.left_behind):,} runs that were gone already {would}"
    yield f"{plan.ticks:,} ticks that asked for nothing {would}"
    for log in plan.logs:
        yield f"{log.name} {'would begin' if is_dry else 'began'} anew"
    yield f"{plan.history:,} history rows of claims that landed exactly as first claimed {would}"
    for why, says in _WHY.items():
        if plan.kept[why]:
            yield f"{plan.kept[why]:,} runs stay: {says}"
