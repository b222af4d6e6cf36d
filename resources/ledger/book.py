"""What the parts of the ledger have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Executable, Row, Table, bindparam, select

from resources.ledger import tables
from resources.ledger.database import Database, Transaction
from touchline.day import Day, FetchNumber

_ERROR_CHARACTERS = 2000

R = TypeVar("R")
V = TypeVar("V")


class Book:
    """One prefix's rows in one database."""

    def __init__(self, database: Database, prefix: str) -> None:
        self.prefix = prefix
        self._database = database
        self._kept: dict[tuple[Table, str], _Kept] = {}
        """By table and asset or feed, of the day asked for last."""

    def _by_number(
        self,
        of: ColumnElement[str],
        name: str,
        day: Day,
        columns: Sequence[ColumnElement[Any]],
        kind: Callable[..., V],
    ) -> Mapping[FetchNumber, V]:
        """A day's rows by number, in order, each made of these columns, the number first.

        A minute's stages and checks ask for the same day again and again: what has been read is
        kept, and only what has changed since is read, by its transaction's number. They become
        visible in their order, so none is passed over.
        """
        table = of.table
        kept = self._kept.get((table, name))
        if kept is None or kept.day != day:
            kept = _Kept(day, 0, {})
        rows = self._rows(_changed(of, tuple(columns)), name=name, day=day, sequence=kept.sequence)
        if rows:
            found = dict(kept.rows)
            found.update((row[1], kind(*row[1:])) for row in rows)
            if kept.rows:
                found = dict(sorted(found.items()))
            kept = _Kept(day, max(row[0] for row in rows), found)
            self._kept[table, name] = kept
        return kept.rows

    def version(self, asset: str, day: Day) -> int:
        """A number that grows with every change of this asset's claims or objects on this day; 0
        before the first. Marks of verification do not change it."""
        rows = self._rows(_VERSION, name=asset, day=day)
        return rows[0].version if rows else 0

    def _rows(self, query: Executable, **values: Any) -> Sequence[Row[*tuple[Any, ...]]]:
        """What this query finds; `values` are those of a kept one, beside the prefix."""
        given = {"prefix": self.prefix, **values} if values else None
        with self._database.read() as connection:
            return connection.execute(query, given).all()

    def _of(self, table: Table, asset: str, day: Day) -> tuple[ColumnElement[bool], ...]:
        return table.c.prefix == self.prefix, table.c.asset == asset, table.c.day == day


def of_day(of: ColumnElement[str]) -> tuple[ColumnElement[bool], ...]:
    """The rows of `prefix`, `name` - an asset's or a feed's, as this column has it - and `day`, as
    parameters: a query that each minute asks a hundred times is built once, which takes longer than
    asking it."""
    of_table = of.table.c
    return (
        of_table.prefix == bindparam("prefix"),
        of == bindparam("name"),
        of_table.day == bindparam("day"),
    )


@cache
def _changed(of: ColumnElement[str], columns: tuple[ColumnElement[Any], ...]) -> Executable:
    table = of.table
    return (
        select(table.c.sequence, *columns)
        .where(*of_day(of), table.c.sequence > bindparam("sequence"))
        .order_by(table.c.number)
    )


_VERSION = select(tables.days.c.version).where(*of_day(tables.days.c.asset))


@dataclass(frozen=True)
class _Kept:
    day: Day
    sequence: int
    """The newest that has been read."""
    rows: Mapping[FetchNumber, Any]


def touch(transaction: Transaction, prefix: str, asset: str, day: Day) -> None:
    """Let the version of this asset's day grow: something that checks compare has changed."""
    transaction.upsert(
        tables.days,
        {"prefix": prefix, "asset": asset, "day": day, "version": transaction.sequence},
    )


def untold(transaction: Transaction, prefix: str, feed: str, key: str) -> None:
    """Remember that the store does not say yet, at this key, what the ledger says from now on."""
    row = {"prefix": prefix, "key": key, "feed": feed, "sequence": transaction.sequence}
    transaction.upsert(tables.untold, row)


def record(kind: type[R], row: Row[Any], **changed: Any) -> R:
    """The row's columns as a record of this kind, but for those given here."""
    columns = row._mapping
    return kind(**{n: changed[n] if n in changed else columns[n] for n in _names(kind)})


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def storable(message: str) -> str:
    """An error's text as every database takes it: valid UTF-8 without NUL, and not too long."""
    text = message[:_ERROR_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode()
