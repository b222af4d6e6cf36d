"""What three stock checks of an orchestrator would have seen: rows are there, they were updated
within five minutes, their columns are those of before. They look at all that landed, as such checks
do, and compare it with nothing else; an object that they cannot read is an alarm too."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from tests.detect.stored import Stored
from touchline.compression import zstd

ROWS, FRESH, COLUMNS = "rows > 0", "updated", "columns"
FRESH_MINUTES = 5
_SINGLE = re.compile(r"(\d{5})\.(?:parquet|json\.zst)")


def stock_alarms(stored: Stored, assets: Iterable[str], now: float) -> dict[str, set[str]]:
    """Of each check, what it is alarmed by; `now` is the minute's number, parts of it included."""
    alarms: dict[str, set[str]] = {ROWS: set(), FRESH: set(), COLUMNS: set()}
    content = sorted(stored.content())
    for asset in assets:
        newest, columns = 0, set[tuple[str, ...]]()
        for key in content:
            if not key.startswith(_folders(stored, asset)) or "sealed-" in key:
                continue
            name = _SINGLE.fullmatch(key.rpartition("/")[2])
            shape = _shape(stored.get(key)[0], key)
            if shape is None:
                alarms[ROWS].add(key)
            elif shape[0] == 0:
                alarms[ROWS].add(asset)
            if name:
                newest = max(newest, int(name[1]))
                columns |= {shape[1]} if shape else set()
        if now - newest > FRESH_MINUTES:
            alarms[FRESH].add(asset)
        if len(columns) > 1:
            alarms[COLUMNS].add(asset)
    return alarms


def _folders(stored: Stored, asset: str) -> tuple[str, ...]:
    sealed = "logs/football/all_api/" if asset == "raw_fetches" else f"lake/football/{asset}/date="
    return stored.single(asset, 1).rpartition("/")[0] + "/", sealed


def _shape(body: bytes, key: str) -> tuple[int, tuple[str, ...]] | None:
    """Rows and columns; None where it cannot be read."""
    try:
        if not key.endswith(".parquet"):
            document = zstd.decompress(body)
            if _SINGLE.fullmatch(key.rpartition("/")[2]) is None:
                return len(document), ()
            fetch = json.loads(document)
            live = fetch["RAW_API_DATA"]["live_matches"]
            return len(live.get("results", ())), tuple(sorted(fetch))
        table = pq.read_table(io.BytesIO(body))
        return table.num_rows, tuple(f"{field.name} {field.type}" for field in table.schema)
    except (pa.ArrowException, OSError, ValueError, KeyError, AttributeError, zstd.ZstdError):
        return None
