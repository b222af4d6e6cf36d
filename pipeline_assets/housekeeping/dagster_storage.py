"""Dagster's own storage, SQLite or any other of its SQL storages, read and tidied up.

`DagsterInstance.delete_run` frees nothing where that is SQLite: the run's file stays, the database
does not shrink, and rows of checks stay with every storage. So rows go by SQL, and files by hand.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from stat import S_ISREG

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.events import ASSET_EVENTS
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES,
    BulkActionsFilter,
    BulkActionStatus,
)
from dagster._core.scheduler.instigation import SensorInstigatorData, TickStatus
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.schedules import SqlScheduleStorage
from dagster._core.storage.schedules.schema import JobTickTable
from dagster._core.storage.tags import BACKFILL_ID_TAG
from sqlalchemy import Connection, delete, func, or_, select, text

from pipeline_assets.housekeeping import DagsterUnreadable
from pipeline_assets.housekeeping.runs import TROUBLED_AT_MOST, Needed, Run

CHECK_ALERTS = "check_alerts"
"""The sensor that tells of what checks found; its cursor is the number of the last it has read."""
LARGEST_COMPACTED_BYTES = 500_000_000
"""Writers wait while a database is compacted, a second for some 100 MB, and give up after 5 s."""
_PAGE = 500
_BATCH = 20
_EVENTS, _CHECKS = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Compacted:
    """A database file before and after, in bytes; equal where there was too little to gain."""

    file: Path
    before: int
    after: int


class DagsterStorage:
    """What an instance keeps. Raises DagsterUnreadable for one that is not SQL."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        events, runs, ticks = (
            instance.event_log_storage,
            instance.run_storage,
            instance.schedule_storage,
        )
        if (
            not isinstance(events, SqlEventLogStorage)
            or not isinstance(runs, SqlRunStorage)
            or not isinstance(ticks, SqlScheduleStorage)
        ):
            raise DagsterUnreadable(
                "Dagster's records are in no SQL storage: tidy them up with what keeps them"
            )
        self._instance = instance
        self._events, self._runs, self._ticks = events, runs, ticks
        self._folder = Path(instance.storage_directory())

    # --- reading ---------------------------------------------------------------------------------

    def runs(self) -> Iterator[Run]:
        """Every run, newest first."""
        cursor = None
        while True:
            records = self._instance.get_run_records(limit=_PAGE, cursor=cursor)
            for record in records:
                run = record.dagster_run
                ended = record.end_time or record.update_timestamp.timestamp()
                has_ended = run.status in FINISHED_STATUSES
                yield Run(
                    run.run_id,
                    datetime.fromtimestamp(ended, UTC) if has_ended else None,
                    run.status is dg.DagsterRunStatus.FAILURE,
                    run.tags.get(BACKFILL_ID_TAG),
                )
            if len(records) < _PAGE:
                return
            cursor = records[-1].dagster_run.run_id

    def needed(self) -> Needed:
        """Which runs the pages, the alerts and the backfills still need."""
        at_work = [s for s in BulkActionStatus if s not in BULK_ACTION_TERMINAL_STATUSES]
        backfills = self._instance.get_backfills(filters=BulkActionsFilter(statuses=at_work))
        with self._events.index_connection() as connection:
            return Needed(
                shown=frozenset(_shown(connection)),
                unread=frozenset(self._unread(connection)),
                check_failed=frozenset(_check_failed(connection)),
                backfills=frozenset(each.backfill_id for each in backfills),
            )

    def _unread(self, connection: Connection) -> Iterator[str]:
        cursor = self.read_until()
        if cursor is None:
            return
        unread = select(_EVENTS.run_id).where(
            _EVENTS.dagster_event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
            _EVENTS.id > cursor,
        )
        yield from connection.execute(unread.distinct()).scalars()

    def read_until(self) -> int | None:
        """The last evaluation of a check that was read by the sensor that tells of them; None where
        it has never read one: then it begins with those of the last hour."""
        states = self._instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
        read = [
            (data.last_tick_timestamp or 0, int(data.cursor))
            for state in states
            if state.instigator_name == CHECK_ALERTS
            and isinstance(data := state.instigator_data, SensorInstigatorData)
            and data.cursor
        ]
        # A code location under another name has left a state of its own.
        return max(read)[1] if read else None

    def ticks(self, before: datetime) -> int:
        """How many ticks before this moment asked for nothing."""
        skipped = select(func.count()).where(
            JobTickTable.c.status == TickStatus.SKIPPED.value,
            JobTickTable.c.timestamp < _naive(before),
        )
        with self._ticks.connect() as connection:
            return connection.execute(skipped).scalar_one()

    def paths(self, run_id: str) -> list[Path]:
        """The files and folders that a run has to itself."""
        found = [self._folder / run_id]
        if isinstance(self._events, SqliteEventLogStorage):
            shard = self._events.path_for_shard(run_id)
            found += [Path(f"{shard}{suffix}") for suffix in ("", "-wal", "-shm")]
        return [path for path in found if path.exists()]

    def without_record(self, known: set[str], before: datetime) -> list[str]:
        """The run ids of files, untouched since this moment, whose run is not known: it was deleted
        in the UI, or by a housekeeping that was interrupted."""
        folders = [self._folder]
        if isinstance(self._events, SqliteEventLogStorage):
            folders.append(Path(self._events.path_for_shard("any")).parent)
        found = set()
        for folder in folders:
            for path in folder.iterdir() if folder.is_dir() else ():
                run_id = path.name.partition(".")[0]
                if not _RUN_ID.fullmatch(run_id) or run_id in known:
                    continue
                # The journal of a run at work comes and goes.
                if (stat := _stat(path)) and stat.st_mtime < before.timestamp():
                    found.add(run_id)
        # A listing ends early when the run that a page of it ended with was deleted meanwhile.
        return sorted(id for id in found if self._instance.get_run_by_id(id) is None)

    # --- acting ----------------------------------------------------------------------------------

    def remove(self, run_ids: Sequence[str]) -> None:
        """Remove these runs: rows, then files, then the records, so that who is interrupted finds
        them again. Between two batches whoever else writes has as long as a batch took."""
        with self._events.index_connection() as connection:
            checks = connection.execute(
                select(_CHECKS.asset_key, _CHECKS.check_name).distinct()
            ).all()
        remaining = iter(run_ids)
        while batch := list(islice(remaining, _BATCH)):
            began = time.monotonic()
            with self._events.index_connection() as connection:
                for asset, check in checks:
                    # By the columns of its index: the table has a row for each check of a run.
                    connection.execute(
                        delete(AssetCheckExecutionsTable).where(
                            _CHECKS.asset_key == asset,
                            _CHECKS.check_name == check,
                            _CHECKS.run_id.in_(batch),
                        )
                    )
                of_batch = _EVENTS.run_id.in_(batch)
                events = select(_EVENTS.id).where(of_batch)
                tags = AssetEventTagsTable.c.event_id.in_(events)
                connection.execute(delete(AssetEventTagsTable).where(tags))
                connection.execute(delete(SqlEventLogStorageTable).where(of_batch))
            for run_id in batch:
                self._instance.compute_log_manager.delete_logs(prefix=[run_id])
                for path in self.paths(run_id):
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                self._runs.delete_run(run_id)
            time.sleep(time.monotonic() - began)

    def purge_ticks(self, before: datetime) -> None:
        """Forget the ticks before this moment that asked for nothing. Dagster itself forgets the
        others, as the `retention` of its settings says."""
        for state in self._instance.all_instigator_state():
            self._instance.purge_ticks(
                state.instigator_origin_id,
                state.selector_id,
                before.timestamp(),
                [TickStatus.SKIPPED],
            )

    def files(self) -> list[Path]:
        """The database files, where it is SQLite."""
        found = []
        for connected in (
            self._events.index_connection,
            self._runs.connect,
            self._ticks.connect,
        ):
            with connected() as connection:
                if connection.dialect.name == "sqlite":
                    rows = connection.execute(text("PRAGMA database_list")).all()
                    found.append(Path(rows[0][2]))
        return found


def _shown(connection: Connection) -> Iterator[str]:
    """Of each asset, partition and kind of event the newest; the same of each check, and of each
    the newest verdict."""
    kinds = [kind.value for kind in ASSET_EVENTS]
    newest = (
        select(func.max(_EVENTS.id))
        .where(_EVENTS.asset_key.is_not(None), _EVENTS.dagster_event_type.in_(kinds))
        .group_by(_EVENTS.asset_key, _EVENTS.dagster_event_type, _EVENTS.partition)
    )
    yield from connection.execute(select(_EVENTS.run_id).where(_EVENTS.id.in_(newest))).scalars()
    said = select(func.max(_CHECKS.id)).group_by(
        _CHECKS.asset_key, _CHECKS.check_name, _CHECKS.partition
    )
    verdict = said.where(_CHECKS.execution_status.in_(("SUCCEEDED", "FAILED")))
    either = or_(_CHECKS.id.in_(said), _CHECKS.id.in_(verdict))
    yield from connection.execute(select(_CHECKS.run_id).where(either).distinct()).scalars()


def _check_failed(connection: Connection) -> Iterator[str]:
    newest = func.max(_CHECKS.id)
    failed = select(_CHECKS.run_id).where(_CHECKS.execution_status == "FAILED")
    query = failed.group_by(_CHECKS.run_id).order_by(newest.desc()).limit(TROUBLED_AT_MOST)
    yield from connection.execute(query).scalars()


def compact(file: Path, patience_seconds: float = 5.0) -> Compacted:
    """Give what was deleted from an SQLite database back to the disk, where that is a fifth of it.

    Readers go on meanwhile and writers wait, so a large one is left as it is: what is free in it is
    used again. Raises sqlite3.OperationalError when somebody else keeps it locked.
    """
    before = file.stat().st_size
    with closing(sqlite3.connect(file, timeout=patience_seconds, isolation_level=None)) as database:
        page, pages, free = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
        if free * 5 >= pages and (pages - free) * page <= LARGEST_COMPACTED_BYTES:
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Compacted(file, before, file.stat().st_size)


def size(path: Path) -> int:
    """Of a file, or of all files in a folder, in bytes. Files come and go meanwhile."""
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(stat.st_size for file in files if (stat := _stat(file)) and S_ISREG(stat.st_mode))


def _stat(path: Path) -> os.stat_result | None:
    """None where it is gone."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _naive(at: datetime) -> datetime:
    """As Dagster keeps times."""
    return at.astimezone(UTC).replace(tzinfo=None)
