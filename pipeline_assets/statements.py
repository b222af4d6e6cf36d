"""What Dagster's own records say of each fetch that landed: a witness apart from both books.

Each materialization carries the claims of the fetches that its step added. They lie in Dagster's
event log, so that where the ledger is lost, and an object with it, what was there is still named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from resources.ledger import Claim
from touchline.day import Day, FetchNumber

if TYPE_CHECKING:
    import dagster as dg

LANDED = "landed"
"""The name of the metadata."""
_EVENTS_AT_ONCE = 200

Statements = Mapping[str, Mapping[FetchNumber, Claim]]
"""By asset: what landed of one day's fetches, as the newest materialization says."""


class _Statement(msgspec.Struct, frozen=True):
    prefix: str
    claims: list[Claim]


def statement(prefix: str, claims: Iterable[Claim]) -> dict[str, Any]:
    """What a materialization says of these claims, all of this prefix; JSON."""
    return msgspec.to_builtins(_Statement(prefix, list(claims)))


def statements(
    instance: dg.DagsterInstance, prefix: str, assets: Iterable[str], day: Day
) -> Statements:
    """What was materialized of a day's fetches. A run early in a day may have added some of the day
    before, so the day after is asked too."""
    said: dict[str, dict[FetchNumber, Claim]] = {}
    for asset in assets:
        newest: dict[FetchNumber, Claim] = {}
        for claim in _claims(instance, prefix, asset, (day, day.shifted(1))):
            if claim.ref.day == day:
                newest.setdefault(claim.ref.number, claim)
        said[asset] = newest
    return said


def _claims(
    instance: dg.DagsterInstance, prefix: str, asset: str, days: Iterable[Day]
) -> Iterator[Claim]:
    """Newest first."""
    import dagster as dg

    wanted = dg.AssetRecordsFilter(
        dg.AssetKey(asset.split("/")), asset_partitions=[str(day) for day in days]
    )
    cursor = None
    while True:
        page = instance.fetch_materializations(wanted, limit=_EVENTS_AT_ONCE, cursor=cursor)
        for record in page.records:
            event = record.asset_materialization
            found = event.metadata.get(LANDED) if event else None
            if found is None:
                continue
            said = msgspec.convert(found.value, _Statement)
            if said.prefix == prefix:
                yield from said.claims
        if not page.has_more:
            return
        cursor = page.cursor
