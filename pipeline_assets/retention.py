"""Retention: sealed days go when they are older than the settings say, and never a held one.

Before anything is removed both books say so, the ledger and a record in the store that stays: so
no check calls it a loss, and a reader is told when the day went instead of seeing an empty one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

from pipeline_assets.day_lock import day_locked
from resources.day_layout import (
    AssetKeys,
    first_of_window,
    number_of,
    seal_of,
)
from resources.expired_days import (
    LAKE_TIER,
    RAW_TIER,
    ExpiredDay,
    expired_days,
    put_expiry,
    read_expiry,
    tier_of,
)
from resources.fetch_object import UnreadableObject
from resources.lake import drop_day
from resources.seal_marks import seal_marks
from resources.sealed_days import manifest_of
from resources.site import Site
from resources.store import NotFound
from touchline.day import Day
from touchline.errors import Bad, Unavailable

log = logging.getLogger(__name__)


@dataclass
class RetentionReport:
    """What one call did: the days of assets that went, and those that are old enough and stay, by
    a legal hold or for the reason given in `findings`."""

    expired: list[ExpiredDay] = field(default_factory=list)
    held: set[Day] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)


def expire(site: Site, feed: str, run_id: str) -> RetentionReport:
    """Remove the sealed days that are older than TOUCHLINE_KEEP_RAW_DAYS and
    TOUCHLINE_KEEP_LAKE_DAYS, oldest first, and finish what a process that died had begun.

    A day that is not sealed never goes, nor one of which something came after its seal. Neither
    store nor ledger make it raise: what could not be done is a finding, and the next call does it.
    """
    report = RetentionReport()
    settings, now = site.settings, site.clock.now()
    kept_days = {RAW_TIER: settings.keep_raw_days, LAKE_TIER: settings.keep_lake_days}
    try:
        _tell_ledger(site, feed)
        marks = seal_marks(site.store, feed) if any(kept_days.values()) else {}
    except Unavailable as error:
        report.findings.append(str(error))
        return report
    for day, keys in sorted(marks):
        asset, kept = keys.asset, kept_days[tier_of(keys)]
        if kept is None or day >= Day.containing(now).shifted(-kept):
            continue
        if settings.held_days.covers(day):
            report.held.add(day)
            continue
        try:
            with day_locked(site, asset, day, run_id):
                report.expired += _Expiry(site, feed, asset, day, now).run(f"kept {kept} days")
        except (Bad, Unavailable) as error:
            report.findings.append(f"{asset} of {day}: {error}")
    for finding in report.findings:
        log.warning("%s", finding)
    return report


def _tell_ledger(site: Site, feed: str) -> None:
    """What the store says has expired, for a ledger that was made anew."""
    for asset, day in expired_days(site.store, feed):
        if tier_of(site.keys(asset)) in site.ledger.expiries(asset, day):
            continue
        if expired := read_expiry(site.store, asset, day):
            site.ledger.expired(asset, day, expired.tier, expired.reason, expired.instant)


@dataclass
class _Expiry:
    """One sealed day of an asset."""

    site: Site
    feed: str
    asset: str
    day: Day
    now: datetime

    @property
    def keys(self) -> AssetKeys:
        return self.site.keys(self.asset)

    def run(self, reason: str) -> list[ExpiredDay]:
        """Record, then remove. The mark goes last: as long as it stands, the next call goes on."""
        expired = read_expiry(self.site.store, self.asset, self.day) or self._record(reason)
        if self.keys.is_raw:
            self._remove_log(expired)
        else:
            lake = self.site.days(self.feed).sealed_days.lake
            drop_day(lake, self.asset, self.day, expired.manifest, at=self.now)
        windows = self._remove_what_is_left(expired)
        self.site.ledger.cleared(self.asset, self.day, windows, self.now)
        days = self.site.days(self.feed)
        days.refresh()
        days.sealed_days.forget(self.asset)
        log.info("%s", expired)
        return [expired]

    def _record(self, reason: str) -> ExpiredDay:
        """Raises UnreadableObject for a day that is not as it was sealed, or is not all sealed:
        nothing of which there is doubt is removed."""
        days, ledger = self.site.days(self.feed), self.site.ledger
        index = days.index(self.asset, self.day)
        manifest = days.sealed_days.current(self.asset, self.day)
        if manifest is None or manifest.number != index.seal:
            raise UnreadableObject("it is being sealed, or its seal is damaged; it stays")
        newer = [place.number for place in index.places() if place.listed is not None]
        if newer:
            raise UnreadableObject(
                f"{len(newer)} fetches came after its seal, the first {newer[0]}: it is sealed "
                "again first"
            )
        tier = tier_of(self.keys)
        before = ledger.expiries(self.asset, self.day).get(tier)
        expired = ExpiredDay.of(manifest, tier, reason, before.at if before else self.now)
        ledger.expired(self.asset, self.day, expired.tier, expired.reason, expired.instant)
        return put_expiry(self.site.store, expired)

    def _remove_log(self, expired: ExpiredDay) -> None:
        store, key = self.site.store, self.keys.log(self.day)
        try:
            number = manifest_of(store.head(key))
        except NotFound:
            pass
        else:
            if number != expired.manifest:
                raise UnreadableObject(f"{key} was sealed anew, with manifest {number}; it stays")
            store.delete(key)
        below = self.keys.log_manifest(self.day, 0).rpartition("/")[0]
        for item in list(store.list(f"{below}/")):
            store.delete(item.key)

    def _remove_what_is_left(self, expired: ExpiredDay) -> list[str]:
        """Fetch objects and windows that the seal had replaced, and results that were kept beside
        them; then the marks. The keys of the windows."""
        store, below = self.site.store, self.keys.folder(self.day)
        listed = [item.key for item in store.list(below)]
        claims = self.site.ledger.claims(self.asset, self.day).items()
        late = {n for n, row in claims if row.landed_at and row.landed_at > expired.instant}
        windows = [key for key in listed if first_of_window(key) is not None]
        singles = [key for key in listed if number_of(key) in expired.numbers - late]
        beside = [item.key for item in store.list(f"conflicts/{below}")]
        marks = [key for key in listed if seal_of(key) is not None]
        for key in (*singles, *windows, *beside, *marks):
            store.delete(key)
        return windows
