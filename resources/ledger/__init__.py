"""The ledger: what every stage claims, kept in SQL and apart from what the store holds.

A stage writes its claim before it stores anything and confirms it with what the store answered, so
a process may die anywhere and the next one can tell which of its objects it stored. Every row
carries the store's prefix: a replay never mixes with live data.
"""

from __future__ import annotations

from resources.ledger import tables
from resources.ledger.alerts import AlertBook
from resources.ledger.attempts import AttemptBook
from resources.ledger.claims import ClaimBook
from resources.ledger.database import (
    Database,
    LedgerDamaged,
    LedgerTooNew,
    LedgerUnavailable,
    is_damage,
)
from resources.ledger.minutes import MinuteBook
from resources.ledger.rebuilt import RebuildBook
from resources.ledger.records import (
    NO_OBJECT,
    AttemptRow,
    Claim,
    ClaimRow,
    Expiry,
    FetchRow,
    IntervalRow,
    RebuiltClaim,
    RunRow,
    SealRow,
    StaleDay,
    Standing,
    Transition,
    WindowRow,
    Witness,
)
from resources.ledger.runs import RunBook
from resources.ledger.tidying import TidyBook
from resources.ledger.tiers import TierBook

__all__ = [
    "NO_OBJECT",
    "AttemptRow",
    "Claim",
    "ClaimRow",
    "Expiry",
    "FetchRow",
    "IntervalRow",
    "Ledger",
    "LedgerDamaged",
    "LedgerTooNew",
    "LedgerUnavailable",
    "RebuiltClaim",
    "RunRow",
    "SealRow",
    "StaleDay",
    "Standing",
    "Transition",
    "WindowRow",
    "Witness",
    "is_damage",
]


class Ledger(
    ClaimBook, TierBook, MinuteBook, AttemptBook, RunBook, RebuildBook, AlertBook, TidyBook
):
    """One prefix's ledger, in SQLite or PostgreSQL.

    Every method that reads or writes raises LedgerUnavailable when the database cannot be reached
    or is locked for longer than 5 s; then nothing was written, or the connection broke while it
    was being confirmed: saying the same again is safe. Times are aware; where `at` may be left
    out, it is now.

    An instance may be shared by threads and survives a fork.
    """

    def __init__(self, url: str, prefix: str, *, rest_seconds: float = 0.0) -> None:
        """Connects to nothing yet. `url` is SQLAlchemy's; raises LedgerUnavailable for one that
        cannot be used.

        After LedgerUnavailable every method raises it at once for `rest_seconds`, so that dozens of
        them do not each wait for a database that is away.
        """
        super().__init__(Database(url, rest_seconds), prefix)

    @property
    def name(self) -> str:
        """The database's URL without its password, for people."""
        return self._database.name

    def migrate(self) -> None:
        """Create the tables or bring them up to date; safe in several processes at once.

        Raises LedgerTooNew when a newer version has migrated the database.
        """
        self._database.migrate()

    def probe(self) -> None:
        """Raises LedgerUnavailable where nothing could be written now."""
        self._database.probe()

    def revisions(self) -> tuple[str | None, str]:
        """Of the database's tables, None where there are none yet, and of this code's."""
        return self._database.revision(), tables.REVISION

    def close(self) -> None:
        """Close this process's connections; the next use opens new ones."""
        self._database.close()
