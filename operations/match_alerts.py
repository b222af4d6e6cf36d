"""Alerts about matches and how their delivery stands, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pipeline_assets.landed_alerts import states_of
from resources.ledger import Ledger
from resources.site import Site
from touchline.day import Day, utc_text
from touchline.delivery import AlertDelivery, DeliveryState
from touchline.outcomes import State
from touchline.stage import KIND, OUTCOME


def read_match_alerts(ledger: Ledger, day: Day | None, now: datetime) -> list[AlertDelivery]:
    """All of a day; without one, those that somebody should have heard of by now and has not.
    Raises LedgerUnavailable."""
    return ledger.undelivered_alerts(now) if day is None else ledger.match_alerts(day)


def read_outcomes(site: Site, alerts: Sequence[AlertDelivery]) -> dict[str, State]:
    """By alert id, how these alerts have turned out; one of which nobody can tell is left out.
    Raises StoreError, LedgerUnavailable."""
    outcomes: dict[str, State] = {}
    for feed, day in sorted({(alert.feed, alert.day) for alert in alerts}):
        for stage in site.stages.values():
            if stage.feed != feed or stage.tags.get(KIND) != OUTCOME:
                continue
            states = states_of(site, stage, day)
            for alert in alerts:
                if states is not None and (alert.feed, alert.day) == (feed, day):
                    outcomes[alert.alert_id] = states.get(alert.alert_id, State.PENDING)
    return outcomes


def match_alert_as_json(alert: AlertDelivery, outcome: State | None) -> dict[str, Any]:
    is_sent = alert.state is DeliveryState.SENT
    return {
        "alert_id": alert.alert_id,
        "rule_id": alert.rule_id,
        "match_id": alert.match_id,
        "asset": alert.asset,
        "day": str(alert.day),
        "fetch_number": alert.number,
        "fired_fetch_id": alert.fetch_id,
        "fired_at_utc": utc_text(alert.fired_at),
        "message": alert.body,
        "outcome": outcome,
        "delivery": {
            "state": str(alert.state),
            "attempts": alert.tries,
            "target": alert.target,
            "last_error": alert.last_error,
            "sent_at_utc": utc_text(alert.ended_at) if is_sent and alert.ended_at else None,
            "next_try_utc": utc_text(alert.due_at) if alert.due_at else None,
        },
    }


def match_alert_lines(alert: AlertDelivery, outcome: State | None) -> Iterator[str]:
    about = f"{utc_text(alert.fired_at)} {alert.body} (match {alert.match_id})"
    turned_out = f"; outcome: {outcome}" if outcome else ""
    yield f"{about}; {alert.state.said}{turned_out}"
    if alert.state is not DeliveryState.SENT and alert.last_error:
        tries = "once" if alert.tries == 1 else f"{alert.tries} times"
        yield f"  tried {tries}: {alert.last_error}"
