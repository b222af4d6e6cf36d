"""Request budgets: how many calls a vendor allows in a sliding window, over all processes.

A call counts from the moment it is sent until one window after it ended. The vendor counts it when
it arrives, somewhere between, so its own count never exceeds the budget, whatever the network does.

The budget's clock is the caller's, since a replay runs on a virtual one. That, the shared file and
counting until the end are why this is a table of our own. Libraries count from the sending, most by
the system's time; pyrate-limiter takes the caller's time and a shared file, but a clock that was
set back blocks it until the clock has caught up, and it knows no budget of nothing.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NewType, TypeVar

from touchline.errors import TouchlineError

logger = logging.getLogger(__name__)

T = TypeVar("T")
Ticket = NewType("Ticket", int)

_LOCK_TIMEOUT_SECONDS = 2.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY AUTOINCREMENT, budget TEXT, at REAL);
CREATE INDEX IF NOT EXISTS calls_of_budget ON calls (budget, at);
"""
_MOVE = "UPDATE calls SET at = ? WHERE id = ?"


@dataclass(frozen=True)
class Budget:
    """At most `calls` calls in any `seconds`; `name` says whose, without credentials."""

    name: str
    calls: int
    seconds: float = 60.0


class BudgetSpent(TouchlineError):
    """No call is left in the window; the first one becomes free in `wait_seconds`."""

    def __init__(self, budget: Budget, wait_seconds: float) -> None:
        super().__init__(f"{budget.name}: {budget.calls} calls in {budget.seconds:g} s are spent")
        self.wait_seconds = wait_seconds


class Quota:
    """Counts calls in a SQLite file that the processes of one machine share.

    Without a path it counts in memory, which is right for a virtual clock: minutes replayed twice
    are different calls at the same time.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def take(self, budget: Budget, now: datetime) -> Ticket:
        """Count one call at `now`. Raises BudgetSpent."""
        return self._run(lambda connection: _take(connection, budget, now.timestamp()))

    def ended(self, ticket: Ticket, now: datetime) -> None:
        """The call was answered, or given up: it counts for one window from here on."""
        moved = (now.timestamp(), ticket)
        self._run(lambda connection: connection.execute(_MOVE, moved))

    def _run(self, statements: Callable[[sqlite3.Connection], T]) -> T:
        """Run these in one transaction that excludes other processes.

        A file that cannot be used costs the knowledge of other processes' calls, not the fetch: a
        minute that passes is gone, a call beyond the budget is merely refused.
        """
        with self._lock:
            try:
                return self._in_transaction(statements)
            except sqlite3.Error as error:
                logger.warning(
                    "request budget %s cannot be used (%s): counting in memory", self._path, error
                )
                self._path, self._connection = None, None
                return self._in_transaction(statements)

    def _in_transaction(self, statements: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            self._connection = _connect(self._path)
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:  # commits, or rolls back when something is raised
            return statements(self._connection)


def _take(connection: sqlite3.Connection, budget: Budget, at: float) -> Ticket:
    # A count from the future was made before the clock was set back: it would block for as long
    # as the clock needs to catch up.
    outside = (budget.name, at - budget.seconds, at + budget.seconds)
    connection.execute("DELETE FROM calls WHERE budget = ? AND (at <= ? OR at > ?)", outside)
    counted = "SELECT count(*), min(at) FROM calls WHERE budget = ?"
    spent, oldest = connection.execute(counted, (budget.name,)).fetchone()
    if spent >= budget.calls:
        raise BudgetSpent(budget, budget.seconds - (at - oldest) if spent else budget.seconds)
    inserted = connection.execute(
        "INSERT INTO calls (budget, at) VALUES (?, ?)", (budget.name, at)
    ).lastrowid
    assert inserted is not None
    return Ticket(inserted)


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path or ":memory:",
        timeout=_LOCK_TIMEOUT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    # No fsync a commit: a power cut loses counts of the last seconds, nothing else.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(_SCHEMA)
    return connection
