"""What the ledger lets go of: the history of what went as it was first claimed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, select

from resources.ledger import tables
from resources.ledger.book import Book
from touchline.day import Day

_HISTORY, _SEALS = tables.claim_history.c, tables.seals.c


class TidyBook(Book):
    """Of a fetch that was claimed once and landed as claimed, its current row says all that its two
    transitions say but the moment of the claim. A fetch of which anything else is told, such as a
    failure, a repair or a replacement, keeps its history for good."""

    def routine_history(self, before: datetime) -> dict[tuple[str, Day], int]:
        """How many transitions may go, by asset and day, of days sealed before this moment."""
        found: dict[tuple[str, Day], int] = {}
        for row in self._rows(self._sealed_with_history(before)):
            routine = self._routine(row.asset, row.day).subquery()
            [(fetches,)] = self._rows(select(func.count()).select_from(routine))
            if fetches:
                found[row.asset, row.day] = 2 * fetches
        return found

    def forget_routine(self, asset: str, day: Day) -> int:
        """Delete them, and say how many they were."""
        with self._database.write() as transaction:
            routine = _HISTORY.number.in_(self._routine(asset, day))
            of_day = self._of(tables.claim_history, asset, day)
            gone = delete(tables.claim_history).where(*of_day, routine)
            return transaction.connection.execute(gone).rowcount

    def _sealed_with_history(self, before: datetime) -> Select[Any, Any]:
        of_seal: tuple[ColumnElement[bool], ...] = (
            _HISTORY.prefix == _SEALS.prefix,
            _HISTORY.asset == _SEALS.asset,
            _HISTORY.day == _SEALS.day,
        )
        return (
            select(_SEALS.asset, _SEALS.day)
            .where(_SEALS.prefix == self.prefix, _SEALS.sealed_at < before)
            .where(exists().where(*of_seal))
            .order_by(_SEALS.day, _SEALS.asset)
        )

    def _routine(self, asset: str, day: Day) -> Select[Any]:
        """The fetches with one claim and its landing, and nothing besides."""
        return (
            select(_HISTORY.number)
            .where(*self._of(tables.claim_history, asset, day))
            .group_by(_HISTORY.number)
            .having(
                func.count() == 2,
                func.count(_HISTORY.state.distinct()) == 2,
                func.count(_HISTORY.claim) == 1,
                func.count(_HISTORY.etag) == 1,
                func.count(_HISTORY.error) == 0,
            )
        )
