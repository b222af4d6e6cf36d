"""A sealed day read back, from one state of its table."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resources.lake.columns import DATE
from resources.lake.errors import DamagedLake, ManifestGone
from resources.lake.tables import DataFile, Lake, app_id
from resources.manifest import Manifest
from resources.selection import EVERYTHING, Selection
from resources.store import Corrupted, NotFound, Store
from touchline.accounting import sha256_hex
from touchline.day import Day

ATTEMPTS = 3
BATCH_ROWS = 32_768


@dataclass(frozen=True)
class SealedDay:
    """Manifest and files of one commit, whatever is committed after it.

    Its files stay for `Lake.keep` after another commit replaced them.
    """

    manifest: Manifest
    files: tuple[DataFile, ...]
    _store: Store = field(repr=False)
    _table: pa.Schema = field(repr=False)
    _last: dict[str, pq.ParquetFile] = field(default_factory=dict, repr=False, compare=False)

    @property
    def number(self) -> int:
        return self.manifest.number

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @cached_property
    def schema(self) -> pa.Schema:
        """The table's columns, `date` first, typed and described as this day's rows are.

        A column that came after this day is here too, and null.
        """
        if not self.files:
            return self._chosen(None, self._table)
        return self._chosen(None, self._parquet(self.files[0]).schema_arrow)

    def batches(
        self,
        columns: Sequence[str] | None = None,
        fetches: Set[int] | None = None,
        chosen: Selection = EVERYTHING,
    ) -> Iterator[pa.RecordBatch]:
        """The rows in the order in which they were sealed, by fetch, a row group at a time.

        `columns` and `fetches` (numbers) are all when None; of `chosen` the rows count. Raises
        ValueError for a column that the table does not have, DamagedLake, StoreError.
        """
        if unknown := {*(columns or ())} - {*self._table.names}:
            raise ValueError(
                f"{self._what} has no column {', '.join(sorted(unknown))}; "
                f"it has {', '.join(self._table.names)}"
            )
        for file in self.files:
            if fetches is None or any(file.first <= number <= file.last for number in fetches):
                parquet = self._parquet(file)
                schema = self._chosen(columns, parquet.schema_arrow)
                for batch in _rows(parquet, schema, fetches, chosen):
                    yield self._completed(batch, schema)

    def table(
        self, columns: Sequence[str] | None = None, fetches: Set[int] | None = None
    ) -> pa.Table:
        """All of `batches` at once."""
        batches = list(self.batches(columns, fetches))
        if not batches:
            names = self._table.names if columns is None else columns
            return self.schema.empty_table().select(names)
        return pa.Table.from_batches(batches)

    def _chosen(self, columns: Sequence[str] | None, own: pa.Schema) -> pa.Schema:
        names = self._table.names if columns is None else columns
        fields = [own.field(n) if n in own.names else self._table.field(n) for n in names]
        return pa.schema(fields, own.metadata)

    def _completed(self, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        columns = []
        for name, kind in zip(schema.names, schema.types, strict=True):
            if name == DATE.name:
                columns.append(pa.repeat(pa.scalar(self.manifest.day.date), batch.num_rows))
            elif name in batch.schema.names:
                columns.append(batch.column(name))
            else:
                columns.append(pa.nulls(batch.num_rows, kind))
        return pa.record_batch(columns, schema=schema)

    def _parquet(self, file: DataFile) -> pq.ParquetFile:
        """A copy on the disk, kept until another file is read: fetches are often read one by one.

        Raises DamagedLake when its bytes are not those that were stored.
        """
        if (last := self._last.get(file.key)) is not None:
            return last
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "copy.parquet")
            with path.open("w+b") as copy:
                try:
                    self._store.download(file.key, copy)
                except (NotFound, Corrupted) as error:
                    raise DamagedLake(f"{self._what}: {error}; rewrite the sealed day") from error
                copy.seek(0)
                sha256 = hashlib.file_digest(copy, "sha256").hexdigest()
            if file.sha256 not in (None, sha256):
                raise DamagedLake(
                    f"{self._what}: {file.key} is not the bytes it was stored with (sha256); "
                    "rewrite the sealed day"
                )
            # It stays open, though its folder goes.
            parquet = pq.ParquetFile(pa.OSFile(str(path)))
        self._last.clear()
        self._last[file.key] = parquet
        return parquet

    @property
    def _what(self) -> str:
        return app_id(self.manifest.asset, self.manifest.day)


def _rows(
    parquet: pq.ParquetFile, schema: pa.Schema, fetches: Set[int] | None, chosen: Selection
) -> Iterator[pa.RecordBatch]:
    """The rows of these fetches, of the row groups that may hold any."""
    wanted = {*parquet.schema_arrow.names} & {*schema.names, "fetch_number"}
    groups = chosen.groups(parquet)
    if fetches is not None:
        groups = [group for group in groups if _may_hold(parquet, group, fetches)]
    for batch in parquet.iter_batches(
        BATCH_ROWS, row_groups=groups, columns=chosen.to_read(sorted(wanted)), use_threads=False
    ):
        batch = chosen.rows(batch)
        if fetches is not None:
            numbers = batch.column("fetch_number").to_numpy()
            batch = batch.filter(pa.array(np.isin(numbers, list(fetches))))
        if batch.num_rows:
            yield batch


def _may_hold(parquet: pq.ParquetFile, group: int, fetches: Set[int]) -> bool:
    said = parquet.metadata.row_group(group)
    columns = (said.column(n) for n in range(said.num_columns))
    numbers = next(c.statistics for c in columns if c.path_in_schema == "fetch_number")
    return any(numbers.min <= number <= numbers.max for number in fetches)


def read_day(lake: Lake, asset: str, day: Day) -> SealedDay | None:
    """The sealed day that counts; None where none does. Raises DamagedLake, StoreError."""
    attempts = ATTEMPTS
    while True:
        table = lake.open(asset)
        number = lake.number(table, asset, day) if table else None
        if table is None or number is None:
            return None
        try:
            manifest = lake.manifest(asset, day, number)
        except ManifestGone:
            # The day was replaced, and tidied, since the table was opened; else it is damage.
            attempts -= 1
            if not attempts:
                raise
        else:
            schema = pa.schema(table.schema().to_arrow())
            return SealedDay(manifest, lake.files(table, asset, day), lake.store, schema)


def file_digests(lake: Lake, sealed: SealedDay) -> dict[str, str]:
    """The sha256 of each file's bytes as they are now, by key; one that is gone is left out.

    Compare with `DataFile.sha256`, or with what was noted when the day was sealed.
    """
    digests = {}
    for file in sealed.files:
        try:
            digests[file.key] = sha256_hex(lake.store.get(file.key).body)
        except NotFound:
            continue
    return digests
