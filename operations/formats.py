"""How rows may be written."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """What `touchline rows` writes."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
