"""The vocabulary: pure Python, no I/O, no Dagster; and `load`, the door for notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import date

    from touchline.day import Day

    OneDay: TypeAlias = str | date | Day

__all__ = ["load"]


def load(
    asset: str,
    day: OneDay | tuple[OneDay, OneDay],
    as_: Literal["pandas", "arrow", "duckdb", "records"] = "pandas",
    *,
    columns: Iterable[str] | None = None,
    subject: str | None = None,
    prefix: str | None = None,
) -> Any:
    """The rows of a derived asset's New York day, in the order of its fetches.

    `asset` is a name like `football/odds_changes`, of which the last part alone will do. As pandas
    a DataFrame, as Arrow a Table, as DuckDB a relation, each with `fetch_number` and `fetch_id` in
    front; as records a list of the asset's typed records, or of `Envelope`s for raw fetches. Exact
    decimals and JSON are text in the first three. A day without rows is empty.

    `day` is one day, or the first and the last of several: `("2025-05-28", "2025-06-03")`. Rows of
    several days have their `date` in front, and days that were not watched bring none. `columns`
    gives these columns alone, in this order, `date` among them if you like; `subject` the rows of
    one match, or what else a feed is about, by its id. Neither reads more of Parquet files than it
    must.

    Where to read from is taken from the settings; `prefix` wins over TOUCHLINE_S3_PREFIX. AWS_*
    variables of `.env` are put into the process's environment where that has none. The embedded
    object store is joined, or started for as long as this takes.

    Raises UnknownAsset; ValueError for a day that is none, a range that ends before it begins, a
    column or an `as_` that there is not, the subject of an asset whose records are about none;
    SettingsError, NothingThere, DayExpired, StoreError, and UnreadableObject or
    UnreadableStageObject naming the object.
    """
    from operations.loading import load

    return load(asset, day, as_, prefix, columns, subject)
