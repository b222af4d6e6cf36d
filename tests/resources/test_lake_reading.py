"""Sealed days read back: exactly, only what is asked for, from one state of the table."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from pipeline_assets.football.plan import football
from resources.embedded_s3 import S3Access
from resources.lake import DamagedLake, Lake, SealedDay, commit_day, file_digests, read_day
from resources.lake import files as lake_files
from resources.lake.tables import DataFile, manifest_key, table_key
from resources.manifest import Manifest
from resources.parquet import schema_of
from resources.store.faulty import FaultyStore
from resources.store.memory import MemoryStore
from tests.resources.lake_samples import (
    ASSET,
    AT,
    DAY,
    NEXT,
    keys_of,
    lake_at,
    manifest,
    rows,
    seal,
)
from touchline.accounting import sha256_hex
from touchline.day import Day
from touchline.stage import Stage

ROOT = Path(__file__).parents[2]
STAGES = {stage.name: stage for stage in football.stages}


def sealed_day(lake: Lake, day: Day = DAY, asset: str = ASSET) -> SealedDay:
    sealed = read_day(lake, asset, day)
    assert sealed is not None
    return sealed


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row group for each four rows, and a file for each group or two."""
    monkeypatch.setattr(lake_files, "GROUP_ROWS", 4)
    monkeypatch.setattr(lake_files, "FILE_BYTES", 2000)


def sample(kind: pa.DataType, n: int) -> Any:
    """A value of this Arrow type."""
    if pa.types.is_list(kind):
        return [sample(kind.value_type, n + i) for i in range(n % 3)]
    if pa.types.is_struct(kind):
        return {field.name: sample(field.type, n) for field in kind.fields}
    if pa.types.is_timestamp(kind):
        return datetime(2025, 5, 28, 17, n % 60, 1, 123456, tzinfo=UTC)
    if pa.types.is_integer(kind):
        return n * 1_000_003
    if pa.types.is_floating(kind):
        return n / 7
    if pa.types.is_boolean(kind):
        return n % 2 == 0
    return f'{{"n": {n}, "é": "ü"}}'


def stage_rows(stage: Stage[Any], fetches: int) -> pa.Table:
    """Two rows of each fetch, every other value null where it may be."""
    own = schema_of(stage.makes)
    added = [
        pa.field(name, kind, False)
        for name, kind in (("fetch_number", pa.int64()), ("fetch_id", pa.string()))
        if name not in own.names
    ]
    schema = pa.schema([*added, *own], own.metadata)
    table: list[dict[str, Any]] = []
    for n in range(2 * fetches):
        row = {
            field.name: None if field.nullable and n % 2 else sample(field.type, n)
            for field in schema
        }
        table.append(row | {"fetch_number": n // 2 + 1, "fetch_id": f"Fetch{n // 2 + 1:05d}"})
    return pa.Table.from_pylist(table, schema)


@pytest.mark.parametrize("name", sorted(STAGES))
def test_the_rows_of_every_stage_come_back_exactly(lake: Lake, name: str) -> None:
    table = stage_rows(STAGES[name], fetches=3)
    emitted = {1: 2, 2: 2, 3: 2}
    commit_day(lake, name, DAY, lambda n, _: (manifest(n, emitted, asset=name), table), at=AT)
    sealed = sealed_day(lake, asset=name)
    back = sealed.table()
    assert back.column("date").to_pylist() == [DAY.date] * 6
    own = back.drop_columns(["date"])
    assert own.schema.equals(table.schema, check_metadata=False)
    assert [field.metadata for field in own.schema] == [field.metadata for field in table.schema]
    assert own.schema.metadata == table.schema.metadata
    assert own.equals(table)
    assert sealed.schema.equals(back.schema, check_metadata=True)


@pytest.mark.usefixtures("small_files")
def test_rows_keep_their_order_over_many_files(lake: Lake) -> None:
    emitted = dict.fromkeys(range(1, 21), 3)
    committed = seal(lake, emitted)
    assert len(committed.files) > 2
    assert sealed_day(lake).files == committed.files
    assert keys_of(lake) == [(fetch, str(n)) for fetch in emitted for n in range(3)]
    assert sealed_day(lake).rows == 60


def test_rows_are_read_as_they_are_written(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day that does not fit into memory: no more than a file of it is held."""
    monkeypatch.setattr(lake_files, "GROUP_ROWS", 4)
    monkeypatch.setattr(lake_files, "FILE_BYTES", 1)
    stored_before: list[int] = []

    def batches() -> Any:
        for fetch in range(1, 6):
            stored_before.append(lake.store.requests.by_operation.get("PUT", 0))
            yield from rows({fetch: 4}).to_batches()

    emitted = dict.fromkeys(range(1, 6), 4)
    reader = pa.RecordBatchReader.from_batches(rows({}).schema, batches())
    commit_day(lake, ASSET, DAY, lambda n, _: (manifest(n, emitted), reader), at=AT)
    first = stored_before[0]
    assert stored_before == [first, first + 1, first + 2, first + 3, first + 4]


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize(
    ("columns", "fetches"),
    [
        (["key"], {2}),
        (["date", "key"], {1, 20}),
        (["price", "fetch_number"], {7, 8, 9}),
        (None, {99}),
        (None, set()),
    ],
)
def test_columns_and_fetches_can_be_chosen(
    lake: Lake, columns: list[str] | None, fetches: set[int] | None
) -> None:
    emitted = dict.fromkeys(range(1, 21), 3)
    seal(lake, emitted)
    sealed = sealed_day(lake)
    everything = sealed.table()
    wanted = everything.select(columns) if columns is not None else everything
    if fetches is not None:
        numbers = everything.column("fetch_number").to_pylist()
        wanted = wanted.filter(pa.array([number in fetches for number in numbers]))
    chosen = sealed.table(columns, fetches)
    assert chosen.equals(wanted)
    assert chosen.schema.equals(wanted.schema, check_metadata=True)


def test_a_column_that_is_not_there_is_named(lake: Lake) -> None:
    seal(lake, {1: 1})
    with pytest.raises(ValueError, match="no column colour"):
        sealed_day(lake).table(["key", "colour"])


@pytest.mark.usefixtures("small_files")
def test_a_read_touches_the_files_that_may_hold_it(lake: Lake, faulty: FaultyStore) -> None:
    committed = seal(lake, dict.fromkeys(range(1, 21), 3))
    seal(lake, {1: 2}, day=NEXT)
    through = sealed_day(Lake(faulty))
    faulty.passed.clear()
    assert through.table(["key"], {20}).num_rows == 3
    assert [request.key for request in faulty.passed] == [committed.files[-1].key]
    faulty.passed.clear()
    assert through.table(None, {19, 20}).num_rows == 6
    assert len(faulty.passed) <= 1, "the file that was read last is still in hand"
    faulty.passed.clear()
    through.table()
    read = {request.key.partition(table_key(ASSET))[2].split("/")[1] for request in faulty.passed}
    assert read == {f"date={DAY}"}


def test_who_opened_a_day_before_it_was_replaced_reads_what_was(lake: Lake) -> None:
    seal(lake, {1: 2})
    before = sealed_day(lake)
    seal(lake, {1: 2, 2: 1}, "new ")
    after = sealed_day(lake)
    assert (before.number, len(before.manifest.held)) == (1, 1)
    assert before.table(["key"]).column(0).to_pylist() == ["0", "1"]
    assert (after.number, len(after.manifest.held)) == (2, 2)
    assert after.table(["key"]).column(0).to_pylist() == ["new 0", "new 1", "new 0"]


def test_manifest_and_rows_agree_while_others_commit(lake: Lake, store: MemoryStore) -> None:
    """Each version of the day has as many rows as its number says."""

    def make(number: int, _: Manifest | None) -> tuple[Manifest, pa.Table]:
        return manifest(number, {1: number}), rows({1: number})

    commit_day(lake, ASSET, DAY, make, at=AT)
    reading, writing = Lake(store), Lake(store)
    seen: set[int] = set()
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(
            lambda: [commit_day(writing, ASSET, DAY, make, at=AT) for _ in range(12)]
        )
        while not writer.done():
            sealed = sealed_day(reading)
            assert sealed.table(["key"]).num_rows == sealed.number
            seen.add(sealed.number)
        writer.result()
    assert len(seen) > 1
    assert sealed_day(reading).number == 13


# --- bit rot -------------------------------------------------------------------------------------


def spoil(lake: Lake, key: str, change: Callable[[bytes], bytes]) -> None:
    """As if it had always been so: the store's own checksum is that of the spoilt bytes."""
    body = lake.store.get(key).body
    lake.store.delete(key)
    lake.store.put_new(key, change(body))


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body[:-1] + b"X",
        lambda body: body[: len(body) // 2],
        lambda body: b"",
    ],
)
def test_a_spoilt_file_is_named_and_not_read(lake: Lake, change: Callable[[bytes], bytes]) -> None:
    seal(lake, {1: 2})
    sealed = sealed_day(lake)
    [file] = sealed.files
    spoil(lake, file.key, change)
    with pytest.raises(DamagedLake, match=file.key):
        sealed.table()
    assert file_digests(lake, sealed)[file.key] != file.sha256


def test_files_swapped_for_each_other_are_not_read(lake: Lake) -> None:
    one, other = (seal(lake, {1: 2}, said, day).files[0] for said, day in (("a", DAY), ("b", NEXT)))
    swapped = lake.store.get(other.key).body
    spoil(lake, one.key, lambda _: swapped)
    with pytest.raises(DamagedLake, match=one.key):
        sealed_day(lake).table()


def test_digests_are_those_of_the_bytes_that_are_there(lake: Lake) -> None:
    seal(lake, {1: 2})
    sealed = sealed_day(lake)
    [file] = sealed.files
    digests = file_digests(lake, sealed)
    assert digests == {file.key: sha256_hex(lake.store.get(file.key).body)}
    assert digests == {file.key: file.sha256}
    lake.store.delete(file.key)
    assert file_digests(lake, sealed) == {}


def test_a_file_of_another_writer_has_no_known_digest() -> None:
    assert DataFile(f"lake/{ASSET}/date={DAY}/part-00000-c000.parquet", 1, 1, 1, 1).sha256 is None


def test_a_manifest_of_another_day_under_this_key_is_damage(lake: Lake) -> None:
    seal(lake, {1: 1})
    seal(lake, {1: 1}, day=NEXT)
    other = lake.store.get(manifest_key(ASSET, NEXT, 1)).body
    spoil(lake, manifest_key(ASSET, DAY, 1), lambda _: other)
    with pytest.raises(DamagedLake, match=f"is manifest 1 of {ASSET} on {NEXT}"):
        read_day(lake, ASSET, DAY)


# --- processes -----------------------------------------------------------------------------------

READ = r"""
import gc, os, sys
import deltalake
from resources.embedded_s3 import S3Access
from resources.lake import read_day
from tests.resources.lake_samples import ASSET, DAY, lake_at

access = S3Access(os.environ["ENDPOINT"], os.environ["KEY"], os.environ["SECRET"], "us-east-1")
lake = lake_at(access, os.environ["PREFIX"])
assert lake.store.client
gc.freeze()
children = []
for _ in range(20):
    children.append(os.fork())
    if not children[-1]:
        os.write(1, b"%d\n" % read_day(lake, ASSET, DAY).table().num_rows)
        sys.exit(0)
for child in children:
    print("ended", os.waitpid(child, 0)[1], flush=True)
"""


@pytest.mark.stack
def test_a_process_that_read_ends_well_twenty_times(s3_server: S3Access, s3_prefix: str) -> None:
    """Another way of reading Delta aborts the process at its end, in up to half of the runs.

    The processes are forked after the imports, which cost more than all that they do.
    """
    seal(lake_at(s3_server, s3_prefix), dict.fromkeys(range(1, 50), 20))
    given = {
        "ENDPOINT": s3_server.endpoint_url,
        "KEY": s3_server.access_key_id or "",
        "SECRET": s3_server.secret_access_key or "",
        "PREFIX": s3_prefix,
    }
    ended = subprocess.run(
        [sys.executable, "-c", READ],
        cwd=ROOT,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert sorted(ended.stdout.splitlines()) == ["980"] * 20 + ["ended 0"] * 20


@pytest.mark.stack
def test_what_a_minute_imports_does_not_import_delta() -> None:
    code = (
        "import sys; import resources.lake, pipeline_assets.slot_run; "
        "print([name for name in sys.modules if name.startswith('deltalake')])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "[]\n")


def test_a_manifest_holds_what_a_stage_object_said(lake: Lake) -> None:
    committed = seal(lake, {1: 1})
    fetch = committed.manifest.held[0]
    dropped = msgspec.structs.replace(fetch, upstream_sha256="ab" * 32, digest="cd" * 16)
    made = msgspec.structs.replace(committed.manifest, number=2, held=[dropped], carried="state")
    commit_day(lake, ASSET, DAY, lambda *_: (made, rows({1: 1})), at=AT)
    assert sealed_day(lake).manifest == made
