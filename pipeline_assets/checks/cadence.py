"""cadence: every expected slot has a fate."""

from __future__ import annotations

from datetime import timedelta

from pipeline_assets.attempts import alarming
from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.report import CheckReport, Kind
from touchline.accounting import FetchFate, RetryReason
from touchline.day import utc_text
from touchline.watch import why_missed

_ALARMS = {
    RetryReason.SHRINKING_CONTENT: Kind.SHRINKING_CONTENT,
    RetryReason.RETRY_CAP: Kind.RETRY_CAP,
}
_SAID = {
    RetryReason.SHRINKING_CONTENT: "it brought less than an earlier fetch, and is set aside",
    RetryReason.RETRY_CAP: "it was not fetched: several attempts in a row had brought no data",
}


def cadence(books: DayBooks, report: CheckReport) -> None:
    """Every slot inside a watch interval has a fate: a fetch in the store, a named miss, or that it
    was held back on purpose. Of every fetch in the store the ledger says that its slot landed.

    Missed slots are told in the numbers and are no alarm of this check: they were named. Of a slot
    that was held no fetch is expected. Of what can be fetched again it is told where the newest
    fetch brought less than an earlier one, and where nothing comes of it.
    """
    raw, day, now = books.raw, books.day, books.site.clock.now()
    # One that begins at this very moment is expected too.
    expected = books.site.ledger.expected(raw, day, now + timedelta.resolution)
    present = books.index.numbers | (books.expired.numbers if books.expired else frozenset())
    longest = raw.patience.max_runtime
    missed = held = still_open = 0
    for slot in expected:
        number = slot.number
        if number in present:
            continue
        fate = books.fates.get(number)
        if fate is FetchFate.MISSED:
            missed += 1
        elif fate is FetchFate.HELD:
            held += 1
        elif fate is FetchFate.LANDED:
            if books.is_gone:
                continue
            report.found(Kind.REAL_LOSS, number, None, "landed, and not in the store")
        elif number in books.died:
            continue
        elif why_missed(slot, now - longest, raw.patience, started=fate is not None):
            report.found(Kind.NO_FATE, number, None, f"nothing is known of {utc_text(slot.at)}")
        else:
            still_open += 1
    for number in sorted(books.died - present):
        detail = (
            f"the run of {utc_text(raw.slot(day, number).at)} failed before its fetch had landed"
        )
        report.found(Kind.NO_FATE, number, None, detail)
    told = {number for number, fate in books.fates.items() if fate is FetchFate.LANDED}
    for number in sorted(books.index.numbers - told):
        if now >= raw.slot(day, number).at + longest:
            said = books.fates.get(number, "nothing")
            detail = f"it is in the store, and the ledger says of its minute: {said}"
            report.found(Kind.TRACKING_ERROR, number, None, detail)
    if raw.refetch:
        for row in alarming(books.site.ledger.attempts(raw.name, day)):
            report.found(_ALARMS[row.reason], row.number, None, _SAID[row.reason])
    report.fetches_expected = len(expected) - held - still_open
    report.fetches_present = len(present)
    report.recorded = report.fetches_expected - missed
    report.landed = len(present)
