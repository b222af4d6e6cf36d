"""Rotation: fetch objects become windows, and the spool lets go of what stands in one.

A window is due when its ten minutes have fates in its stage, or a quarter of an hour after its
last. Runs of this kind have a lane of their own, so that none of this stands in a minute's way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from resources.day_index import DayIndex, Place
from resources.day_windows import DayWindows
from resources.ledger import WindowRow
from resources.site import Site
from resources.spool import Spooled
from resources.store import NotFound
from touchline.accounting import FetchFate
from touchline.day import ONE_MINUTE, Day, FetchNumber, Window
from touchline.errors import Bad, Unavailable, Unreadable
from touchline.stage import RawAsset
from touchline.watch import SINGLES_OUTLIVE_WINDOW, WINDOW_DUE

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
    plan, today = site.plans[feed], Day.containing(now)
    for asset in plan.assets:
        raw = plan.raw_of(asset.name)
        if not raw.schedule.every_minute:
            continue
        for day in raw.schedule.open_days(today, now) if days is None else days:
            try:
                _Rotation(site, feed, raw, asset.name, day, report).run()
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
    raw: RawAsset
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
                self._stored(window, index, rows.get(days.keys(self.asset).window(window)))
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
        fates = ledger.fates(self.raw.name, day)
        landed = {n for n, fate in fates.items() if fate is FetchFate.LANDED and n in window}
        if not landed <= set(singles):
            return False
        return all(
            fates.get(slot.number) in (FetchFate.LANDED, FetchFate.MISSED)
            for slot in ledger.expected(self.raw, day, window.end)
            if slot.number in window
        )


def clear_spool(site: Site, feed: str) -> int:
    """Forget the fetches that stand in a confirmed window, or that came after their window, or a
    while ago without one, and were read back from an object of their own; how many they were.

    Raises StoreError, LedgerUnavailable, OSError.
    """
    spool, plan, days = site.spool(feed), site.plans[feed], site.days(feed)
    known: dict[tuple[str, Day], tuple[DayIndex, Mapping[str, WindowRow]]] = {}
    cleared = 0
    for spooled in list(spool.entries()):
        raw, day = spooled.slot.raw, spooled.day
        if raw not in days.raws:
            continue  # Of a raw asset that is gone from the plan.
        if (raw, day) not in known:
            windows = site.ledger.windows(raw, day)
            known[raw, day] = days.index(raw, day), windows
        if _is_safe(site, plan.raw_of(raw), spooled, *known[raw, day]):
            spool.clear(spooled)
            cleared += 1
    return cleared


def _is_safe(
    site: Site,
    asset: RawAsset,
    spooled: Spooled,
    index: DayIndex,
    windows: Mapping[str, WindowRow],
) -> bool:
    raw, days = asset.name, site.days(asset.feed)
    place = index.place(spooled.number)
    if place is None:
        return False
    window = Window.of(spooled.day, spooled.number)
    row = windows.get(days.keys(raw).window(window))
    listed = index.windows.get(window.first)
    confirmed = bool(row and row.is_verified and listed and row.etag == listed.etag)
    if not asset.schedule.every_minute:
        # The store's own disk has what landed so long ago.
        confirmed = site.clock.now() >= spooled.at + WINDOW_DUE
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
    beside = days.keys(raw).beside(spooled.day, spooled.number, spooled.fetch_id)
    return any(site.store.list(beside))
