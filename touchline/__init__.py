"""The vocabulary: pure Python, no I/O, no Dagster; and `load`, the door for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from touchline.day import Day

__all__ = ["load"]


def load(
    asset: str,
    day: str | Day,
    as_: Literal["pandas", "arrow", "duckdb", "records"] = "pandas",
    *,
    prefix: str | None = None,
) -> Any:
    """The rows of a derived asset's New York day, in the order of its fetches.

    `asset` is a name like `football/odds_changes`, of which the last part alone will do. As pandas
    a DataFrame, as Arrow a Table, as DuckDB a relation, each with `fetch_number` and `fetch_id` in
    front; as records a list of the asset's typed records, or of `Envelope`s for raw fetches. Exact
    decimals and JSON are text in the first three. A day without rows is empty.

    Where to read from is taken from the settings; `prefix` wins over TOUCHLINE_S3_PREFIX. AWS_*
    variables of `.env` are put into the process's environment where that has none. The embedded
    object store is joined, or started for as long as this takes.

    Raises UnknownAsset, ValueError for a day that is none, SettingsError, NothingThere, StoreError,
    and UnreadableObject or UnreadableStageObject naming the object.
    """
    from operations.loading import load

    return load(asset, day, as_, prefix)
