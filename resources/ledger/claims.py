"""What each asset claims to have stored for each fetch, and what the store confirmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Integer,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from resources.ledger import tables
from resources.ledger.book import record, storable, touch
from resources.ledger.database import Transaction
from resources.ledger.records import Claim, ClaimRow, Standing, Transition
from resources.ledger.versions import VersionBook
from touchline.accounting import ClaimState, Outcome
from touchline.day import Day, FetchNumber
from touchline.fetch import FetchRef

_CLAIM = select(tables.claims).where(
    *(column == bindparam(column.name) for column in tables.claims.primary_key)
)
_REMEMBER = insert(tables.claim_history)
# As text and integer: types of their own cost a call a row, and a day has 1,440 of each asset.
_STANDING = (
    tables.claims.c.number,
    type_coerce(tables.claims.c.outcome, Text),
    tables.claims.c.emitted,
    tables.claims.c.etag,
    tables.claims.c.verified_etag,
    type_coerce(tables.claims.c.pending.is_not(None), Integer),
    tables.claims.c.landed_fetch_id,
    tables.claims.c.received,
    tables.claims.c.explained,
    tables.claims.c.quarantined,
    type_coerce(tables.claims.c.rebuilt, Text),
)


class ClaimBook(VersionBook):
    """Claims. Each change of one is one transaction: the row, its history and the day's version
    move together or not at all."""

    def intend(self, claim: Claim, at: datetime | None = None) -> None:
        """Record that this claim's object is about to be stored.

        What has landed before stays in the row until the new object is confirmed. The same claim
        again, pending or landed, changes nothing.
        """
        with self._database.write() as transaction:
            now = self._entry(transaction, claim.asset, claim.ref, at)
            row = now.found
            if row is not None and (
                _is_same(row.landed, claim)
                or (_is_same(row.pending, claim) and row.state is not ClaimState.FAILED)
            ):
                return
            now.change(state=now.state_after(ClaimState.INTENDED), pending=claim)
            now.remember(ClaimState.INTENDED, claim=claim, code_version=claim.code_version)

    def repairs(self, claim: Claim, why: str, at: datetime | None = None) -> None:
        """Keep in the history that somebody is about to store this claim's object again, and why,
        also where the claim is the one that landed before. The claim itself stays as it is."""
        with self._database.write() as transaction:
            now = self._entry(transaction, claim.asset, claim.ref, at)
            now.remember(
                ClaimState.INTENDED,
                claim=claim,
                error=storable(why),
                code_version=claim.code_version,
            )

    def landed(self, claim: Claim, etag: str, size: int, at: datetime | None = None) -> None:
        """Record that the store confirmed this claim's object (`size` in bytes), pending or not.

        A different pending claim stays: its object may have replaced this one already.
        """
        with self._database.write() as transaction:
            now = self._entry(transaction, claim.asset, claim.ref, at)
            row = now.found
            was_pending = row is not None and _is_same(row.pending, claim)
            known = row and _is_same(row.landed, claim) and row.etag == etag and not row.rebuilt
            if known and not was_pending:
                return
            changes: dict[str, Any] = {"pending": None} if was_pending else {}
            if not claim.outcome.is_placeholder:
                changes |= {"attempts": 0, "failing_code_version": None, "last_error": None}
            now.change(
                state=ClaimState.LANDED,
                **columns_of(claim),
                rebuilt=None,
                etag=etag,
                size=size,
                landed_at=row.landed_at if row is not None and row.etag == etag else now.at,
                **changes,
            )
            now.remember(
                ClaimState.LANDED,
                claim=None if was_pending else claim,
                etag=etag,
                size=size,
                code_version=claim.code_version,
            )
            self._make_stale(transaction, claim, now.at)

    def withdraw(self, claim: Claim, reason: str, at: datetime | None = None) -> None:
        """Record that a pending claim will not land, as when another writer's object won.

        The claim stays in the history with its reason. Nothing changes when it is not pending.
        """
        with self._database.write() as transaction:
            now = self._entry(transaction, claim.asset, claim.ref, at)
            if now.found is None or not _is_same(now.found.pending, claim):
                return
            now.change(
                state=now.state_after(ClaimState.FAILED),
                pending=None,
                last_error=storable(reason),
            )
            now.remember(
                ClaimState.FAILED,
                claim=claim,
                error=storable(reason),
                code_version=claim.code_version,
            )

    def failed(
        self,
        asset: str,
        ref: FetchRef,
        error: str,
        code_version: str,
        at: datetime | None = None,
    ) -> int:
        """Record a failure and return how often in a row this code has failed on this fetch.

        A pending claim stays pending: a store that answered with an error may have stored it.
        """
        with self._database.write() as transaction:
            now = self._entry(transaction, asset, ref, at)
            again = now.found is not None and now.found.failing_code_version == code_version
            attempts = now.found.attempts + 1 if now.found is not None and again else 1
            now.change(
                state=now.state_after(ClaimState.FAILED),
                attempts=attempts,
                failing_code_version=code_version,
                last_error=storable(error),
            )
            now.remember(ClaimState.FAILED, error=storable(error), code_version=code_version)
            return attempts

    def claims(self, asset: str, day: Day) -> dict[FetchNumber, ClaimRow]:
        """Where this asset stands with each fetch of the day, by number, in order. One query.

        Decoding a long day's claims takes some 100 ms: what each minute asks is `standing`.
        """
        return self._claims(asset, day)

    def claim(self, asset: str, day: Day, number: int) -> ClaimRow | None:
        """Where this asset stands with one fetch."""
        found = self._claims(asset, day, tables.claims.c.number == number)
        return found.get(FetchNumber(number))

    def claims_of(
        self, asset: str, day: Day, numbers: Collection[int]
    ) -> dict[FetchNumber, ClaimRow]:
        """Where this asset stands with these fetches, such as those of a window."""
        return self._claims(asset, day, tables.claims.c.number.in_(numbers))

    def pending(self, asset: str, day: Day) -> list[ClaimRow]:
        """The rows with a claim on its way, in order."""
        return [*self._claims(asset, day, tables.claims.c.pending.is_not(None)).values()]

    def _claims(
        self, asset: str, day: Day, *which: ColumnElement[bool]
    ) -> dict[FetchNumber, ClaimRow]:
        table = tables.claims
        rows = self._rows(
            select(table).where(*self._of(table, asset, day), *which).order_by(table.c.number)
        )
        return {FetchNumber(row.number): record(ClaimRow, row) for row in rows}

    def standing(self, asset: str, day: Day) -> Mapping[FetchNumber, Standing]:
        """The day's claims by number, in order, without what they say at length. One query."""
        return self._by_number(tables.claims.c.asset, asset, day, _STANDING, Standing)

    def landed_numbers(self, asset: str, day: Day) -> list[FetchNumber]:
        """The numbers of the day's fetches of which something has landed, in order. Nothing is kept
        between two calls, unlike `standing`."""
        number, outcome = tables.claims.c.number, tables.claims.c.outcome
        rows = self._rows(
            select(number)
            .where(*self._of(tables.claims, asset, day), outcome.is_not(None))
            .order_by(number)
        )
        return [FetchNumber(row.number) for row in rows]

    def newest_good(self, asset: str, day: Day) -> FetchNumber | None:
        """The number of the day's newest fetch that has landed with an answer, not a placeholder
        for one."""
        number, outcome = tables.claims.c.number, tables.claims.c.outcome
        good = [each for each in Outcome if not each.is_placeholder]
        rows = self._rows(
            select(number)
            .where(*self._of(tables.claims, asset, day), outcome.in_(good))
            .order_by(number.desc())
            .limit(1)
        )
        return FetchNumber(rows[0].number) if rows else None

    def code_versions(self, feed: str) -> dict[tuple[str, Day], Counter[str]]:
        """By asset and day, how many fetches of it stand that were made by which code."""
        table = tables.claims
        text = type_coerce(table.c.landed, Text)
        with self._database.read() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            version = (
                func.json_extract(text, "$.code_version")
                if is_sqlite
                else cast(text, JSON)["code_version"].as_string()
            ).label("version")
            rows = connection.execute(
                select(table.c.asset, table.c.day, version, func.count().label("fetches"))
                .where(
                    table.c.prefix == self.prefix,
                    table.c.asset.startswith(f"{feed}/"),
                    table.c.landed.is_not(None),
                )
                .group_by(table.c.asset, table.c.day, version)
            ).all()
        found: dict[tuple[str, Day], Counter[str]] = {}
        for row in rows:
            found.setdefault((row.asset, row.day), Counter())[row.version] += row.fetches
        return found

    def landed_since(self, asset: str, inputs: Sequence[str], day: Day) -> set[FetchNumber]:
        """The fetches of which something has landed in one of the inputs after it had landed in
        this asset."""
        made, of = tables.claims, tables.claims.alias()
        rows = self._rows(
            select(made.c.number)
            .join(
                of,
                (of.c.prefix == made.c.prefix)
                & (of.c.day == made.c.day)
                & (of.c.number == made.c.number),
            )
            .where(
                *self._of(made, asset, day),
                of.c.asset.in_(inputs),
                of.c.landed_at > made.c.landed_at,
            )
            .distinct()
        )
        return {row.number for row in rows}

    def history(self, asset: str, day: Day, number: int) -> list[Transition]:
        """Every transition of this asset's claims about one fetch, oldest first. None where it was
        claimed once, landed so, and its day has been sealed for long: see `TidyBook`."""
        table = tables.claim_history
        rows = self._rows(
            select(table)
            .where(*self._of(table, asset, day), table.c.number == number)
            .order_by(table.c.sequence)
        )
        return [record(Transition, row) for row in rows]

    def mark_verified(self, asset: str, day: Day, etags: Mapping[FetchNumber, str]) -> None:
        """Record which objects were read back and found good, by number and the ETag they had.

        An object that has been replaced since is left unmarked.
        """
        if not etags:
            return
        table = tables.claims
        mark = (
            update(table)
            .where(
                *self._of(table, asset, day),
                table.c.number == bindparam("marked_number"),
                table.c.etag == bindparam("marked_etag"),
            )
            .values(verified_etag=bindparam("marked_etag"), sequence=bindparam("marked_by"))
        )
        with self._database.write() as transaction:
            by = {"marked_by": transaction.sequence}
            marks = [by | {"marked_number": n, "marked_etag": etag} for n, etag in etags.items()]
            transaction.connection.execute(mark, marks)

    def _entry(
        self, transaction: Transaction, asset: str, ref: FetchRef, at: datetime | None
    ) -> _Entry:
        day, number = ref.day, ref.number
        key = {"prefix": self.prefix, "asset": asset, "day": day, "number": number}
        found = transaction.connection.execute(_CLAIM, key).first()
        row = None if found is None else record(ClaimRow, found)
        return _Entry(self, transaction, asset, ref, day, number, at or datetime.now(UTC), row)


def columns_of(claim: Claim) -> dict[str, Any]:
    """A claim that has landed, and what each minute asks of it."""
    account = claim.account
    return {
        "landed": claim,
        "outcome": claim.outcome,
        "emitted": account.emitted,
        "landed_fetch_id": claim.ref.fetch_id,
        "received": account.received,
        "explained": account.explained,
        "quarantined": sum(account.quarantined.values()),
    }


def _is_same(known: Claim | None, claim: Claim) -> bool:
    """Whichever run says it: a claim that run after run repeats is as old as its first."""
    return known is not None and replace(known, run_id=claim.run_id) == claim


@dataclass(frozen=True)
class _Entry:
    """One transition of one fetch's claim, under way in a transaction."""

    book: ClaimBook
    transaction: Transaction
    asset: str
    ref: FetchRef
    day: Day
    number: FetchNumber
    at: datetime
    found: ClaimRow | None
    """The row as it was before."""

    def state_after(self, transition: ClaimState) -> ClaimState:
        """What has landed stays landed, whatever is tried or fails on top of it."""
        landed = self.found is not None and self.found.landed is not None
        return ClaimState.LANDED if landed else transition

    def change(self, **columns: Any) -> None:
        self.transaction.upsert(tables.claims, self._identity | {"updated_at": self.at} | columns)
        touch(self.transaction, self.book.prefix, self.asset, self.day)

    def remember(self, transition: ClaimState, **columns: Any) -> None:
        entry = self._identity | {"state": transition, "at": self.at} | columns
        self.transaction.connection.execute(_REMEMBER, entry)

    @property
    def _identity(self) -> dict[str, Any]:
        return {
            "prefix": self.book.prefix,
            "asset": self.asset,
            "day": self.day,
            "number": self.number,
            "fetch_id": self.ref.fetch_id,
            "sequence": self.transaction.sequence,
        }
