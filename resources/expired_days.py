"""What the store says of a day that was removed on purpose, so that nobody calls it a loss.

    expired/<feed>/date=D/<asset>.json

It is written before anything is removed and never goes: a ledger that is made anew still knows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property

import msgspec

from resources.day_layout import AssetKeys
from resources.manifest import Manifest
from resources.store import NotFound, PreconditionFailed, Store, StoreError
from touchline.day import Day, FetchNumber, parse_instant, utc_text
from touchline.formats import UNREADABLE_JSON

RAW_TIER, LAKE_TIER = "raw", "lake"
MINIMUM_KEPT_DAYS = 2
"""No setting keeps fewer, so nothing younger is ever asked for its expiry."""

_RECORD = re.compile(r"date=(\d{4}-\d{2}-\d{2})/([^/]+)\.json")


class DayExpired(StoreError):
    """What was asked for was removed on purpose; the message says when."""

    kind = "day_expired"
    advice = None


class DamagedExpiry(StoreError):
    """The record of an expiry cannot be read."""


class ExpiredDay(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A sealed day as it was when it expired. `spans` are the first and last numbers of its
    fetches, `digest` is `digest_of` what they emitted, `at` is in UTC."""

    asset: str
    date: str
    tier: str
    reason: str
    at: str
    manifest: int
    fetches: int
    emitted: int
    spans: list[tuple[int, int]]
    digest: str
    format: int = 1

    @classmethod
    def of(cls, manifest: Manifest, tier: str, reason: str, at: datetime) -> ExpiredDay:
        held = manifest.held
        return cls(
            asset=manifest.asset,
            date=manifest.date,
            tier=tier,
            reason=reason,
            at=utc_text(at),
            manifest=manifest.number,
            fetches=len(held),
            emitted=sum(each.account.emitted for each in held),
            spans=_spans(each.number for each in held),
            digest=digest_of((each.number, each.fetch_id, each.digest) for each in held),
        )

    @property
    def day(self) -> Day:
        return Day.parse(self.date)

    @property
    def instant(self) -> datetime:
        return parse_instant(self.at)

    @cached_property
    def numbers(self) -> frozenset[FetchNumber]:
        return frozenset(
            FetchNumber(n) for first, last in self.spans for n in range(first, last + 1)
        )

    def __str__(self) -> str:
        return (
            f"{self.asset} of {self.date} expired on {Day.containing(self.instant)}: {self.reason}"
        )


def tier_of(keys: AssetKeys) -> str:
    return RAW_TIER if keys.is_raw else LAKE_TIER


def digest_of(fetches: Iterable[tuple[int, str, str]]) -> str:
    """Over number, fetch id and digest of each fetch in order: what the claims said of them too."""
    lines = (f"{number} {fetch_id} {digest}\n" for number, fetch_id, digest in fetches)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def expired_prefix(feed: str) -> str:
    return f"expired/{feed}/"


def expired_key(asset: str, day: Day) -> str:
    feed, _, name = asset.partition("/")
    return f"{expired_prefix(feed)}date={day}/{name}.json"


def may_have_expired(day: Day, now: datetime) -> bool:
    return day < Day.containing(now).shifted(-MINIMUM_KEPT_DAYS)


def expiry_of(store: Store, asset: str, day: Day, now: datetime) -> ExpiredDay | None:
    """The record of this day's expiry; None, without a request, for a day too young to have one.

    Raises DamagedExpiry, StoreError.
    """
    return read_expiry(store, asset, day) if may_have_expired(day, now) else None


def read_expiry(store: Store, asset: str, day: Day) -> ExpiredDay | None:
    """Raises DamagedExpiry, StoreError."""
    key = expired_key(asset, day)
    try:
        found = msgspec.json.decode(store.get(key).body, type=ExpiredDay)
    except NotFound:
        return None
    except UNREADABLE_JSON as error:
        raise DamagedExpiry(f"{key}: {error}") from error
    if (found.asset, found.date) != (asset, str(day)):
        raise DamagedExpiry(f"{key}: speaks of {found.asset} on {found.date}")
    return found


def put_expiry(store: Store, expired: ExpiredDay) -> ExpiredDay:
    """The record that stands there: this one, or one of before. Raises DamagedExpiry,
    StoreError."""
    try:
        store.put_new(expired_key(expired.asset, expired.day), msgspec.json.encode(expired))
    except PreconditionFailed:
        return read_expiry(store, expired.asset, expired.day) or expired
    return expired


def expired_days(store: Store, feed: str) -> Iterator[tuple[str, Day]]:
    """Asset and day of every record. Raises StoreError."""
    for item in store.list(expired_prefix(feed)):
        if found := _RECORD.fullmatch(item.key.removeprefix(expired_prefix(feed))):
            yield f"{feed}/{found[2]}", Day.parse(found[1])


def _spans(numbers: Iterable[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] + 1 == number:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans
