"""What a calendar says: the newest records of a stage that other assets go by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from resources.site import Site
from resources.stage_codec import decode_stage
from resources.store import NotFound
from touchline.accounting import Outcome
from touchline.day import Day, FetchNumber, utc_text
from touchline.errors import Bad, TouchlineError, Unavailable
from touchline.retries import Calendar


class CalendarUnknown(TouchlineError):
    """No calendar that is fresh enough can be read. Nothing may be concluded from that: least of
    all that there is nothing in it."""


def calendar_records(site: Site, calendar: Calendar, now: datetime) -> Sequence[Any]:
    """Return the records of the newest fetch of a calendar that has any and came whole: of what is
    not in a part of it, nobody knows whether it is in the rest. Raises CalendarUnknown."""
    oldest = now - calendar.fresh_for
    try:
        return _newest(site, calendar.stage, oldest, now)
    except (Bad, Unavailable) as error:
        raise CalendarUnknown(f"{calendar.stage} cannot be read: {error}") from error


def _newest(site: Site, stage: str, oldest: datetime, now: datetime) -> Sequence[Any]:
    days = site.days(stage.partition("/")[0])
    day = Day.containing(now)
    while day.end > oldest:
        for number in sorted(days.numbers(stage, day), reverse=True):
            try:
                found = days.read(stage, day, number)
            except NotFound:
                continue
            if not (oldest <= found.ref.at <= now and found.outcome.holds_records):
                continue
            if _came_partly(site, stage, day, number):
                continue
            if records := decode_stage(site.stages[stage], found.body).records:
                return records
        day = day.shifted(-1)
    raise CalendarUnknown(f"{stage} has no records since {utc_text(oldest)}")


def _came_partly(site: Site, stage: str, day: Day, number: FetchNumber) -> bool:
    """Whether calls of the fetch failed, such as that for its second page. Raises
    LedgerUnavailable."""
    raw = site.plans[stage.partition("/")[0]].raw_of(stage).name
    fetch = site.ledger.fetches(raw, day, number, number).get(number)
    return fetch is not None and fetch.outcome is Outcome.PARTIAL
