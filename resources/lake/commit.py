"""The one function that commits to Delta, `commit_files`, and how a day comes to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from resources.lake.columns import table_schema, widened
from resources.lake.errors import DamagedLake, NotAbove, WouldErase
from resources.lake.files import row_schema, write_files
from resources.lake.tables import DataFile, Lake, app_id, table_key
from resources.manifest import Manifest
from resources.store import Conflicting
from touchline.day import Day

if TYPE_CHECKING:
    from deltalake import DeltaTable

ATTEMPTS = 8
Rows = pa.RecordBatchReader | pa.Table
Make = Callable[[int, Manifest | None], tuple[Manifest, Rows]]
"""Given the next number and the manifest that counts now: a manifest and its rows. Called again
after each conflict. The rows come in the order of fetches, with `fetch_number` and `fetch_id`."""


@dataclass(frozen=True)
class Committed:
    """The sealed day as it counts now. `written` is False where there was nothing new to seal."""

    manifest: Manifest
    files: tuple[DataFile, ...]
    written: bool

    @property
    def number(self) -> int:
        return self.manifest.number


def commit_day(
    lake: Lake, asset: str, day: Day, make: Make, *, at: datetime, rewrite: bool = False
) -> Committed:
    """Replace the sealed day by what `make` makes of the one that counts.

    Nothing is written when that says the same of the same fetches. With `rewrite` it is, so that
    damaged files are stored again, and a damaged manifest is passed to `make` as None. `at` is the
    time noted in the log.

    Raises NotAbove, WouldErase, Unaccounted, SchemaConflict before anything counts; DamagedLake;
    Conflicting when others kept committing; StoreError, after which it may have counted or not:
    call again.
    """
    for _ in range(ATTEMPTS):
        table = lake.open(asset)
        number = lake.number(table, asset, day) if table else None
        current = _current(lake, asset, day, number, rewrite=rewrite)
        manifest, rows = make((number or 0) + 1, current)
        refuse(asset, day, manifest, number or 0, current)
        if table and current and not rewrite and _says_the_same(manifest, current):
            return Committed(current, lake.files(table, asset, day), written=False)
        if isinstance(rows, pa.Table):
            rows = rows.to_reader()
        schema = row_schema(rows.schema, app_id(asset, day))
        if table is None:
            lake.create(asset, table_schema(schema))
            table = lake.open(asset)
            if table is None or lake.number(table, asset, day) is not None:
                continue
        manifest = lake.put_manifest(manifest)
        files = write_files(lake.store, manifest, rows)
        if commit_files(lake, table, manifest, schema, files, at):
            return Committed(manifest, tuple(files), written=True)
    raise Conflicting(f"{app_id(asset, day)}: others kept committing; nothing was written")


def _current(
    lake: Lake, asset: str, day: Day, number: int | None, *, rewrite: bool
) -> Manifest | None:
    try:
        return None if number is None else lake.manifest(asset, day, number)
    except DamagedLake:
        if rewrite:
            return None
        raise


def _says_the_same(manifest: Manifest, current: Manifest) -> bool:
    return msgspec.structs.replace(manifest, number=current.number) == current


def refuse(asset: str, day: Day, manifest: Manifest, number: int, current: Manifest | None) -> None:
    """Raises ValueError, NotAbove, WouldErase where this manifest may not follow `number`, which is
    `current`."""
    what = app_id(asset, day)
    if (manifest.asset, manifest.day) != (asset, day):
        raise ValueError(f"{what}: the manifest is of {app_id(manifest.asset, manifest.day)}")
    if manifest.number <= number:
        raise NotAbove(
            f"{what}: manifest {manifest.number} is not above {number}, which counts: "
            "make it of what is sealed now"
        )
    lost = {held.number for held in current.held} if current else set()
    if lost := sorted(lost - {held.number for held in manifest.held}):
        raise WouldErase(
            f"{what}: {len(lost)} fetches that are sealed are not in the new manifest, the first "
            f"is {lost[0]}: make it of what is sealed and of what came after"
        )


def commit_files(
    lake: Lake,
    table: DeltaTable,
    manifest: Manifest,
    schema: pa.Schema,
    files: Sequence[DataFile],
    at: datetime,
) -> bool:
    """Let these files, which stand there, be the day's; False when another commit was in the way.

    delta-rs compares with what was committed since the handle was opened. A commit of another day
    is no conflict; one of this day is, by the transaction's id, even where neither has a row.
    """
    from deltalake import CommitProperties, PostCommitHookProperties, Schema, Transaction
    from deltalake.exceptions import CommitFailedError
    from deltalake.transaction import AddAction, RemoveAction

    asset, day = manifest.asset, manifest.day
    there = pa.schema(table.schema().to_arrow())
    wide = widened(there, schema, app_id(asset, day))
    actions: list[AddAction | RemoveAction] = [
        AddAction(
            file.key.removeprefix(f"{table_key(asset)}/"),
            file.size,
            {"date": str(day)},
            int(at.timestamp() * 1000),
            True,
            _statistics(file),
        )
        for file in files
    ]
    with lake.speaking_of(asset):
        try:
            table.create_write_transaction(
                actions,
                "overwrite",
                table.schema() if wide is there else Schema.from_arrow(wide),
                partition_by=["date"],
                partition_filters=[("date", "=", str(day))],
                commit_properties=CommitProperties(
                    app_transactions=[Transaction(app_id(asset, day), manifest.number)]
                ),
                # The log is tidied by `maintain` alone.
                post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
            )
        except CommitFailedError:
            return False
    return True


def _statistics(file: DataFile) -> str:
    """By which every engine skips the files that hold none of the fetches asked for."""
    said = {
        "numRecords": file.rows,
        "minValues": {"fetch_number": file.first},
        "maxValues": {"fetch_number": file.last},
        "nullCount": {"fetch_number": 0},
    }
    return msgspec.json.encode(said).decode()
