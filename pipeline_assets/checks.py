"""The checks, made for every asset by one factory.

A check compares two independent sources: what the ledger says was claimed, and what the object
store shows when it is listed and read back. Each minute's verdict speaks for the whole day: the day
is listed whole, and read back is whatever was not read since it last changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from pipeline_assets.check_report import CheckReport, Kind
from pipeline_assets.check_specs import Asset, checks_for
from pipeline_assets.day_books import DayBooks
from pipeline_assets.landing_check import landed_matches_claimed
from pipeline_assets.raw_step import waiting_in_spool
from pipeline_assets.run import Run
from resources.fetch_object import UnreadableObject
from resources.ledger import LedgerUnavailable
from resources.object_store import StoreError
from resources.site import Site
from resources.spool import SpoolLimits, spool_verdict
from touchline.accounting import FetchFate, Verdict
from touchline.day import Day, Minute
from touchline.plan import FeedPlan
from touchline.watch import MAX_RUNTIME, expected_minutes, why_missed

Check = Callable[[DayBooks, CheckReport], None]


def check_day(
    site: Site, plan: FeedPlan, asset: Asset, day: Day, *, deep: bool = False
) -> list[CheckReport]:
    """Every check of this asset for the day; a deep one reads every object back, whatever was read
    before. A check that cannot run says so and why."""
    books = DayBooks(site, plan, asset, day, deep)
    return [run_check(spec.name, books) for spec in checks_for(asset)]


def run_check(name: str, books: DayBooks) -> CheckReport:
    report = CheckReport(name, books.asset.name, books.day, books.deep)
    try:
        _RUN[name](books, report)
    except (StoreError, LedgerUnavailable, UnreadableObject) as error:
        report.recorded = report.landed = None
        report.found(Kind.UNCHECKED, None, None, str(error))
    return report


def cadence(books: DayBooks, report: CheckReport) -> None:
    """Every minute inside a watch interval has a fate: a fetch in the store, or a named miss.

    Missed minutes are told in the numbers and are no alarm of this check: they were named.
    """
    ledger, feed, day = books.site.ledger, books.plan.name, books.day
    now = books.site.clock.now()
    intervals = ledger.intervals(feed, day.start, day.end)
    expected = list(expected_minutes(day, intervals, Minute.containing(now).end))
    present = books.index.numbers | (books.expired.numbers if books.expired else frozenset())
    missed = still_open = 0
    for minute in expected:
        fate = books.fates.get(minute.number)
        if minute.number in present:
            continue
        if fate is FetchFate.MISSED:
            missed += 1
        elif fate is FetchFate.LANDED:
            if books.is_gone:
                continue
            report.found(Kind.REAL_LOSS, minute.number, None, "landed, and not in the store")
        elif why_missed(minute, now - MAX_RUNTIME, started=fate is not None):
            report.found(Kind.NO_FATE, minute.number, None, f"nothing is known of {minute}")
        else:
            still_open += 1
    report.fetches_expected = len(expected) - still_open
    report.fetches_present = len(present)
    report.recorded = report.fetches_expected - missed
    report.landed = len(present)


def spool_within_bounds(books: DayBooks, report: CheckReport) -> None:
    """Loud before the bound is reached; beyond it fetching goes on, and nothing is dropped."""
    site, plan, settings = books.site, books.plan, books.site.settings
    limits = SpoolLimits(settings.spool_limit_megabytes, settings.spool_limit_hours)
    try:
        state = site.spool(plan.name).state(site.clock.now())
        is_large = spool_verdict(replace(state, oldest=None), limits)[0] is not Verdict.OK
        if spool_verdict(state, limits)[0] is not Verdict.OK and not is_large:
            state = replace(state, oldest=_oldest_waiting(site, plan, report.day))
    except OSError as error:
        report.found(Kind.UNCHECKED, None, None, f"the spool cannot be read: {error}")
        return
    verdict, detail = spool_verdict(state, limits)
    report.details = {
        "spool_fetches": state.fetches,
        "spool_megabytes": round(state.bytes / 1e6, 1),
        "spool_oldest_minutes": round(state.age.total_seconds() / 60, 1),
    }
    if verdict is not Verdict.OK:
        report.found(Kind.SPOOL_FILLS_UP, None, state.fetches, detail)


def _oldest_waiting(site: Site, plan: FeedPlan, day: Day) -> datetime | None:
    """When the minute of the oldest fetch began that is nowhere else; what has landed only waits
    for its window. Raises StoreError, LedgerUnavailable."""
    waiting = waiting_in_spool(Run(site, plan, day, "look"))
    return min((each.day.minute(each.number).utc for each in waiting), default=None)


_RUN: dict[str, Check] = {
    "landed_matches_claimed": landed_matches_claimed,
    "cadence": cadence,
    "spool_within_bounds": spool_within_bounds,
}
