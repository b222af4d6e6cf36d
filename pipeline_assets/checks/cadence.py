"""cadence: every expected minute has a fate."""

from __future__ import annotations

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.report import CheckReport, Kind
from touchline.accounting import FetchFate
from touchline.day import Minute
from touchline.watch import MAX_RUNTIME, expected_minutes, why_missed


def cadence(books: DayBooks, report: CheckReport) -> None:
    """Every minute inside a watch interval has a fate: a fetch in the store, or a named miss. Of
    every fetch in the store the ledger says that its minute landed.

    Missed minutes are told in the numbers and are no alarm of this check: they were named.
    """
    ledger, feed, day = books.site.ledger, books.plan.name, books.day
    now = books.site.clock.now()
    intervals = ledger.intervals(feed, day.start, day.end)
    expected = list(expected_minutes(day, intervals, Minute.containing(now).end))
    present = books.index.numbers | (books.expired.numbers if books.expired else frozenset())
    missed = still_open = 0
    for minute in expected:
        number = day.number_of(minute)
        if number in present:
            continue
        fate = books.fates.get(number)
        if fate is FetchFate.MISSED:
            missed += 1
        elif fate is FetchFate.LANDED:
            if books.is_gone:
                continue
            report.found(Kind.REAL_LOSS, number, None, "landed, and not in the store")
        elif number in books.died:
            continue
        elif why_missed(minute, now - MAX_RUNTIME, started=fate is not None):
            report.found(Kind.NO_FATE, number, None, f"nothing is known of {minute}")
        else:
            still_open += 1
    for number in sorted(books.died - present):
        detail = f"the run of {day.minute(number)} failed before its fetch had landed"
        report.found(Kind.NO_FATE, number, None, detail)
    told = {number for number, fate in books.fates.items() if fate is FetchFate.LANDED}
    for number in sorted(books.index.numbers - told):
        if now >= day.minute(number).utc + MAX_RUNTIME:
            said = books.fates.get(number, "nothing")
            detail = f"it is in the store, and the ledger says of its minute: {said}"
            report.found(Kind.TRACKING_ERROR, number, None, detail)
    report.fetches_expected = len(expected) - still_open
    report.fetches_present = len(present)
    report.recorded = report.fetches_expected - missed
    report.landed = len(present)
