"""The days of which anything is known, from both books."""

from __future__ import annotations

from datetime import UTC, datetime

from resources.site import Site
from touchline.day import Day

_TIERS = ("raw", "hot", "expired", "watch")
_MARK = "date="


def known_days(site: Site, feed: str) -> list[Day]:
    """Days that the ledger has a fate, a claim or a watch interval of, or the store an object or
    the record of an expiry or of a missed minute, oldest first. Raises LedgerUnavailable,
    StoreError."""
    return sorted(days_in_ledger(site, feed) | days_in_store(site, feed))


def is_known(site: Site, feed: str, day: Day) -> bool:
    """Whether `known_days` has it. The store is asked only where the ledger says nothing of it.
    Raises LedgerUnavailable, StoreError."""
    return day in days_in_ledger(site, feed) or day in days_in_store(site, feed)


def days_in_ledger(site: Site, feed: str) -> set[Day]:
    """Raises LedgerUnavailable."""
    now = site.clock.now()
    days = set(site.ledger.days(feed))
    for opened, closed in site.ledger.intervals(feed, datetime.min.replace(tzinfo=UTC), now):
        day, end = Day.containing(opened), min(closed or now, now)
        while day.start < end:
            days.add(day)
            day = day.shifted(1)
    return days


def first_known_day(site: Site) -> Day | None:
    """Return the first day that the ledger knows anything of, of any feed; None where it knows of
    none. Raises LedgerUnavailable."""
    return min((day for feed in site.plans for day in days_in_ledger(site, feed)), default=None)


def days_in_store(site: Site, feed: str) -> set[Day]:
    """Raises StoreError."""
    return {
        Day.parse(name.removeprefix(_MARK))
        for tier in _TIERS
        for name in site.store.folders(f"{tier}/{feed}/")
        if name.startswith(_MARK)
    }
