"""Other engines read the same rows: the tables are Delta, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder

from resources.lake import Lake, commit_day, read_day
from resources.lake.tables import table_key
from resources.store import Store
from tests.resources.lake_samples import ASSET, AT, DAY, NEXT, manifest, rows, seal

Row = tuple[str, int, str, str | None]
COLUMNS = "date, fetch_number, key, weather"


@pytest.fixture
def lake(any_store: Store) -> Lake:
    """Two days, of which the first was replaced, and the second brought a column."""
    lake = Lake(any_store)
    seal(lake, {1: 3})
    seal(lake, {1: 2, 2: 1}, "new ")
    wide = rows({1: 2}).append_column("weather", pa.array(["rain", None]))
    commit_day(lake, ASSET, NEXT, lambda n, _: (manifest(n, {1: 2}, day=NEXT), wide), at=AT)
    return lake


EXPECTED: list[Row] = [
    (str(DAY), 1, "new 0", None),
    (str(DAY), 1, "new 1", None),
    (str(DAY), 2, "new 0", None),
    (str(NEXT), 1, "0", "rain"),
    (str(NEXT), 1, "1", None),
]


def handle(lake: Lake) -> DeltaTable:
    return DeltaTable(lake.uri(ASSET), storage_options=lake.store.delta_options())


def by_touchline(lake: Lake, tmp_path: Path) -> Any:
    days = [read_day(lake, ASSET, day) for day in (DAY, NEXT)]
    return [
        row
        for day in days
        if day
        for row in day.table(["date", "fetch_number", "key", "weather"]).to_pylist()
    ]


def by_query_builder(lake: Lake, tmp_path: Path) -> Any:
    found = QueryBuilder().register("merged", handle(lake)).execute(f"SELECT {COLUMNS} FROM merged")
    return pa.table(found.read_all()).to_pylist()


def by_pandas(lake: Lake, tmp_path: Path) -> Any:
    stream = handle(lake).scan([*COLUMNS.split(", ")], predicate=f"date >= '{DAY}'")
    frame = pa.RecordBatchReader.from_stream(stream).read_all().to_pandas(use_threads=False)
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def scanned(lake: Lake) -> pl.LazyFrame:
    """How often it tries again, Polars calls otherwise."""
    options = {n: value for n, value in lake.store.delta_options().items() if n.startswith("aws_")}
    return pl.scan_delta(lake.uri(ASSET), storage_options=options)


def by_polars(lake: Lake, tmp_path: Path) -> Any:
    return scanned(lake).select(COLUMNS.split(", ")).collect().to_dicts()


def by_polars_of_a_day(lake: Lake, tmp_path: Path) -> Any:
    days = (scanned(lake).filter(pl.col("date") == day.date) for day in (DAY, NEXT))
    return pl.concat(days).select(COLUMNS.split(", ")).collect().to_dicts()


def by_duckdb(lake: Lake, tmp_path: Path) -> Any:
    """Of the files that count; with its extension `delta` it finds them itself."""
    for day in (DAY, NEXT):
        sealed = read_day(lake, ASSET, day)
        for file in sealed.files if sealed else ():
            copy = tmp_path / file.key.removeprefix(f"{table_key(ASSET)}/")
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(lake.store.get(file.key).body)
    files = f"read_parquet('{tmp_path}/*/*.parquet', hive_partitioning=true, union_by_name=true)"
    found = duckdb.execute(f"SELECT {COLUMNS} FROM {files}")
    return [dict(zip(COLUMNS.split(", "), row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize(
    "read",
    [by_touchline, by_query_builder, by_pandas, by_polars, by_polars_of_a_day, by_duckdb],
    ids=lambda read: read.__name__,
)
def test_every_engine_reads_the_rows_that_count(
    lake: Lake, tmp_path: Path, read: Callable[[Lake, Path], Any]
) -> None:
    found = [
        (str(row["date"]), row["fetch_number"], row["key"], row["weather"])
        for row in read(lake, tmp_path)
    ]
    assert sorted(found, key=lambda row: row[:3]) == EXPECTED


def test_a_day_of_the_table_names_its_files_alone(lake: Lake) -> None:
    """What an engine that is given no more than the log opens for a query of one day."""
    opened = handle(lake).file_uris(file_pruning_predicate=[("date", "=", str(DAY))])
    sealed = read_day(lake, ASSET, DAY)
    assert sealed is not None
    uris = [unquote(lake.store.uri(file.key)) for file in sealed.files]
    assert [uri.removeprefix("file://") for uri in opened] == [
        uri.removeprefix("file://") for uri in uris
    ]
