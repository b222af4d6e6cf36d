"""Sealing: everything that counts of an ended day in one place, read back before it is said so.

Raw fetches become the daily log document, derived ones one commit to the lake. Both are made of
the places where a reader of the day finds its fetches: the sealed day of before, windows, and the
fetch objects that came later. So sealing again takes late captures in, and without any it changes
nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from resources.day_index import DayIndex, Place
from resources.day_layout import AssetKeys, seal_of
from resources.day_store import DayStore
from resources.fetch_object import UnreadableObject, unpack
from resources.lake import commit_day
from resources.manifest import Held, Manifest, Upload
from resources.manifests import put_manifest
from resources.parquet import empty_table
from resources.raw_window import RawWindow, UnreadableWindow
from resources.sealed_days import MANIFEST, SealedDays, manifest_of
from resources.sealed_log import write_sealed_log
from resources.stage_codec import decode_stage
from resources.stage_window import StageWindow, about_of, with_frame
from resources.store import Conflicting, PreconditionFailed
from touchline.day import Day, Window, utc_text
from touchline.stage import Stage


@dataclass(frozen=True)
class Sealed:
    """A day as it is sealed now. `is_new` is False where there was nothing new to seal."""

    manifest: Manifest
    is_new: bool


@dataclass(frozen=True)
class DaySeal:
    """The sealing of one asset's day, from one listing of it."""

    days: DayStore
    asset: str
    day: Day
    index: DayIndex
    scratch: Path
    """A folder on a disk for a file as large as the sealed day."""
    rewrite: bool = False
    """Whether a derived day is committed anew though the lake has it: files of it are damaged."""

    @property
    def sealed_days(self) -> SealedDays:
        return self.days.sealed_days

    @property
    def keys(self) -> AssetKeys:
        return self.days.keys(self.asset)

    @property
    def stage(self) -> Stage[Any]:
        return self.days.stages[self.asset]

    def seal(self, at: datetime) -> Sealed:
        """Raises UnreadableObject, StoreError; then what was sealed before still counts."""
        sealed = self._seal_log() if self.keys.is_raw else self._seal_rows(at)
        self._compare(sealed.manifest)
        self._mark(sealed.manifest.number)
        return sealed

    # --- raw days --------------------------------------------------------------------------------

    def _seal_log(self) -> Sealed:
        key, store = self.keys.log(self.day), self.days.store
        log = self.sealed_days.log(self.asset, self.day)
        current = self.sealed_days.current(self.asset, self.day)
        if current is not None and self._has_no_news(current):
            return Sealed(current, is_new=False)
        number = manifest_of(log) + 1 if log else 1
        with tempfile.TemporaryFile(dir=self.scratch) as file:
            uploads = self._uploads(current)
            held = write_sealed_log(file, self.day, self._envelopes(), uploads)
            manifest = self._put_manifest(number, held, uploads)
            file.seek(0)
            said = {
                MANIFEST: str(manifest.number),
                "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
            }
            try:
                if log is None:
                    store.put_new(key, file, said)
                else:
                    store.replace(key, file, log.etag, said)
            except PreconditionFailed as error:
                raise Conflicting(f"{key}: another process has just sealed the day") from error
        return Sealed(manifest, is_new=True)

    def _put_manifest(
        self, number: int, held: Sequence[Held], uploads: Sequence[Upload]
    ) -> Manifest:
        """Under the next number that is free: one that is taken was left by a process that died
        before its log counted."""
        while True:
            manifest = Manifest(
                asset=self.asset,
                date=str(self.day),
                number=number,
                held=list(held),
                uploads=list(uploads),
            )
            try:
                put_manifest(self.days.store, manifest)
            except PreconditionFailed:
                number += 1
            else:
                return manifest

    def _envelopes(self) -> Iterator[tuple[Held, bytes]]:
        for places in self._groups():
            first = places[0]
            if first.held is None:
                found = self.days.read_place(self.asset, self.day, first)
                yield found.as_held(), unpack(found.body)
                continue
            wanted = {place.number for place in places}
            for held, envelope in self._envelopes_of(places):
                if held.number in wanted:
                    yield held, envelope

    def _envelopes_of(self, places: Sequence[Place]) -> Iterator[tuple[Held, bytes]]:
        listed = places[0].listed
        if listed is None:
            held = [place.held for place in places if place.held]
            yield from self.sealed_days.envelopes(self.asset, self.day, held)
            return
        window = self.days.window(self.asset, listed)
        assert isinstance(window, RawWindow)
        try:
            yield from window.envelopes()
        except UnreadableWindow as error:
            raise UnreadableObject(f"{listed.key}: {error}") from error

    # --- derived days ----------------------------------------------------------------------------

    def _seal_rows(self, at: datetime) -> Sealed:
        def make(number: int, current: Manifest | None) -> tuple[Manifest, pa.RecordBatchReader]:
            held, carried = self._held()
            manifest = Manifest(
                asset=self.asset,
                date=str(self.day),
                number=number,
                held=held,
                uploads=self._uploads(current),
                carried=carried,
            )
            return manifest, pa.RecordBatchReader.from_batches(self._schema, self._batches())

        lake = self.sealed_days.lake
        done = commit_day(lake, self.asset, self.day, make, at=at, rewrite=self.rewrite)
        return Sealed(done.manifest, is_new=done.written)

    def _held(self) -> tuple[list[Held], str]:
        """Every fetch with all that its object said, and the state carried out of the day."""
        held: list[Held] = []
        carried = ""
        for places in self._groups():
            first = places[0]
            if first.held is None:
                found = self.days.read_place(self.asset, self.day, first)
                opened = decode_stage(self.stage, found.body)
                held.append(msgspec.structs.replace(found.as_held(), about=about_of(opened)))
                carried = opened.carried_text
                continue
            if first.listed is None:
                manifest = self.sealed_days.current(self.asset, self.day)
                assert manifest is not None
                holds, carried = manifest.held, manifest.carried
            else:
                window = self._window(first)
                holds, carried = window.held, window.carried
            wanted = {place.number for place in places}
            held += [each for each in holds if each.number in wanted]
        if self.stage.holds_days:
            replace = msgspec.structs.replace
            held = [replace(each, is_kept=each.number not in self._let_go) for each in held]
        return held, carried

    @cached_property
    def _schema(self) -> pa.Schema:
        """Of all the day's rows: a column that came at noon is null before."""
        schemas = [with_frame(empty_table(self.stage.makes), 0, "").schema]
        for places in self._groups():
            first = places[0]
            if first.held is None:
                found = self.days.read_place(self.asset, self.day, first)
                rows = decode_stage(self.stage, found.body).table
                schemas.append(with_frame(rows.slice(0, 0), 0, "").schema)
            elif first.listed is None:
                held = [first.held]
                schemas += [t.schema for t in self.sealed_days.tables(self.asset, self.day, held)]
            else:
                schemas.append(self._window(first).schema)
        return pa.unify_schemas(
            [schema.remove_metadata() for schema in schemas], promote_options="default"
        )

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for _, rows in self._rows():
            yield from _fitted(rows, self._schema).to_batches()

    @cached_property
    def _let_go(self) -> frozenset[int]:
        """The versions of the day whose rows are not sealed: all but the newest that holds any."""
        if not self.stage.holds_days:
            return frozenset()
        found = (
            (place.number, place.held or self.days.read_place(self.asset, self.day, place))
            for place in self.index.places()
        )
        hold = [number for number, each in found if each.outcome.holds_records]
        return frozenset(hold[:-1])

    def _rows(self) -> Iterator[tuple[Held, pa.Table]]:
        """Each fetch with its rows, `fetch_number` and `fetch_id` among their columns; without the
        versions that are let go."""
        for group in self._groups():
            places = [place for place in group if place.number not in self._let_go]
            if not places:
                continue
            first = places[0]
            if first.held is None:
                found = self.days.read_place(self.asset, self.day, first)
                held = found.as_held()
                rows = decode_stage(self.stage, found.body).table
                yield held, with_frame(rows, held.number, held.fetch_id)
                continue
            if first.listed is None:
                held_here = [place.held for place in places if place.held]
                yield from self.sealed_days.rows(self.asset, self.day, held_here)
                continue
            window, before = self._window(first), 0
            wanted = {place.number for place in places}
            for held in window.held:
                if held.number in wanted:
                    yield held, window.table.slice(before, held.account.emitted)
                before += held.account.emitted

    def _window(self, place: Place) -> StageWindow[Any]:
        assert place.listed is not None
        window = self.days.window(self.asset, place.listed)
        assert isinstance(window, StageWindow)
        return window

    # --- both ------------------------------------------------------------------------------------

    def _groups(self) -> Iterator[list[Place]]:
        """The day's places in order, those together that are read together."""
        for _, places in itertools.groupby(self.index.places(), attrgetter("container")):
            yield list(places)

    def _has_no_news(self, current: Manifest) -> bool:
        sealed = {held.number: held.etag for held in current.held}
        return sealed == {place.number: place.etag for place in self.index.places()}

    def _uploads(self, current: Manifest | None) -> list[Upload]:
        """When each ten minutes were stored: as one window, or the last of them on its own."""
        known = {each.first: each.stored_at for each in current.uploads} if current else {}
        stored_at: dict[int, datetime] = {}
        for number, item in self.index.singles.items():
            first = Window.of(self.day, number).first
            stored_at[first] = max(item.last_modified, stored_at.get(first, item.last_modified))
        stored_at |= {first: item.last_modified for first, item in self.index.windows.items()}
        found = {first: utc_text(at) for first, at in stored_at.items()} | known
        return [Upload(first, found[first]) for first in sorted(found)]

    def _compare(self, manifest: Manifest) -> None:
        """Read the sealed day back from the store and compare it with what it was made of.

        Raises UnreadableObject.
        """
        held = manifest.held
        if [each.number for each in held] != sorted(self.index.numbers):
            raise UnreadableObject(f"{self.asset} of {self.day}: sealed without all of its fetches")
        if self.keys.is_raw:
            # Each is compared with the sha256 that its source was compared with.
            for _ in self.sealed_days.envelopes(self.asset, self.day, held):
                pass
            return
        self.sealed_days.forget(self.asset)
        sealed = self.sealed_days.rows(self.asset, self.day, held)
        for (made, rows), (there, found) in zip(self._rows(), sealed, strict=True):
            same = _fitted(rows, self._schema), _fitted(found, self._schema)
            if made.number != there.number or not same[0].equals(same[1]):
                raise UnreadableObject(
                    f"{self.asset} of {self.day}: fetch {made.number} is sealed with other rows"
                )

    def _mark(self, number: int) -> None:
        """Say in the day's folder that it is sealed; only then does a reader look for it."""
        store = self.days.store
        key = self.keys.seal(self.day, number)
        with contextlib.suppress(PreconditionFailed):
            store.put_new(key, b"")
        for item in store.list(self.keys.seal(self.day, 0)[:-5]):
            if (seal_of(item.key) or number) < number:
                store.delete(item.key)


def _fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with exactly these columns; what they do not have is null."""
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
