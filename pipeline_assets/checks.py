"""The landing checks, made for every asset by one factory.

A check compares two independent sources: what the ledger says was claimed, and what the object
store shows when it is listed and read back. Each minute's verdict speaks for the whole day: the day
is listed whole, and read back is whatever was not read since it last changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from pipeline_assets.check_specs import Asset, checks_for
from resources.day_store import FetchObject, UnreadableObject
from resources.ledger import ClaimRow, LedgerUnavailable
from resources.object_store import Listed, NotFound, StoreError
from resources.site import Site
from resources.stage_codec import UnreadableStageObject, decode_stage
from touchline.accounting import FetchFate, Verdict, key_digest
from touchline.day import Day, FetchNumber, Minute
from touchline.fetch import UnreadableFetch
from touchline.plan import FeedPlan
from touchline.stage import RawAsset, Stage
from touchline.watch import MAX_RUNTIME, expected_minutes, why_missed

READS_OF_BOTH_BOOKS = 3


class Kind(StrEnum):
    """What a check found."""

    REAL_LOSS = "real_loss"
    """Claimed as landed, and the store does not have it."""
    TRACKING_ERROR = "tracking_error"
    """The store has it, and no claim speaks of it."""
    OVERWRITTEN = "overwritten"
    """Not the object that was confirmed."""
    DAMAGED = "damaged"
    """Bytes that are not what was stored, or cannot be read."""
    COUNT_DIFFERS = "count_differs"
    DIGEST_DIFFERS = "digest_differs"
    NOT_CONSERVED = "not_conserved"
    NOT_LANDED = "not_landed"
    """Claimed, or tried, and long enough ago that it should have landed."""
    NO_FATE = "no_fate"
    """An expected minute of which nothing is known."""
    UNCHECKED = "unchecked"
    """One of the two sources could not be read."""


class Found(msgspec.Struct, frozen=True):
    """One finding. `records` is how many it concerns, None when that is not known."""

    kind: Kind
    fetch_number: int | None
    records: int | None
    detail: str
    recoverable: bool = True


@dataclass
class CheckReport:
    """A check's verdict on one asset and day, with both numbers."""

    check: str
    asset: str
    day: Day
    deep: bool = False
    """Whether everything is read back, and not only what was not read since it last changed."""
    verdict: Verdict = Verdict.OK
    recorded: int | None = None
    landed: int | None = None
    fetches_expected: int | None = None
    fetches_present: int | None = None
    findings: list[Found] = field(default_factory=list)

    def found(self, kind: Kind, number: int | None, records: int | None, detail: str) -> None:
        self.findings.append(Found(kind, number, records, detail))
        said = Verdict.COULD_NOT_CHECK if kind is Kind.UNCHECKED else Verdict.BAD
        self.verdict = Verdict.worst([self.verdict, said])


Check = Callable[[Site, FeedPlan, Asset, CheckReport], None]


def check_day(
    site: Site, plan: FeedPlan, asset: Asset, day: Day, *, deep: bool = False
) -> list[CheckReport]:
    """Every check of this asset for the day; a deep one reads every object back, whatever was read
    before. A check that cannot run says so and why."""
    return [run_check(spec.name, site, plan, asset, day, deep=deep) for spec in checks_for(asset)]


def run_check(
    name: str, site: Site, plan: FeedPlan, asset: Asset, day: Day, *, deep: bool = False
) -> CheckReport:
    report = CheckReport(name, asset.name, day, deep)
    try:
        _RUN[name](site, plan, asset, report)
    except (StoreError, LedgerUnavailable) as error:
        report.recorded = report.landed = None
        report.found(Kind.UNCHECKED, None, None, str(error))
    return report


# --- landed = claimed ----------------------------------------------------------------------------


def landed_matches_claimed(site: Site, plan: FeedPlan, asset: Asset, report: CheckReport) -> None:
    """Every claim's object is there, is the one confirmed, and holds what the claim says; and a
    stage has a claim of every fetch that landed.

    The day is listed after the claims are read and both again when a claim changed in between, so
    that a run at work beside this one raises no alarm.
    """
    claims, listed = _both_books(site, asset.name, report.day)
    report.recorded = sum(row.landed.account.emitted for row in claims.values() if row.landed)
    report.landed = 0
    report.fetches_present = len(listed)
    if isinstance(asset, Stage):
        _never_taken(site, plan, {*claims, *listed}, report)
    read_well: dict[FetchNumber, str] = {}
    for number in sorted({*claims, *listed}):
        row, there = claims.get(number), listed.get(number)
        if there is None:
            _absent(site, row, report)
        elif row is None or row.landed is None:
            if row is not None and row.pending and _is_in_flight(site, row):
                continue
            _unclaimed(site, plan, asset, there, number, report)
        elif there.etag == row.etag == row.verified_etag and not report.deep:
            report.landed += row.landed.account.emitted
        else:
            found_before = len(report.findings)
            report.landed += _read_back(site, plan, asset, row, there, report)
            if len(report.findings) == found_before:
                read_well[number] = there.etag
    site.ledger.mark_verified(asset.name, report.day, read_well)


def _never_taken(site: Site, plan: FeedPlan, taken: set[FetchNumber], report: CheckReport) -> None:
    """A stage takes every fetch that landed; one of which it knows nothing was left behind."""
    fates = site.ledger.fetches(plan.name, report.day)
    landed = {number: row for number, row in fates.items() if row.fate is FetchFate.LANDED}
    report.fetches_expected = len(landed)
    left = [
        number
        for number, row in landed.items()
        if number not in taken and site.clock.now() >= row.updated_at + MAX_RUNTIME
    ]
    if left and not taken:
        detail = f"none of the {len(left)} fetches of this day was ever taken through this stage"
        report.found(Kind.NOT_LANDED, None, None, detail)
        return
    for number in left:
        report.found(Kind.NOT_LANDED, number, None, "landed, and never taken through this stage")


def _both_books(
    site: Site, asset: str, day: Day
) -> tuple[Mapping[FetchNumber, ClaimRow], Mapping[FetchNumber, Listed]]:
    days = site.days(asset.partition("/")[0])
    if waiting := days.claims.waiting_of(asset, day):
        raise LedgerUnavailable(
            f"{waiting} claims of {asset} on {day} wait to be told to the ledger"
        )
    for _ in range(READS_OF_BOTH_BOOKS):
        version = site.ledger.version(asset, day)
        claims = site.ledger.claims(asset, day)
        listed = days.listing(asset, day)
        if site.ledger.version(asset, day) == version:
            return claims, listed
    raise LedgerUnavailable(f"the claims of {asset} on {day} kept changing while they were read")


def _is_in_flight(site: Site, row: ClaimRow) -> bool:
    return site.clock.now() < row.updated_at + MAX_RUNTIME


def _absent(site: Site, row: ClaimRow | None, report: CheckReport) -> None:
    assert row is not None
    number = row.ref.number
    if row.landed is not None:
        report.found(
            Kind.REAL_LOSS,
            number,
            row.landed.account.emitted,
            f"{row.landed.key} was confirmed and is not in the store",
        )
    elif not _is_in_flight(site, row):
        claimed = row.pending.account.emitted if row.pending else None
        report.found(
            Kind.NOT_LANDED,
            number,
            claimed,
            row.last_error or "claimed, and never stored",
        )


def _unclaimed(
    site: Site,
    plan: FeedPlan,
    asset: Asset,
    there: Listed,
    number: FetchNumber,
    report: CheckReport,
) -> None:
    try:
        found = site.days(plan.name).read_back(asset.name, report.day, number)
        records = _count(plan, asset, found)[0]
    except (NotFound, ValueError):
        records = None
    report.landed = (report.landed or 0) + (records or 0)
    report.found(Kind.TRACKING_ERROR, number, records, f"{there.key} is there without a claim")


def _read_back(
    site: Site,
    plan: FeedPlan,
    asset: Asset,
    row: ClaimRow,
    there: Listed,
    report: CheckReport,
) -> int:
    """How many records the object really holds, whatever is wrong with it; 0 where it cannot be
    read."""
    claim, number = row.landed, row.ref.number
    assert claim is not None
    try:
        found = site.days(plan.name).read_back(asset.name, report.day, number)
        count, digest = _count(plan, asset, found)
    except NotFound:
        report.found(Kind.REAL_LOSS, number, claim.account.emitted, f"{there.key} has gone")
        return 0
    except (UnreadableObject, UnreadableFetch, UnreadableStageObject) as error:
        report.found(Kind.DAMAGED, number, claim.account.emitted, str(error))
        return 0
    if there.etag != row.etag and not (row.pending and row.pending.sha256 == found.sha256):
        report.found(
            Kind.OVERWRITTEN, number, count, f"{there.key} is not the object that was confirmed"
        )
    if found.sha256 == claim.sha256 or there.etag == row.etag:
        if count != claim.account.emitted:
            detail = f"claimed {claim.account.emitted} records, {there.key} holds {count}"
            report.found(Kind.COUNT_DIFFERS, number, abs(count - claim.account.emitted), detail)
        elif digest != claim.digest:
            detail = f"{there.key} holds {count} records, but not those that were claimed"
            report.found(Kind.DIGEST_DIFFERS, number, count, detail)
    if not claim.account.conserved:
        lost = claim.account.received - claim.account.explained
        report.found(Kind.NOT_CONSERVED, number, abs(lost), f"{claim.account} does not add up")
    return count


def _count(plan: FeedPlan, asset: Asset, found: FetchObject) -> tuple[int, str]:
    """Records and their digest, counted in the object's own content."""
    if isinstance(asset, RawAsset):
        envelope = found.envelope()
        damaged = envelope.damaged()
        if damaged:
            raise UnreadableObject(f"{found.key}: {len(damaged)} bodies have changed")
        keys = [] if found.outcome.is_placeholder else asset.record_keys(envelope)
        return len(keys), key_digest(keys)
    opened = decode_stage(asset, found.body)
    return len(opened.records), opened.digest


# --- cadence -------------------------------------------------------------------------------------


def cadence(site: Site, plan: FeedPlan, asset: Asset, report: CheckReport) -> None:
    """Every minute inside a watch interval has a fate: a fetch in the store, or a named miss.

    Missed minutes are told in the numbers and are no alarm of this check: they were named.
    """
    now, day = site.clock.now(), report.day
    intervals = site.ledger.intervals(plan.name, day.start, day.end)
    expected = list(expected_minutes(day, intervals, Minute.containing(now).end))
    fates = site.ledger.fetches(plan.name, day)
    listed = site.days(plan.name).listing(asset.name, day)
    missed = still_open = 0
    for minute in expected:
        row = fates.get(minute.number)
        if minute.number in listed:
            continue
        if row is not None and row.fate is FetchFate.MISSED:
            missed += 1
        elif row is not None and row.fate is FetchFate.LANDED:
            report.found(Kind.REAL_LOSS, minute.number, None, "landed, and not in the store")
        elif why_missed(minute, now - MAX_RUNTIME, started=row is not None):
            report.found(Kind.NO_FATE, minute.number, None, f"nothing is known of {minute}")
        else:
            still_open += 1
    report.fetches_expected = len(expected) - still_open
    report.fetches_present = len(listed)
    report.recorded = report.fetches_expected - missed
    report.landed = len(listed)


_RUN: dict[str, Check] = {
    "landed_matches_claimed": landed_matches_claimed,
    "cadence": cadence,
}
