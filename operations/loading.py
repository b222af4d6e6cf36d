"""Load days of an asset into a notebook without Dagster: the work behind `touchline.load`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from operations.opened import opened_store
from pipeline_assets.load import UnknownAsset, find_asset, load_envelopes, load_table
from resources.env_file import take_aws_variables
from resources.lake.columns import DATE
from resources.parquet import records_of
from resources.site import Site
from touchline.day import Day
from touchline.errors import NothingThere

FORMS = ("pandas", "arrow", "duckdb", "records")


def load(
    asset: str,
    day: Any,
    as_: str,
    prefix: str | None,
    columns: Iterable[str] | None,
    subject: str | None,
) -> Any:
    """See `touchline.load`."""
    if as_ not in FORMS:
        raise ValueError(f"as_={as_!r} is none of: {', '.join(FORMS)}")
    if isinstance(columns, str):
        raise ValueError(f"columns={columns!r} is no list: write columns=[{columns!r}]")
    if columns is not None and as_ == "records":
        raise ValueError("as_='records' gives whole records: leave out columns=, or another as_=")
    if subject is not None and not isinstance(subject, str):
        raise ValueError(f"subject={subject!r} is no id, which is text")
    if columns is not None:
        columns = [*columns]
        if twice := sorted({name for name in columns if columns.count(name) > 1}):
            raise ValueError(f"columns= names {', '.join(twice)} more than once")
    days = days_of(day)
    take_aws_variables()
    with opened_store(prefix) as site:
        name = find_asset(site, asset)
        if site.keys(name).is_raw:
            if as_ != "records":
                raise UnknownAsset(f"{name} has no rows: load it as_='records', its envelopes")
            if subject is not None:
                raise ValueError(f"{name} holds whole fetches: leave out subject=")
            return [each for day in days for each in load_envelopes(site, name, day)]
        table = _table(site, name, days, isinstance(day, tuple | list), columns, subject)
        makes = site.stages[name].makes
    match as_:
        case "arrow":
            return table
        case "records":
            return records_of(table, makes)
        case "duckdb":
            import duckdb

            return duckdb.from_arrow(table)
        case _:
            # Threads of Arrow abort the process at its end on some platforms.
            return table.to_pandas(use_threads=False)


def days_of(wanted: Any) -> list[Day]:
    """The days of one day, or of a range with both its ends. Raises ValueError."""
    if not isinstance(wanted, tuple | list):
        return [_day(wanted)]
    if len(wanted) != 2:
        raise ValueError(f"{wanted!r} is no range of days: write its first and its last")
    first, last = map(_day, wanted)
    if last < first:
        raise ValueError(f"the range ends on {last}, before it begins on {first}")
    return [first.shifted(n) for n in range((last.date - first.date).days + 1)]


def _day(wanted: Any) -> Day:
    match wanted:
        case Day():
            return wanted
        case datetime():
            raise ValueError(f"{wanted} is a time and not a day: say its New York date")
        case date():
            return Day(wanted)
        case str():
            return Day.parse(wanted)
    raise ValueError(f"{wanted!r} is not a day; write it like 2025-05-28, or as a datetime.date")


def _table(
    site: Site,
    asset: str,
    days: Sequence[Day],
    is_range: bool,
    columns: Sequence[str] | None,
    subject: str | None,
) -> pa.Table:
    """The rows of these days, one after another; those of a range begin with their `date`. Raises
    NothingThere where no day has any fetch."""
    # A table without columns does not know how many rows it has.
    own = columns and ([name for name in columns if name != DATE.name] or ["fetch_number"])
    tables, landed = [], False
    for day in days:
        table = load_table(site, asset, day, columns=own, subject=subject)
        if is_range or (columns and DATE.name in columns):
            date_of_all = pa.repeat(pa.scalar(day.date), table.num_rows)
            table = table.add_column(0, DATE.name, date_of_all)
        index = site.days(site.stages[asset].feed).index(asset, day)
        landed = landed or bool(index.numbers)
        tables.append(table)
    if not landed:
        when = f"{days[0]} to {days[-1]}" if is_range else str(days[0])
        raise NothingThere(
            f"nothing of {asset} on {when} is in {site.where}: another day, or another prefix "
            "(prefix=... or TOUCHLINE_S3_PREFIX)?"
        )
    # A record of two days made by different code may have a member more in one of them.
    table = pa.concat_tables(tables, promote_options="permissive")
    return table if columns is None else table.select([*columns])
