"""Which earlier days each version was made of, and which days a later change has made stale."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Connection, bindparam, delete, or_, select

from resources.ledger import tables
from resources.ledger.book import Book, record
from resources.ledger.database import Transaction
from resources.ledger.records import Claim, StaleDay
from touchline.accounting import Outcome
from touchline.day import Day
from touchline.stage import VersionRead

_HOLDS_RECORDS = [outcome for outcome in Outcome if outcome.holds_records]
_READERS = select(tables.reads.c.asset, tables.reads.c.day).where(
    tables.reads.c.prefix == bindparam("prefix"),
    tables.reads.c.read_asset == bindparam("name"),
    tables.reads.c.read_day == bindparam("day"),
    or_(
        bindparam("holds_records", type_=Boolean)
        & or_(tables.reads.c.number.is_(None), tables.reads.c.number < bindparam("number")),
        (tables.reads.c.number == bindparam("number"))
        & (tables.reads.c.sha256 != bindparam("sha256")),
    ),
)


class VersionBook(Book):
    """Reads of earlier days, and stale days."""

    def reads(self, asset: str, day: Day, reads: Iterable[VersionRead], at: datetime) -> None:
        """Record what a version of this day that is about to be stored was made of, in the place of
        what is recorded of the version before. The day is stale if any of it has changed already.
        """
        of = {"prefix": self.prefix, "asset": asset, "day": day}
        table = tables.reads
        with self._database.write() as transaction:
            transaction.connection.execute(delete(table).where(*self._of(table, asset, day)))
            because = None
            for read in reads:
                read_of = {"read_asset": read.asset, "read_day": Day.parse(read.date)}
                found = {"number": read.number, "sha256": read.sha256}
                transaction.upsert(table, {**of, **read_of, **found})
                because = because or self._outdated(transaction.connection, read)
            if because is not None:
                self._mark_stale(transaction, asset, day, because, at)

    def freshen(self, asset: str, day: Day) -> None:
        """Record that the day's version was made again; nothing, if what it was made of has changed
        once more."""
        reads, stale = tables.reads, tables.stale
        with self._database.write() as transaction:
            rows = transaction.connection.execute(
                select(reads).where(*self._of(reads, asset, day))
            ).all()
            for row in rows:
                read = VersionRead(row.read_asset, str(row.read_day), row.number, row.sha256)
                if self._outdated(transaction.connection, read):
                    return
            transaction.connection.execute(delete(stale).where(*self._of(stale, asset, day)))

    def stale(self, feed: str, day: Day | None = None) -> list[StaleDay]:
        """Return the stale days of a feed's assets that have not expired, oldest first; those of
        one day where it is given."""
        table, gone = tables.stale, tables.expiries
        expired = select(gone.c.asset).where(
            gone.c.prefix == self.prefix, gone.c.asset == table.c.asset, gone.c.day == table.c.day
        )
        query = select(table).where(
            table.c.prefix == self.prefix,
            table.c.asset.startswith(f"{feed}/"),
            ~expired.exists(),
        )
        if day is not None:
            query = query.where(table.c.day == day)
        return [
            record(StaleDay, row) for row in self._rows(query.order_by(table.c.day, table.c.asset))
        ]

    def _make_stale(self, transaction: Transaction, claim: Claim, at: datetime) -> None:
        """Mark the days as stale that were made of an earlier version than the one that landed, or
        of other content under the same number."""
        day, number = claim.ref.day, claim.ref.number
        values = {"name": claim.asset, "day": day, "number": number, "sha256": claim.sha256}
        values["holds_records"] = claim.outcome.holds_records
        readers = transaction.connection.execute(_READERS, {"prefix": self.prefix, **values}).all()
        because = f"{claim.asset} of {day} has version {number} since"
        for reader in readers:
            self._mark_stale(transaction, reader.asset, reader.day, because, at)

    def _mark_stale(
        self, transaction: Transaction, asset: str, day: Day, because: str, at: datetime
    ) -> None:
        """Mark a day as stale. One that is stale already keeps the time since when it is."""
        table = tables.stale
        since = transaction.connection.scalar(
            select(table.c.since).where(*self._of(table, asset, day))
        )
        key = {"prefix": self.prefix, "asset": asset, "day": day}
        transaction.upsert(table, {**key, "because": because, "since": since or at})

    def outdated(self, reads: Iterable[VersionRead]) -> list[str]:
        """Return why what was read is not the newest version any more, of all that is not."""
        with self._database.read() as connection:
            found = [self._outdated(connection, read) for read in reads]
        return [because for because in found if because]

    def _outdated(self, connection: Connection, read: VersionRead) -> str | None:
        table = tables.claims
        newest = connection.execute(
            select(table.c.number, table.c.landed)
            .where(
                *self._of(table, read.asset, Day.parse(read.date)),
                table.c.outcome.in_(_HOLDS_RECORDS),
            )
            .order_by(table.c.number.desc())
            .limit(1)
        ).first()
        if newest is None or newest.number < (read.number or 0):
            # It may hold its records no more, or the ledger has not heard of it.
            newest = self._landed(connection, read)
        if newest is None or newest.landed is None:
            return None
        if read.number is None and self._has_expired(connection, read):
            return None
        if (newest.number, newest.landed.sha256) == (read.number, read.sha256):
            return None
        return f"{read.asset} of {read.date} has version {newest.number} since"

    def _landed(self, connection: Connection, read: VersionRead) -> Any:
        """Return the claim that stands now under the number that was read."""
        table = tables.claims
        return connection.execute(
            select(table.c.number, table.c.landed).where(
                *self._of(table, read.asset, Day.parse(read.date)), table.c.number == read.number
            )
        ).first()

    def _has_expired(self, connection: Connection, read: VersionRead) -> bool:
        table = tables.expiries
        of = self._of(table, read.asset, Day.parse(read.date))
        return connection.execute(select(table.c.asset).where(*of)).first() is not None
