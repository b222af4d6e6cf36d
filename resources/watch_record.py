"""What the store says of watching: when fetches were expected, which slots a day was planned to
have, and which were missed.

    watch/<feed>/intervals/<opened>.json    a watch interval, by the UTC time it was opened at
    watch/<feed>/date=D/missed.json         the slots of a New York day that were missed, or held
                                            back on purpose, with their reasons
    watch/<feed>/date=D/plans.json          the plans of a New York day, where its slots depend on
                                            data, such as a calendar of games

A raw asset other than the feed's `raw_fetches` has the last two in a folder of its name. The
ledger says it first and remembers what the store was not told yet, so that a store that is away
costs no fetch. Of two accounts of the same thing both are kept: a slot that was ever named as
missed stays named, an interval that was ever closed stays closed, and a plan that was made stays.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from typing import Self, TypeVar

import msgspec

from resources.ledger import Ledger
from resources.ledger.minutes import NOT_FETCHED
from resources.store import (
    Conflicting,
    NotFound,
    PreconditionFailed,
    Store,
    StoredObject,
    StoreError,
)
from resources.watch_layout import missed_at, opened_of, plans_at, watch_prefix
from touchline.accounting import sha256_hex
from touchline.day import Day, FetchNumber, parse_instant, utc_text
from touchline.day_plan import DayPlan
from touchline.formats import UNREADABLE_JSON

log = logging.getLogger(__name__)

ATTEMPTS = 3


class DamagedWatchRecord(StoreError):
    """An object below `watch/` cannot be read; the message names it."""


class WatchRecord(msgspec.Struct, frozen=True):
    """What one object says."""

    def joined(self, other: Self) -> Self:
        """What both say."""
        raise NotImplementedError


class WatchInterval(WatchRecord, frozen=True, kw_only=True):
    """Times in UTC; `closed` is None while the interval is open, as it stays after a crash."""

    opened: str
    closed: str | None
    origin: str
    format: int = 1

    def joined(self, other: Self) -> Self:
        ends = [parse_instant(end) for end in (self.closed, other.closed) if end is not None]
        closed = utc_text(max(ends)) if ends else None
        return msgspec.structs.replace(self, closed=closed)


class MissedSlot(msgspec.Struct, frozen=True):
    """Why a slot has no fetch, and when that was said (UTC). A `RetryReason` says that it was held,
    any other reason that it was missed."""

    reason: str
    at: str


class MissedSlots(WatchRecord, frozen=True, kw_only=True):
    """By fetch number."""

    date: str
    minutes: dict[int, MissedSlot]
    format: int = 1

    def joined(self, other: Self) -> Self:
        both = other.minutes | self.minutes
        return msgspec.structs.replace(self, minutes=dict(sorted(both.items())))


class DayPlans(WatchRecord, frozen=True, kw_only=True):
    """The fetch numbers that each plan has, by the time when it was made (UTC)."""

    date: str
    plans: dict[str, tuple[FetchNumber, ...]]
    format: int = 1

    def joined(self, other: Self) -> Self:
        both = other.plans | self.plans
        return msgspec.structs.replace(self, plans=dict(sorted(both.items())))

    def read(self) -> list[DayPlan]:
        """Return them, oldest first."""
        plans = (DayPlan(parse_instant(at), numbers) for at, numbers in self.plans.items())
        return sorted(plans, key=lambda plan: plan.made_at)


class Watched(msgspec.Struct, frozen=True):
    """All that the store says of watching one feed."""

    intervals: list[WatchInterval]
    missed: dict[tuple[str, Day], MissedSlots]
    """By raw asset and day."""
    plans: dict[tuple[str, Day], DayPlans]
    """By raw asset and day."""


R = TypeVar("R", bound=WatchRecord)


def record_watch(store: Store, ledger: Ledger, feed: str) -> None:
    """Tell the store what the ledger knows of watching and the store was not told; no request where
    there is nothing to tell. What fails is told the next time.

    Raises StoreError, LedgerUnavailable.
    """
    for key, sequence in ledger.untold(feed):
        if (missed := missed_at(key)) is not None:
            _join(store, key, _missed(ledger, *missed))
        elif (planned := plans_at(key)) is not None:
            _join(store, key, _plans(ledger, *planned))
        elif (opened := opened_of(key)) is not None:
            _join(store, key, _interval(ledger, feed, opened))
        ledger.told(key, sequence)


def read_watch(store: Store, feed: str) -> Watched:
    """Raises DamagedWatchRecord, StoreError."""
    watched = Watched([], {}, {})
    for item in store.list(watch_prefix(feed)):
        if (missed := missed_at(item.key)) is not None:
            watched.missed[missed] = _decoded(store.get(item.key), MissedSlots)
        elif (planned := plans_at(item.key)) is not None:
            watched.plans[planned] = _decoded(store.get(item.key), DayPlans)
        elif opened_of(item.key) is not None:
            watched.intervals.append(_decoded(store.get(item.key), WatchInterval))
    return watched


def copy_record(source: Store, target: Store, key: str) -> bool:
    """Tell another store what this one says at a key of `read_watch`; whether there was anything to
    tell. Raises DamagedWatchRecord where this one's cannot be read, StoreError."""
    return _join(target, key, _decoded(source.get(key), _kind(key)))


def is_record(key: str) -> bool:
    """Whether a key below `watch/` is one that `read_watch` reads."""
    return any(found(key) is not None for found in (missed_at, plans_at, opened_of))


def _kind(key: str) -> type[MissedSlots | DayPlans | WatchInterval]:
    if missed_at(key) is not None:
        return MissedSlots
    return WatchInterval if plans_at(key) is None else DayPlans


def _plans(ledger: Ledger, raw: str, day: Day) -> DayPlans:
    plans = {utc_text(plan.made_at): plan.numbers for plan in ledger.plans(raw, day)}
    return DayPlans(date=str(day), plans=plans)


def _missed(ledger: Ledger, raw: str, day: Day) -> MissedSlots:
    minutes = {
        int(number): MissedSlot(row.reason or "", utc_text(row.updated_at))
        for number, row in ledger.fetches(raw, day).items()
        if row.fate in NOT_FETCHED
    }
    return MissedSlots(date=str(day), minutes=minutes)


def _interval(ledger: Ledger, feed: str, opened: datetime) -> WatchInterval:
    first, *more = (
        WatchInterval(
            opened=utc_text(row.opened),
            closed=None if row.closed is None else utc_text(row.closed),
            origin=row.origin,
        )
        for row in ledger.intervals_opened(feed, opened)
    )
    for other in more:
        first = first.joined(other)
    return first


def _join(store: Store, key: str, ours: WatchRecord) -> bool:
    """Whether the store was told anything that it did not say."""
    for _ in range(ATTEMPTS):
        try:
            store.put_new(key, msgspec.json.encode(ours))
            return True
        except (PreconditionFailed, Conflicting):
            pass
        try:
            found = store.get(key)
            try:
                there = _decoded(found, type(ours))
            except DamagedWatchRecord as error:
                _set_aside(store, found, error)
                store.replace(key, msgspec.json.encode(ours), found.etag)
                return True
            if (both := ours.joined(there)) == there:
                return False
            store.replace(key, msgspec.json.encode(both), found.etag)
            return True
        except (PreconditionFailed, Conflicting, NotFound):
            continue
    raise StoreError(f"{key}: others kept writing it; it is told the next time")


def _set_aside(store: Store, found: StoredObject, error: DamagedWatchRecord) -> None:
    aside = f"conflicts/{found.key}.{sha256_hex(found.body)[:12]}"
    log.error("%s; it is kept at %s and written anew", error, aside)
    with suppress(PreconditionFailed):
        store.put_new(aside, found.body)


def _decoded(found: StoredObject, kind: type[R]) -> R:
    try:
        return msgspec.json.decode(found.body, type=kind)
    except UNREADABLE_JSON as error:
        raise DamagedWatchRecord(f"{found.key}: {error}") from error
