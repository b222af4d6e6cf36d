"""The runs of every job: one row a run, durable before it begins its work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, update

from resources.ledger import tables
from resources.ledger.book import Book, record, storable
from resources.ledger.minutes import DEAD
from resources.ledger.records import RunRow
from touchline.accounting import RunState
from touchline.slot import Slot

SILENT_FOR = timedelta(minutes=15)
"""A run that has given no sign of life for so long is taken for dead."""


class RunBook(Book):
    def run_started(
        self,
        run_id: str,
        slot: Slot | None,
        kind: str,
        commit: str,
        lock_hash: str,
        at: datetime,
        reason: str | None = None,
        *,
        feed: str | None = None,
        host: str | None = None,
        pid: int | None = None,
    ) -> None:
        """Record a run before it begins any work. A run that is already known stays as it is.
        `reason` is why a person began it, and who; those that have been silent for too long are
        called abandoned."""
        table = tables.runs
        with self._database.write() as transaction:
            if transaction.connection.execute(
                select(table.c.run_id).where(*self._run(run_id))
            ).first():
                return
            transaction.connection.execute(
                update(table)
                .where(
                    table.c.prefix == self.prefix,
                    table.c.state == RunState.RUNNING,
                    table.c.heartbeat_at < at - SILENT_FOR,
                )
                .values(state=RunState.ABANDONED, ended_at=at, sequence=transaction.sequence)
            )
            transaction.connection.execute(
                insert(table).values(
                    prefix=self.prefix,
                    run_id=run_id,
                    kind=kind,
                    slot=slot,
                    state=RunState.RUNNING,
                    reason=None if reason is None else storable(reason),
                    commit=commit,
                    lock_hash=lock_hash,
                    feed=feed,
                    host=host,
                    pid=pid,
                    started_at=at,
                    heartbeat_at=at,
                    sequence=transaction.sequence,
                )
            )

    def run_heartbeat(self, run_id: str, at: datetime) -> None:
        """Record that the run is alive."""
        beat = update(tables.runs).where(*self._run(run_id)).values(heartbeat_at=at)
        with self._database.write() as transaction:
            transaction.connection.execute(beat)

    def run_ended(
        self, run_id: str, state: RunState, at: datetime, reason: str | None = None
    ) -> bool:
        """Record how a run ended; False, and no change, when it is unknown or ended before.

        `abandoned` is a guess about a silent run: a real end replaces it and is never replaced.
        """
        if state is RunState.RUNNING:
            raise ValueError("a run does not end as running")
        table = tables.runs
        replaceable = [RunState.RUNNING]
        if state is not RunState.ABANDONED:
            replaceable.append(RunState.ABANDONED)
        with self._database.write() as transaction:
            ended = transaction.connection.execute(
                update(table)
                .where(*self._run(run_id), table.c.state.in_(replaceable))
                .values(
                    state=state,
                    reason=None if reason is None else storable(reason),
                    ended_at=at,
                    sequence=transaction.sequence,
                )
            )
            return ended.rowcount > 0

    def run_failed(self, run_id: str, at: datetime, reason: str) -> None:
        """Record that a run failed, as somebody knows who watched it: it may have died before it
        could say so, or have said how far it came and not that a step of it raised. What it said
        of a failure of its own stays."""
        table = tables.runs
        with self._database.write() as transaction:
            transaction.connection.execute(
                update(table)
                .where(*self._run(run_id), table.c.state != RunState.FAILED)
                .values(
                    state=RunState.FAILED,
                    reason=storable(reason),
                    ended_at=func.coalesce(table.c.ended_at, at),
                    sequence=transaction.sequence,
                )
            )

    def run(self, run_id: str) -> RunRow | None:
        """The run of this id; None when the ledger knows none."""
        found = self._runs(*self._run(run_id))
        return found[0] if found else None

    def has_failed(self, run_id: str) -> bool:
        """Whether this run ended before its work was done, or fell silent: what it has not stored
        will not come from it. False for one that is unknown."""
        run = self.run(run_id)
        return run is not None and run.state in DEAD

    def running(self) -> list[RunRow]:
        """The runs that have not ended, oldest first, silent ones included."""
        return self._runs(
            tables.runs.c.prefix == self.prefix, tables.runs.c.state == RunState.RUNNING
        )

    def perhaps_running(self, since: datetime) -> list[RunRow]:
        """The runs that have not ended, and those that were called abandoned since then, whose
        process may be at work all the same; oldest first."""
        state = tables.runs.c.state
        lately = and_(state == RunState.ABANDONED, tables.runs.c.ended_at >= since)
        return self._runs(
            tables.runs.c.prefix == self.prefix, or_(state == RunState.RUNNING, lately)
        )

    def last_ended(self, kind: str) -> datetime | None:
        """When the last run of this kind ended."""
        table = tables.runs
        newest = select(func.max(table.c.ended_at).label("at"))
        [row] = self._rows(newest.where(table.c.prefix == self.prefix, table.c.kind == kind))
        return row.at

    def newest_runs(self, count: int) -> list[RunRow]:
        """The runs that changed last, newest first."""
        table = tables.runs
        query = select(table).where(table.c.prefix == self.prefix)
        return _records(self._rows(query.order_by(table.c.sequence.desc()).limit(count)))

    def _run(self, run_id: str) -> tuple[ColumnElement[bool], ...]:
        return tables.runs.c.prefix == self.prefix, tables.runs.c.run_id == run_id

    def _runs(self, *conditions: ColumnElement[bool]) -> list[RunRow]:
        query = select(tables.runs).where(*conditions).order_by(tables.runs.c.sequence)
        return _records(self._rows(query))


def _records(rows: Sequence[Row[Any]]) -> list[RunRow]:
    return [record(RunRow, row) for row in rows]
