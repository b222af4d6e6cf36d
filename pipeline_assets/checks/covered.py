"""calendar_is_covered: what the calendar says of the day is there, thing by thing."""

from __future__ import annotations

from pipeline_assets.calendars import CalendarUnknown, calendar_records
from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.report import CheckReport, Kind
from resources.stage_codec import decode_stage
from touchline.accounting import LossClass
from touchline.day import utc_text
from touchline.stage import Stage


def calendar_is_covered(books: DayBooks, report: CheckReport) -> None:
    """From its due time on, the day's newest version holds everything that the calendar has for the
    day, and nothing else. Where no calendar that is fresh can be read, or it does not reach the
    day, this could not be checked: a calendar that is not there is never one without games.

    Raises StoreError, UnreadableObject.
    """
    stage, now = books.asset, books.site.clock.now()
    assert isinstance(stage, Stage)
    assert stage.covers is not None
    due = stage.covers.due(books.day)
    report.details = {"due": utc_text(due)}
    if now < due or books.is_gone or books.expired:
        return
    try:
        calendar = calendar_records(books.site, stage.covers.calendar, now)
    except CalendarUnknown as error:
        report.found(Kind.UNCHECKED, None, None, str(error))
        return
    if not stage.covers.reaches(books.day, calendar):
        told = stage.covers.calendar.stage
        report.found(Kind.UNCHECKED, None, None, f"{told} does not reach {books.day}")
        return
    newest = books.days.newest_version(stage.name, books.day)
    records = decode_stage(stage, newest.body).records if newest else []
    for lack in stage.covers.lacks(books.day, calendar, records):
        kind = Kind.INCOMPLETE if lack.loss is LossClass.REAL_LOSS else Kind.CONTRADICTED
        report.found(kind, None, None, f"{lack.key}: {lack.detail}")
