"""`touchline quarantine`: what was set aside, and why."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from operations.arguments import Json, OptionalDay, Prefix
from operations.console import answer, progress, span
from operations.opened import opened_to_read
from resources.known_days import known_days
from resources.site import Site
from resources.stage_codec import decode_stage
from touchline.day import Day
from touchline.errors import Misuse
from touchline.plan import FeedPlan
from touchline.stage import Reads, Stage

SHOWN_CHARACTERS = 300


def quarantine(date: OptionalDay = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """Show what stages have set aside, and why."""
    with opened_to_read(prefix) as site:
        found = _set_aside(site, date)
    answer({"quarantined": found}, _tables(found), as_json=as_json)


class SetAside(msgspec.Struct, frozen=True):
    """A record that a stage set aside. `snippet` is its first 2,000 bytes."""

    date: str
    fetch_number: int
    fetch_id: str
    stage: str
    key: str | None
    reason: str
    detail: str
    snippet: str


def _set_aside(site: Site, day: Day | None) -> list[SetAside]:
    """Return the quarantined records of this day, or of every known day, by stage, day and fetch.

    Raises Misuse for a day of which nothing is known, StoreError, UnreadableObject,
    UnreadableStageObject, LedgerUnavailable.
    """
    known = {plan.name: known_days(site, plan.name) for plan in site.plans.values()}
    if day is not None and not any(day in days for days in known.values()):
        raise Misuse(f"nothing is known of {day}: see `touchline verify --all`, and --prefix")
    found: list[SetAside] = []
    for plan in site.plans.values():
        days = [each for each in known[plan.name] if day in (None, each)]
        for each in days:
            progress(f"reading {each} {plan.name}")
            for stage in plan.stages:
                if stage.reads is not Reads.QUARANTINED:
                    found += _of_stage(site, plan, stage, each)
    return found


def _of_stage(site: Site, plan: FeedPlan, stage: Stage[Any], day: Day) -> Iterator[SetAside]:
    days = site.days(plan.name)
    claims = site.ledger.claims(stage.name, day)
    for number in sorted(days.index(stage.name, day).numbers):
        row = claims.get(number)
        if row is not None and row.landed is not None and not row.landed.account.quarantined:
            continue
        stored = days.read_back(stage.name, day, number)
        for record in decode_stage(stage, stored.body).quarantined:
            yield SetAside(
                str(day),
                number,
                stored.ref.fetch_id,
                stage.name,
                record.key,
                record.reason,
                record.detail,
                record.raw,
            )


def _tables(found: Sequence[SetAside]) -> Iterator[RenderableType]:
    """One row for what is set aside again and again, minute by minute."""
    if not found:
        yield "nothing is set aside"
    date_of = attrgetter("date")
    for date, of_day in itertools.groupby(sorted(found, key=date_of), key=date_of):
        groups: dict[tuple[str, str | None, str], list[SetAside]] = {}
        for each in of_day:
            groups.setdefault((each.stage, each.key, each.reason), []).append(each)
        table = Table(title=date)
        for heading in ("stage", "key", "reason", "fetches", "detail and snippet"):
            table.add_column(heading, overflow="fold")
        for (stage, key, reason), records in groups.items():
            said = Text(records[-1].detail)
            said.append(f"\n{records[-1].snippet[:SHOWN_CHARACTERS]}", style="dim")
            fetches = span([record.fetch_number for record in records])
            table.add_row(stage, Text(key or ""), reason, fetches, said)
        yield table
