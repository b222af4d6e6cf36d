"""What the parts of the ledger have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Executable, Row, Table, select

from resources.ledger import tables
from resources.ledger.database import Database, Transaction
from touchline.day import ONE_MINUTE, Day, Minute

_ERROR_CHARACTERS = 2000

R = TypeVar("R")


class Book:
    """One prefix's rows in one database."""

    def __init__(self, database: Database, prefix: str) -> None:
        self.prefix = prefix
        self._database = database

    def version(self, asset: str, day: Day) -> int:
        """A number that grows with every change of this asset's claims or objects on this day; 0
        before the first. Marks of verification do not change it."""
        table = tables.days
        rows = self._rows(select(table.c.version).where(*self._of(table, asset, day)))
        return rows[0].version if rows else 0

    def _rows(self, query: Executable) -> Sequence[Row[*tuple[Any, ...]]]:
        with self._database.read() as connection:
            return connection.execute(query).all()

    def _of(self, table: Table, asset: str, day: Day) -> tuple[ColumnElement[bool], ...]:
        return table.c.prefix == self.prefix, table.c.asset == asset, table.c.day == day


def touch(transaction: Transaction, prefix: str, asset: str, day: Day) -> None:
    """Let the version of this asset's day grow: something that checks compare has changed."""
    transaction.upsert(
        tables.days,
        {"prefix": prefix, "asset": asset, "day": day, "version": transaction.sequence},
    )


def record(kind: type[R], row: Row[Any], **changed: Any) -> R:
    """The row's columns as a record of this kind, but for those given here."""
    columns = row._mapping
    return kind(**{n: changed[n] if n in changed else columns[n] for n in _names(kind)})


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def minute_of(day_start: datetime, number: int) -> Minute:
    """The day's minute of this number, without working out the day's start once a row."""
    return Minute(day_start + (number - 1) * ONE_MINUTE)


def storable(message: str) -> str:
    """An error's text as every database takes it: valid UTF-8 without NUL, and not too long."""
    text = message[:_ERROR_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode()
