"""`touchline fetch`: one raw fetch as it is stored."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from operations.arguments import DayArgument, Prefix
from operations.console import whole
from operations.opened import opened_store, plans_of
from pipeline_assets.expired import refuse_expired
from resources.site import Site
from resources.store import NotFound
from touchline.accounting import FetchFate
from touchline.bookends import write_bookended
from touchline.day import Day, FetchNumber
from touchline.errors import Misuse
from touchline.fetch import Envelope
from touchline.plan import FeedPlan
from touchline.stage import RawAsset


def fetch(
    day: DayArgument,
    number: Annotated[int, typer.Argument(metavar="N", help="Fetch number.")],
    pretty: Annotated[
        bool, typer.Option("--pretty", help="Between its book-ends, with indented JSON.")
    ] = False,
    feed: Annotated[str | None, typer.Option(help="Feed. [default: the first]")] = None,
    asset: Annotated[str | None, typer.Option(help="Raw asset. [default: the first]")] = None,
    prefix: Prefix = None,
) -> None:
    """Write one raw fetch as it is stored, byte for byte."""
    with opened_store(prefix) as site:
        plan = plans_of(site, feed)[0]
        envelope = read_fetch(site, _raw_asset(plan, asset), day, number)
    with whole(None) as file:
        file.write(_pretty(envelope) if pretty else envelope.data)


def _raw_asset(plan: FeedPlan, asset: str | None) -> RawAsset:
    if asset is None:
        return plan.raws[0]
    for raw in plan.raws:
        if asset in (raw.name, raw.short_name):
            return raw
    there = ", ".join(raw.name for raw in plan.raws)
    raise Misuse(f"{asset} is no raw asset of {plan.name}, which has {there}")


def read_fetch(site: Site, raw: RawAsset, day: Day, number: int) -> Envelope:
    """From the store. Raises Misuse where it is not there, DayExpired, StoreError,
    UnreadableObject, UnreadableFetch."""
    last = raw.newest_number(day, site.clock.now())
    if not 1 <= number <= last:
        raise Misuse(f"{day} has minutes 1 to {last}, not {number}")
    try:
        return site.days(raw.feed).read_back(raw.name, day, number).envelope()
    except NotFound:
        pass
    for spooled in site.spool(raw.feed).entries(raw.name):
        if (spooled.day, spooled.number) == (day, number):
            return site.spool(raw.feed).read(spooled)
    refuse_expired(site, raw.name, day)
    row = site.ledger.fetches(raw.name, day).get(FetchNumber(number))
    if row is None:
        said = "the ledger knows nothing of this minute"
    elif row.fate is FetchFate.MISSED:
        said = f"the minute was missed: {row.reason}"
    else:
        said = f"the ledger says: {row.fate}"
    raise Misuse(f"no fetch {number} of {day} is in the store; {said}")


def _pretty(envelope: Envelope) -> bytes:
    """The bookended text form, indented by two spaces; numbers and text stay as received."""
    ref = envelope.ref
    payload = msgspec.json.format(envelope.data, indent=2)
    return write_bookended(ref.number, ref.fetch_id, ref.nyc_timestamp, payload)
