"""Rows that are made anew from the store, where the ledger has lost them. What it still says itself
is never written over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import insert, select, update

from resources.ledger import tables
from resources.ledger.book import Book, touch
from resources.ledger.claims import columns_of
from resources.ledger.records import RebuiltClaim
from touchline.accounting import ClaimState, FetchFate, Outcome, RetryReason
from touchline.day import ONE_MINUTE, Day, FetchNumber
from touchline.fetch import FetchRef

REBUILT = "made anew from the store"


class RebuildBook(Book):
    def rebuild_claims(
        self, asset: str, day: Day, claims: Iterable[RebuiltClaim]
    ) -> list[RebuiltClaim]:
        """Add the claims of fetches of which the ledger knows no landing, and those of what landed
        since in the place of what it knows, where somebody vouches for that; which they were. All
        or none of them."""
        table = tables.claims
        added: list[RebuiltClaim] = []
        with self._database.write() as transaction:
            known = transaction.connection.execute(
                select(table.c.number, table.c.landed).where(
                    *self._of(table, asset, day), table.c.landed.is_not(None)
                )
            )
            landed = {row.number: row.landed for row in known}
            for each in claims:
                ref = each.claim.ref
                if ref.number in landed and not each.replaces(landed[ref.number]):
                    continue
                row = {
                    "prefix": self.prefix,
                    "asset": asset,
                    "day": day,
                    "number": ref.number,
                    "state": ClaimState.LANDED,
                    "fetch_id": ref.fetch_id,
                    "sequence": transaction.take_number(),
                    "etag": each.etag,
                    "size": each.size,
                }
                transaction.upsert(
                    table,
                    {
                        **row,
                        **columns_of(each.claim),
                        "landed_at": each.landed_at,
                        "rebuilt": each.witness,
                        "attempts": 0,
                        "updated_at": each.landed_at,
                    },
                )
                transaction.connection.execute(
                    insert(tables.claim_history),
                    {
                        **row,
                        "claim": each.claim,
                        "error": REBUILT,
                        "code_version": each.claim.code_version,
                        "at": each.landed_at,
                    },
                )
                added.append(each)
            if added:
                touch(transaction, self.prefix, asset, day)
        return added

    def rebuild_fates(
        self,
        raw: str,
        day: Day,
        landed: Mapping[FetchNumber, tuple[FetchRef, Outcome | None, str | None]],
        missed: Mapping[FetchNumber, tuple[str, datetime]],
    ) -> int:
        """Add the fates of slots that the ledger does not know; how many they were. What landed
        was neither missed nor held. The outcome of a fetch that is gone, and its reason, may be
        unknown."""
        table = tables.fetches
        rows = {
            number: {"fate": _fate_of(reason), "reason": reason, "updated_at": at}
            for number, (reason, at) in missed.items()
        } | {
            number: {
                "fate": FetchFate.LANDED,
                "fetch_id": ref.fetch_id,
                "outcome": outcome,
                "reason": reason,
                "updated_at": ref.at + ONE_MINUTE,
            }
            for number, (ref, outcome, reason) in landed.items()
        }
        with self._database.write() as transaction:
            found = transaction.connection.execute(
                select(table.c.number, table.c.fate).where(
                    table.c.prefix == self.prefix, table.c.raw == raw, table.c.day == day
                )
            )
            known = {row.number: row.fate for row in found}
            new = [
                number
                for number in sorted(rows)
                if known.get(number) not in (FetchFate.LANDED, rows[number]["fate"])
            ]
            for number in new:
                key = {"prefix": self.prefix, "raw": raw, "day": day, "number": number}
                transaction.upsert(table, key | {"sequence": transaction.sequence} | rows[number])
        return len(new)

    def rebuild_interval(
        self, feed: str, opened: datetime, closed: datetime | None, origin: str
    ) -> bool:
        """Add a watch interval that the ledger does not know, or close one that it takes for open;
        whether it did either."""
        table = tables.intervals
        key = (table.c.prefix == self.prefix, table.c.feed == feed, table.c.opened == opened)
        with self._database.write() as transaction:
            known = transaction.connection.execute(select(table.c.closed).where(*key)).all()
            if not known:
                transaction.connection.execute(
                    insert(table).values(
                        sequence=transaction.sequence,
                        prefix=self.prefix,
                        feed=feed,
                        origin=origin,
                        opened=opened,
                        closed=closed,
                    )
                )
                return True
            if closed is None or all(row.closed is not None for row in known):
                return False
            transaction.connection.execute(
                update(table).where(*key, table.c.closed.is_(None)).values(closed=closed)
            )
            return True


def _fate_of(reason: str) -> FetchFate:
    """Return the fate of a slot that was not fetched for this reason."""
    return FetchFate.HELD if reason in set(RetryReason) else FetchFate.MISSED
