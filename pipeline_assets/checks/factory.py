"""The checks, made for every asset by one factory.

A check compares two independent sources: what the ledger says was claimed, and what the object
store shows when it is listed and read back. Each minute's verdict speaks for the whole day: the day
is listed whole, and read back is whatever was not read since it last changed.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline_assets.checks.alive import feed_is_alive
from pipeline_assets.checks.books import DayBooks, KnownClaims
from pipeline_assets.checks.cadence import cadence
from pipeline_assets.checks.conserved import records_conserved
from pipeline_assets.checks.covered import calendar_is_covered
from pipeline_assets.checks.landing import landed_matches_claimed
from pipeline_assets.checks.once import every_fetch_once
from pipeline_assets.checks.report import CheckReport, Kind
from pipeline_assets.checks.schema import schema_holds
from pipeline_assets.checks.specs import CHECKS, Asset, checks_for
from pipeline_assets.checks.spool import spool_within_bounds
from pipeline_assets.checks.zeros import zero_is_explained
from resources.site import Site
from touchline.accounting import Verdict
from touchline.day import Day
from touchline.errors import Bad, Unavailable
from touchline.plan import FeedPlan

Check = Callable[[DayBooks, CheckReport], None]


def check_day(
    site: Site,
    plan: FeedPlan,
    asset: Asset,
    day: Day,
    *,
    deep: bool = False,
    known: KnownClaims | None = None,
) -> list[CheckReport]:
    """Every check of this asset for the day; a deep one reads every object back, whatever was read
    before. A check that cannot run says so and why. Whoever checks one asset of the day after the
    other gives each the same `known`, so that the claims are read once."""
    books = DayBooks(site, plan, asset, day, deep, {} if known is None else known)
    return [run_check(spec.name, books) for spec in checks_for(asset)]


def run_check(name: str, books: DayBooks) -> CheckReport:
    report = CheckReport(name, books.asset.name, books.day, books.deep)
    try:
        _RUN[name](books, report)
        if report.verdict is Verdict.OK and not _BY_NAME[name].is_of_now and books.know_nothing:
            report.know_nothing(
                f"nothing is known of {books.day}: no minute of it was watched or fetched, and "
                "nothing has landed"
            )
    except (Bad, Unavailable) as error:
        report.recorded = report.landed = None
        report.found(Kind.UNCHECKED, None, None, str(error))
    return report


_BY_NAME = {spec.name: spec for spec in CHECKS}
_RUN: dict[str, Check] = {
    "landed_matches_claimed": landed_matches_claimed,
    "cadence": cadence,
    "records_conserved": records_conserved,
    "every_fetch_once": every_fetch_once,
    "zero_is_explained": zero_is_explained,
    "calendar_is_covered": calendar_is_covered,
    "schema_holds": schema_holds,
    "feed_is_alive": feed_is_alive,
    "spool_within_bounds": spool_within_bounds,
}
