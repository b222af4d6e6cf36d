"""Attempts at keys whose past can be fetched again: one row a run, durable before it asks anybody.

A key is a raw asset and a day. What is decided of it is decided within the transaction that writes
the attempt down: of two who ask at once, one learns that the other is at work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from resources.ledger import tables
from resources.ledger.book import Book, record, storable
from resources.ledger.database import Transaction
from resources.ledger.records import AttemptRow
from touchline.accounting import RetryAction, RetryReason, RunState
from touchline.day import Day
from touchline.retries import Decision, Ending, PriorRun
from touchline.slot import Slot

Decide = Callable[[Collection[PriorRun]], Decision]
"""Decides by the prior runs of a key, of which the one that asks is none."""


class AttemptBook(Book):
    def begin_attempt(
        self, slot: Slot, run_id: str, at: datetime, decide: Decide, *, note: str | None = None
    ) -> Decision:
        """Decide whether this run fetches the slot, and write it down: as running, or as skipped
        for the reason given. A slot that has its answer, or has a run at work on it, is not fetched
        by another, whatever `decide` says. Runs that fell silent are called abandoned. `note` is
        who forces it and why.
        """
        with self._database.write() as transaction:
            prior = self._others(transaction, slot, run_id)
            same = [
                row
                for row in prior
                if row.number == slot.number and (row.has_fetched or row.is_at_work(at))
            ]
            if same:
                decision = Decision(
                    RetryAction.SKIP, RetryReason.IN_PROGRESS, blocked_by=same[-1].run_id
                )
            else:
                decision = decide([row.as_prior for row in prior])
            self._abandon(transaction, slot, decision)
            runs = decision.action is RetryAction.RUN
            self._write(
                transaction,
                slot,
                run_id,
                decision,
                state=RunState.RUNNING if runs else RunState.SKIPPED,
                note=None if note is None else storable(note),
                started_at=at,
                heartbeat_at=at,
                ended_at=None if runs else at,
            )
        return decision

    def attempt_landed(
        self,
        slot: Slot,
        run_id: str,
        at: datetime,
        decide: Decide,
        end: Callable[[Decision], Ending],
    ) -> Decision | None:
        """Decide what the content that this run has landed in the slot is to the key, and write
        down how the attempt `end`s with that. What it supersedes says by which run.

        None, and nothing changes, where another attempt has brought the slot its answer, or where
        this run made no attempt and a later slot has its answer: a capture that lands late says
        nothing of how the key stands."""
        with self._database.write() as transaction:
            prior = self._others(transaction, slot, run_id)
            known = self._started(transaction, slot, run_id)
            newest = max((row.number for row in prior if row.has_fetched), default=0)
            same = any(row.number == slot.number and row.has_fetched for row in prior)
            if same or (known is None and newest > slot.number):
                return None
            decision = decide([row.as_prior for row in prior])
            ending = end(decision)
            self._abandon(transaction, slot, decision)
            self._write(
                transaction,
                slot,
                run_id,
                decision,
                state=ending.state,
                started_at=known or at,
                heartbeat_at=at,
                ended_at=at,
                inserted=ending.inserted,
                updated=ending.updated,
                unchanged=ending.unchanged,
                placeholder=ending.placeholder,
                content_hash=ending.content_hash,
            )
            if ending.supersedes:
                self._supersede(transaction, slot, run_id, prior)
        return decision

    def attempt_failed(self, slot: Slot, run_id: str, at: datetime, error: str) -> None:
        """Record that an attempt which is at work brought nothing, and why. One that has ended
        stays as it is."""
        table = tables.attempts
        with self._database.write() as transaction:
            transaction.connection.execute(
                update(table)
                .where(*self._key_of(slot), table.c.number == slot.number)
                .where(table.c.run_id == run_id, table.c.state == RunState.RUNNING)
                .values(
                    state=RunState.FAILED,
                    note=storable(error),
                    heartbeat_at=at,
                    ended_at=at,
                    sequence=transaction.sequence,
                )
            )

    def attempts(self, asset: str, day: Day) -> list[AttemptRow]:
        """All attempts at a key, by their sequence: the newest is the last."""
        table = tables.attempts
        rows = self._rows(
            select(table).where(*self._of(table, asset, day)).order_by(table.c.sequence)
        )
        return _records(rows)

    def _key_of(self, slot: Slot) -> Any:
        return self._of(tables.attempts, slot.raw, slot.day)

    def _others(self, transaction: Transaction, slot: Slot, run_id: str) -> list[AttemptRow]:
        table = tables.attempts
        query = select(table).where(*self._key_of(slot)).order_by(table.c.sequence)
        rows = _records(transaction.connection.execute(query).all())
        return [row for row in rows if (row.run_id, row.number) != (run_id, slot.number)]

    def _started(self, transaction: Transaction, slot: Slot, run_id: str) -> datetime | None:
        table = tables.attempts
        of_it = table.c.number == slot.number, table.c.run_id == run_id
        return transaction.connection.scalar(
            select(table.c.started_at).where(*self._key_of(slot), *of_it)
        )

    def _write(
        self, transaction: Transaction, slot: Slot, run_id: str, decision: Decision, **columns: Any
    ) -> None:
        key = {
            "prefix": self.prefix,
            "asset": slot.raw,
            "day": slot.day,
            "number": slot.number,
            "run_id": run_id,
        }
        said = {
            "reason": decision.reason,
            "blocked_by": decision.blocked_by,
            "until": decision.until,
            "sequence": transaction.take_number(),
        }
        transaction.upsert(tables.attempts, key | said | columns)

    def _abandon(self, transaction: Transaction, slot: Slot, decision: Decision) -> None:
        """Call silent runs abandoned. Their last heartbeat stays, and one that has ended since
        keeps its end."""
        table = tables.attempts
        for run_id in decision.abandoned:
            transaction.connection.execute(
                update(table)
                .where(*self._key_of(slot), table.c.run_id == run_id)
                .where(table.c.state == RunState.RUNNING)
                .values(
                    state=RunState.ABANDONED,
                    reason=RetryReason.STALE_RUNNER,
                    sequence=transaction.take_number(),
                )
            )

    def _supersede(
        self, transaction: Transaction, slot: Slot, run_id: str, prior: Sequence[AttemptRow]
    ) -> None:
        table = tables.attempts
        older = [row.sequence for row in prior if row.as_prior.has_data]
        transaction.connection.execute(
            update(table)
            .where(*self._key_of(slot), table.c.sequence.in_(older))
            .where(table.c.superseded_by.is_(None))
            .values(superseded_by=run_id)
        )


def _records(rows: Sequence[Row[Any]]) -> list[AttemptRow]:
    return [record(AttemptRow, row) for row in rows]
