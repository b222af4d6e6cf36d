"""Alerts about matches and how their delivery stands, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from resources.ledger import Ledger
from touchline.day import Day, utc_text
from touchline.delivery import AlertDelivery, DeliveryState


def read_match_alerts(ledger: Ledger, day: Day | None, now: datetime) -> list[AlertDelivery]:
    """All of a day; without one, those that somebody should have heard of by now and has not.
    Raises LedgerUnavailable."""
    return ledger.undelivered_alerts(now) if day is None else ledger.match_alerts(day)


def match_alert_as_json(alert: AlertDelivery) -> dict[str, Any]:
    is_sent = alert.state is DeliveryState.SENT
    return {
        "alert_id": f"{alert.rule_id}_{alert.match_id}",
        "rule_id": alert.rule_id,
        "match_id": alert.match_id,
        "asset": alert.asset,
        "day": str(alert.day),
        "fetch_number": alert.number,
        "fired_fetch_id": alert.fetch_id,
        "fired_at_utc": utc_text(alert.fired_at),
        "message": alert.body,
        "delivery": {
            "state": str(alert.state),
            "attempts": alert.tries,
            "target": alert.target,
            "last_error": alert.last_error,
            "sent_at_utc": utc_text(alert.ended_at) if is_sent and alert.ended_at else None,
            "next_try_utc": utc_text(alert.due_at) if alert.due_at else None,
        },
    }


def match_alert_lines(alert: AlertDelivery) -> Iterator[str]:
    yield f"{utc_text(alert.fired_at)} {alert.state}: {alert.body}"
    if alert.state is not DeliveryState.SENT and alert.last_error:
        tries = "once" if alert.tries == 1 else f"{alert.tries} times"
        yield f"  tried {tries}: {alert.last_error}"
