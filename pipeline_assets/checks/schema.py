"""schema_holds: what was read back new has the columns that are declared."""

from __future__ import annotations

from collections import Counter

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.report import CheckReport, Kind
from touchline.accounting import Account
from touchline.stage import Stage

DRIFT_RECORDS = 5
DRIFT_SHARE = 0.2
"""Fewer misread records than these, or a smaller share of a fetch, are bad records; more are a
vendor who has changed. The same of records that are there and in which one field cannot be read."""


def schema_holds(books: DayBooks, report: CheckReport) -> None:
    """What lies in the store against what the stage declares, and the vendor's records against what
    is documented of them.

    It is said of what was read back now. Fields and codes that nobody knows cost nothing, since
    they are kept as they came: they are counted. A field that is used and cannot be read is null,
    and is counted by its name.
    """
    if books.readings is None:
        report.found(Kind.UNCHECKED, None, None, "what landed could not be read back")
        return
    noticed: Counter[str] = Counter()
    for number, reading in sorted(books.readings.items()):
        noticed.update(reading.noticed)
        noticed.update(reading.misread)
        if reading.misfits:
            detail = "; ".join(reading.misfits)
            report.found(Kind.SCHEMA_DIFFERS, number, reading.count, detail)
        # What is dropped, such as odds rows that were seen before, was read by an earlier fetch.
        read = reading.account.received - sum(reading.account.dropped.values())
        limit = max(DRIFT_RECORDS, DRIFT_SHARE * read)
        misread = _misread(books, reading.account)
        if misread >= limit:
            detail = f"{misread} of {read} records have another shape"
            report.found(Kind.SCHEMA_DRIFTS, number, misread, detail)
        for part, times in reading.misread.items():
            if times >= limit:
                detail = f"{part}: it could not be read in {times} of {read} records"
                report.found(Kind.SCHEMA_DRIFTS, number, times, detail)
    report.details = {"fetches_read": len(books.readings), **noticed}


def _misread(books: DayBooks, account: Account) -> int:
    if not isinstance(books.asset, Stage):
        return 0
    return sum(account.quarantined.get(reason, 0) for reason in books.asset.misread)
