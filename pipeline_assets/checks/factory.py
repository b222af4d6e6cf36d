"""The checks, made for every asset by one factory.

A check compares two independent sources: what the ledger says was claimed, and what the object
store shows when it is listed and read back. Each minute's verdict speaks for the whole day: the day
is listed whole, and read back is whatever was not read since it last changed.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.cadence import cadence
from pipeline_assets.checks.landing import landed_matches_claimed
from pipeline_assets.checks.report import CheckReport, Kind
from pipeline_assets.checks.specs import Asset, checks_for
from pipeline_assets.checks.spool import spool_within_bounds
from resources.fetch_object import UnreadableObject
from resources.ledger import LedgerUnavailable
from resources.object_store import StoreError
from resources.site import Site
from touchline.day import Day
from touchline.plan import FeedPlan

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


_RUN: dict[str, Check] = {
    "landed_matches_claimed": landed_matches_claimed,
    "cadence": cadence,
    "spool_within_bounds": spool_within_bounds,
}
