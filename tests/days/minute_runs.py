"""Days of minute runs in Dagster's SQLite storage: some are run, the others are copies of these.

A copy is what Dagster would have written for one more minute of that day: its rows in the index and
the rows of its checks, its record and tags, its own file, its logs. Of the times only those that
are looked up are its own.
"""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

CHECK_ALERTS = "check_alerts"
SILENT = {"telemetry": {"enabled": False}}
"""Settings of an instance that keeps no telemetry."""
TICKS_A_MINUTE = 31
"""Of all sensors, most of which ask for nothing."""


@dataclass(frozen=True)
class Records:
    """The files of an instance."""

    home: Path

    @property
    def index(self) -> Path:
        return self.home / "history" / "runs" / "index.db"

    @property
    def runs(self) -> Path:
        return self.home / "history" / "runs.db"

    @property
    def ticks(self) -> Path:
        return self.home / "schedules" / "schedules.db"

    def shard(self, run_id: str) -> Path:
        return self.home / "history" / "runs" / f"{run_id}.db"

    def logs(self, run_id: str) -> Path:
        return self.home / "storage" / run_id

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.home.rglob("*") if path.is_file())


@contextmanager
def written(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        # Copies need not outlive the machine.
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        yield database
        database.execute("COMMIT")


def copied(records: Records, run_id: str, ends: list[datetime]) -> list[str]:
    """One copy of this run for each moment at which one is to have ended; their ids."""
    copies = {str(uuid.uuid4()): end for end in ends}
    with written(records.index) as index, written(records.runs) as runs:
        events = _rows(index, "event_logs", run_id)
        tags = {
            row["id"]: _rows(index, "asset_event_tags", row["id"], "event_id") for row in events
        }
        checks = _rows(index, "asset_check_executions", run_id)
        [record] = _rows(runs, "runs", run_id)
        run_tags = _rows(runs, "run_tags", run_id)
        for copy, end in copies.items():
            at = {"timestamp": end.replace(tzinfo=None)}
            numbers = {}
            for row in events:
                numbers[row["id"]] = _insert(index, "event_logs", row, run_id, copy, at)
                for tag in tags[row["id"]]:
                    of = {"event_id": numbers[row["id"]]}
                    _insert(index, "asset_event_tags", tag, run_id, copy, of)
            for row in checks:
                names = ("evaluation_event_storage_id", "materialization_event_storage_id")
                of = {name: numbers.get(row[name], row[name]) for name in names}
                _insert(index, "asset_check_executions", row, run_id, copy, of)
            stamp = {"start_time": end.timestamp() - 9, "end_time": end.timestamp()}
            when = {"create_timestamp": at["timestamp"], "update_timestamp": at["timestamp"]}
            _insert(runs, "runs", record, run_id, copy, stamp | when)
            for tag in run_tags:
                _insert(runs, "run_tags", tag, run_id, copy)
            _copy_files(records, run_id, copy)
    return list(copies)


def _copy_files(records: Records, run_id: str, copy: str) -> None:
    # Once all its connections are closed the write-ahead log is in the file.
    shutil.copyfile(records.shard(run_id), records.shard(copy))
    with written(records.shard(copy)) as shard:
        said = "UPDATE event_logs SET run_id = :copy, event = replace(event, :of, :copy)"
        shard.execute(said, {"copy": copy, "of": run_id})
    shutil.copytree(records.logs(run_id), records.logs(copy))


def _rows(
    database: sqlite3.Connection, table: str, value: object, column: str = "run_id"
) -> list[dict[str, object]]:
    found = database.execute(f"SELECT * FROM {table} WHERE {column} = ? ORDER BY id", (value,))
    names = [each[0] for each in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def _insert(
    database: sqlite3.Connection,
    table: str,
    row: dict[str, object],
    run_id: str,
    copy: str,
    changed: Mapping[str, object] | None = None,
) -> int:
    new = {name: _renamed(value, run_id, copy) for name, value in row.items() if name != "id"}
    new |= {n: str(v) if isinstance(v, datetime) else v for n, v in (changed or {}).items()}
    columns, places = ", ".join(new), ", ".join("?" * len(new))
    done = database.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({places})", list(new.values())
    )
    assert done.lastrowid
    return done.lastrowid


def _renamed(value: object, run_id: str, copy: str) -> object:
    return value.replace(run_id, copy) if isinstance(value, str) else value


def sensor_state(name: str, cursor: str, ticked_at: datetime) -> InstigatorState:
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(), "touchline")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
    data = SensorInstigatorData(last_tick_timestamp=ticked_at.timestamp(), cursor=cursor)
    return InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, data)


def skipped_tick(state: InstigatorState, at: datetime) -> TickData:
    return TickData(
        *(state.instigator_origin_id, state.instigator_name),
        *(InstigatorType.SENSOR, TickStatus.SKIPPED, at.timestamp()),
        skip_reason="not yet again",
        selector_id=state.selector_id,
    )


def ticked(
    instance: dg.DagsterInstance, records: Records, name: str, cursor: str, ends: list[datetime]
) -> None:
    """A sensor that has come to this cursor, and its ticks of these minutes, which asked for
    nothing."""
    state = sensor_state(name, cursor, ends[-1])
    instance.add_instigator_state(state)
    instance.create_tick(skipped_tick(state, ends[0]))
    with written(records.ticks) as ticks:
        [row] = _rows(ticks, "job_ticks", state.selector_id, "selector_id")
        for end in ends:
            at = {"timestamp": end.replace(tzinfo=None)}
            for _ in range(TICKS_A_MINUTE):
                _insert(ticks, "job_ticks", row, "", "", at)
