"""Sealed days in small: manifests and the rows that they account for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from resources.embedded_s3 import S3Access
from resources.lake import Committed, Lake, commit_day, read_day
from resources.manifest import Held, Manifest
from tests.stores import s3_store
from touchline.accounting import Account, Outcome
from touchline.day import Day

ASSET = "football/merged"
DAY, NEXT = Day.parse("2025-05-28"), Day.parse("2025-05-29")
AT = datetime(2025, 5, 29, 4, 5, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        pa.field("fetch_number", pa.int64(), False),
        pa.field("fetch_id", pa.string(), False),
        pa.field("key", pa.string(), False, {"description": "the record's key"}),
        pa.field("price", pa.string(), True, {"stored_as": "decimal"}),
    ],
    metadata={"description": "a record"},
)


def lake_at(access: S3Access, prefix: str, **settings: Any) -> Lake:
    """On a real server."""
    return Lake(s3_store(access, prefix), **settings)


def held(number: int, emitted: int, said: str = "") -> Held:
    return Held(
        number=number,
        fetch_id=f"Fetch{number:05d}",
        minute=str(DAY.minute(number)),
        outcome=Outcome.COMPLETE,
        account=Account(received=emitted, emitted=emitted),
        digest=said,
        sha256="",
        etag="",
        code_version="1",
    )


def manifest(
    number: int, emitted: Mapping[int, int], said: str = "", day: Day = DAY, asset: str = ASSET
) -> Manifest:
    """`emitted` is fetch number -> rows; `said` tells contents apart."""
    fetches = [held(fetch, count, said) for fetch, count in sorted(emitted.items())]
    return Manifest(asset=asset, date=str(day), number=number, held=fetches, uploads=[])


def rows(emitted: Mapping[int, int], said: str = "") -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "fetch_number": fetch,
                "fetch_id": f"Fetch{fetch:05d}",
                "key": f"{said}{n}",
                "price": "1.50",
            }
            for fetch, count in sorted(emitted.items())
            for n in range(count)
        ],
        SCHEMA,
    )


def seal(
    lake: Lake,
    emitted: Mapping[int, int],
    said: str = "",
    day: Day = DAY,
    asset: str = ASSET,
    **options: Any,
) -> Committed:
    """Commit a day that holds so many rows of each fetch."""
    return commit_day(
        lake,
        asset,
        day,
        lambda number, current: (
            manifest(number, emitted, said, day, asset),
            rows(emitted, said),
        ),
        at=AT,
        **options,
    )


def keys_of(lake: Lake, day: Day = DAY, asset: str = ASSET) -> list[tuple[int, str]] | None:
    """Fetch number and key of each row of a sealed day, in order; None where there is none."""
    sealed = read_day(lake, asset, day)
    if sealed is None:
        return None
    table = sealed.table(["fetch_number", "key"])
    return list(zip(table.column(0).to_pylist(), table.column(1).to_pylist(), strict=True))


def listed(lake: Lake, below: str) -> list[str]:
    return [item.key for item in lake.store.list(below)]
