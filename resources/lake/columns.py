"""The columns of a table: those of all its days, each of which may be null.

A column or a nested field that comes later is read as null before it. So the table calls every
column nullable; a day's own files keep what their rows were.
"""

from __future__ import annotations

import pyarrow as pa

from resources.lake.errors import SchemaConflict

DATE = pa.field("date", pa.date32(), metadata={"comment": "the New York day"})
ROWS = {"fetch_number": pa.int64(), "fetch_id": pa.string()}


def table_schema(rows: pa.Schema) -> pa.Schema:
    """What a table of such rows is created with. A column's description is its Delta comment."""
    return pa.schema([DATE, *(_nullable(field) for field in rows if field.name != "date")])


def widened(table: pa.Schema, rows: pa.Schema, what: str) -> pa.Schema:
    """The table's schema with what these rows have more; the table's own if that is nothing.

    Raises SchemaConflict for a column that changed its type, naming it after `what`.
    """
    wide = pa.schema(_merged_fields(list(table), list(table_schema(rows)), what, ""))
    return table if wide.equals(table) else wide


def _nullable(field: pa.Field) -> pa.Field:
    metadata = dict(field.metadata or {})
    if description := metadata.pop(b"description", None):
        metadata[b"comment"] = description
    return pa.field(field.name, _all_nullable(field.type), True, metadata or None)


def _all_nullable(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(_nullable(kind.value_field).with_name("element"))
    if pa.types.is_struct(kind):
        return pa.struct([_nullable(field) for field in kind.fields])
    return kind


def _merged_fields(
    there: list[pa.Field], ours: list[pa.Field], what: str, within: str
) -> list[pa.Field]:
    new = {field.name: field for field in ours}
    merged = []
    for field in there:
        if (other := new.pop(field.name, None)) is not None:
            kind = _merged(field.type, other.type, what, f"{within}{field.name}")
            field = other.with_type(kind)
        merged.append(field)
    return [*merged, *new.values()]


def _merged(there: pa.DataType, ours: pa.DataType, what: str, name: str) -> pa.DataType:
    if pa.types.is_list(there) and pa.types.is_list(ours):
        kind = _merged(there.value_type, ours.value_type, what, f"{name}.element")
        return pa.list_(ours.value_field.with_type(kind))
    if pa.types.is_struct(there) and pa.types.is_struct(ours):
        return pa.struct(_merged_fields(there.fields, ours.fields, what, f"{name}."))
    if there != ours:
        raise SchemaConflict(
            f"{what}: column {name} is {there} in the table and {ours} in the new rows: "
            "give the new one another name"
        )
    return there
