"""`touchline ledger`: made anew from the store, copied, and put back."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from operations.dagster_home import opened_dagster
from operations.opened import refuse_while_running, sqlite_file
from pipeline_assets.checks.factory import check_day
from pipeline_assets.ledger_rebuild import (
    Rebuilt,
    rebuild_day,
    rebuild_expiries,
    rebuild_watch,
)
from pipeline_assets.repair.work import new_run_id
from pipeline_assets.statements import Statements, statements
from resources.day_layout import day_prefix
from resources.known_days import days_in_store
from resources.ledger import Ledger, RunRow, is_damage
from resources.settings import Settings
from resources.site import Site
from resources.watch_record import read_watch, record_watch
from touchline.accounting import RunKind, Verdict
from touchline.day import Day, utc_second_text, utc_text
from touchline.errors import Misuse
from touchline.plan import FeedPlan

_VERSION = "SELECT version_num FROM ledger_version"


def put_damaged_aside(settings: Settings, now: datetime) -> Path | None:
    """Give a damaged ledger's files another name; where they are now, None where it is sound, is
    not there or does not lie in a file. Raises Misuse while Touchline writes it."""
    file = sqlite_file(settings.ledger_database)
    if file is None or not file.is_file() or not _is_damaged(file):
        return None
    refuse_while_running(settings)
    aside = file.with_name(f"{file.name}.damaged-{now:%Y%m%dT%H%M%SZ}")
    # The ledger's own file last: while it is there, the next call does what this one did not.
    for suffix in ("-shm", "-wal", ""):
        with suppress(FileNotFoundError):
            file.with_name(f"{file.name}{suffix}").rename(f"{aside}{suffix}")
    return aside


def _is_damaged(file: Path) -> bool:
    try:
        return _quick_check(file) != "ok"
    except sqlite3.Error as error:
        return is_damage(error)


def _quick_check(file: Path) -> str:
    """What SQLite says of a file that it reads as a whole: `ok`, or what is wrong."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as found:
        return found.execute("PRAGMA quick_check(1)").fetchone()[0]


@dataclass
class RebuildReport:
    """What a rebuild added, and what the deep checks say of it afterwards."""

    assets: list[Rebuilt] = field(default_factory=list)
    verdicts: dict[tuple[Day, str], Verdict] = field(default_factory=dict)
    intervals: int = 0
    expiries: int = 0
    aside: Path | None = None
    """Where the damaged ledger is kept in whose place this one was made."""

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


def rebuild(
    site: Site, first: Day | None, last: Day | None, progress: Callable[[str], None]
) -> RebuildReport:
    """Every row that the ledger does not have of these days, then a deep check of each.

    Raises Misuse where the store has nothing of them, StoreError, LedgerUnavailable.
    """
    with site.run(new_run_id(RunKind.LEDGER_REBUILD), RunKind.LEDGER_REBUILD):
        return _rebuild(site, first, last, progress)


def _rebuild(
    site: Site, first: Day | None, last: Day | None, progress: Callable[[str], None]
) -> RebuildReport:
    report = RebuildReport()
    for plan in site.plans.values():
        record_watch(site.store, site.ledger, plan.name)
        watched = read_watch(site.store, plan.name)
        stored = sorted(days_in_store(site, plan.name))
        before = [day for day in stored if first is not None and day < first]
        days = [day for day in stored if day not in before and (last is None or day <= last)]
        if not days:
            continue
        report.intervals += rebuild_watch(site, plan.name, watched)
        report.expiries += rebuild_expiries(site, plan.name)
        begun = {
            asset.name
            for asset in plan.assets
            if any(any(site.store.list(day_prefix(asset.name, day))) for day in reversed(before))
        }
        with _said_by_dagster(site.settings) as said_of:
            for day in days:
                progress(f"making {day} of {plan.name} anew")
                # What the store has of earlier days was there on this one: it owes its fetches.
                site.ledger.assets_begin(begun, day)
                said = said_of(site, plan, day)
                made = rebuild_day(site, plan, day, said, watched.missed.get(day))
                begun |= {each.asset for each in made if site.ledger.standing(each.asset, day)}
                report.assets += made
        for day in days:
            for asset in plan.assets:
                progress(f"verifying {day} {asset.name}")
                checked = check_day(site, plan, asset, day, deep=True)
                verdicts = (each.verdict for each in checked)
                report.verdicts[day, asset.name] = Verdict.worst(verdicts)
    if not report.assets:
        raise Misuse(f"s3://{site.store.bucket}/{site.store.prefix} holds nothing of these days")
    return report


SaidOf = Callable[[Site, FeedPlan, Day], Statements]


@contextmanager
def _said_by_dagster(settings: Settings) -> Iterator[SaidOf]:
    """What Dagster says of a day; nothing where it never ran with this state folder. Raises
    DagsterUnreadable."""
    if not (settings.dagster_home / "dagster.yaml").is_file():
        yield lambda site, plan, day: {}
        return
    with opened_dagster(settings) as instance:
        yield lambda site, plan, day: statements(
            instance, site.store.prefix, [asset.name for asset in plan.assets], day
        )


def show(report: RebuildReport, console: Console) -> None:
    table = Table()
    for heading in ("day", "asset", "verdict", "claims", "nobody vouches", "gone"):
        table.add_column(heading, overflow="fold")
    for each in report.assets:
        verdict = report.verdicts[each.day, each.asset]
        counts = (f"{n:,}" for n in (each.claims, each.alone, len(each.gone)))
        table.add_row(str(each.day), each.asset, str(verdict), *counts)
    console.print(table)
    for each in report.assets:
        for finding in each.findings:
            line = f"{each.day} {each.asset}: {finding}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def run_as_dict(row: RunRow) -> dict[str, Any]:
    said = asdict(row)
    for name in ("started_at", "heartbeat_at", "ended_at"):
        said[name] = said[name] and utc_text(said[name])
    return said | {"minute": row.minute and str(row.minute)}


def show_runs(runs: Sequence[RunRow], console: Console) -> None:
    table = Table()
    for heading in ("run", "kind", "minute", "state", "began", "seconds", "why"):
        table.add_column(heading, overflow="fold")
    for row in runs:
        took = (row.ended_at - row.started_at).total_seconds() if row.ended_at else None
        table.add_row(
            row.run_id[:12],
            row.kind,
            "" if row.minute is None else str(row.minute),
            str(row.state),
            utc_second_text(row.started_at),
            "" if took is None else f"{took:.1f}",
            row.reason or "",
        )
    console.print(table)


# --- copies --------------------------------------------------------------------------------------


def backup(settings: Settings, file: Path) -> int:
    """A copy of the ledger as it is at one moment, while others go on writing it; its bytes.

    Raises Misuse where the file exists or the ledger is none that lies in a file.
    """
    ledger = _own_file(settings, f"pg_dump --format=custom --table='ledger_*' --file={file}")
    if not ledger.is_file():
        raise Misuse(f"there is no ledger at {ledger}")
    if file.exists():
        raise Misuse(f"{file} exists: choose another name, since no backup is written over")
    _copy(ledger, file)
    return file.stat().st_size


def restore(settings: Settings, file: Path, now: datetime) -> Path | None:
    """Put a backup in the ledger's place; where the ledger of before is kept, None without one.

    Raises Misuse for a file that is no ledger, LedgerTooNew for one of a newer version, and
    LedgerUnavailable.
    """
    ledger = _own_file(settings, f"pg_restore --clean --if-exists --dbname=... {file}")
    _refuse_unlike_a_ledger(file)
    refuse_while_running(settings)
    candidate = ledger.with_name(f"{ledger.name}.restored")
    candidate.unlink(missing_ok=True)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    _copy(file, candidate)
    # An older one is brought up to date, and a newer one refused, before it counts.
    checked = Ledger(f"sqlite:///{candidate}", settings.s3_prefix)
    try:
        checked.migrate()
    finally:
        checked.close()
    kept = put_damaged_aside(settings, now)
    if ledger.is_file():
        kept = ledger.with_name(f"{ledger.name}.{now:%Y%m%dT%H%M%S}")
        _copy(ledger, kept)
    with closing(sqlite3.connect(candidate)) as source, closing(sqlite3.connect(ledger)) as target:
        source.backup(target)
    candidate.unlink()
    return kept


def _own_file(settings: Settings, instead: str) -> Path:
    file = sqlite_file(settings.ledger_database)
    if file is None:
        raise Misuse(f"the ledger does not lie in a file: use its database's own tool: {instead}")
    return file


def _refuse_unlike_a_ledger(file: Path) -> None:
    if not file.is_file():
        raise Misuse(f"there is no file {file}")
    try:
        sound = _quick_check(file)
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as found:
            found.execute(_VERSION).fetchone()
    except sqlite3.Error as error:
        raise Misuse(f"{file} is no backup of a ledger: {error}") from None
    if sound != "ok":
        raise Misuse(f"{file} is damaged: {sound}")


def _copy(source: Path, target: Path) -> None:
    """By SQLite's own online backup: whole or not at all."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(part)) as write:
            read.backup(write)
            write.execute("PRAGMA journal_mode = DELETE")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise Misuse(f"cannot copy {source} to {target}: {error}") from None
