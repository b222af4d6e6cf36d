"""`touchline rows`: the rows of a derived day as JSON, CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from operations.arguments import DayOption, Fetch, Prefix
from operations.console import progress, whole
from operations.opened import opened_store
from pipeline_assets.expired import refuse_expired
from pipeline_assets.load import find_asset, load_table
from resources.site import Site
from touchline.day import Day, FetchNumber
from touchline.errors import Misuse


class Format(StrEnum):
    """What `touchline rows` writes."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


BATCH_ROWS = 10_000

Plain = Callable[[Any], Any]


def rows(
    asset: Annotated[str, typer.Option(help="Asset, like football/merged or merged.")],
    date: DayOption,
    fetch: Fetch = None,
    form: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.JSON,
    out: Annotated[Path | None, typer.Option(help="File. [default: stdout]")] = None,
    prefix: Prefix = None,
) -> None:
    """Write the rows of a derived day."""
    with opened_store(prefix) as site:
        table = rows_of_day(site, asset, date, fetch)
    with whole(out) as file:
        write_rows(table, file, form)
    progress(f"{table.num_rows:,} rows")


def rows_of_day(site: Site, asset: str, day: Day, number: int | None = None) -> pa.Table:
    """The rows of a derived asset's day, or of one fetch of it. Raises UnknownAsset, Misuse where
    there are none, DayExpired, StoreError, UnreadableObject, UnreadableStageObject."""
    name = find_asset(site, asset)
    if site.keys(name).is_raw:
        raise Misuse(f"{name} has no rows; `touchline fetch {day} N` gives one of its fetches")
    if number is None:
        refuse_expired(site, name, day)
    there = site.days(name.partition("/")[0]).index(name, day).numbers
    if number is not None and number not in there:
        refuse_expired(site, name, day)
    if not there:
        raise Misuse(f"nothing of {name} on {day} is in {site.where}")
    if number is not None and number not in there:
        raise Misuse(f"no fetch {number} of {name} on {day}, but {min(there)} to {max(there)}")
    return load_table(site, name, day, None if number is None else [FetchNumber(number)])


def write_rows(table: pa.Table, out: BinaryIO, form: Format) -> None:
    """JSON is one array of objects, a row a line. CSV is flat: a member of a nested record is a
    column `record.member`, a list is JSON text, null is empty."""
    match form:
        case Format.JSON:
            _write_json(table, out)
        case Format.CSV:
            _write_csv(_flat(table), out)
        case Format.PARQUET:
            buffer = io.BytesIO()  # A pipe cannot tell where it stands, as the writer asks.
            pq.write_table(table, buffer, compression="zstd")
            out.write(buffer.getbuffer())


def _write_json(table: pa.Table, out: BinaryIO) -> None:
    encode = msgspec.json.Encoder().encode
    before = b"["
    for row in _rows(table):
        out.write(before + encode(row))
        before = b",\n"
    out.write(b"[]\n" if before == b"[" else b"]\n")


def _flat(table: pa.Table) -> pa.Table:
    while any(pa.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    return table


def _write_csv(table: pa.Table, out: BinaryIO) -> None:
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows([_cell(value) for value in row.values()] for row in _rows(table))
    text.detach()


def _cell(value: Any) -> str:
    """Empty for null, text as it is, everything else as JSON says it."""
    if value is None or isinstance(value, str):
        return value or ""
    said = msgspec.json.encode(value).decode()
    return msgspec.json.decode(said) if said.startswith('"') else said


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    plain = [_plain(field) for field in table.schema]
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        columns = [
            column.to_pylist() if convert is None else [convert(v) for v in column.to_pylist()]
            for column, convert in zip(batch.columns, plain, strict=True)
        ]
        for values in zip(*columns, strict=True):
            yield dict(zip(table.column_names, values, strict=True))


def _plain(field: pa.Field) -> Plain | None:
    """What makes a column's values fit for JSON: numbers kept as text and JSON kept as text become
    themselves again, digit by digit. None where nothing is to be done."""
    if (field.metadata or {}).get(b"stored_as") in (b"decimal", b"json"):
        return lambda text: None if text is None else msgspec.Raw(text.encode())
    if pa.types.is_list(field.type):
        item = _plain(field.type.value_field)
        return item and (lambda values: None if values is None else [item(v) for v in values])
    if pa.types.is_struct(field.type):
        members = {member.name: _plain(member) for member in field.type}
        if not any(members.values()):
            return None
        return lambda struct: None if struct is None else _struct(struct, members)
    return None


def _struct(struct: dict[str, Any], members: dict[str, Plain | None]) -> dict[str, Any]:
    return {
        name: convert(struct[name]) if (convert := members[name]) else struct[name]
        for name in struct
    }
