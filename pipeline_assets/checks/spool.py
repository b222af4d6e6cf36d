"""spool_within_bounds: what waits on the local disk is neither too much nor too old."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.report import CheckReport, Kind
from pipeline_assets.raw_step import waiting_in_spool
from pipeline_assets.run import Run
from resources.spool import SpoolLimits, spool_verdict
from touchline.accounting import Verdict


def spool_within_bounds(books: DayBooks, report: CheckReport) -> None:
    """Loud before the bound is reached; beyond it fetching goes on, and nothing is dropped."""
    site, plan, settings = books.site, books.plan, books.site.settings
    limits = SpoolLimits(settings.spool_limit_megabytes, settings.spool_limit_hours)
    try:
        state = site.spool(plan.name).state(site.clock.now())
        is_large = spool_verdict(replace(state, oldest=None), limits)[0] is not Verdict.OK
        if spool_verdict(state, limits)[0] is not Verdict.OK and not is_large:
            state = replace(state, oldest=_oldest_waiting(books))
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


def _oldest_waiting(books: DayBooks) -> datetime | None:
    """The time of the oldest fetch that is nowhere else; what has landed only waits for its window.
    Raises StoreError, LedgerUnavailable."""
    look = Run(books.site, books.plan, books.day, "look")
    return min((each.at for each in waiting_in_spool(look, books.raw)), default=None)
