"""The command `ledger` and those below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.table import Table

from operations import ledger as books
from operations.arguments import From, Json, Prefix, To, refuse_inverted
from operations.console import answer, progress
from operations.dagster_home import opened_dagster
from operations.errors import EXIT_CODES
from operations.opened import (
    opened_to_read,
    opened_to_rebuild,
    settings_for,
)
from pipeline_assets.checks.factory import check_day
from pipeline_assets.ledger_rebuild import (
    Rebuilt,
    rebuild_day,
    rebuild_expiries,
    rebuild_watch,
)
from pipeline_assets.repair.work import new_run_id
from pipeline_assets.settings import AllSettings
from pipeline_assets.statements import statements
from resources.known_days import days_in_store
from resources.ledger import RunRow
from resources.site import Site
from resources.watch_record import read_watch, record_watch
from touchline.accounting import RunKind, Verdict
from touchline.day import Day, utc_second_text, utc_text
from touchline.errors import Misuse
from touchline.plan import FeedPlan

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def ledger() -> None:
    """The ledger: made anew, copied, put back."""


@app.command()
def rebuild(
    first: From = None,
    last: To = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Make every row anew that the ledger has lost, from the store and from Dagster's events, and
    verify what it then says. A damaged ledger is put aside first."""
    refuse_inverted(first, last)
    console = Console(stderr=True)
    status = console.status("Rebuilding")
    told = status.update if console.is_terminal else progress
    aside = books.put_damaged_aside(settings_for(prefix), datetime.now(UTC))
    if aside:
        typer.echo(f"the damaged ledger is kept at {aside}", err=True)
    with opened_to_rebuild(prefix) as site, status:
        report = rebuild_ledger(site, first, last, told)
    report.aside = aside
    answer(report.as_dict(), _rebuilt_shown(report), as_json=as_json)
    raise typer.Exit(EXIT_CODES[report.verdict])


@app.command()
def runs(
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show the newest runs: what they were for, how they ended and why."""
    with opened_to_read(prefix) as site:
        found = site.ledger.newest_runs(count)
    answer({"runs": [_run_as_dict(row) for row in found]}, [_runs_shown(found)], as_json=as_json)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write, which must not exist.")],
    as_json: Json = False,
) -> None:
    """Copy the ledger to a file, while Touchline goes on."""
    size = books.backup(AllSettings.load(), file)
    answer({"file": str(file), "bytes": size}, [f"{file}: {size:,} B"], as_json=as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="File that `touchline ledger backup` wrote.")],
    as_json: Json = False,
) -> None:
    """Put a backup in the ledger's place; what came after it `touchline ledger rebuild` brings."""
    kept = books.restore(AllSettings.load(), file, datetime.now(UTC))
    shown = [f"restored from {file}"]
    if kept:
        shown.append(f"the ledger of before is kept at {kept}")
    answer({"restored": str(file), "kept": kept and str(kept)}, shown, as_json=as_json)
    if not as_json:
        progress("what came after the backup: touchline ledger rebuild")


# --- made anew -----------------------------------------------------------------------------------


@dataclass
class RebuildReport:
    """The assets that a rebuild added to, and the verdicts of the deep checks after it."""

    assets: list[Rebuilt] = field(default_factory=list)
    verdicts: dict[tuple[Day, str], Verdict] = field(default_factory=dict)
    intervals: int = 0
    expiries: int = 0
    aside: Path | None = None
    """The path that the damaged ledger was moved to; None where there was none."""

    @property
    def verdict(self) -> Verdict:
        return Verdict.worst(self.verdicts.values()) if self.verdicts else Verdict.OK

    def as_dict(self) -> dict[str, Any]:
        days: dict[str, dict[str, Any]] = {}
        for each in self.assets:
            days.setdefault(str(each.day), {})[each.asset] = {
                "verdict": self.verdicts[each.day, each.asset],
                "claims": each.claims,
                "alone": each.alone,
                "windows": each.windows,
                "sealed": each.sealed,
                "gone": each.gone,
                "findings": each.findings,
            }
        return {
            "verdict": self.verdict,
            "intervals": self.intervals,
            "expiries": self.expiries,
            "aside": self.aside and str(self.aside),
            "days": days,
        }


def rebuild_ledger(
    site: Site, first: Day | None, last: Day | None, progress: Callable[[str], None]
) -> RebuildReport:
    """Every row that the ledger does not have of these days, then a deep check of each.

    Raises Misuse where the store has nothing of them, StoreError, LedgerUnavailable.
    """
    with site.run(new_run_id(RunKind.LEDGER_REBUILD), RunKind.LEDGER_REBUILD):
        report = RebuildReport()
        for plan in site.plans.values():
            _rebuild(site, plan, first, last, report, progress)
        if not report.assets:
            raise Misuse(f"{site.where} holds nothing of these days")
    return report


def _rebuild(
    site: Site,
    plan: FeedPlan,
    first: Day | None,
    last: Day | None,
    report: RebuildReport,
    progress: Callable[[str], None],
) -> None:
    """Add what is made anew of one feed to the report. Raises DagsterUnreadable, too."""
    record_watch(site.store, site.ledger, plan.name)
    watched = read_watch(site.store, plan.name)
    stored = sorted(days_in_store(site, plan.name))
    before = [day for day in stored if first is not None and day < first]
    days = [day for day in stored if day not in before and (last is None or day <= last)]
    if not days:
        return
    report.intervals += rebuild_watch(site, plan.name, watched)
    report.expiries += rebuild_expiries(site, plan.name)
    begun = {
        asset.name
        for asset in plan.assets
        if any(any(site.store.list(site.keys(asset.name).folder(day))) for day in reversed(before))
    }
    # Of a state folder with which Dagster never ran it says nothing.
    has_run = (site.settings.dagster_home / "dagster.yaml").is_file()
    with opened_dagster(site.settings) if has_run else nullcontext() as instance:
        for day in days:
            progress(f"making {day} of {plan.name} anew")
            # What the store has of earlier days was there on this one: it owes its fetches.
            site.ledger.assets_begin(begun, day)
            names = [asset.name for asset in plan.assets]
            said = statements(instance, site.store.prefix, names, day) if instance else {}
            missed = {
                raw.name: watched.missed[raw.name, day]
                for raw in plan.raws
                if (raw.name, day) in watched.missed
            }
            made = rebuild_day(site, plan, day, said, missed)
            begun |= {each.asset for each in made if site.ledger.standing(each.asset, day)}
            report.assets += made
    for day in days:
        for asset in plan.assets:
            progress(f"verifying {day} {asset.name}")
            checked = check_day(site, plan, asset, day, deep=True)
            verdicts = (each.verdict for each in checked)
            report.verdicts[day, asset.name] = Verdict.worst(verdicts)


def _rebuilt_shown(report: RebuildReport) -> Iterator[RenderableType]:
    table = Table()
    for heading in ("day", "asset", "verdict", "claims", "nobody vouches", "gone"):
        table.add_column(heading, overflow="fold")
    for each in report.assets:
        verdict = report.verdicts[each.day, each.asset]
        counts = (f"{n:,}" for n in (each.claims, each.alone, len(each.gone)))
        table.add_row(str(each.day), each.asset, str(verdict), *counts)
    yield table
    for each in report.assets:
        for finding in each.findings:
            yield f"{each.day} {each.asset}: {finding}"


def _run_as_dict(row: RunRow) -> dict[str, Any]:
    said = asdict(row)
    for name in ("started_at", "heartbeat_at", "ended_at"):
        said[name] = said[name] and utc_text(said[name])
    del said["slot"]
    return said | {"minute": row.slot and utc_text(row.slot.at)}


def _runs_shown(runs: Sequence[RunRow]) -> Table:
    table = Table()
    for heading in ("run", "kind", "minute", "state", "began", "seconds", "why"):
        table.add_column(heading, overflow="fold")
    for row in runs:
        took = (row.ended_at - row.started_at).total_seconds() if row.ended_at else None
        table.add_row(
            row.run_id[:12],
            row.kind,
            "" if row.slot is None else utc_text(row.slot.at),
            str(row.state),
            utc_second_text(row.started_at),
            "" if took is None else f"{took:.1f}",
            row.reason or "",
        )
    return table
