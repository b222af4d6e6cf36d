"""Record types as Parquet: msgspec Structs to Arrow schemas and back, exactly.

`Decimal` is stored as the number's own text and `msgspec.Raw` as JSON text, both in string columns
that say so in their field metadata, so that nothing passes through binary floating point and
unknown fields of a vendor survive.
"""

from __future__ import annotations

import functools
import io
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, TypeVar, Union

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

R = TypeVar("R", bound=msgspec.Struct)

_SCALARS: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
    Decimal: pa.string(),
    msgspec.Raw: pa.string(),
}
_REPEATED = {*_SCALARS.values()} - {pa.float64()}
"""Of floats 0.0 and -0.0 might be taken for the same."""
_STORED_AS = {Decimal: b"decimal", msgspec.Raw: b"json"}
_MOSTLY_SCHEMA_BYTES = 65_536
"""In a table of up to so many bytes each column is a few values, and making a compressor ready for
each takes twice as long as all else. LZ4 makes an object of the same size in half the time, and one
that is read in half the time."""


@functools.cache
def schema_of(makes: type[msgspec.Struct]) -> pa.Schema:
    """The Arrow schema of a record type, with column descriptions as field metadata."""
    return pa.schema(_fields(makes), metadata={"description": (makes.__doc__ or "").strip()})


@functools.cache
def _hints(makes: type[msgspec.Struct]) -> dict[str, Any]:
    return typing.get_type_hints(makes, include_extras=True)


def _fields(makes: type[msgspec.Struct]) -> list[pa.Field]:
    return [_field(name, _hints(makes)[name]) for name in makes.__struct_fields__]


def _field(name: str, hint: Any) -> pa.Field:
    hint, nullable, description = _unwrap(hint)
    metadata: dict[str | bytes, str | bytes] = {}
    if description:
        metadata["description"] = description
    if stored_as := _STORED_AS.get(hint):
        metadata["stored_as"] = stored_as
    return pa.field(name, _arrow_type(hint, name), nullable, metadata or None)


def _unwrap(hint: Any) -> tuple[Any, bool, str | None]:
    description = None
    if typing.get_origin(hint) is Annotated:
        hint, *extras = typing.get_args(hint)
        description = next((e.description for e in extras if isinstance(e, msgspec.Meta)), None)
    nullable = False
    if typing.get_origin(hint) in (Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not types.NoneType]
        nullable = len(members) < len(typing.get_args(hint))
        if len(members) != 1:
            raise TypeError(f"{hint} has no single column type")
        inner, _, inner_description = _unwrap(members[0])
        return inner, nullable, description or inner_description
    return hint, nullable, description


def _arrow_type(hint: Any, name: str) -> pa.DataType:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if typing.get_origin(hint) is list:
        return pa.list_(_field("item", typing.get_args(hint)[0]))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return pa.struct(_fields(hint))
    if isinstance(hint, type) and issubclass(hint, str | int):
        return _SCALARS[str if issubclass(hint, str) else int]
    raise TypeError(f"column {name}: no Arrow type for {hint!r}")


def _plain(value: Any) -> Any:
    """What msgspec does not turn into an Arrow value by itself."""
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    raise TypeError(f"no column holds a {type(value).__name__}")


def table_of(records: Sequence[R], makes: type[R]) -> pa.Table:
    """A table of these records, columns in the order of the Struct's fields."""
    schema = schema_of(makes)
    columns = []
    for name, column in zip(makes.__struct_fields__, schema, strict=True):
        values = list(map(attrgetter(name), records))
        if column.type not in (pa.int64(), pa.float64(), pa.bool_()):
            values = msgspec.to_builtins(
                values, builtin_types=(datetime,), enc_hook=_plain, str_keys=False
            )
            if _builder(_hints(makes)[name]):  # It holds JSON text.
                values = _raw_as_text(values)
        columns.append(pa.array(values, column.type))
    return pa.table(columns, schema=schema)


def _raw_as_text(value: Any) -> Any:
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    if isinstance(value, list):
        return [_raw_as_text(item) for item in value]
    if isinstance(value, dict):
        return {name: _raw_as_text(item) for name, item in value.items()}
    return value


@functools.cache
def _builder(hint: Any) -> Callable[[Any], Any] | None:
    """What rebuilds a value that holds JSON text, which msgspec.convert cannot; None if none does.

    (msgspec 0.22 refuses `Raw | None` in convert; everything else it does faster than this.)
    """
    hint = _unwrap(hint)[0]
    if hint is msgspec.Raw:
        return lambda text: None if text is None else msgspec.Raw(text.encode())
    if typing.get_origin(hint) is list:
        item = _builder(typing.get_args(hint)[0])
        return item and (lambda values: None if values is None else [item(v) for v in values])
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = _hints(hint)
        builders = {name: _builder(hints[name]) for name in hint.__struct_fields__}
        if not any(builders.values()):
            return None

        def build(row: dict[str, Any] | None) -> msgspec.Struct | None:
            if row is None:
                return None
            return hint(**{name: _build(value, name) for name, value in row.items()})

        def _build(value: Any, name: str) -> Any:
            builder = builders[name]
            return builder(value) if builder else msgspec.convert(value, hints[name])

        return build
    return None


def records_of(table: pa.Table, makes: type[R]) -> list[R]:
    """The records of a table; a column that the table lacks takes its default, or null.

    Raises msgspec.ValidationError when a column does not fit the record type.
    """
    known = [name for name in makes.__struct_fields__ if name in table.column_names]
    rows: list[dict[str, Any]] = [{} for _ in range(table.num_rows)]
    for name in known:
        for row, value in zip(rows, _values(table.column(name)), strict=True):
            row[name] = value
    optional = {f.name for f in msgspec.structs.fields(makes) if not f.required}
    missing = {*makes.__struct_fields__} - {*known} - optional
    for row in rows if missing else ():
        row.update(dict.fromkeys(missing))
    builder = _builder(makes)
    return [builder(row) for row in rows] if builder else msgspec.convert(rows, list[makes])


def _values(column: pa.ChunkedArray) -> Iterable[Any]:
    """The values of a column. Most are few and often repeated, and to make each of them an object
    of its own costs more than all else of reading."""
    if column.type not in _REPEATED:
        return column.to_pylist()
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return map(encoded.dictionary.to_pylist().__getitem__, encoded.indices.to_numpy().tolist())


def write_parquet(table: pa.Table, about: Mapping[str, str]) -> bytes:
    """Parquet bytes; `about` goes into the footer's key-value metadata. Deterministic."""
    metadata = {**(table.schema.metadata or {}), **{k: v.encode() for k, v in about.items()}}
    buffer = io.BytesIO()
    compression = "zstd" if table.nbytes > _MOSTLY_SCHEMA_BYTES else "lz4"
    pq.write_table(table.replace_schema_metadata(metadata), buffer, compression=compression)
    return buffer.getvalue()


def read_parquet(data: bytes) -> tuple[pa.Table, dict[str, str]]:
    """A table and the key-value metadata of its footer. Raises pyarrow.ArrowException."""
    table = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False).read(use_threads=False)
    metadata = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    return table, metadata


def empty_table(makes: type[msgspec.Struct]) -> pa.Table:
    return schema_of(makes).empty_table()
