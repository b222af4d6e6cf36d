"""Which columns, and the rows about what, a reader wants: nothing else is taken out of Parquet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


@dataclass(frozen=True)
class Selection:
    """`columns` are all when None, and so are rows when `subject` is. `path` leads to the column
    that says what a row is about: its name, or a struct's and its member's."""

    columns: frozenset[str] | None = None
    subject: str | None = None
    path: tuple[str, ...] = ()

    def names(self, there: Collection[str]) -> list[str]:
        """Those of these columns that are wanted, in their order."""
        return [name for name in there if self.columns is None or name in self.columns]

    def to_read(self, names: Sequence[str]) -> list[str]:
        """Columns to read of a file for these: also what tells which of its rows are wanted."""
        if self.subject is None or self.path[0] in names:
            return [*names]
        return [*names, ".".join(self.path)]

    def groups(self, file: pq.ParquetFile) -> list[int]:
        """The row groups that hold wanted rows. Of the others the subject's column alone is read:
        what is played for two hours of a day stands in a tenth of its groups."""
        every = range(file.num_row_groups)
        if self.subject is None:
            return [*every]
        subject = [".".join(self.path)]
        keys = (file.read_row_group(n, columns=subject, use_threads=False) for n in every)
        return [n for n, key in zip(every, keys, strict=True) if self.rows(key).num_rows]

    def rows(self, rows: Rows) -> Rows:
        """Those that are wanted."""
        return rows if self.subject is None else rows.filter(self._wanted(rows))

    def of(self, table: pa.Table) -> pa.Table:
        """Wanted rows and columns of a table."""
        return self.rows(table).select(self.names(table.column_names))

    def _wanted(self, rows: pa.Table | pa.RecordBatch) -> pa.ChunkedArray | pa.Array:
        return compute.call_function("equal", [column_at(rows, self.path), pa.scalar(self.subject)])


def column_at(rows: pa.Table | pa.RecordBatch, path: Sequence[str]) -> pa.ChunkedArray | pa.Array:
    """A column, or a member of a struct in it: null also where the struct is."""
    name, *members = path
    column = rows.column(name)
    if not members:
        return column
    return compute.call_function("struct_field", [column], compute.StructFieldOptions(members))


EVERYTHING = Selection()
