"""What a heartbeat says of a feed, as the ledger has it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from resources.heartbeat import Heartbeat, NewestFetch
from resources.ledger import Ledger
from touchline.alerting import AlertState
from touchline.day import Day, utc_text
from touchline.delivery import DeliveryState
from touchline.plan import FeedPlan


def heartbeat_of(ledger: Ledger, plan: FeedPlan, now: datetime) -> Heartbeat:
    """Raises LedgerUnavailable."""
    feed, days = plan.name, (Day.containing(now), Day.containing(now).shifted(-1))
    verdicts = [at for day in days for at in ledger.newest_verdicts(feed, day).values()]
    alerts = [each for each in ledger.alerts(feed=feed) if each.state is AlertState.OPEN]
    return Heartbeat(
        feed,
        written_at=utc_text(now),
        newest_fetch=_newest(ledger, plan, days),
        newest_verdict_at=utc_text(max(verdicts)) if verdicts else None,
        alerts_open=len(alerts),
        alerts_undelivered=len(ledger.undelivered_alerts(now, feed)),
        notices_undelivered=len(ledger.notices(DeliveryState.PENDING, DeliveryState.FAILED)),
    )


def _newest(ledger: Ledger, plan: FeedPlan, days: Iterable[Day]) -> NewestFetch | None:
    """Return the newest fetch of any of the feed's raw assets."""
    slots = [
        raw.slot(day, number)
        for raw in plan.raws
        for day in days
        if (number := ledger.newest_fetch(raw.name, day)) is not None
    ]
    newest = max(slots, key=lambda slot: slot.at, default=None)
    return newest and NewestFetch(str(newest.day), newest.number, utc_text(newest.at))
