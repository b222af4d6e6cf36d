"""What became of each slot, when slots were expected at all, and what of this the store was not
told yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, delete, func, insert, or_, select, type_coerce, update

from resources.ledger import tables
from resources.ledger.book import record, untold
from resources.ledger.database import Transaction
from resources.ledger.plans import PlanBook
from resources.ledger.records import FetchRow, IntervalRow
from resources.watch_layout import interval_key, missed_key
from touchline.accounting import FetchFate, MissedReason, Outcome, RetryReason, RunState
from touchline.day import Day, FetchNumber
from touchline.fetch import FetchRef
from touchline.schedule import expected_slots
from touchline.slot import Slot
from touchline.stage import RawAsset

_FATE = (
    tables.fetches.c.number,
    type_coerce(tables.fetches.c.fate, Text),
    tables.fetches.c.fetch_id,
    tables.fetches.c.sequence,
)
_FATES = {fate.value: fate for fate in FetchFate}

NOT_FETCHED = (FetchFate.MISSED, FetchFate.HELD)
"""Fates that leave no object behind, so the store gets a record of them."""
DEAD = (RunState.FAILED, RunState.ABANDONED)
"""A run that ended before its work was done, or fell silent: nothing more comes from it."""

Interval = tuple[datetime, datetime | None]
_Settled = tuple[FetchFate, str | None, int]


class MinuteBook(PlanBook):
    """Fates of slots and watch intervals."""

    def start_fetch(self, slot: Slot, run_id: str, at: datetime) -> None:
        """Record that a run begins this slot's fetch. A landed slot stays landed."""
        self._set_fate(slot, at, FetchFate.STARTED, run_id=run_id, started_at=at)

    def fetch_landed(
        self,
        ref: FetchRef,
        outcome: Outcome,
        reason: str | None,
        at: datetime,
        lateness_seconds: float | None,
    ) -> None:
        """Record that the slot's fetch has landed, also where it was recorded as missed."""
        self._set_fate(
            ref.slot,
            at,
            FetchFate.LANDED,
            fetch_id=ref.fetch_id,
            outcome=outcome,
            reason=reason,
            lateness_seconds=lateness_seconds,
        )

    def slot_missed(self, slot: Slot, reason: MissedReason, at: datetime) -> None:
        """Record that the slot has no fetch, and why. A landed slot stays landed."""
        self._set_fate(slot, at, FetchFate.MISSED, reason=reason.value)

    def slot_held(
        self, slot: Slot, reason: RetryReason, until: datetime | None, at: datetime
    ) -> None:
        """Record that the slot is not fetched on purpose, and when to ask again, if that is known.
        A slot that has a fate keeps it."""
        with self._database.write() as transaction:
            found = select(tables.fetches.c.fate).filter_by(**self._key(slot))
            if transaction.connection.scalar(found) is None:
                self._put_fate(transaction, slot, at, FetchFate.HELD, reason=reason, until=until)

    def fetch_died(self, slot: Slot, run_id: str, at: datetime) -> None:
        """Record that the run which was to fetch this slot is over, maybe before it began to. A
        slot that has a fate keeps it."""
        table, key = tables.fetches, self._key(slot)
        with self._database.write() as transaction:
            if transaction.connection.execute(select(table.c.fate).filter_by(**key)).first():
                return
            said = {"fate": FetchFate.STARTED, "run_id": run_id, "updated_at": at}
            transaction.upsert(table, key | said | {"sequence": transaction.sequence})

    def died(self, raw: str, day: Day) -> frozenset[FetchNumber]:
        """The day's slots that wait for a fetch, and whose run has failed or fell silent."""
        if FetchFate.STARTED not in self.fates(raw, day).values():
            return frozenset()
        fetches, runs = tables.fetches, tables.runs
        is_its_run = (runs.c.prefix == fetches.c.prefix) & (runs.c.run_id == fetches.c.run_id)
        rows = self._rows(
            select(fetches.c.number)
            .join(runs, is_its_run)
            .where(
                fetches.c.prefix == self.prefix,
                fetches.c.raw == raw,
                fetches.c.day == day,
                fetches.c.fate == FetchFate.STARTED,
                runs.c.state.in_(DEAD),
            )
        )
        return frozenset(FetchNumber(row.number) for row in rows)

    def fates(self, raw: str, day: Day) -> Mapping[FetchNumber, FetchFate]:
        """What became of the day's slots, by number, in order, without how and when."""
        return {number: fate for number, (fate, *_) in self._settled(raw, day).items()}

    def newest_fetch(self, raw: str, day: Day) -> FetchNumber | None:
        """The number of the day's newest slot whose fetch has landed."""
        table = tables.fetches
        rows = self._rows(
            select(table.c.number)
            .where(
                table.c.prefix == self.prefix,
                table.c.raw == raw,
                table.c.day == day,
                table.c.fate == FetchFate.LANDED,
            )
            .order_by(table.c.number.desc())
            .limit(1)
        )
        return FetchNumber(rows[0].number) if rows else None

    def fetch_ids(self, raw: str, day: Day) -> dict[FetchNumber, str]:
        """Which fetch landed in each of the day's slots that have one."""
        return {
            number: fetch_id
            for number, (fate, fetch_id, _) in self._settled(raw, day).items()
            if fate is FetchFate.LANDED and fetch_id is not None
        }

    def _settled(self, raw: str, day: Day) -> Mapping[FetchNumber, _Settled]:
        return self._by_number(tables.fetches.c.raw, raw, day, _FATE, _fate)

    def fetches(
        self, raw: str, day: Day, first: int = 1, last: int | None = None
    ) -> dict[FetchNumber, FetchRow]:
        """The fates of the day's slots, by number, in order; slots without one are absent.
        `first` and `last` are the numbers between which they are asked for."""
        table = tables.fetches
        rows = self._rows(
            select(table)
            .where(
                table.c.prefix == self.prefix,
                table.c.raw == raw,
                table.c.day == day,
                table.c.number >= first,
                *(() if last is None else (table.c.number <= last,)),
            )
            .order_by(table.c.number)
        )
        return {
            FetchNumber(row.number): record(FetchRow, row, slot=Slot.numbered(raw, day, row.number))
            for row in rows
        }

    def days(self, feed: str) -> list[Day]:
        """The days of which the ledger holds a minute's fate or a claim, oldest first."""
        fates, claims = tables.fetches, tables.days
        rows = self._rows(
            select(fates.c.day)
            .where(fates.c.prefix == self.prefix, fates.c.raw.startswith(f"{feed}/"))
            .union(
                select(claims.c.day).where(
                    claims.c.prefix == self.prefix, claims.c.asset.startswith(f"{feed}/")
                )
            )
        )
        return sorted(row.day for row in rows)

    def changes(self, raw: str, day: Day) -> Mapping[FetchNumber, int]:
        """Of the day's slots, the number of the ledger's change that told their fate: what was
        told later has a higher one."""
        return {number: change for number, (_, _, change) in self._settled(raw, day).items()}

    def assets_begin(self, assets: Collection[str], day: Day) -> None:
        """Record that these assets are part of the day's minutes from now on, or, where there is
        anything of them already, from its first; unless that was said before."""
        table = tables.days
        of_day = (table.c.prefix == self.prefix, table.c.day == day)
        known = select(table.c.asset).where(*of_day, table.c.since.is_not(None))
        if not set(assets) - {row.asset for row in self._rows(known)}:
            return
        with self._database.write() as transaction:
            connection, now = transaction.connection, transaction.sequence
            begun = {*connection.scalars(select(table.c.asset).where(*of_day))}
            for asset in sorted(set(assets).difference(connection.scalars(known))):
                row = {"prefix": self.prefix, "asset": asset, "day": day, "version": now}
                transaction.upsert(table, row | {"since": 0 if asset in begun else now})

    def since(self, asset: str, day: Day) -> int | None:
        """Return the number of the ledger's change since which the asset is part of the day's
        minutes: 0 where minutes of an earlier day knew it and none of this one told the ledger,
        None where neither knew it."""
        table = tables.days
        newest = self._rows(
            select(table.c.day, table.c.since)
            .where(
                table.c.prefix == self.prefix,
                table.c.asset == asset,
                table.c.day <= day,
                table.c.since.is_not(None),
            )
            .order_by(table.c.day.desc())
            .limit(1)
        )
        if not newest:
            return None
        return newest[0].since if newest[0].day == day else 0

    def asset_days(self, feed: str) -> set[tuple[str, Day]]:
        """The assets and days of a feed of which the ledger holds anything but fates."""
        table = tables.days
        rows = self._rows(
            select(table.c.asset, table.c.day).where(
                table.c.prefix == self.prefix, table.c.asset.startswith(f"{feed}/")
            )
        )
        return {(row.asset, row.day) for row in rows}

    def open_interval(self, feed: str, at: datetime, origin: str) -> None:
        """From here on every minute is expected. Nothing changes inside an open interval."""
        table = tables.intervals
        with self._database.write() as transaction:
            if transaction.connection.execute(
                select(table.c.sequence).where(*self._open(feed, at))
            ).first():
                return
            transaction.connection.execute(
                insert(table).values(
                    sequence=transaction.sequence,
                    prefix=self.prefix,
                    feed=feed,
                    origin=origin,
                    opened=at,
                )
            )
            untold(transaction, self.prefix, feed, interval_key(feed, at))

    def close_interval(self, feed: str, at: datetime) -> None:
        """No minute from here on is expected. Nothing changes where no interval is open."""
        table = tables.intervals
        close = (
            update(table).where(*self._open(feed, at)).values(closed=at).returning(table.c.opened)
        )
        with self._database.write() as transaction:
            for row in transaction.connection.execute(close).all():
                untold(transaction, self.prefix, feed, interval_key(feed, row.opened))

    def intervals(self, feed: str, start: datetime, end: datetime) -> list[Interval]:
        """The watch intervals that overlap [start, end): uncut, disjoint and in order.

        The end is None while an interval is open, as it stays after a crash.
        """
        table = tables.intervals
        rows = self._rows(
            select(table.c.opened, table.c.closed)
            .where(
                table.c.prefix == self.prefix,
                table.c.feed == feed,
                table.c.opened < end,
                or_(
                    table.c.closed.is_(None),
                    (table.c.closed > start) & (table.c.closed > table.c.opened),
                ),
            )
            .order_by(table.c.opened)
        )
        return _merged((row.opened, row.closed) for row in rows)

    def expected(self, raw: RawAsset, day: Day, until: datetime) -> list[Slot]:
        """The slots of this day that begin inside a watch interval and before `until`, in order. Of
        what can be fetched again those too that have a fate, though nobody watched."""
        intervals = self.intervals(raw.feed, day.start, raw.ends(day))
        inside = list(expected_slots(self.slots(raw, day), intervals, until))
        if not raw.refetch:
            return inside
        told = self.fates(raw.name, day)
        return [
            slot
            for slot in self.slots(raw, day)
            if slot in inside or (slot.at < until and slot.number in told)
        ]

    def slots(self, raw: RawAsset, day: Day) -> Iterator[Slot]:
        """Every slot of this day, in order, whether or not it is expected."""
        return raw.slots(day, self.plans_of(raw.name))

    def first_watched(self, feed: str) -> datetime | None:
        """When the first watch interval of a feed was opened; None before that."""
        table = tables.intervals
        query = select(func.min(table.c.opened).label("opened"))
        rows = self._rows(query.where(table.c.prefix == self.prefix, table.c.feed == feed))
        return rows[0].opened

    def origins(self, feed: str) -> set[str]:
        """Where the data came from, in all watch intervals of a feed."""
        table = tables.intervals
        query = select(table.c.origin).distinct()
        rows = self._rows(query.where(table.c.prefix == self.prefix, table.c.feed == feed))
        return {row.origin for row in rows}

    def intervals_opened(self, feed: str, at: datetime) -> list[IntervalRow]:
        """The intervals that were opened at this very time, uncut and unmerged."""
        table = tables.intervals
        rows = self._rows(
            select(table)
            .where(table.c.prefix == self.prefix, table.c.feed == feed, table.c.opened == at)
            .order_by(table.c.sequence)
        )
        return [record(IntervalRow, row) for row in rows]

    def untold(self, feed: str) -> list[tuple[str, int]]:
        """The objects about watching that do not say yet what the ledger says: key, and number of
        the change that the store was not told of."""
        table = tables.untold
        rows = self._rows(
            select(table.c.key, table.c.sequence)
            .where(table.c.prefix == self.prefix, table.c.feed == feed)
            .order_by(table.c.sequence)
        )
        return [(row.key, row.sequence) for row in rows]

    def told(self, key: str, sequence: int) -> None:
        """The store says what the ledger said with this change; later ones stay untold."""
        table = tables.untold
        with self._database.write() as transaction:
            transaction.connection.execute(
                delete(table).where(
                    table.c.prefix == self.prefix,
                    table.c.key == key,
                    table.c.sequence <= sequence,
                )
            )

    def _open(self, feed: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
        table = tables.intervals
        return (
            table.c.prefix == self.prefix,
            table.c.feed == feed,
            table.c.closed.is_(None),
            table.c.opened <= at,
        )

    def _key(self, slot: Slot) -> dict[str, Any]:
        return {"prefix": self.prefix, "raw": slot.raw, "day": slot.day, "number": slot.number}

    def _set_fate(self, slot: Slot, at: datetime, fate: FetchFate, **columns: Any) -> None:
        table, key = tables.fetches, self._key(slot)
        with self._database.write() as transaction:
            if fate is not FetchFate.LANDED:
                found = select(table.c.fate).filter_by(**key)
                if transaction.connection.scalar(found) is FetchFate.LANDED:
                    return
            self._put_fate(transaction, slot, at, fate, **columns)

    def _put_fate(
        self, transaction: Transaction, slot: Slot, at: datetime, fate: FetchFate, **columns: Any
    ) -> None:
        said = {
            "fate": fate,
            "reason": None,
            "until": None,
            "sequence": transaction.sequence,
            "updated_at": at,
        }
        transaction.upsert(tables.fetches, self._key(slot) | said | columns)
        if fate in NOT_FETCHED:
            untold(transaction, self.prefix, slot.feed, missed_key(slot.raw, slot.day))


def _fate(_: FetchNumber, text: str, fetch_id: str | None, change: int) -> _Settled:
    return _FATES[text], fetch_id, change


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals in order of their beginning, with those that touch or overlap made one."""
    merged: list[Interval] = []
    for opened, closed in intervals:
        last = merged[-1] if merged else None
        if last is None or (last[1] is not None and last[1] < opened):
            merged.append((opened, closed))
        elif last[1] is not None:
            merged[-1] = (last[0], None if closed is None else max(last[1], closed))
    return merged
