"""The last hour minute by minute, drawn as a report draws its day: what landed, what did not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from operations.report_pictures import HOUR_MINUTES, Box, Clock, Row
from pipeline_assets.day_state import Cell, cells_of
from pipeline_assets.minute_state import LEGEND, MinuteState
from resources.day_layout import object_key
from resources.site import Site
from touchline.day import WINDOW_MINUTES, FetchNumber, Minute
from touchline.fetch import FetchRef
from touchline.stage import Stage
from touchline.watch import expected_minutes


def last_hour(site: Site, stage: Stage, fetch: FetchRef, now: datetime) -> Row | None:
    """Of the day of this fetch, up to now or to the day's last fetch; None where the ledger knows
    nothing of it. Reads that hour alone. Raises LedgerUnavailable, StoreError."""
    day, minute = fetch.day, Minute.containing(now)
    last = minute.number if minute.day == day else fetch.number
    first = max(1, last - HOUR_MINUTES + 1)
    intervals = site.ledger.intervals(stage.feed, day.start, day.end)
    watched = frozenset(map(day.number_of, expected_minutes(day, intervals, now)))
    fetches = site.ledger.fetches(stage.feed, day, first, last)
    claims = site.ledger.claims_of(stage.name, day, range(first, last + 1))
    before = (first - 1) // WINDOW_MINUTES * WINDOW_MINUTES
    index = site.days(stage.feed).index(stage.name, day, after=object_key(stage.name, day, before))
    cells = list(cells_of(day, watched, fetches, claims, index.numbers, ()))
    boxes = list(_boxes(cells, Clock(day), first, last))
    return Row("the last hour", HOUR_MINUTES, boxes) if boxes else None


def _boxes(cells: list[Cell], clock: Clock, first: int, last: int) -> Iterator[Box]:
    for number in range(first, last + 1):
        cell = cells[FetchNumber(number) - 1]
        if cell.state is not MinuteState.NOT_EXPECTED:
            said = ": ".join(filter(None, (LEGEND[cell.state], cell.what, cell.why)))
            yield Box(
                HOUR_MINUTES - 1 - last + number, 1, cell.state, f"{clock.at(number)}: {said}"
            )
