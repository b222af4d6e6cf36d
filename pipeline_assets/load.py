"""A day of an asset as pandas, Arrow or typed records, straight from what landed."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from pipeline_assets.expired import refuse_expired
from resources.fetch_object import FetchObject
from resources.parquet import empty_table, records_of
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.stage_window import with_frame
from touchline.day import Day, FetchNumber
from touchline.fetch import Envelope
from touchline.stage import Stage


class UnknownAsset(LookupError):
    """No asset of this name, or more than one; the message lists the names."""


def find_asset(site: Site, name: str) -> str:
    """The full name of an asset; its last part alone will do where it is unique."""
    names = [asset.name for plan in site.plans.values() for asset in plan.assets]
    found = [full for full in names if full == name or full.rpartition("/")[2] == name]
    if len(found) != 1:
        raise UnknownAsset(f"{name!r} is not one of: {', '.join(names)}")
    return found[0]


def load_table(
    site: Site, asset: str, day: Day, fetches: Sequence[FetchNumber] | None = None
) -> pa.Table:
    """A derived day's rows in the order of its fetches, with `fetch_number` and `fetch_id` columns
    in front. Raises DayExpired, StoreError, UnreadableObject, UnreadableStageObject naming the
    object."""
    stage = _stage(site, asset)
    days = site.days(stage.feed)
    if fetches is None:
        refuse_expired(site, asset, day)
        tables = [table for part in days.parts(asset, day) for table in _tables(stage, part)]
    else:
        found = (days.read(asset, day, number) for number in fetches)
        tables = [_of_fetch(stage, each) for each in found]
    if not tables:
        return with_frame(empty_table(stage.makes).replace_schema_metadata(), 0, "")
    return pa.concat_tables(tables, promote_options="default")


def _tables(stage: Stage[Any], part: FetchObject | pa.Table) -> Iterator[pa.Table]:
    if isinstance(part, FetchObject):
        yield _of_fetch(stage, part)
    else:
        yield part.replace_schema_metadata()


def _of_fetch(stage: Stage[Any], found: FetchObject) -> pa.Table:
    table = decode_stage(stage, found.body).table.replace_schema_metadata()
    return with_frame(table, found.ref.number, found.ref.fetch_id)


def load_envelopes(site: Site, asset: str, day: Day) -> Iterator[Envelope]:
    """A raw day's fetches in their order. Raises DayExpired, StoreError, UnreadableObject."""
    refuse_expired(site, asset, day)
    days = site.days(asset.partition("/")[0])
    for number in sorted(days.index(asset, day).numbers):
        yield days.read(asset, day, number).envelope()


def load_day(site: Site, asset: str, days: Sequence[Day], as_type: Any) -> Any:
    """What an input's annotation asks for: `pandas.DataFrame`, `pyarrow.Table`, `Iterator` or
    `list[Record]` for typed records; envelopes for a raw asset. pandas where nothing is said.

    (Dagster takes no `Iterator[Record]` for the type of an input.)
    """
    if asset.rpartition("/")[2] not in {s.short_name for s in site.stages.values()}:
        return (envelope for day in days for envelope in load_envelopes(site, asset, day))
    table = pa.concat_tables([load_table(site, asset, day) for day in days])
    if as_type is pa.Table:
        return table
    kind = typing.get_origin(as_type) or as_type
    if kind in (list, Iterator, Iterable):
        records = records_of(table, _stage(site, asset).makes)
        return records if kind is list else iter(records)
    return table.to_pandas(use_threads=False)


def _stage(site: Site, asset: str) -> Stage[Any]:
    try:
        return site.stages[asset]
    except KeyError:
        raise UnknownAsset(
            f"{asset} has no rows; those that have are: {', '.join(site.stages)}"
        ) from None
