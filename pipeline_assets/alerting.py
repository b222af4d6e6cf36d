"""One look at what checks said: alerts, silence, notices and their delivery."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType

from pipeline_assets.checks.specs import checks_for
from pipeline_assets.delivery import NotifierOf, deliver
from pipeline_assets.seals_due import days_to_seal
from resources.ledger import Ledger
from touchline.accounting import RunKind, Verdict
from touchline.alerting import Alert, Evaluation
from touchline.day import Day
from touchline.notices import Notice
from touchline.plan import FeedPlan

log = logging.getLogger(__name__)

FEED_IS_ALIVE = "feed_is_alive"
SILENT_TODAY = timedelta(minutes=3)
SILENT_ENDED = timedelta(minutes=25)
"""An ended day is checked every ten minutes."""
_NEVER = datetime.min.replace(tzinfo=UTC)
SENDING_SECONDS = 2.0
"""A look sends for so long at most; what is left goes with the next one."""


def look(
    ledger: Ledger,
    plans: Mapping[str, FeedPlan],
    notifier: NotifierOf,
    evaluations: Sequence[Evaluation],
    now: datetime,
    *,
    is_all: bool,
    times: Mapping[str, datetime] | None = None,
) -> None:
    """Take in what checks said, oldest first, tell what is to be told, and say in the log what
    could not be. `is_all` is whether these are all that there are: silence is judged only then.
    `times` has what time it is to each feed, where that is not `now`.

    Raises LedgerUnavailable.
    """
    over = outlived(ledger, plans, now) if is_all else []
    changed = ledger.judge([*evaluations, *over])
    if is_all:
        changed += ledger.judge_silence(silences(ledger, plans, now, times or {}), now)
    for alert in changed:
        if alert.count == 1 or not alert.is_standing:
            _log(alert)
    ledger.tell(now, max(notifier(feed).targets for feed in plans))
    deliver(ledger, notifier, Notice, now, seconds=SENDING_SECONDS)


def outlived(ledger: Ledger, plans: Mapping[str, FeedPlan], now: datetime) -> list[Evaluation]:
    """That it is over what a feed did at the end of a day that nobody checks any more: its check
    speaks of the newest fetch alone, and does so of today. Raises LedgerUnavailable."""
    over, today = list[Evaluation](), Day.containing(now)
    for plan in plans.values():
        left = {
            alert.key.day
            for alert in ledger.alerts(feed=plan.name)
            if alert.key.check == FEED_IS_ALIVE and alert.is_standing and alert.key.day < today
        }
        newest = ledger.newest_verdicts(plan.name, today) if left else {}
        for raw in plan.raws:
            of_feed = FEED_IS_ALIVE, raw.name
            if of_feed in newest:
                unchecked = left.difference(days_to_seal(ledger, plan, now))
                over += [Evaluation(*of_feed, day, now) for day in sorted(unchecked)]
    return over


def silences(
    ledger: Ledger,
    plans: Mapping[str, FeedPlan],
    now: datetime,
    times: Mapping[str, datetime] = MappingProxyType({}),
) -> dict[tuple[str, str, Day], datetime]:
    """Since when each check has been silent that should speak and has not for too long, by check,
    asset and day; `times` has what time it is to each feed, where that is not `now`. A ledger that
    was made anew has lost when each spoke last: silence begins with it. Raises
    LedgerUnavailable."""
    # Asked for only where a check seems silent: it goes through all runs.
    rebuilt = cache(lambda: ledger.last_ended(RunKind.LEDGER_REBUILD) or _NEVER)
    found: dict[tuple[str, str, Day], datetime] = {}
    machine = now
    for plan in plans.values():
        now = times.get(plan.name, machine)
        today = Day.containing(now)
        opened = watched_since(ledger, plan, now)
        days = [(day, day.end, SILENT_ENDED) for day in days_to_seal(ledger, plan, now)]
        if opened is not None:
            days.append((today, today.start, SILENT_TODAY))
        for day, start, patience in days:
            # What is not at work cannot speak: it has so long from its start on.
            since = start if opened is None else max(start, opened)
            newest = ledger.newest_verdicts(plan.name, day)
            for asset in plan.assets:
                if day == today and not plan.raw_of(asset.name).schedule.every_minute:
                    continue  # Its checks speak after each of its few slots.
                for check in checks_for(asset):
                    last = max(newest.get((check.name, asset.name), since), since)
                    if now - last > patience and now - (last := max(last, rebuilt())) > patience:
                        found[check.name, asset.name, day] = last
    return found


def watched_since(ledger: Ledger, plan: FeedPlan, now: datetime) -> datetime | None:
    """When the watch interval was opened that holds this moment; None outside of any."""
    for opened, closed in ledger.intervals(plan.name, now, now + timedelta(microseconds=1)):
        if opened <= now and (closed is None or now < closed):
            return opened
    return None


def _log(alert: Alert) -> None:
    level = logging.ERROR if alert.key.verdict is Verdict.BAD else logging.WARNING
    if not alert.is_standing:
        level = logging.INFO
    log.log(level, "alert %s: %s", alert.state, alert.key)
