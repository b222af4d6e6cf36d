"""The past of a late minute: windows, claims and fates as after a whole day, without living it.

One real window of each asset, its claims and fates stand for all that came before: under other
keys and numbers, with other fetch ids and times. What is asked minute by minute - listings, the
ledger's rows - is as it would be; the bytes inside of the copies are those of the one window, and
no minute reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, insert, select, update

from benchmarks.watched_day import DAY, FEED, Watched
from resources.day_layout import AssetKeys
from resources.ledger import tables
from resources.ledger.database import Database, Transaction
from resources.ledger.records import Claim
from resources.manifest import Held
from touchline.accounting import sha256_hex
from touchline.day import Window, utc_text
from touchline.fetch import FetchRef
from touchline.slot import Slot

_NUMBERED = (tables.claims, tables.claim_history, tables.fetches)


def fill_windows_before(watched: Watched, first: int) -> int:
    """Copy the window that begins with this number to every window of the day before it, and have
    the day watched from its beginning; how many fetches the copies hold."""
    template = Window.of(DAY, first)
    earlier = [window for window in DAY.windows() if window.first < first]
    with watched.at(DAY.minute(template.last)) as (site, _):
        for asset in site.plans[FEED].assets:
            body = site.store.get(AssetKeys.of(asset.name, {}).window(template)).body
            for window in earlier:
                site.store.put_new(AssetKeys.of(asset.name, {}).window(window), body)
        database = Database(site.settings.ledger_database)
        with database.write() as transaction:
            past = _Past(transaction, watched.prefix, template)
            for table in _NUMBERED:
                past.copy(table, table.c.number.between(template.first, template.last), earlier)
            past.copy(tables.windows, tables.windows.c.key.contains(f"/{template}."), earlier)
            past.settle()
        database.close()
        site.ledger.open_interval(FEED, DAY.start, "recorded")
    return len(earlier) * 10


@dataclass
class _Past:
    """The rows of one window, copied to others in one transaction."""

    transaction: Transaction
    prefix: str
    template: Window

    def __post_init__(self) -> None:
        self.sequence = self.transaction.sequence

    def copy(self, table: Table, which: ColumnElement[bool], windows: list[Window]) -> None:
        connection = self.transaction.connection
        found = connection.execute(
            select(table).where(table.c.prefix == self.prefix, table.c.day == DAY, which)
        )
        rows = [dict(row._mapping) for row in found]
        for window in windows:
            connection.execute(insert(table), list(self._moved(table, rows, window)))

    def _moved(
        self, table: Table, rows: list[dict[str, Any]], window: Window
    ) -> Iterator[dict[str, Any]]:
        by = window.first - self.template.first
        for row in rows:
            moved = {name: _moved(value, by) for name, value in row.items()}
            if "number" in row:
                moved["number"] = row["number"] + by
            for name in ("fetch_id", "landed_fetch_id"):
                if row.get(name):
                    moved[name] = _fetch_id(row[name], by)
            if table is tables.windows:
                moved["key"] = AssetKeys.of(row["asset"], {}).window(window)
            if "sequence" in row:
                self.sequence += 1
                moved["sequence"] = self.sequence
            yield moved

    def settle(self) -> None:
        """Let the ledger count on from here."""
        self.transaction.connection.execute(update(tables.sequence).values(value=self.sequence))


def _moved(value: Any, by: int) -> Any:
    """A column's value as so many minutes later."""
    match value:
        case Claim():
            slot = Slot.implied(value.ref.feed, value.ref.at + timedelta(minutes=by))
            ref = FetchRef.of(slot, _fetch_id(value.ref.fetch_id, by))
            key = AssetKeys.of(value.asset, {}).single(ref.day, ref.number)
            return replace(value, ref=ref, key=key)
        case [Held(), *_]:
            return [_held(held, by) for held in value]
        case _ if hasattr(value, "astimezone"):
            return value + timedelta(minutes=by)
        case _:
            return value


def _held(held: Held, by: int) -> Held:
    return msgspec.structs.replace(
        held,
        number=held.number + by,
        minute=utc_text(held.ref(FEED).at + timedelta(minutes=by)),
        fetch_id=_fetch_id(held.fetch_id, by),
    )


def _fetch_id(fetch_id: str, by: int) -> str:
    return sha256_hex(f"{fetch_id} {by}".encode())[:12]
