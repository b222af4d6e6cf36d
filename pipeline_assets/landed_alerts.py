"""The alerts that landed on a day and how they turned out, read back from the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipeline_assets.expired import has_expired
from pipeline_assets.load import load_table
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.store import NotFound
from touchline.day import Day, FetchNumber
from touchline.delivery import DeliveryState
from touchline.errors import Unreadable
from touchline.outcomes import State
from touchline.plan import about
from touchline.stage import Stage, Telling

DAYS_TO_AN_OUTCOME = 2
"""How long after its day an alert has its outcome, or is given up."""


@dataclass(frozen=True)
class AlertShown:
    """An alert that landed. `subject_id` and `alert_id` are None where its object cannot be read;
    `state` is None where nobody knows how it turned out, for want of what says so."""

    asset: str
    number: FetchNumber
    rule_id: str
    subject_id: str | None
    message: str
    alert_id: str | None = None
    state: State | None = None
    delivery: DeliveryState | None = None
    """None where nobody knows of one."""

    def as_dict(self, subject: str) -> dict[str, Any]:
        """JSON types; the id of what it is about also under the feed's name for it, `subject`."""
        return asdict(self) | about(subject, self.subject_id)


def landed_alerts(
    site: Site, stage: Stage[Any], day: Day, records: Sequence[int | None]
) -> Iterator[AlertShown]:
    """Those of one rule in the order of their fetches. `records` are how many stand of each of the
    day's minutes: only the fetches that have one are read. Raises StoreError, LedgerUnavailable."""
    rows = site.ledger.match_alerts(day, stage.name)
    deliveries = {(row.rule_id, row.subject_id): row.state for row in rows}
    for place, count in enumerate(records):
        if count:
            for alert in alerts_of_fetch(site, stage, day, FetchNumber(place + 1)):
                sent = deliveries.get((alert.rule_id, alert.subject_id or ""))
                yield replace(alert, delivery=sent)


def alerts_of_fetch(
    site: Site, stage: Stage[Any], day: Day, number: FetchNumber
) -> Iterator[AlertShown]:
    """Those of one fetch; one that says so where it cannot be read. Raises StoreError."""
    try:
        stored = site.days(stage.feed).read_back(stage.name, day, number)
        alerts = decode_stage(stage, stored.body).records
    except (NotFound, Unreadable) as error:
        yield AlertShown(stage.name, number, stage.short_name, None, f"cannot be read: {error}")
        return
    subject = site.plans[stage.feed].subject
    for alert in alerts:
        said = Telling.of(alert, subject)
        yield AlertShown(
            stage.name, number, said.rule_id, said.subject_id, said.message, said.alert_id
        )


def with_states(
    site: Site, stage: Stage[Any], day: Day, alerts: Sequence[AlertShown]
) -> list[AlertShown]:
    """How these alerts of a day have turned out by now, as far as the stage of outcomes can be
    read. Raises StoreError, LedgerUnavailable."""
    states = states_of(site, stage, day) if alerts else None
    if states is None:
        return list(alerts)
    return [
        replace(alert, state=states.get(alert.alert_id, State.PENDING)) if alert.alert_id else alert
        for alert in alerts
    ]


def states_of(site: Site, stage: Stage[Any], day: Day) -> dict[str, State] | None:
    """By alert id, how alerts of a day have turned out by now, as the stage of outcomes says on
    that day and the two after; none is looked for longer, and one that it does not name is pending.

    None where some of that cannot be read or was removed: of half of what there is, nothing can be
    said for sure. Raises StoreError, LedgerUnavailable.
    """
    states: dict[str, State] = {}
    try:
        for later in range(DAYS_TO_AN_OUTCOME + 1):
            if has_expired(site, stage.name, day.shifted(later)):
                return None
            rows = load_table(site, stage.name, day.shifted(later))
            for row in rows.select(["alert_id", "state"]).to_pylist():
                states[row["alert_id"]] = State(row["state"])
    except Unreadable:
        return None
    return states
