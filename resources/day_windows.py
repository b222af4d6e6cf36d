"""Windows: ten minutes of fetch objects in one object, made, compared and only then relied upon.

A window is announced in the ledger, stored under a condition, read back from the store and compared
with the claims of its fetches and with the objects it was made of. Until that has been seen to hold
nothing is removed, so a process may die anywhere and the next one carries on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from resources import raw_window, stage_window
from resources.day_index import DayIndex, Place
from resources.day_layout import AssetKeys
from resources.day_store import DayStore
from resources.fetch_object import FetchObject, UnreadableObject, unpack
from resources.ledger import Standing
from resources.manifest import Held
from resources.raw_window import RawWindow
from resources.stage_codec import decode_stage
from resources.store import (
    Conflicting,
    Corrupted,
    NotFound,
    ObjectInfo,
    PreconditionFailed,
    StoredObject,
    StoreError,
)
from touchline.accounting import sha256_hex
from touchline.day import Day, FetchNumber, Window

Standings = Mapping[FetchNumber, Standing]


class UnlikeItsFetches(UnreadableObject):
    """A window that does not hold what was claimed and stored fetch by fetch."""


@dataclass(frozen=True)
class Stored:
    """A window that was confirmed; `held` are its fetches."""

    key: str
    held: Sequence[Held]


@dataclass(frozen=True)
class DayWindows:
    """The windows of one asset's day."""

    days: DayStore
    asset: str
    day: Day

    def sound(
        self, places: Iterable[Place], standings: Standings
    ) -> tuple[list[FetchObject], list[str]]:
        """The fetch objects that are what was claimed, and what is wrong with the others, which
        stay as they are until they are repaired. Raises StoreError, LedgerUnavailable."""
        found: list[FetchObject] = []
        wrong: list[str] = []
        for place in places:
            row = standings.get(place.number)
            if row is None or row.etag != place.etag:
                wrong.append(f"fetch {place.number} is not the object that was claimed")
                continue
            try:
                found.append(self.days.read_place(self.asset, self.day, place))
            except (NotFound, UnreadableObject) as error:
                wrong.append(f"fetch {place.number}: {error}")
        return found, wrong

    def store(
        self,
        window: Window,
        fetches: Sequence[FetchObject],
        at: datetime,
        there: ObjectInfo | None = None,
    ) -> Stored:
        """Announce, store, read back, compare, confirm; over `there`, a window that nobody relies
        upon, made of objects that still stand beside it.

        Raises StoreError, LedgerUnavailable, and UnlikeItsFetches when what the store gives back
        is not what it was given; nothing is then confirmed, and nothing removed.
        """
        key = self._keys.window(window)
        data = self._written(fetches)
        held = [fetch.as_held() for fetch in fetches]
        ledger = self.days.claims.ledger
        ledger.intend_window(self.asset, self.day, key, sha256_hex(data), held, at)
        try:
            if there is None:
                self.days.store.put_new(key, data)
            else:
                self.days.store.replace(key, data, there.etag)
        except (PreconditionFailed, Conflicting) as error:
            raise StoreError(f"{key}: another process is at work on it") from error
        return self.confirm(window, at, fetches)

    def confirm(self, window: Window, at: datetime, fetches: Sequence[FetchObject] = ()) -> Stored:
        """Read a stored window back, compare it, and tell the ledger that it may be relied upon.

        It is compared with the claims of its fetches and, where they are given, with the objects
        it was made of. Raises NotFound, StoreError, LedgerUnavailable, UnreadableObject.
        """
        found, held = self.read_back(window, fetches)
        key, size = found.key, len(found.body)
        ledger = self.days.claims.ledger
        ledger.intend_window(self.asset, self.day, key, sha256_hex(found.body), held, at)
        ledger.window_verified(self.asset, self.day, key, found.etag, size, at)
        return Stored(key, held)

    def read_back(
        self, window: Window, fetches: Sequence[FetchObject] = ()
    ) -> tuple[StoredObject, Sequence[Held]]:
        """A stored window and what it holds, compared as `confirm` says, which raises the same."""
        key = self._keys.window(window)
        try:
            found = self.days.store.get(key)
        except Corrupted as error:
            raise UnreadableObject(f"{key}: {error}") from error
        held = self._compared(key, found.body, {fetch.ref.number: fetch for fetch in fetches})
        if not all(each.number in window for each in held):
            raise UnlikeItsFetches(f"{key}: holds fetches of another window")
        self._compare_with_claims(key, held)
        return found, held

    def remove_singles(self, held: Iterable[Held], index: DayIndex) -> int:
        """Remove the fetch objects that a confirmed window holds; how many they were.

        A placeholder stays: it may be replaced at any moment, and what replaces it must not be
        taken for it. So does what was written over since the day was listed.
        """
        removed = 0
        for each in held:
            single = index.singles.get(FetchNumber(each.number))
            if single and single.etag == each.etag and not each.outcome.is_placeholder:
                with contextlib.suppress(PreconditionFailed):
                    self.days.store.delete(single.key, single.etag)
                    removed += 1
        return removed

    @property
    def _keys(self) -> AssetKeys:
        return self.days.keys(self.asset)

    def _written(self, fetches: Sequence[FetchObject]) -> bytes:
        if self._keys.is_raw:
            return raw_window.write_window(
                (fetch.as_held(), unpack(fetch.body)) for fetch in fetches
            )
        stage = self.days.stages[self.asset]
        return stage_window.write_window(stage, [(f.as_held(), f.body) for f in fetches])

    def _compared(
        self, key: str, data: bytes, fetches: Mapping[int, FetchObject]
    ) -> Sequence[Held]:
        try:
            if self._keys.is_raw:
                held = self._compared_raw(data, fetches)
            else:
                held = self._compared_rows(data, fetches)
        except raw_window.UnreadableWindow as error:
            raise UnreadableObject(f"{key}: {error}") from error
        if fetches and [each.number for each in held] != sorted(fetches):
            raise UnlikeItsFetches(f"{key}: holds other fetches than it was made of")
        return held

    def _compared_raw(self, data: bytes, fetches: Mapping[int, FetchObject]) -> Sequence[Held]:
        window = RawWindow.open(data)
        for held, envelope in window.envelopes():
            if held.number in fetches and unpack(fetches[held.number].body) != envelope:
                raise UnlikeItsFetches(f"fetch {held.number} is not what its object holds")
        return window.held

    def _compared_rows(self, data: bytes, fetches: Mapping[int, FetchObject]) -> Sequence[Held]:
        stage = self.days.stages[self.asset]
        window = stage_window.StageWindow.open(stage, data)
        for held in window.held:
            if window.digest(held.number) != held.digest:
                raise UnlikeItsFetches(f"fetch {held.number}: not the records that were claimed")
            if held.number not in fetches:
                continue
            own = decode_stage(stage, fetches[held.number].body).table
            if not _equal(window.rows(held.number), own):
                raise UnlikeItsFetches(f"fetch {held.number}: its rows differ from its object's")
        return window.held

    def _compare_with_claims(self, key: str, held: Iterable[Held]) -> None:
        claims = self.days.claims.ledger.claims_of(
            self.asset, self.day, [each.number for each in held]
        )
        for each in held:
            row = claims.get(FetchNumber(each.number))
            claim = row.landed if row else None
            if claim is None or (claim.sha256, claim.digest) != (each.sha256, each.digest):
                raise UnlikeItsFetches(f"{key}: fetch {each.number} is not the one claimed")


def _equal(rows: pa.Table, own: pa.Table) -> bool:
    return rows.replace_schema_metadata().equals(own.replace_schema_metadata())
