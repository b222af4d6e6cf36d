"""Whether a day was removed on purpose, for those who would seal or read it."""

from __future__ import annotations

from resources.expired_days import DayExpired, expiry_of, tier_of
from resources.site import Site
from resources.store import NotFound
from touchline.day import Day
from touchline.errors import Bad


def has_expired(site: Site, asset: str, day: Day) -> bool:
    """Whether either book says that this day was removed on purpose, or is about to be. Raises
    StoreError, LedgerUnavailable."""
    if tier_of(site.keys(asset)) in site.ledger.expiries(asset, day):
        return True
    return expiry_of(site.store, asset, day, site.clock.now()) is not None


def refuse_expired(site: Site, asset: str, day: Day) -> None:
    """Raises DayExpired for a day that was removed on purpose, unless it can still, or again, be
    read as a whole: before its removal has begun, or once it was made anew. And StoreError."""
    expired = expiry_of(site.store, asset, day, site.clock.now())
    if expired is None:
        return
    days = site.days(asset.partition("/")[0])
    index = days.index(asset, day)
    try:
        if index.seal is None:
            readable = index.numbers >= expired.numbers
        else:
            current = days.sealed_days.current(asset, day)
            readable = current is not None and current.number == expired.manifest
    except (NotFound, Bad):
        readable = False
    if not readable:
        raise DayExpired(str(expired))
