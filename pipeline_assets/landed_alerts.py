"""The alerts that landed on a day, read back from the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resources.fetch_object import UnreadableObject
from resources.object_store import NotFound
from resources.site import Site
from resources.stage_codec import UnreadableStageObject, decode_stage
from touchline.day import Day, FetchNumber
from touchline.delivery import DeliveryState
from touchline.stage import Stage


@dataclass(frozen=True)
class AlertShown:
    """An alert that landed. `match_id` is None where its object cannot be read."""

    asset: str
    number: FetchNumber
    rule_id: str
    match_id: str | None
    message: str
    delivery: DeliveryState | None = None
    """None where nobody knows of one."""


def landed_alerts(
    site: Site, stage: Stage[Any], day: Day, records: Sequence[int | None]
) -> Iterator[AlertShown]:
    """Those of one rule in the order of their fetches. `records` are how many stand of each of the
    day's minutes: only the fetches that have one are read. Raises StoreError, LedgerUnavailable."""
    rows = site.ledger.match_alerts(day, stage.name)
    deliveries = {(row.rule_id, row.match_id): row.state for row in rows}
    for place, count in enumerate(records):
        if count:
            for alert in _of_fetch(site, stage, day, FetchNumber(place + 1)):
                yield replace(alert, delivery=deliveries.get((alert.rule_id, alert.match_id or "")))


def _of_fetch(site: Site, stage: Stage[Any], day: Day, number: FetchNumber) -> Iterator[AlertShown]:
    try:
        stored = site.days(stage.feed).read_back(stage.name, day, number)
        alerts = decode_stage(stage, stored.body).records
    except (NotFound, UnreadableObject, UnreadableStageObject) as error:
        yield AlertShown(stage.name, number, stage.short_name, None, f"cannot be read: {error}")
        return
    for alert in alerts:
        yield AlertShown(stage.name, number, alert.rule_id, alert.match_id, alert.message)
