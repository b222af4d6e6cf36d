"""Sealed days read back: the daily log of raw fetches, the lake's rows of derived ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from resources.day_layout import AssetKeys
from resources.fetch_object import FetchObject, UnreadableObject, pack
from resources.lake import DamagedLake, Lake, SealedDay, read_day
from resources.manifest import Held, Manifest
from resources.manifests import read_manifest
from resources.sealed_log import SealedLog, UnreadableLog
from resources.selection import EVERYTHING, Selection
from resources.stage_codec import write_stage_object
from resources.stage_window import FRAME, carried_of
from resources.store import NotFound, Store, StoredObject
from touchline.day import Day, FetchNumber
from touchline.stage import Stage

MANIFEST = "manifest"
"""The daily log's metadata under which its manifest's number stands."""


@dataclass
class SealedDays:
    """The sealed days of one feed's assets."""

    store: Store
    lake: Lake
    stages: Mapping[str, Stage[Any]]
    raws: Mapping[str, str]
    """As a `DayStore` has them."""
    _read_last: dict[str, SealedDay] = field(default_factory=dict)
    """By asset: its neighbours are asked for next."""

    def current(self, asset: str, day: Day) -> Manifest | None:
        """The manifest that counts, None for a day that is not sealed.

        Raises UnreadableObject, DamagedLake, StoreError.
        """
        if self._keys(asset).is_raw:
            log = self.log(asset, day)
            return log and read_manifest(self.store, asset, day, manifest_of(log))
        sealed = read_day(self.lake, asset, day)
        return sealed and sealed.manifest

    def held(self, asset: str, day: Day, number: int) -> Sequence[Held]:
        """What the manifest of this number holds. Raises NotFound, UnreadableObject, DamagedLake,
        StoreError."""
        if self._keys(asset).is_raw:
            return read_manifest(self.store, asset, day, number).held
        return self.lake.manifest(asset, day, number).held

    def log(self, asset: str, day: Day) -> StoredObject | None:
        """The daily log's ETag and metadata; None where there is none. Raises StoreError."""
        try:
            return self.store.head(self._keys(asset).log(day))
        except NotFound:
            return None

    def files(self, asset: str, day: Day) -> dict[str, str]:
        """The objects that hold the sealed day, by key, with the ETags that they have now; empty
        for a day that is not sealed. Raises NotFound for one that is gone, DamagedLake,
        StoreError."""
        if self._keys(asset).is_raw:
            log = self.log(asset, day)
            if log is None:
                return {}
            named = self._keys(asset)
            keys = [named.log(day), named.log_manifest(day, manifest_of(log))]
        else:
            sealed = read_day(self.lake, asset, day)
            keys = [file.key for file in sealed.files] if sealed else []
        return {key: self.store.head(key).etag for key in keys}

    def read(self, asset: str, day: Day, held: Held) -> FetchObject:
        """One fetch. Raises NotFound when the day was sealed anew meanwhile, or keeps only a later
        version of it, UnreadableObject, StoreError."""
        if not held.is_kept:
            raise NotFound(
                f"version {held.number} of {asset} on {day} is not kept: the day is sealed with "
                "its newest version alone"
            )
        [found] = self.fetches(asset, day, [held])
        return found

    def fetches(self, asset: str, day: Day, held: Iterable[Held]) -> Iterator[FetchObject]:
        """These fetches in their order, ascending by number, as their own objects held them;
        without the versions of a day that are not kept.

        Raises NotFound, UnreadableObject, StoreError.
        """
        feed = asset.partition("/")[0]
        if self._keys(asset).is_raw:
            for one, envelope in self.envelopes(asset, day, held):
                yield FetchObject.held(asset, feed, one, pack(envelope))
            return
        stage, wanted = self.stages[asset], list(held)
        sealed = self._sealed(asset, day)
        manifest = sealed.manifest
        of_manifest = manifest.by_number()
        for one, rows in self._rows(sealed, wanted):
            kept = of_manifest.get(FetchNumber(one.number))
            if kept is None or kept.about is None or kept.etag != one.etag:
                self._read_last.pop(asset, None)
                raise NotFound(f"fetch {one.number} of {asset} on {day} was sealed anew")
            carried = carried_of(stage, kept, manifest.held[-1], manifest.carried)
            own = _without_frame(rows, stage)
            body = write_stage_object(stage, one.ref(feed), own, one.account, kept.about, carried)
            yield FetchObject.held(asset, feed, one, body)

    def envelopes(self, asset: str, day: Day, held: Iterable[Held]) -> Iterator[tuple[Held, bytes]]:
        """Raw fetches in their order, each verified; every hour of them is read once at most.

        Raises NotFound, UnreadableObject, StoreError.
        """
        key = self._keys(asset).log(day)
        before = self.store.head(key)
        try:
            log = SealedLog(
                lambda offset, length: self.store.get_range(key, offset, length),
                before.size or 0,
            )
            yield from log.envelopes(held)
        except UnreadableLog as error:
            if self.store.head(key).etag != before.etag:
                raise NotFound(f"{key} was sealed anew") from error
            raise UnreadableObject(f"{key}: {error}") from error

    def tables(
        self, asset: str, day: Day, held: Sequence[Held], chosen: Selection = EVERYTHING
    ) -> Iterator[pa.Table]:
        """The rows of these fetches in order, with `fetch_number` and `fetch_id`, as far as they
        are `chosen`.

        Raises NotFound, UnreadableObject, StoreError.
        """
        sealed = self._sealed(asset, day)
        try:
            names = [name for name in chosen.names(sealed.schema.names) if name != "date"]
            for batch in sealed.batches(names, {each.number for each in held}, chosen):
                yield pa.Table.from_batches([batch])
        except DamagedLake as error:
            raise UnreadableObject(str(error)) from error

    def rows(self, asset: str, day: Day, held: Sequence[Held]) -> Iterator[tuple[Held, pa.Table]]:
        """Each of these fetches, ascending by number, with its rows. Raises as `tables` does."""
        return self._rows(self._sealed(asset, day), held)

    def forget(self, asset: str) -> None:
        """Look again at which sealed day counts."""
        self._read_last.pop(asset, None)

    def _keys(self, asset: str) -> AssetKeys:
        return AssetKeys.of(asset, self.raws)

    def _sealed(self, asset: str, day: Day) -> SealedDay:
        known = self._read_last.get(asset)
        if known is None or known.manifest.day != day:
            try:
                known = read_day(self.lake, asset, day)
            except DamagedLake as error:
                raise UnreadableObject(str(error)) from error
            if known is None:
                raise NotFound(f"{asset} of {day} is not sealed any more")
            self._read_last[asset] = known
        return known

    def _rows(self, sealed: SealedDay, held: Sequence[Held]) -> Iterator[tuple[Held, pa.Table]]:
        """By the number of rows that each fetch emitted: they stand in the order of fetches."""
        try:
            names = [name for name in sealed.schema.names if name != "date"]
            left = sealed.schema.empty_table().select(names)
            batches = sealed.batches(names, {each.number for each in held})
            for one in (each for each in held if each.is_kept):
                while left.num_rows < one.account.emitted:
                    batch = next(batches, None)
                    if batch is None:
                        break
                    left = pa.concat_tables([left, pa.Table.from_batches([batch])])
                rows = left.slice(0, one.account.emitted)
                found = set(rows.column("fetch_number").unique().to_pylist())
                if rows.num_rows != one.account.emitted or not found <= {one.number}:
                    raise UnreadableObject(
                        f"{sealed.manifest.asset} of {sealed.manifest.day}: fetch {one.number} "
                        f"emitted {one.account.emitted} records, which do not stand here"
                    )
                yield one, rows
                left = left.slice(one.account.emitted)
        except DamagedLake as error:
            raise UnreadableObject(str(error)) from error


def manifest_of(log: StoredObject) -> int:
    """Raises UnreadableObject for a log that does not say which manifest is its own."""
    try:
        return int(log.metadata[MANIFEST])
    except (KeyError, ValueError) as error:
        raise UnreadableObject(f"{log.key}: its metadata names no manifest") from error


def _without_frame(rows: pa.Table, stage: Stage[Any]) -> pa.Table:
    own = stage.makes.__struct_fields__
    framed = [name for name in FRAME.names if name not in own]
    return rows.drop_columns(framed).replace_schema_metadata()
