"""What `touchline.load` does: a day of an asset in a notebook, without any run of Dagster."""

from __future__ import annotations

from typing import Any

from operations.opened import NothingThere, opened_store
from pipeline_assets.load import UnknownAsset, find_asset, load_envelopes, load_table
from resources.day_layout import is_raw
from resources.env_file import take_aws_variables
from resources.parquet import records_of
from touchline.day import Day

FORMS = ("pandas", "arrow", "duckdb", "records")


def load(asset: str, day: str | Day, as_: str, prefix: str | None) -> Any:
    """See `touchline.load`."""
    if as_ not in FORMS:
        raise ValueError(f"as_={as_!r} is none of: {', '.join(FORMS)}")
    take_aws_variables()
    wanted = day if isinstance(day, Day) else Day.parse(day)
    with opened_store(prefix) as site:
        name = find_asset(site, asset)
        if is_raw(name):
            if as_ != "records":
                raise UnknownAsset(f"{name} has no rows: load it as_='records', its envelopes")
            return list(load_envelopes(site, name, wanted))
        table = load_table(site, name, wanted)
        if not site.days(site.stages[name].feed).index(name, wanted).numbers:
            where = f"s3://{site.store.bucket}/{site.store.prefix}"
            raise NothingThere(
                f"nothing of {name} on {wanted} is in {where}: another day, or another prefix "
                "(prefix=... or TOUCHLINE_S3_PREFIX)?"
            )
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
