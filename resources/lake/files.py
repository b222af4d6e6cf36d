"""A day's rows as Parquet files, written a row group at a time.

The rows keep the order in which they come, by fetch, and are counted against the manifest's
accounts before anything is committed. A file's name holds its sha256.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedRandom
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resources.lake.columns import ROWS
from resources.lake.errors import SchemaConflict, Unaccounted, WouldErase
from resources.lake.tables import DataFile, app_id, table_key
from resources.manifest import Manifest
from resources.store import PreconditionFailed, Store

GROUP_ROWS = 32_768
FILE_BYTES = 32 * 2**20
"""A file is written to the disk first: with its body in memory, a day of odds took 190 MB."""


def row_schema(rows: pa.Schema, what: str) -> pa.Schema:
    """The columns that go into the files: all but the partition. Raises SchemaConflict."""
    for name, kind in ROWS.items():
        if name not in rows.names or rows.field(name).type != kind:
            raise SchemaConflict(f"{what}: rows need a column {name} of type {kind}")
    partition = rows.get_field_index("date")
    return rows if partition < 0 else rows.remove(partition)


def write_files(store: Store, manifest: Manifest, rows: pa.RecordBatchReader) -> list[DataFile]:
    """Store the rows of one day, which come in the order of their fetch numbers.

    Raises Unaccounted when they are not in that order, or not as many for each fetch as the
    manifest's account says were emitted, and WouldErase when there are none though some were;
    StoreError, pyarrow.ArrowException.
    """
    what = app_id(manifest.asset, manifest.day)
    counted = _Counted(manifest, what)
    parts = _Parts(store, manifest)
    with contextlib.closing(parts):
        for group in _groups(rows, row_schema(rows.schema, what), counted):
            parts.write(group)
        parts.store_open()
    counted.settle()
    return parts.files


def _groups(rows: pa.RecordBatchReader, schema: pa.Schema, counted: _Counted) -> Iterator[pa.Table]:
    """What makes a row group each: small batches together, large ones in pieces."""
    group: list[pa.RecordBatch] = []
    for batch in _sliced(rows):
        counted.count(batch)
        group.append(batch.select(schema.names))
        if sum(part.num_rows for part in group) >= GROUP_ROWS:
            yield pa.Table.from_batches(group, schema)
            group = []
    if group:
        yield pa.Table.from_batches(group, schema)


def _sliced(rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        for start in range(0, batch.num_rows, GROUP_ROWS):
            yield batch.slice(start, GROUP_ROWS)


@dataclass
class _Counted:
    """Rows a fetch, against the accounts."""

    manifest: Manifest
    what: str
    rows: Counter[int] = field(default_factory=Counter)
    last: int = 0

    def count(self, batch: pa.RecordBatch) -> None:
        numbers = batch.column("fetch_number").to_numpy(zero_copy_only=False)
        if numbers[0] < self.last or (np.diff(numbers) < 0).any():
            raise Unaccounted(f"{self.what}: the rows are not in the order of their fetches")
        self.last = int(numbers[-1])
        found, counts = np.unique(numbers, return_counts=True)
        self.rows.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
        if "date" in batch.schema.names:
            others = {*map(str, batch.column("date").unique().to_pylist())} - {self.manifest.date}
            if others:
                raise Unaccounted(f"{self.what}: rows of {', '.join(sorted(others))} among its own")

    def settle(self) -> None:
        held = {held.number: held.rows for held in self.manifest.held}
        if not self.rows and any(held.values()):
            raise WouldErase(
                f"{self.what}: no rows at all, and the accounts say {sum(held.values())}; "
                "nothing was committed"
            )
        for number in sorted({*held, *self.rows}):
            if held.get(number, 0) != self.rows[number]:
                raise Unaccounted(
                    f"{self.what}: fetch {number} brings {self.rows[number]} rows and its account "
                    f"says {held.get(number, 0)}; nothing was committed"
                )


@dataclass
class _Parts:
    """Files of about `FILE_BYTES`, stored one after another."""

    store: Store
    manifest: Manifest
    files: list[DataFile] = field(default_factory=list)
    _open: tuple[BufferedRandom, pq.ParquetWriter] | None = None
    _rows: int = 0
    _first: int = 0
    _last: int = 0

    def write(self, group: pa.Table) -> None:
        numbers = group.column("fetch_number")
        if self._open is None:
            file = cast(BufferedRandom, tempfile.TemporaryFile())  # noqa: SIM115 - closed by `close`.
            self._open = file, pq.ParquetWriter(file, group.schema, compression="zstd")
            self._rows, self._first = 0, numbers[0].as_py()
        file, writer = self._open
        writer.write_table(group, row_group_size=group.num_rows)
        self._rows += group.num_rows
        self._last = numbers[-1].as_py()
        if file.tell() >= FILE_BYTES:
            self.store_open()

    def store_open(self) -> None:
        """Store the file that is being written, if there is one."""
        if self._open is None:
            return
        (file, writer), self._open = self._open, None
        with file:
            writer.close()
            size = file.tell()
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            name = f"{self.manifest.number:05d}-{len(self.files):03d}-{sha256}.parquet"
            key = f"{table_key(self.manifest.asset)}/date={self.manifest.date}/{name}"
            # A process that died before its commit left the same bytes under the same name.
            with contextlib.suppress(PreconditionFailed):
                self.store.put_new(key, file)
        self.files.append(DataFile(key, size, self._rows, self._first, self._last))

    def close(self) -> None:
        """Leave what is still being written."""
        if self._open is not None:
            (file, writer), self._open = self._open, None
            with file:
                writer.close()
