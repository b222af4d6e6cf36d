"""The ledger that fails on purpose: its database behind a plan of failures.

For tests and drills. What a plan does not name passes as it is:

    ledger = FaultyLedger(url, "live")
    ledger.plan = away
    ledger.plan = None

What fails raises the error of SQLite's driver as SQLAlchemy wraps it, so that callers get what a
real database gives them: LedgerUnavailable, the advice, and the rest after it. A plan that raises
an exception of its own ends the caller before anything is done, as a kill does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, exc

from resources.ledger import Ledger
from resources.ledger.database import Database

Operation = Literal["read", "write"]
"""What is asked of the database: one statement that reads, or one transaction that writes."""


@dataclass(frozen=True)
class Failure:
    """What the driver says, and whether it says so only after the transaction was committed."""

    message: str
    code: int
    is_after_commit: bool = False

    def driver_error(self) -> exc.OperationalError:
        error = sqlite3.OperationalError(self.message)
        error.sqlite_errorcode = self.code
        return exc.OperationalError(None, None, error)


AWAY = Failure("unable to open database file", sqlite3.SQLITE_CANTOPEN)
LOCKED = Failure("database is locked", sqlite3.SQLITE_BUSY)
ANSWER_LOST = Failure("disk I/O error", sqlite3.SQLITE_IOERR, is_after_commit=True)

Plan = Callable[[Operation], Failure | None]
"""Decides operation by operation; None lets it pass."""


def away(operation: Operation) -> Failure:
    """The plan of a database that cannot be opened: nothing is done."""
    return AWAY


def locked(operation: Operation) -> Failure | None:
    """The plan of a database that somebody writes to for too long: it can be read alone."""
    return LOCKED if operation == "write" else None


def answer_lost(operation: Operation) -> Failure | None:
    """The plan of a database whose commits are done, and nobody hears of them."""
    return ANSWER_LOST if operation == "write" else None


class FaultyLedger(Ledger):
    """The `Ledger` of a URL behind a plan, which may be changed at any time."""

    _database: FaultyDatabase

    def __init__(
        self, url: str, prefix: str, plan: Plan | None = None, *, rest_seconds: float = 0.0
    ) -> None:
        """As `Ledger`; without a plan nothing fails."""
        super().__init__(url, prefix, rest_seconds=rest_seconds)
        self._database = FaultyDatabase(url, rest_seconds)
        self.plan = plan

    @property
    def plan(self) -> Plan | None:
        return self._database.plan

    @plan.setter
    def plan(self, plan: Plan | None) -> None:
        self._database.plan = plan


class FaultyDatabase(Database):
    """The database behind a plan, which is not asked while the database is left to rest."""

    plan: Plan | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._errors_translated(), self._failing("read"), super().read() as connection:
            yield connection

    @contextmanager
    def _exclusive(self) -> Iterator[Connection]:
        with self._errors_translated(), self._failing("write"), super()._exclusive() as connection:
            yield connection

    @contextmanager
    def _failing(self, operation: Operation) -> Iterator[None]:
        failure = self.plan(operation) if self.plan else None
        if failure and not failure.is_after_commit:
            raise failure.driver_error()
        yield
        if failure:
            raise failure.driver_error()
