"""SQLite beside PostgreSQL under Dagster and the ledger: start-up, a minute, growth.

A minute is a run of as many assets and checks as football has, and a claim and its landing for each
asset. The two take turns in one process, so that whatever else the machine does meets both. The
server is the one from the wheel, on a socket, with everything synced to disk as SQLite does it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from resources.ledger import Claim, Ledger
from tests.postgres import postgres
from touchline.accounting import Account, Outcome
from touchline.day import Day
from touchline.fetch import FetchRef

ASSETS, CHECKS = 12, 63
WARM_UP = 2
DAILY = dg.DailyPartitionsDefinition("2025-01-01")
DAY = Day.parse("2025-05-28")
_NAMES = [f"asset_{n}" for n in range(ASSETS)]
_SPECS = [dg.AssetCheckSpec(f"check_{n}", asset=_NAMES[n % ASSETS]) for n in range(CHECKS)]
_TICKS = os.sysconf("SC_CLK_TCK")


@dg.multi_asset(specs=[dg.AssetSpec(name, partitions_def=DAILY) for name in _NAMES])
def assets() -> Iterator[dg.MaterializeResult]:
    for name in _NAMES:
        yield dg.MaterializeResult(asset_key=name, metadata={"landed": {"claims": "x" * 1500}})


@dg.multi_asset_check(specs=_SPECS)
def checks() -> Iterator[dg.AssetCheckResult]:
    for spec in _SPECS:
        yield dg.AssetCheckResult(
            passed=True,
            asset_key=spec.asset_key,
            check_name=spec.name,
            metadata={
                "verdict": "OK",
                "recorded": 1,
                "landed": 1,
                "day": dg.MarkdownMetadataValue("x" * 800),
            },
        )


@dataclass
class Database:
    """One of the two, and what its minutes cost."""

    name: str
    instance: dg.DagsterInstance
    ledger: Ledger
    folders: list[Path]
    """Where its data lie, without what is written ahead of them."""
    starts_in_seconds: float
    postmaster: int | None = None
    runs: list[tuple[float, float]] = field(default_factory=list)
    """Wall and CPU seconds of each run of Dagster, the server's included."""
    claims: list[tuple[float, float]] = field(default_factory=list)
    """The same of a minute's claims."""
    bytes_before: int = 0

    def size(self) -> int:
        files = (path for folder in self.folders for path in folder.rglob("*"))
        return sum(path.stat().st_size for path in files if path.is_file())

    def cpu(self) -> float:
        """Of this process and of the server, with those of its processes that have ended."""
        mine = sum(os.times()[:2])
        return mine if self.postmaster is None else mine + _cpu_of_server(self.postmaster)

    def minute(self, number: int) -> None:
        began, cpu = time.monotonic(), self.cpu()
        dg.materialize(
            [assets, checks],
            instance=self.instance,
            partition_key=str(DAY),
            run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        )
        self.runs.append((time.monotonic() - began, self.cpu() - cpu))
        began, cpu = time.monotonic(), self.cpu()
        for name in _NAMES:
            said = _claim(name, number)
            self.ledger.intend(said)
            self.ledger.landed(said, "etag", 100)
        self.claims.append((time.monotonic() - began, self.cpu() - cpu))


def _claim(name: str, number: int) -> Claim:
    return Claim(
        asset=f"football/{name}",
        ref=FetchRef("football", DAY.minute(number), "aB3dE6gH9jK2"),
        key=f"hot/football/date={DAY}/{name}/{number:05d}.parquet",
        sha256="0" * 64,
        account=Account(1, 1, {}, {}),
        digest="0" * 32,
        outcome=Outcome.COMPLETE,
        code_version="v1",
        upstream_sha256="0" * 64,
        run_id="run",
        format=1,
    )


def _cpu_of_server(postmaster: int) -> float:
    """Seconds: a backend that has ended is counted with the postmaster."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, fields = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if pid == postmaster:
            total += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            total += sum(map(int, fields[11:13]))
    return total / _TICKS


def _instance(home: Path, storage: dict[str, object]) -> dg.DagsterInstance:
    home.mkdir()
    settings = {"telemetry": {"enabled": False}, **storage}
    return dg.DagsterInstance.local_temp(str(home), overrides=settings)


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    began = time.monotonic()
    with (
        _instance(folder / "dagster", {}) as instance,
        closing(Ledger(f"sqlite:///{folder}/ledger/ledger.sqlite", "")) as ledger,
    ):
        (folder / "ledger").mkdir()
        ledger.migrate()
        took = time.monotonic() - began
        yield Database("SQLite", instance, ledger, [folder / "dagster", folder / "ledger"], took)


@contextmanager
def postgresql(folder: Path) -> Iterator[Database]:
    began = time.monotonic()
    with postgres(is_durable=True) as url:
        parts = make_url(url)
        data = Path(str(parts.query["host"])) / "data"
        for_dagster = url.replace("postgresql:", "postgresql+psycopg2:")
        storage = {"storage": {"postgres": {"postgres_url": for_dagster}}}
        with (
            _instance(folder / "dagster", storage) as instance,
            closing(Ledger(url, "")) as ledger,
        ):
            ledger.migrate()
            took = time.monotonic() - began
            postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
            folders = [folder / "dagster", data / "base"]
            yield Database("PostgreSQL", instance, ledger, folders, took, postmaster)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    minutes = parser.parse_args().minutes
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in ("sqlite", "postgresql"):
            (folder / name).mkdir()
        both = [
            stack.enter_context(sqlite(folder / "sqlite")),
            stack.enter_context(postgresql(folder / "postgresql")),
        ]
        for number in range(1, WARM_UP + minutes + 1):
            if number == WARM_UP + 1:
                for each in both:
                    each.bytes_before = each.size()
            for each in both if number % 2 else reversed(both):
                each.minute(number)
        show(both, minutes)


def show(both: list[Database], minutes: int) -> None:
    table = Table("", *(each.name for each in both), "ratio")

    def row(what: str, values: list[float], unit: str) -> None:
        first, second = values
        table.add_row(what, *(f"{v:,.2f} {unit}" for v in values), f"{second / first:,.2f}")

    def medians(samples: list[list[tuple[float, float]]], which: int) -> list[float]:
        return [statistics.median(pair[which] for pair in each[WARM_UP:]) for each in samples]

    row("start-up, the first time", [each.starts_in_seconds for each in both], "s")
    runs, claims = [each.runs for each in both], [each.claims for each in both]
    row("a run of Dagster: wall", medians(runs, 0), "s")
    row("a run of Dagster: CPU", medians(runs, 1), "s")
    row("a minute's claims: wall", medians(claims, 0), "s")
    row("a minute's claims: CPU", medians(claims, 1), "s")
    row("growth a minute", [(e.size() - e.bytes_before) / minutes / 1e6 for e in both], "MB")
    Console(file=sys.stdout).print(table)


if __name__ == "__main__":
    main()
