"""Rotation: fetch objects become windows, and the spool lets go of what stands in one.

A window is due when its ten minutes have fates in its stage, or a quarter of an hour after its
last. Runs of this kind have a lane of their own, so that none of this stands in a minute's way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from resources.day_index import DayIndex, Place
from resources.day_layout import is_raw, window_key
from resources.day_store import conflict_prefix
from resources.day_windows import DayWindows
from resources.ledger import WindowRow
from resources.site import Site
from resources.spool import Spooled
from resources.store import NotFound
from touchline.accounting import FetchFate
from touchline.day import ONE_MINUTE, Day, FetchNumber, Window
from touchline.errors import Bad, Unavailable, Unreadable
from touchline.schedule import expected_slots
from touchline.watch import SINGLES_OUTLIVE_WINDOW, WINDOW_DUE, days_still_open

log = logging.getLogger(__name__)


@dataclass
class RotationReport:
    """What one rotation did: keys of windows stored, fetch objects and spool files removed."""

    stored: list[str] = field(default_factory=list)
    removed: int = 0
    cleared: int = 0
    findings: list[str] = field(default_factory=list)


def rotate(site: Site, feed: str, days: Iterable[Day] | None = None) -> RotationReport:
    """Store every window that is due, remove the fetch objects of those that were confirmed long
    enough ago, and clear the spool.

    Neither data nor store nor ledger make it raise: what could not be done is a finding, and the
    next rotation does it.
    """
    report = RotationReport()
    now = site.clock.now()
    today = Day.containing(now)
    for day in days_still_open(today, now) if days is None else days:
        for asset in site.plans[feed].assets:
            try:
                _Rotation(site, feed, asset.name, day, report).run()
            except (Bad, Unavailable) as error:
                report.findings.append(f"{asset.name} of {day}: {error}")
    try:
        report.cleared = clear_spool(site, feed)
    except (Bad, Unavailable, OSError) as error:
        report.findings.append(f"the spool could not be cleared: {error}")
    for finding in report.findings:
        log.warning("%s", finding)
    return report


@dataclass
class _Rotation:
    """One asset's day."""

    site: Site
    feed: str
    asset: str
    day: Day
    report: RotationReport

    def run(self) -> None:
        days, ledger, now = self.site.days(self.feed), self.site.ledger, self.site.clock.now()
        rows = ledger.windows(self.asset, self.day)
        index = days.index(self.asset, self.day)
        if index.seal is not None:
            return  # What comes now is taken in by the next seal.
        self.windows = DayWindows(days, self.asset, self.day)
        for window in self.day.windows():
            if window.start > now:
                break
            if window.first in index.windows:
                self._stored(window, index, rows.get(window_key(self.asset, window)))
            else:
                self._due(window, index)

    def _stored(self, window: Window, index: DayIndex, row: WindowRow | None) -> None:
        now = self.site.clock.now()
        listed = index.windows[window.first]
        if row is None or not row.is_verified or row.etag != listed.etag:
            if row is not None and row.etag is not None:
                # It was confirmed and is another object now: the checks say so, and nothing of it
                # is relied upon.
                return
            try:
                self.windows.confirm(window, now)
            except Unreadable as error:
                # Nobody ever relied upon it, and what it was made of stands beside it.
                self.report.findings.append(f"{self.asset} {window} is made again: {error}")
                self._due(window, index)
            else:
                self.report.stored.append(listed.key)
            return
        if row.stored_at is not None and now >= row.stored_at + SINGLES_OUTLIVE_WINDOW:
            self.report.removed += self.windows.remove_singles(row.held, index)

    def _due(self, window: Window, index: DayIndex) -> None:
        singles = sorted(number for number in index.singles if number in window)
        late = self.site.clock.now() >= window.end + WINDOW_DUE
        if not singles or not (late or self._is_settled(window, singles)):
            return
        places = [
            Place(number, index.singles[number], index.singles[number].etag) for number in singles
        ]
        standings = self.site.ledger.standing(self.asset, self.day)
        fetches, wrong = self.windows.sound(places, standings)
        self.report.findings += [f"{self.asset} {window}: {each}" for each in wrong]
        if not fetches or (wrong and not late):
            return
        there = index.windows.get(window.first)
        stored = self.windows.store(window, fetches, self.site.clock.now(), there)
        self.report.stored.append(stored.key)

    def _is_settled(self, window: Window, singles: Iterable[FetchNumber]) -> bool:
        """Whether each of its minutes has its fate: landed here, or missed, or never expected."""
        ledger, day = self.site.ledger, self.day
        if self.site.clock.now() < window.end - ONE_MINUTE:
            return False
        raw = self.site.plans[self.feed].raw
        fates = ledger.fates(raw.name, day)
        landed = {n for n, fate in fates.items() if fate is FetchFate.LANDED and n in window}
        if not landed <= set(singles):
            return False
        intervals = ledger.intervals(self.feed, window.start, window.end)
        slots = expected_slots(raw.slots(day), intervals, window.end)
        expected = {slot.number for slot in slots}
        return all(
            fates.get(number) in (FetchFate.LANDED, FetchFate.MISSED)
            for number in expected
            if number in window
        )


def clear_spool(site: Site, feed: str) -> int:
    """Forget the fetches that stand in a confirmed window, or that came after their window and
    were read back from an object of their own; how many they were.

    Raises StoreError, LedgerUnavailable, OSError.
    """
    spool, raw = site.spool(feed), site.plans[feed].raw.name
    indexes: dict[Day, DayIndex] = {}
    windows: dict[Day, dict[str, WindowRow]] = {}
    cleared = 0
    for spooled in list(spool.entries()):
        day = spooled.day
        if day not in indexes:
            windows[day] = site.ledger.windows(raw, day)
            indexes[day] = site.days(feed).index(raw, day)
        if _is_safe(site, feed, spooled, indexes[day], windows[day]):
            spool.clear(spooled)
            cleared += 1
    return cleared


def _is_safe(
    site: Site, feed: str, spooled: Spooled, index: DayIndex, windows: dict[str, WindowRow]
) -> bool:
    raw, days = site.plans[feed].raw.name, site.days(feed)
    assert is_raw(raw)
    place = index.place(spooled.number)
    if place is None:
        return False
    window = Window.of(spooled.day, spooled.number)
    row = windows.get(window_key(raw, window))
    listed = index.windows.get(window.first)
    confirmed = bool(row and row.is_verified and listed and row.etag == listed.etag)
    if place.held is not None:
        if index.seal is None and not confirmed:
            return False
        holds = place.held.fetch_id
    elif confirmed or index.seal is not None:
        try:
            holds = days.read_place(raw, spooled.day, place).ref.fetch_id
        except (NotFound, Unreadable):
            return False
    else:
        return False
    if holds == spooled.fetch_id:
        return True
    # Another capture of this minute counts; ours is kept beside it.
    beside = conflict_prefix(raw, spooled.day, spooled.number, spooled.fetch_id)
    return any(site.store.list(beside))
