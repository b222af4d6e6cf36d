"""Windows and sealed days, what was removed on purpose, and who may work on a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import msgspec
from sqlalchemy import Row, Text, delete, select, type_coerce, update

from resources.ledger import tables
from resources.ledger.book import Book, of_day, record, storable, touch
from resources.ledger.database import Database
from resources.ledger.records import Expiry, SealRow, WindowRow
from resources.manifest import Held
from touchline.day import Day, FetchNumber

V = TypeVar("V")
_Known: TypeAlias = dict[str, tuple[Row[Any] | None, V]]
"""By a window's key: how its row was told apart when it was read, and what is kept of it."""

_WINDOW = (
    *(column for column in tables.windows.c if column is not tables.windows.c.held),
    type_coerce(tables.windows.c.held, Text).label("held_json"),
)
_TOLD_APART_BY = (
    *(tables.windows.c.key, tables.windows.c.sha256),
    *(tables.windows.c.etag, tables.windows.c.verified_etag),
)
_WINDOWS_TOLD_APART = (
    select(*_TOLD_APART_BY).where(*of_day(tables.windows.c.asset)).order_by(tables.windows.c.key)
)


class TierBook(Book):
    """What takes the place of fetch objects: announced before it is stored, confirmed with the
    store's answer, and verified once it was read back."""

    def __init__(self, database: Database, prefix: str) -> None:
        super().__init__(database, prefix)
        self._windows: dict[str, _Known[WindowRow]] = {}
        self._in_windows: dict[str, _Known[tuple[FetchNumber, ...]]] = {}
        """By asset, of the day that was asked for last."""

    # --- windows ---------------------------------------------------------------------------------

    def intend_window(
        self, asset: str, day: Day, key: str, sha256: str, held: Sequence[Held], at: datetime
    ) -> None:
        """Record that this window is about to be stored. Saying the same again changes nothing."""
        table = tables.windows
        with self._database.write() as transaction:
            found = transaction.connection.execute(
                select(table.c.sha256).where(table.c.prefix == self.prefix, table.c.key == key)
            ).first()
            if found is not None and found.sha256 == sha256:
                return
            transaction.upsert(
                table,
                {
                    "prefix": self.prefix,
                    "key": key,
                    "asset": asset,
                    "day": day,
                    "sha256": sha256,
                    "held": [msgspec.structs.replace(each, about=None) for each in held],
                    "etag": None,
                    "size": None,
                    "stored_at": None,
                    "verified_etag": None,
                    "updated_at": at,
                },
            )
            touch(transaction, self.prefix, asset, day)

    def window_verified(
        self, asset: str, day: Day, key: str, etag: str, size: int, stored_at: datetime
    ) -> None:
        """Record that the store holds the announced window, read back and compared."""
        table = tables.windows
        with self._database.write() as transaction:
            transaction.connection.execute(
                update(table)
                .where(table.c.prefix == self.prefix, table.c.key == key)
                .values(
                    etag=etag,
                    verified_etag=etag,
                    size=size,
                    stored_at=stored_at,
                    updated_at=stored_at,
                )
            )
            touch(transaction, self.prefix, asset, day)

    def windows(self, asset: str, day: Day) -> dict[str, WindowRow]:
        """The day's windows by key, in order.

        Each is read once, and again when it has changed, which an index tells: the stages and
        checks of a minute all ask for them, and by evening they hold half a megabyte an asset.
        """
        return self._by_key(self._windows, asset, day, _as_it_is)

    def in_windows(self, asset: str, day: Day) -> set[FetchNumber]:
        """The numbers of the fetches that the day's verified windows hold.

        Between two calls the ledger keeps these numbers alone, so that a process that asks all day
        stays as small as it was.
        """
        held = self._by_key(self._in_windows, asset, day, _verified_numbers)
        return {number for numbers in held.values() for number in numbers}

    def _by_key(
        self, kept: dict[str, _Known[V]], asset: str, day: Day, keep: Callable[[WindowRow], V]
    ) -> dict[str, V]:
        """What to keep of each of the day's windows, by key, in order; `kept` is what is known."""
        table, known = tables.windows, dict(kept.get(asset, {}))
        rows = {row.key: row for row in self._rows(_WINDOWS_TOLD_APART, name=asset, day=day)}
        new = [key for key, row in rows.items() if key not in known or known[key][0] != row]
        if new:
            among = table.c.key.between(new[0], new[-1])
            read = self._rows(select(*_WINDOW).where(*self._of(table, asset, day), among))
            known |= {row.key: (rows.get(row.key), keep(record(WindowRow, row))) for row in read}
        now = kept[asset] = {key: known[key] for key in rows if key in known}
        return {key: value for key, (_, value) in now.items()}

    # --- sealed days -----------------------------------------------------------------------------

    def sealed(
        self,
        asset: str,
        day: Day,
        *,
        number: int,
        fetches: int,
        emitted: int,
        files: Mapping[str, str],
        at: datetime,
    ) -> None:
        """Record a seal that was read back and compared, in the place of any before it."""
        with self._database.write() as transaction:
            transaction.upsert(
                tables.seals,
                {
                    "prefix": self.prefix,
                    "asset": asset,
                    "day": day,
                    "number": number,
                    "fetches": fetches,
                    "emitted": emitted,
                    "files": dict(files),
                    "sealed_at": at,
                    "cleared_at": None,
                },
            )
            touch(transaction, self.prefix, asset, day)

    def cleared(self, asset: str, day: Day, keys: Iterable[str], at: datetime) -> None:
        """Record that what the seal replaced was removed; `keys` are the windows among it."""
        windows, seals = tables.windows, tables.seals
        with self._database.write() as transaction:
            for key in keys:
                transaction.connection.execute(
                    delete(windows).where(windows.c.prefix == self.prefix, windows.c.key == key)
                )
            transaction.connection.execute(
                update(seals).where(*self._of(seals, asset, day)).values(cleared_at=at)
            )
            touch(transaction, self.prefix, asset, day)

    def seal(self, asset: str, day: Day) -> SealRow | None:
        table = tables.seals
        rows = self._rows(select(table).where(*self._of(table, asset, day)))
        return record(SealRow, rows[0]) if rows else None

    def seals(self, feed: str) -> list[SealRow]:
        """Every sealed day of a feed's assets, oldest first."""
        table = tables.seals
        rows = self._rows(
            select(table)
            .where(table.c.prefix == self.prefix, table.c.asset.startswith(f"{feed}/"))
            .order_by(table.c.day, table.c.asset)
        )
        return [record(SealRow, row) for row in rows]

    def landed_since_seal(self, feed: str) -> set[Day]:
        """The days of a feed of which something landed after they were sealed."""
        claims, seals = tables.claims, tables.seals
        rows = self._rows(
            select(claims.c.day)
            .join(
                seals,
                (seals.c.prefix == claims.c.prefix)
                & (seals.c.asset == claims.c.asset)
                & (seals.c.day == claims.c.day),
            )
            .where(
                claims.c.prefix == self.prefix,
                claims.c.asset.startswith(f"{feed}/"),
                claims.c.landed_at > seals.c.sealed_at,
            )
            .distinct()
        )
        return {row.day for row in rows}

    def has_landed(self, feed: str, day: Day) -> bool:
        """Whether anything of a feed's day has landed."""
        claims = tables.claims
        rows = self._rows(
            select(claims.c.number)
            .where(
                claims.c.prefix == self.prefix,
                claims.c.asset.startswith(f"{feed}/"),
                claims.c.day == day,
                claims.c.outcome.is_not(None),
            )
            .limit(1)
        )
        return bool(rows)

    # --- what was removed on purpose -------------------------------------------------------------

    def expired(self, asset: str, day: Day, tier: str, reason: str, at: datetime) -> None:
        """Record that a tier of this day goes on purpose, before anything of it is removed."""
        with self._database.write() as transaction:
            transaction.upsert(
                tables.expiries,
                {
                    "prefix": self.prefix,
                    "asset": asset,
                    "day": day,
                    "tier": tier,
                    "reason": storable(reason),
                    "at": at,
                },
            )
            touch(transaction, self.prefix, asset, day)

    def expiries(self, asset: str, day: Day) -> dict[str, Expiry]:
        """What of this day was removed on purpose, by tier."""
        table = tables.expiries
        rows = self._rows(select(table).where(*self._of(table, asset, day)))
        return {row.tier: record(Expiry, row) for row in rows}

    # --- locks -----------------------------------------------------------------------------------

    def lock(self, name: str, holder: str, now: datetime, until: datetime) -> str | None:
        """Take a lock, or keep one that is already held: None. Else the name of its holder.

        A lock whose time has passed belongs to nobody: its holder has died.
        """
        table = tables.locks
        with self._database.write() as transaction:
            found = transaction.connection.execute(
                select(table.c.holder, table.c.until).where(
                    table.c.prefix == self.prefix, table.c.name == name
                )
            ).first()
            if found is not None and found.holder != holder and found.until > now:
                return found.holder
            transaction.upsert(
                table,
                {"prefix": self.prefix, "name": name, "holder": holder, "until": until},
            )
        return None

    def unlock(self, name: str, holder: str) -> None:
        table = tables.locks
        with self._database.write() as transaction:
            transaction.connection.execute(
                delete(table).where(
                    table.c.prefix == self.prefix,
                    table.c.name == name,
                    table.c.holder == holder,
                )
            )


def _as_it_is(row: WindowRow) -> WindowRow:
    return row


def _verified_numbers(row: WindowRow) -> tuple[FetchNumber, ...]:
    return tuple(row.etags) if row.is_verified else ()
