"""What a heartbeat says of a feed, as the ledger has it."""

from __future__ import annotations

from datetime import datetime

from resources.heartbeat import Heartbeat, NewestFetch
from resources.ledger import Ledger
from touchline.alerting import AlertState
from touchline.day import Day, utc_text
from touchline.delivery import DeliveryState
from touchline.plan import FeedPlan
from touchline.stage import RawAsset


def heartbeat_of(ledger: Ledger, plan: FeedPlan, now: datetime) -> Heartbeat:
    """Raises LedgerUnavailable."""
    feed, days = plan.name, (Day.containing(now), Day.containing(now).shifted(-1))
    verdicts = [at for day in days for at in ledger.newest_verdicts(feed, day).values()]
    alerts = [each for each in ledger.alerts(feed=feed) if each.state is AlertState.OPEN]
    return Heartbeat(
        feed,
        written_at=utc_text(now),
        newest_fetch=next(filter(None, (_newest(ledger, plan.raw, day) for day in days)), None),
        newest_verdict_at=utc_text(max(verdicts)) if verdicts else None,
        alerts_open=len(alerts),
        alerts_undelivered=len(ledger.undelivered_alerts(now, feed)),
        notices_undelivered=len(ledger.notices(DeliveryState.PENDING, DeliveryState.FAILED)),
    )


def _newest(ledger: Ledger, raw: RawAsset, day: Day) -> NewestFetch | None:
    if (number := ledger.newest_fetch(raw.name, day)) is None:
        return None
    return NewestFetch(str(day), number, utc_text(raw.slot(day, number).at))
