"""What three stock checks of an orchestrator would have seen: a row count above 0, an update within
five minutes, the columns of before. They look at what landed, as such checks do."""

from __future__ import annotations

import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pyzstd

from tests.detect.stored import Stored

ROWS, FRESH, COLUMNS = "rows > 0", "updated", "columns"
FRESH_MINUTES = 5
_SINGLE = re.compile(r"(\d{5})\.(?:parquet|json\.zst)")


def stock_alarms(stored: Stored, assets: list[str], now: float) -> dict[str, list[str]]:
    """Of each check, the assets that it is alarmed by; `now` is the minute's number. Rows are
    counted, and columns compared, in the two newest objects: those that the newest runs made."""
    alarms: dict[str, list[str]] = {ROWS: [], FRESH: [], COLUMNS: []}
    content = stored.content()
    for asset in assets:
        keys = _newest(stored, asset, list(content))
        number = keys[-1][0] if keys else None
        if number is None or now - number > FRESH_MINUTES:
            alarms[FRESH].append(asset)
        shapes = [_shape(asset, stored.get(key)[0]) for _, key in keys[-2:]]
        if not shapes or shapes[-1] is None or not shapes[-1][0]:
            alarms[ROWS].append(asset)
        if len(shapes) == 2 and None not in shapes and shapes[0][1] != shapes[1][1]:  # pyright: ignore[reportOptionalSubscript]
            alarms[COLUMNS].append(asset)
    return alarms


def _newest(stored: Stored, asset: str, keys: list[str]) -> list[tuple[int, str]]:
    folder = stored.single(asset, 1).rpartition("/")[0]
    found = []
    for key in keys:
        if key.startswith(f"{folder}/") and (name := _SINGLE.fullmatch(key[len(folder) + 1 :])):
            found.append((int(name[1]), key))
    return sorted(found)


def _shape(asset: str, body: bytes) -> tuple[int, list[str]] | None:
    """Rows and columns; None where it cannot be read."""
    try:
        if asset == "raw_fetches":
            document = json.loads(pyzstd.decompress(body))
            live = document["RAW_API_DATA"]["live_matches"]
            return len(live.get("results", ())), sorted(document)
        table = pq.read_table(io.BytesIO(body))
        return table.num_rows, [f"{field.name} {field.type}" for field in table.schema]
    except (pa.ArrowException, OSError, ValueError, KeyError, AttributeError, pyzstd.ZstdError):
        return None
