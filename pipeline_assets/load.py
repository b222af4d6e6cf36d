"""A day of an asset as pandas, Arrow or typed records, straight from what landed."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

import pyarrow as pa

from pipeline_assets.expired import refuse_expired
from resources.fetch_object import FetchObject
from resources.parquet import empty_table, records_of, schema_of
from resources.selection import Selection
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.stage_window import FRAME, with_frame
from touchline.day import Day, FetchNumber
from touchline.errors import Misuse
from touchline.fetch import Envelope
from touchline.stage import Stage


class UnknownAsset(Misuse, LookupError):
    """No asset of this name, or more than one; the message lists the names."""


def find_asset(site: Site, name: str) -> str:
    """The full name of an asset; its last part alone will do where it is unique."""
    names = [asset.name for plan in site.plans.values() for asset in plan.assets]
    found = [full for full in names if full == name or full.rpartition("/")[2] == name]
    if len(found) != 1:
        raise UnknownAsset(f"{name!r} is not one of: {', '.join(names)}")
    return found[0]


def load_table(
    site: Site,
    asset: str,
    day: Day,
    fetches: Sequence[FetchNumber] | None = None,
    *,
    columns: Sequence[str] | None = None,
    subject: str | None = None,
) -> pa.Table:
    """A derived day's rows in the order of its fetches, with `fetch_number` and `fetch_id` columns
    in front, or those of its newest version; of `columns` those alone, in the order given; of a
    `subject`, such as a match by its id, its rows.

    Raises ValueError for a column that the asset does not have, or a subject where its records are
    about none; DayExpired, StoreError, UnreadableObject, UnreadableStageObject naming the object.
    """
    stage = _stage(site, asset)
    chosen = _selection(site, stage, columns, subject)
    days = site.days(stage.feed)
    parts: Iterable[FetchObject | pa.Table]
    if fetches is None:
        refuse_expired(site, asset, day)
        if stage.holds_days:
            newest = days.newest_version(asset, day)
            parts = [newest] if newest else []
        else:
            parts = days.parts(asset, day, chosen=chosen)
    else:
        parts = (days.read(asset, day, number) for number in fetches)
    of_none = with_frame(empty_table(stage.makes).replace_schema_metadata(), 0, "")
    tables: list[pa.Table] = []
    for part in parts:
        if isinstance(part, FetchObject):
            tables.append(chosen.of(_of_fetch(stage, part)))
        else:
            tables.append(part.replace_schema_metadata())
        if len(tables) == 1:
            _refuse_unknown(stage, columns, {*of_none.column_names, *tables[0].column_names})
    if not tables:
        _refuse_unknown(stage, columns, {*of_none.column_names})
        tables.append(of_none)
    table = pa.concat_tables(tables, promote_options="default")
    if columns is None:
        return table
    for name in {*columns} - {*table.column_names}:  # It came later.
        table = table.append_column(
            of_none.field(name), pa.nulls(table.num_rows, of_none.field(name).type)
        )
    return table.select([*columns])


def _selection(
    site: Site, stage: Stage[Any], columns: Sequence[str] | None, subject: str | None
) -> Selection:
    plan = site.plans[stage.feed]
    path = subject_path(stage, plan.subject)
    if subject is not None and not path:
        others = [each.name for each in plan.stages if subject_path(each, plan.subject)]
        raise ValueError(
            f"{stage.name} has no column {plan.subject}, and so no rows of subject={subject!r}; "
            f"those that have one are: {', '.join(others)}"
        )
    # A table without columns does not know how many rows it has.
    names = None if columns is None else frozenset({*columns, "fetch_number"})
    return Selection(names, subject, path)


def subject_path(stage: Stage[Any], subject: str) -> tuple[str, ...]:
    """The column of this name, which says what a record is about, or a struct's and its member's;
    empty where records are about none, as those of teams and competitions."""
    schema = schema_of(stage.makes)
    if subject in schema.names:
        return (subject,)
    for field in schema:
        if pa.types.is_struct(field.type) and field.type.get_field_index(subject) >= 0:
            return (field.name, subject)
    return ()


def _refuse_unknown(stage: Stage[Any], columns: Sequence[str] | None, known: Set[str]) -> None:
    """`known` are the columns of records as they are made now and of those that were read."""
    if unknown := [name for name in columns or () if name not in known]:
        there = [*FRAME.names, *(n for n in stage.makes.__struct_fields__ if n not in FRAME.names)]
        raise ValueError(
            f"{stage.name} has no column {', '.join(unknown)}; it has: {', '.join(there)}"
        )


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
