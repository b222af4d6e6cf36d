"""Ten fetches of one stage in one Parquet object.

The rows of all fetches stand in order; which are whose follows from how many each fetch emitted.
The footer says of each fetch all that its own object said, so that any of them can be written
again; of the states that an ordered stage carried from fetch to fetch it holds the last.
"""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from resources.manifest import About, Held
from resources.parquet import records_of
from resources.raw_window import UnreadableWindow
from resources.selection import EVERYTHING, Selection
from resources.stage_codec import (
    NOT_KEPT,
    PREFIX,
    StageObject,
    UnreadableStageObject,
    decode_stage,
    write_stage_object,
)
from touchline.accounting import key_digest, sha256_hex
from touchline.compression import zstd
from touchline.day import Window
from touchline.errors import TouchlineError
from touchline.formats import unread
from touchline.stage import Stage

R = TypeVar("R", bound=msgspec.Struct)

FORMAT = 1
READABLE_FORMATS = (1,)
ROWS_AT_ONCE = 10_000
FRAME = pa.schema(
    [
        pa.field("fetch_number", pa.int64(), False, {"description": "The fetch's number."}),
        pa.field("fetch_id", pa.string(), False, {"description": "The fetch's id."}),
    ]
)
"""The columns in front of the record's own, but for those that a record has itself."""

_CHECKSUM = f"{PREFIX}sha256"
_NO_CHECKSUM = b"0" * 64


class UnfitForWindow(TouchlineError, ValueError):
    """Fetch objects that cannot share a window; the message names the fetch."""


class _Footer(msgspec.Struct, frozen=True):
    """`schemas` are the different Arrow schemas of the fetches as IPC messages in base64, `schema`
    says for each fetch which is its own."""

    held: list[Held]
    schemas: list[str]
    schema: list[int]
    carried: str


# --- writing -------------------------------------------------------------------------------------


def write_window(stage: Stage[R], singles: Sequence[tuple[Held, bytes]]) -> bytes:
    """The window of these fetch objects, ascending by number; the same bytes every time.

    A column that only some of them have is null in the others, whatever code made them. Raises
    UnfitForWindow for none, for fetches of two windows or out of order, for bytes that are not what
    was said of them, and for columns of one name and two types.
    """
    _refuse_disorder(stage, [held for held, _ in singles])
    opened = [_opened(stage, held, data) for held, data in singles]
    own = [_own_schema(single.table) for single in opened]
    framed = [
        with_frame(
            single.table.replace_schema_metadata(schema.metadata), held.number, held.fetch_id
        )
        for (held, _), single, schema in zip(singles, opened, own, strict=True)
    ]
    distinct = list(dict.fromkeys(_as_text(schema) for schema in own))
    footer = _Footer(
        [
            msgspec.structs.replace(held, about=about_of(single))
            for (held, _), single in zip(singles, opened, strict=True)
        ],
        distinct,
        [distinct.index(_as_text(schema)) for schema in own],
        opened[-1].carried_text,
    )
    said = {
        "format": str(FORMAT),
        "stage": stage.name,
        "window": _packed(footer),
    }
    return _write(_one_table(framed), {PREFIX + name: text for name, text in said.items()})


def _refuse_disorder(stage: Stage[R], held: Sequence[Held]) -> None:
    if not held:
        raise UnfitForWindow(f"{stage.name}: a window of no fetches says nothing")
    refs = [one.ref(stage.feed) for one in held]
    window = Window.of(refs[0].day, refs[0].number)
    before = 0
    for one, ref in zip(held, refs, strict=True):
        if ref.day != window.day or ref.number not in window:
            raise UnfitForWindow(f"fetch {ref.number} of {ref.day} is not in {window}")
        if ref.number != one.number:
            raise UnfitForWindow(f"fetch {one.number} is said to be of minute {one.minute}")
        if ref.number <= before:
            raise UnfitForWindow(f"fetch {ref.number} does not come after fetch {before}")
        before = ref.number


def _opened(stage: Stage[R], held: Held, data: bytes) -> StageObject[R]:
    where = f"{stage.name}: fetch {held.number}"
    if sha256_hex(data) != held.sha256:
        raise UnfitForWindow(f"{where}: not the bytes it was stored with (sha256)")
    try:
        single = decode_stage(stage, data)
    except UnreadableStageObject as error:
        raise UnfitForWindow(f"{where}: {error}") from error
    if single.account != held.account:
        raise UnfitForWindow(f"{where}: its account is not the one that was said of it")
    if single.account.emitted != single.table.num_rows:
        raise UnfitForWindow(
            f"{where}: emitted {single.account.emitted} and has {single.table.num_rows} rows"
        )
    return single


def about_of(single: StageObject[R]) -> About:
    return About(
        single.dropped,
        single.quarantined,
        single.findings,
        list(single.reads),
        dict(single.changes),
    )


def _own_schema(table: pa.Table) -> pa.Schema:
    """Without what a fetch object's footer says."""
    prefix = PREFIX.encode()
    metadata = table.schema.metadata or {}
    return table.schema.with_metadata(
        {name: text for name, text in metadata.items() if not name.startswith(prefix)}
    )


def with_frame(table: pa.Table, number: int, fetch_id: str) -> pa.Table:
    """The rows of one fetch with `fetch_number` and `fetch_id` in front, unless they are columns of
    the records already."""
    values = {"fetch_number": number, "fetch_id": fetch_id}
    missing = [column for column in FRAME if column.name not in table.column_names]
    for at, column in enumerate(missing):
        value = pa.scalar(values[column.name], column.type)
        table = table.add_column(at, column, pa.repeat(value, table.num_rows))
    return table


def _one_table(tables: Sequence[pa.Table]) -> pa.Table:
    """One after the other. What the newest says of a column counts."""
    schema = tables[-1].schema
    for table in tables:
        schema = pa.schema(_union(schema, table.schema), metadata=schema.metadata)
    return pa.concat_tables([_widened(table, schema) for table in tables])


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    nothing = [None] * table.num_rows
    columns = [
        table[column.name].cast(column.type)
        if column.name in table.column_names
        else pa.array(nothing, column.type)  # pa.nulls would make the members of structs null too.
        for column in schema
    ]
    return pa.table(columns, schema=schema)


def _union(
    newer: Iterable[pa.Field], older: Iterable[pa.Field], within: str = ""
) -> Iterator[pa.Field]:
    """The columns of both; one that is missing from either is nullable."""
    ours = {column.name: column for column in newer}
    theirs = {column.name: column for column in older}
    for name in dict.fromkeys([*ours, *theirs]):
        if name in ours and name in theirs:
            yield _either(ours[name], theirs[name], f"{within}{name}")
        else:
            yield (ours.get(name) or theirs[name]).with_nullable(True)


def _either(newer: pa.Field, older: pa.Field, name: str) -> pa.Field:
    made, was = newer.type, older.type
    if pa.types.is_struct(made) and pa.types.is_struct(was):
        made = pa.struct(list(_union(made, was, f"{name}.")))
    elif pa.types.is_list(made) and pa.types.is_list(was):
        made = pa.list_(_either(made.value_field, was.value_field, f"{name}[]"))
    elif made != was:
        raise UnfitForWindow(f"column {name} is {made} in one fetch and {was} in another")
    return pa.field(newer.name, made, newer.nullable or older.nullable, newer.metadata)


def _write(table: pa.Table, said: dict[str, str]) -> bytes:
    """Parquet bytes that hold the sha256 of themselves, written as zeros while it is taken.

    Parquet has checksums of its pages alone, and a flipped bit in the footer can move rows.
    """
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema, compression="zstd") as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({**said, _CHECKSUM: _NO_CHECKSUM})
    data = buffer.getvalue()
    # Rows and their statistics, which may hold such zeros too, stand before all of these pairs.
    before, _, after = data.rpartition(_NO_CHECKSUM)
    return before + sha256_hex(data).encode() + after


# --- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StageWindow(Generic[R]):
    """A window read back. Rows are read when they are asked for."""

    stage: Stage[R]
    held: list[Held]
    carried: str
    """The state that the last fetch carried on, as in a fetch object's footer."""
    _schemas: dict[int, pa.Schema] = field(repr=False)
    _file: pq.ParquetFile = field(repr=False)

    @classmethod
    def open(cls, stage: Stage[R], data: bytes) -> StageWindow[R]:
        """Raises UnreadableWindow for anything but a whole window of this stage, bit for bit."""
        try:
            file = pq.ParquetFile(pa.BufferReader(data))
            said = file.metadata.metadata or {}
            _refuse_damage(data, said[_CHECKSUM.encode()])
            if why := unread(int(said[f"{PREFIX}format".encode()]), READABLE_FORMATS):
                raise UnreadableWindow(f"window {why}")
            if (name := said[f"{PREFIX}stage".encode()].decode()) != stage.name:
                raise UnreadableWindow(f"holds {name}, not {stage.name}")
            footer = _unpacked(said[f"{PREFIX}window".encode()])
            schemas = [_from_text(text) for text in footer.schemas]
            own = zip(footer.held, footer.schema, strict=True)
            window = cls(
                stage,
                footer.held,
                footer.carried,
                {held.number: schemas[index] for held, index in own},
                file,
            )
        except UnreadableWindow:
            raise
        except (
            pa.ArrowException,
            OSError,
            LookupError,
            ValueError,
            msgspec.DecodeError,
            zstd.ZstdError,
        ) as error:
            raise UnreadableWindow(f"not a whole window: {error}") from error
        if (emitted := sum(held.account.emitted for held in window.held)) != window._row_count:
            raise UnreadableWindow(f"emitted {emitted} and has {window._row_count} rows")
        return window

    @property
    def schema(self) -> pa.Schema:
        """Of `table`, without reading it."""
        return self._file.schema_arrow

    @property
    def _row_count(self) -> int:
        return self._file.metadata.num_rows

    @functools.cached_property
    def table(self) -> pa.Table:
        """All rows, with `fetch_number` and `fetch_id`."""
        return self.select(EVERYTHING)

    def select(self, chosen: Selection) -> pa.Table:
        """The same, of these rows and columns."""
        names = chosen.to_read(chosen.names(self.schema.names))
        groups = chosen.groups(self._file)
        table = chosen.of(self._file.read_row_groups(groups, columns=names, use_threads=False))
        return table.replace_schema_metadata(_own_schema(table).metadata)

    def rows(self, number: int) -> pa.Table:
        """The rows of one fetch with its own columns, as its object had them. Raises
        UnreadableWindow, also below, where the window does not hold that number."""
        schema = self._schemas[number]
        before = 0
        for held in self.held:
            if held.number == number:
                rows = self.table.slice(before, held.account.emitted)
                return rows.select(schema.names).cast(schema)
            before += held.account.emitted
        raise UnreadableWindow(f"fetch {number}: the window does not hold it")

    def single(self, number: int) -> bytes:
        """A fetch as a fetch object again: what decode_stage reads of it is what was put in, but
        that only the last fetch still has the state that it carried on."""
        held = self._held(number)
        assert held.about is not None
        return write_stage_object(
            self.stage,
            held.ref(self.stage.feed),
            self.rows(number),
            held.account,
            held.about,
            carried_of(self.stage, held, self.held[-1], self.carried),
        )

    def digest(self, number: int) -> str:
        """Of the keys of the rows of one fetch that are really here."""
        return key_digest(map(self.stage.key, self._records(self.rows(number))))

    def _held(self, number: int) -> Held:
        for held in self.held:
            if held.number == number:
                return held
        raise UnreadableWindow(f"fetch {number}: the window does not hold it")

    def _records(self, rows: pa.Table) -> Iterator[R]:
        """Some at a time: as records, rows take many times their space."""
        for start in range(0, rows.num_rows, ROWS_AT_ONCE):
            yield from records_of(rows.slice(start, ROWS_AT_ONCE), self.stage.makes)


def carried_of(stage: Stage[Any], held: Held, last: Held, carried: str) -> str:
    """What a fetch of a window or a sealed day has of the state that it carried on."""
    if held == last or not stage.ordered:
        return carried if held == last else ""
    return NOT_KEPT


def _refuse_damage(data: bytes, checksum: bytes) -> None:
    if sha256_hex(data.replace(checksum, _NO_CHECKSUM, 1)).encode() != checksum:
        raise UnreadableWindow("not the bytes it was written as (sha256)")


def _packed(footer: _Footer) -> str:
    return base64.b64encode(zstd.compress(msgspec.json.encode(footer), 3)).decode()


def _unpacked(text: bytes) -> _Footer:
    return msgspec.json.decode(zstd.decompress(base64.b64decode(text)), type=_Footer)


def _as_text(schema: pa.Schema) -> str:
    return base64.b64encode(schema.serialize()).decode()


def _from_text(text: str) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
