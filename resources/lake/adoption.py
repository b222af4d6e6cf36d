"""A day that was sealed elsewhere, in a table here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from resources.lake.columns import table_schema
from resources.lake.commit import ATTEMPTS, commit_files, refuse
from resources.lake.tables import DataFile, Lake, app_id
from resources.manifest import Manifest
from resources.store import Conflicting


def adopt_day(
    lake: Lake,
    manifest: Manifest,
    files: Sequence[DataFile],
    columns: pa.Schema,
    *,
    at: datetime,
) -> bool:
    """Let this day count here as it counts in the table that it comes from, with the same number;
    False where it does already.

    Manifest and files stand here already, under the same keys. `columns` are the other table's, and
    `at` is the time noted in the log. Raises NotAbove when a day with this number or a later one,
    and other files, counts here; WouldErase, SchemaConflict, DamagedLake, Conflicting, StoreError.
    """
    asset, day = manifest.asset, manifest.day
    for _ in range(ATTEMPTS):
        table = lake.open(asset)
        number = lake.number(table, asset, day) if table else None
        if table and number == manifest.number and lake.files(table, asset, day) == tuple(files):
            return False
        current = None if number is None else lake.manifest(asset, day, number)
        refuse(asset, day, manifest, number or 0, current)
        if table is None:
            lake.create(asset, table_schema(columns))
            table = lake.open(asset)
            if table is None or lake.number(table, asset, day) is not None:
                continue
        if commit_files(lake, table, manifest, columns, files, at):
            return True
    raise Conflicting(f"{app_id(asset, day)}: others kept committing; nothing was written")
