"""`touchline trace`: what became of one match in every asset, fetch by fetch."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from operations.arguments import Fetch, Json, OptionalDay, Prefix
from operations.console import answer, progress, span
from operations.opened import opened_to_read
from pipeline_assets.load import subject_path
from pipeline_assets.subject_names import subject_meant
from resources.fetch_object import FetchObject, UnreadableObject
from resources.known_days import known_days
from resources.selection import Selection
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.store import NotFound
from touchline.day import Day, FetchNumber
from touchline.errors import Misuse, Unreadable
from touchline.plan import FeedPlan
from touchline.stage import RawAsset, Stage

KEY_SEPARATORS = ("/", "_")
SHOWN_OF_CODE = 8


def trace(
    match: Annotated[
        str, typer.Option(metavar="MATCH", help="Match id, or a part of a team's name.")
    ],
    date: OptionalDay = None,
    fetch: Fetch = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show the fate of one match in every asset: landed where, dropped or set aside why."""
    with opened_to_read(prefix) as site:
        meant = subject_meant(site, match, date, progress)
        found = _fates_of(site, meant.id, date, fetch)
    said = {"match": meant.id, "name": meant.name, "fates": found}
    answer(said, _tables(meant.id, meant.name, found), as_json=as_json)


class Fate(StrEnum):
    """What became of a match in one asset and fetch."""

    LANDED = "landed"
    DROPPED = "dropped"
    QUARANTINED = "quarantined"
    ABSENT = "absent"
    """The fetch landed in this asset, which received nothing of this match."""
    PLACEHOLDER = "placeholder"
    """The fetch landed here without its records; the reason is the object's outcome."""
    NOT_LANDED = "not_landed"
    """This asset has nothing of this fetch."""
    UNREADABLE = "unreadable"


NOTHING = {"fate": Fate.ABSENT, "detail": "nothing of this match came to it"}


class Traced(msgspec.Struct, frozen=True):
    """One fate. `records` is how many of the match's records share it; `key` is the object's."""

    date: str
    fetch_number: int
    asset: str
    fate: Fate
    records: int = 0
    reason: str | None = None
    detail: str | None = None
    key: str | None = None
    code_version: str | None = None


def is_about(key: str | None, subject_id: str) -> bool:
    """Whether a record key is about this match: it is the match's id, or begins with it and a
    separator."""
    if key is None or not key.startswith(subject_id):
        return False
    return key == subject_id or key[len(subject_id)] in KEY_SEPARATORS


def _fates_of(site: Site, subject_id: str, day: Day | None, number: int | None) -> list[Traced]:
    """Every asset's fates of this match, by day, fetch and the order of the chain. Fetches in which
    no asset has anything of it are left out, and so are stages whose records are about no match.

    Raises Misuse where nothing is found at all, StoreError, LedgerUnavailable.
    """
    found: list[Traced] = []
    for plan in site.plans.values():
        for each in known_days(site, plan.name) if day is None else [day]:
            progress(f"reading {each} {plan.name}")
            found += _of_day(site, plan, subject_id, each, number)
    if not found:
        where = "any day" if day is None else str(day) + (f" fetch {number}" if number else "")
        raise Misuse(f"no match with the id, and no team with the name, {subject_id!r} on {where}")
    return found


def _of_day(
    site: Site, plan: FeedPlan, subject_id: str, day: Day, number: int | None
) -> Iterator[Traced]:
    assets = [a for a in plan.assets if isinstance(a, RawAsset) or subject_path(a, plan.subject)]
    listed = {asset.name: site.days(plan.name).index(asset.name, day).numbers for asset in assets}
    numbers = sorted(set().union(*listed.values()))
    for each in numbers if number is None else [n for n in numbers if n == number]:
        fates = [
            fate for asset in assets for fate in _of_fetch(site, plan, asset, subject_id, day, each)
        ]
        if any(fate.records or fate.fate is Fate.UNREADABLE for fate in fates):
            yield from fates


def _of_fetch(
    site: Site,
    plan: FeedPlan,
    asset: RawAsset | Stage[Any],
    subject_id: str,
    day: Day,
    number: FetchNumber,
) -> Iterable[Traced]:
    bare = Traced(str(day), number, asset.name, Fate.NOT_LANDED)
    try:
        found = site.days(plan.name).read_back(asset.name, day, number)
    except NotFound:
        row = site.ledger.claim(asset.name, day, number)
        return [msgspec.structs.replace(bare, detail=row.last_error if row else None)]
    except UnreadableObject as error:
        return [msgspec.structs.replace(bare, fate=Fate.UNREADABLE, detail=str(error))]
    here = msgspec.structs.replace(bare, key=found.key, code_version=found.code_version)
    try:
        fates = list(_fates(asset, found, subject_id, plan.subject))
    except Unreadable as error:
        return [msgspec.structs.replace(here, fate=Fate.UNREADABLE, detail=str(error))]
    if not fates and found.outcome.is_placeholder:
        fates = [{"fate": Fate.PLACEHOLDER, "reason": str(found.outcome)}]
    return [msgspec.structs.replace(here, **fate) for fate in fates or [NOTHING]]


def _fates(
    asset: RawAsset | Stage[Any], found: FetchObject, subject_id: str, subject: str
) -> Iterator[dict[str, Any]]:
    if isinstance(asset, RawAsset):
        if not found.outcome.is_placeholder:
            keys = asset.record_keys(found.envelope())
            if landed := sum(is_about(key, subject_id) for key in keys):
                yield {"fate": Fate.LANDED, "records": landed}
        return
    opened = decode_stage(asset, found.body)
    about = Selection(subject=subject_id, path=subject_path(asset, subject))
    if landed := about.rows(opened.table).num_rows:
        yield {"fate": Fate.LANDED, "records": landed}
    for reason, keys in opened.dropped.items():
        if dropped := sum(count for key, count in keys.items() if is_about(key, subject_id)):
            yield {"fate": Fate.DROPPED, "records": dropped, "reason": reason}
    for record in opened.quarantined:
        if is_about(record.key, subject_id):
            said = {"reason": record.reason, "detail": record.detail}
            yield {"fate": Fate.QUARANTINED, "records": 1, **said}


def _tables(subject_id: str, name: str | None, found: Sequence[Traced]) -> Iterator[RenderableType]:
    """A table for each day and feed: one row for each fate in each asset, with the fetches that
    share it."""
    yield f"match {subject_id}: {name}" if name else f"match {subject_id}"
    for title, of_day in itertools.groupby(found, key=_title):
        groups: dict[str, dict[tuple[str | None, ...], list[Traced]]] = {}
        for each in of_day:
            same = (each.fate, each.reason, each.code_version)
            groups.setdefault(each.asset.rpartition("/")[2], {}).setdefault(same, []).append(each)
        table = Table(title=title, box=None, pad_edge=False)
        table.add_column("asset", no_wrap=True)
        table.add_column("fate, and why", overflow="fold")
        table.add_column("fetches", no_wrap=True)
        table.add_column("records", justify="right", no_wrap=True)
        table.add_column("code", no_wrap=True)
        for asset, fates in groups.items():
            for group in fates.values():
                table.add_row(asset, *_shown(group))
        yield table


def _title(traced: Traced) -> str:
    return f"{traced.asset.partition('/')[0]} {traced.date}"


def _shown(group: Sequence[Traced]) -> tuple[RenderableType, ...]:
    last = group[-1]
    return (
        Text(": ".join(filter(None, (last.fate, last.reason, last.detail)))),
        span([each.fetch_number for each in group]),
        f"{sum(each.records for each in group):,}",
        (last.code_version or "")[:SHOWN_OF_CODE],
    )
