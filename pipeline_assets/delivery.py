"""The delivery of messages: by the run that made them, and by sensors for what is left."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from resources.ledger import Ledger
from resources.notifier import NotDelivered, Notifier
from resources.outbox import Outbox
from resources.settings import Settings
from touchline.delivery import AlertDelivery, DeliveryState, Message, target_of
from touchline.plan import FeedPlan, about, subject_of

M = TypeVar("M", bound=Message)

log = logging.getLogger(__name__)

WORTH_TRYING_SECONDS = 0.5
TAKEN_FOR = timedelta(seconds=30)
"""Whoever tries a delivery is done with it by then, or dead."""
REPLAYS = "replay/"
"""What a replay writes below this is never live."""


NotifierOf = Callable[[str], Notifier]
"""Return who sends a feed's messages."""


def notifier_of(settings: Settings, ledger: Ledger, feed: str) -> Notifier:
    """Return who sends a feed's messages. They reach people only where the feed's data were live in
    all that is known of them; whatever other feeds are. Raises LedgerUnavailable."""
    is_live = (
        settings.origin == "live"
        and ledger.origins(feed) == {"live"}
        and not f"{settings.s3_prefix}/".startswith(REPLAYS)
    )
    return Notifier(settings.notify_targets, is_live=is_live)


def deliver_alerts(
    outbox: Outbox,
    plans: Mapping[str, FeedPlan],
    notifier: NotifierOf,
    now: datetime,
    *,
    seconds: float,
) -> None:
    """Try to send every alert about a match or another subject that is due, of any of these feeds,
    and what was held while the ledger was away. Raises LedgerUnavailable."""

    def facts(alert: AlertDelivery) -> dict[str, Any]:
        return alert.facts | about(subject_of(plans, alert.feed), alert.subject_id)

    outbox.bring_in(now)
    deliver(outbox.ledger, notifier, AlertDelivery, now, seconds=seconds, facts=facts)


def deliver(
    ledger: Ledger,
    notifier: NotifierOf,
    kind: type[M],
    now: datetime,
    *,
    seconds: float,
    facts: Callable[[M], Mapping[str, Any]] = attrgetter("facts"),
) -> None:
    """Try to send what is due, oldest first, as long as there is time; what is left goes with the
    next one who asks. `facts` returns the JSON that a webhook gets with a message. Raises
    LedgerUnavailable."""
    ends = time.monotonic() + seconds
    notifier = cache(notifier)
    for message in ledger.due(kind, now):
        if (left := ends - time.monotonic()) < WORTH_TRYING_SECONDS:
            return
        to = notifier(message.feed)
        if ledger.take(message, now + TAKEN_FOR):
            _send(ledger, to, message, facts(message), left, now)


def _send(
    ledger: Ledger,
    notifier: Notifier,
    message: Message,
    facts: Mapping[str, Any],
    seconds: float,
    now: datetime,
) -> None:
    if unsent := message.unsent(now, notifier.targets):
        ledger.settle(unsent)
        # Without a target there is nothing that anybody waits for.
        level = logging.INFO if unsent.state is DeliveryState.KEPT else logging.WARNING
        log.log(level, "%s, and not sent: %s", unsent.state, message.title)
        return
    target = target_of(message.attempts)
    try:
        if target >= notifier.targets:
            raise NotDelivered(f"there is no target {target + 1} any more")
        notifier.send(target, message.title, message.body, seconds=seconds, facts=facts)
    except NotDelivered as error:
        after = ledger.not_delivered(message, str(error), notifier.targets, now)
        what = "is given up" if after.state is DeliveryState.FAILED else "is tried again"
        log.error("undelivered, and %s: %r: %s", what, message.title, error)
    else:
        ledger.delivered(message, now)
        log.info("delivered: %s", message.title)
