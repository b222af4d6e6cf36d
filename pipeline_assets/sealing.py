"""The seal: an ended day of which everything is known goes to where it stays.

A day is sealed when each expected minute has its fate, nothing of it waits in the spool, and every
asset holds what it claimed. What is missing is said, and nothing is sealed around it. What came
after the seal is taken in by sealing again.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from pipeline_assets.day_lock import DayAtWork, day_locked
from pipeline_assets.expired import has_expired
from pipeline_assets.raw_step import waiting_in_spool
from pipeline_assets.rotation import clear_spool, rotate
from pipeline_assets.run import Run
from pipeline_assets.seals_due import seals_to_clear
from pipeline_assets.stage_step import stage_step
from resources.day_index import DayIndex
from resources.day_seal import DaySeal, Sealed
from resources.fetch_object import UnreadableObject
from resources.site import Site
from resources.store import PreconditionFailed
from touchline.accounting import FetchFate
from touchline.day import Day, FetchNumber
from touchline.errors import Bad, Unavailable
from touchline.watch import owed

log = logging.getLogger(__name__)


@dataclass
class SealReport:
    """What one sealing did. `waiting` says why the day, or an asset of it, is not sealed yet."""

    day: Day
    sealed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @property
    def is_sealed(self) -> bool:
        return not self.waiting


def seal_day(site: Site, feed: str, day: Day, *, run_id: str) -> SealReport:
    """Seal every asset of a day that has ended; those that are sealed take in what came later.

    Neither data nor store nor ledger make it raise: what is not sealed says why, and the next
    sealing goes on.
    """
    report = SealReport(day)
    report.waiting += rotate(site, feed, [day]).findings
    try:
        report.waiting += why_not(site, feed, day)
    except Unavailable as error:
        report.waiting.append(str(error))
    if report.waiting:
        return report
    report.waiting += _bring_up_to_date(site, feed, day, run_id)
    if report.waiting:  # Sealed around it, the day would be no news to the next sealing.
        return report
    for asset in site.plans[feed].assets:
        site.record.beat()
        try:
            with day_locked(site, asset.name, day, run_id):
                _seal_asset(site, feed, asset.name, day, report)
        except (Bad, Unavailable) as error:
            log.exception("%s of %s", asset.name, day)
            report.waiting.append(f"{asset.name}: {error}")
    try:
        clear_spool(site, feed)
    except (Bad, Unavailable, OSError) as error:
        report.waiting.append(f"the spool could not be cleared: {error}")
    return report


def _bring_up_to_date(site: Site, feed: str, day: Day, run_id: str) -> list[str]:
    """Make those versions of the day again whose raw assets were fetched by several runs at the
    same time, each of which may have read too little; return what went wrong."""
    plan = site.plans[feed]
    run = Run(site, plan, day, run_id)
    failures = []
    for stage in plan.stages:
        if stage.takes_fetches and plan.reads_several(stage):
            report = run.land(stage_step(run, stage))
            failures += [f"{stage.name}: {each}" for each in report.failures]
    return failures


def why_not(site: Site, feed: str, day: Day) -> list[str]:
    """What stands in the way of sealing this day; nothing for a day that may be sealed.

    Raises StoreError, LedgerUnavailable.
    """
    now = site.clock.now()
    plan, reasons = site.plans[feed], []
    ends = plan.ends(day)
    if now < ends:
        when = f"{ends:%H:%M} UTC" if ends == day.end else f"{ends:%H:%M} UTC on {ends.date()}"
        return [f"{day} ends at {when}"]
    for raw in plan.raws:
        fates = site.ledger.fates(raw.name, day)
        settled = (FetchFate.LANDED, FetchFate.MISSED, FetchFate.HELD)
        still_open = [
            slot.number
            for slot in site.ledger.expected(raw, day, now)
            if fates.get(slot.number) not in settled
        ]
        if still_open:
            reasons.append(f"{len(still_open)} minutes have no fate, the first is {still_open[0]}")
        look = Run(site, plan, day, "seal")
        waiting = [spooled for spooled in waiting_in_spool(look, raw) if spooled.day == day]
        if waiting:
            first = waiting[0].number
            reasons.append(f"{len(waiting)} fetches wait in the spool, the first {first}")
    return reasons


def _seal_asset(site: Site, feed: str, asset: str, day: Day, report: SealReport) -> None:
    if has_expired(site, asset, day):
        report.waiting.append(f"{asset} of {day} has expired and is not sealed again")
        return
    index = site.days(feed).index(asset, day)
    reasons = _incomplete(site, feed, asset, day, index)
    if reasons:
        report.waiting += [f"{asset}: {reason}" for reason in reasons]
        return
    if not index.numbers:
        report.unchanged.append(asset)
        return
    sealed = seal_index(site, feed, asset, day, index)
    (report.sealed if sealed.is_new else report.unchanged).append(asset)


def seal_index(
    site: Site, feed: str, asset: str, day: Day, index: DayIndex, *, rewrite: bool = False
) -> Sealed:
    """Seal what this index has, of a day that the caller has locked, and tell the ledger; with
    `rewrite` also where the lake has it. Raises UnreadableObject, StoreError, LedgerUnavailable."""
    days, scratch = site.days(feed), site.settings.home
    try:
        sealed = DaySeal(days, asset, day, index, scratch, rewrite).seal(site.clock.now())
    finally:
        # Else what it has read, and the memory that Arrow keeps, adds to what the next asset needs.
        days.forget_window(asset)
        days.sealed_days.forget(asset)
        pa.default_memory_pool().release_unused()
    held = sealed.manifest.held
    known = site.ledger.seal(asset, day)
    if known is None or known.number != sealed.manifest.number:
        site.ledger.sealed(
            asset,
            day,
            number=sealed.manifest.number,
            fetches=len(held),
            emitted=sum(each.account.emitted for each in held),
            files=days.sealed_days.files(asset, day),
            at=site.clock.now(),
        )
    return sealed


def _incomplete(site: Site, feed: str, asset: str, day: Day, index: DayIndex) -> list[str]:
    """Why this asset's day is not what was claimed: a loss is never sealed over."""
    reasons = []
    standing = site.ledger.standing(asset, day)
    places = {place.number: place for place in index.places()}
    gone = [n for n, row in standing.items() if row.has_landed and n not in places]
    if gone:
        reasons.append(f"{len(gone)} fetches had landed and are gone, the first {gone[0]}")
    other = [n for n, at in places.items() if (row := standing.get(n)) and row.etag != at.etag]
    if other:
        reasons.append(f"{len(other)} fetches are not those confirmed, the first {other[0]}")
    unclaimed = sorted(places.keys() - standing.keys())
    if unclaimed:
        reasons.append(f"{len(unclaimed)} fetches were never claimed, the first {unclaimed[0]}")
    pending = [n for n, row in standing.items() if row.is_pending]
    if pending:
        reasons.append(f"{len(pending)} claims are on their way, the first {pending[0]}")
    raw = site.plans[feed].raw_of(asset).name
    stage = site.stages.get(asset)
    reasons += [each.because for each in site.ledger.stale(feed, day) if each.asset == asset]
    if stage is not None and stage.takes_fetches:
        fates, changes = site.ledger.fates(raw, day), site.ledger.changes(raw, day)
        landed = {n: changes[n] for n, fate in fates.items() if fate is FetchFate.LANDED}
        owes = owed(landed, site.ledger.since(asset, day), begun=bool(standing))
        if left := sorted(owes - places.keys()):
            reasons.append(f"{len(left)} fetches did not come through it, the first {left[0]}")
    return reasons


def clear_replaced(site: Site, feed: str, *, run_id: str) -> int:
    """Remove the fetch objects and windows that a seal replaced long enough ago, where the sealed
    day is still what was confirmed; how many objects. Raises StoreError, LedgerUnavailable."""
    now, removed = site.clock.now(), 0
    for seal in seals_to_clear(site.ledger, feed, now):
        try:
            with day_locked(site, seal.asset, seal.day, run_id):
                removed += _clear(site, feed, seal.asset, seal.day, seal.files, now)
        except (DayAtWork, UnreadableObject) as error:
            log.warning("%s of %s is not cleared: %s", seal.asset, seal.day, error)
    return removed


def tidy_lake(site: Site, feed: str) -> None:
    """Fold the logs of a feed's tables, and let go of what nothing counts any more. Raises
    StoreError."""
    from resources.lake import maintain

    lake = site.days(feed).sealed_days.lake
    for stage in site.plans[feed].stages:
        maintain(lake, stage.name)


def _clear(
    site: Site, feed: str, asset: str, day: Day, files: dict[str, str], now: datetime
) -> int:
    days = site.days(feed)
    if days.sealed_days.files(asset, day) != files:
        raise UnreadableObject("the sealed day is not the one that was confirmed")
    index = days.index(asset, day)
    held = {FetchNumber(each.number): each.etag for each in index.sealed.values()}
    windows = [
        listed
        for first, listed in index.windows.items()
        if all(n in held for n in index.etags(first))
    ]
    # Where what it keeps was written over since, readers may need what it has let go of.
    is_newest = all(
        place.etag == each.etag
        for n, each in index.sealed.items()
        if each.is_kept and (place := index.place(n)) is not None
    )
    singles = [
        item
        for n, item in index.singles.items()
        if held.get(n) == item.etag and (is_newest or index.sealed[n].is_kept)
    ]
    removed = 0
    for item in (*singles, *windows):
        # What was written over since the day was listed is news, and stays.
        with suppress(PreconditionFailed):
            days.store.delete(item.key, item.etag)
            removed += 1
    site.ledger.cleared(asset, day, [listed.key for listed in windows], now)
    return removed
