"""What stands of an asset's day, what does not, and what the checks say of it.

All of it comes from the reports of the checks: here they are taken apart into fetches, windows and
the sealed day, which are put right in different ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from pipeline_assets.checks.books import KnownClaims
from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import CheckReport, Found, Kind
from pipeline_assets.checks.specs import Asset
from pipeline_assets.expired import has_expired
from pipeline_assets.repair.classes import CLASS_OF, REPAIRED
from resources.day_index import DayIndex, Place
from resources.day_layout import AssetKeys, first_of_window
from resources.day_store import DayStore
from resources.day_windows import DayWindows
from resources.ledger import ClaimRow
from resources.site import Site
from resources.store import NotFound, ObjectInfo
from touchline.accounting import FetchFate, LossClass
from touchline.day import Day, FetchNumber, Window
from touchline.errors import Bad, Unreadable
from touchline.plan import FeedPlan
from touchline.stage import Stage
from touchline.watch import owed


class SealState(StrEnum):
    """How the sealed day stands."""

    NONE = "none"
    WHOLE = "whole"
    UNTOLD = "untold"
    """It is there; the mark in the day's folder or the ledger does not say so."""
    BROKEN = "broken"


@dataclass(frozen=True)
class Fault:
    """What is wrong with one fetch. `records` is None where that is not known."""

    kind: Kind
    records: int | None
    detail: str
    stands: bool = False
    """Whether the object is there as it was claimed, so that what made it lost the records."""
    falls_short: bool = False
    """As of the finding."""

    @property
    def loss(self) -> LossClass:
        """Its class: records that were claimed and are not there are lost, whatever else is."""
        return LossClass.REAL_LOSS if self.falls_short else CLASS_OF[self.kind]


@dataclass
class Survey:
    """One asset's day. `index` is without what cannot be relied upon: `damaged` windows by their
    first number, and a broken sealed day."""

    asset: Asset
    raw: str
    """The raw asset that numbers its fetches."""
    day: Day
    reports: list[CheckReport]
    claims: Mapping[FetchNumber, ClaimRow]
    fates: Mapping[FetchNumber, FetchFate]
    index: DayIndex
    announced: Mapping[FetchNumber, frozenset[FetchNumber]]
    """What the ledger knows each window to hold, by its first number."""
    damaged: dict[FetchNumber, tuple[ObjectInfo, str]] = field(default_factory=dict)
    unconfirmed: dict[FetchNumber, tuple[ObjectInfo, str]] = field(default_factory=dict)
    """Windows that hold what was claimed, and that nobody has confirmed as they are now."""
    seal: SealState = SealState.NONE
    seal_detail: str = ""
    faults: dict[FetchNumber, Fault] = field(default_factory=dict)
    unmade: frozenset[FetchNumber] = frozenset()
    """Fetches that landed before the stage was added, and that it has nothing of."""
    overdue: dict[FetchNumber, Found] = field(default_factory=dict)
    """Windows that should have been made by now, by their first number."""
    others: list[Found] = field(default_factory=list)
    """What the checks found besides, that is no fetch's loss."""

    @property
    def findings(self) -> list[Found]:
        return [each for report in self.reports for each in report.findings]

    @property
    def keys(self) -> AssetKeys:
        return AssetKeys(self.asset.name, self.raw)

    @cached_property
    def standing(self) -> frozenset[FetchNumber]:
        """The fetches that are there and are what was claimed."""
        return self.index.numbers - {n for n, fault in self.faults.items() if not fault.stands}

    def held(self, first: FetchNumber) -> frozenset[FetchNumber]:
        """What the window that begins with this number held, as far as the ledger knows."""
        window = Window(self.day, first)
        landed = (n for n, row in self.claims.items() if row.landed is not None and n in window)
        return self.announced.get(first) or frozenset(landed)

    def place(self, number: FetchNumber) -> Place | None:
        return self.index.place(number)

    def keeps_state(self, days: DayStore, number: FetchNumber) -> bool:
        """Whether the state that an ordered stage left with this fetch can be read: a window and a
        sealed day keep that of their last. Raises UnreadableObject, StoreError."""
        place = self.place(number)
        if place is None or number not in self.standing:
            return False
        if place.is_single:
            return True
        if place.listed is None:
            return number == max(self.index.sealed)
        return number == max(
            each.number for each in days.window(self.asset.name, place.listed).held
        )


def survey(
    site: Site,
    plan: FeedPlan,
    asset: Asset,
    day: Day,
    *,
    deep: bool = False,
    known: KnownClaims | None = None,
) -> Survey:
    """Run the checks of this asset's day and take apart what they say; `deep` and `known` as for
    them.

    Raises UnreadableObject, StoreError, LedgerUnavailable.
    """
    ledger, days = site.ledger, site.days(plan.name)
    days.forget_window(asset.name)
    days.refresh()
    reports = check_day(site, plan, asset, day, deep=deep, known=known)
    windows = ledger.windows(asset.name, day)
    announced = {
        first: frozenset(row.etags)
        for key, row in windows.items()
        if (first := first_of_window(key)) is not None
    }
    raw = plan.raw_of(asset.name).name
    found = Survey(
        asset,
        raw,
        day,
        reports,
        ledger.claims(asset.name, day),
        ledger.fates(raw, day),
        days.index(asset.name, day, windows=windows).copy(),
        announced,
    )
    if has_expired(site, asset.name, day):
        found.index.seal = None  # What went on purpose is no loss, and nothing is made of it.
        found.others = found.findings
        return found
    _windows(found, days)
    _sealed(found, site, days)
    _fetches(found)
    if isinstance(asset, Stage) and asset.takes_fetches:
        found.unmade = _unmade(found, site, raw)
    return found


def _unmade(found: Survey, site: Site, raw: str) -> frozenset[FetchNumber]:
    changes = site.ledger.changes(raw, found.day)
    landed = {n: changes[n] for n, fate in found.fates.items() if fate is FetchFate.LANDED}
    since = site.ledger.since(found.asset.name, found.day)
    owes = owed(landed, since, begun=bool(found.claims))
    return frozenset(landed) - owes - found.claims.keys() - found.index.numbers


def _windows(found: Survey, days: DayStore) -> None:
    """Which of those that a check names hold what was claimed all the same."""
    for each in found.findings:
        first = first_of_window(each.key) if each.key else None
        if first is None or first not in found.index.windows:
            continue
        listed = found.index.windows[first]
        try:
            DayWindows(days, found.asset.name, found.day).read_back(Window(found.day, first))
        except (NotFound, Unreadable) as error:
            found.damaged[first] = listed, str(error)
            del found.index.windows[first]
        else:
            if each.kind is Kind.DAMAGED:  # It was another moment's.
                continue
            found.unconfirmed[first] = listed, each.detail


def _sealed(found: Survey, site: Site, days: DayStore) -> None:
    # Only a sealed day pays for the lake.
    asset, day = found.asset.name, found.day
    row, mark = site.ledger.seal(asset, day), found.index.seal
    if row is None and mark is None:
        return

    broken = [each.detail for each in found.findings if each.key and _is_of_seal(each.key)]
    number = None
    try:
        current = days.sealed_days.current(asset, day)
        if current is None:
            broken = broken or ["the sealed day is not in the store"]
        else:
            number = current.number
            broken = broken if mark == number else []  # What the mark speaks of does not count.
            if row and row.number == number and days.sealed_days.files(asset, day) != row.files:
                broken = broken or ["its objects are not those that were sealed"]
    except (NotFound, Bad) as error:
        broken = broken or [str(error)]
    if broken:
        found.seal, found.seal_detail, found.index.seal = SealState.BROKEN, broken[0], None
    elif mark == number and row is not None and row.number == number:
        found.seal = SealState.WHOLE
    else:
        found.seal, found.index.seal = SealState.UNTOLD, number
        told = "the ledger knows of it" if row and row.number == number else "the ledger does not"
        found.seal_detail = f"sealed with manifest {number}; the mark says {mark}, and {told}"


def _is_of_seal(key: str) -> bool:
    return first_of_window(key) is None


def _fetches(found: Survey) -> None:
    """Each fetch that is gone or is not what was claimed, and what else is found."""
    there = found.index.numbers
    gone = {n: row.landed for n, row in found.claims.items() if row.landed and n not in there}
    for number, claim in gone.items():
        if (detail := _held_by_what_is_damaged(found, number)) is not None:
            found.faults[number] = Fault(Kind.DAMAGED, claim.account.emitted, detail)
    for each in found.findings:
        number = None if each.fetch_number is None else FetchNumber(each.fetch_number)
        if each.kind is Kind.WINDOW_OVERDUE and number is not None:
            found.overdue[number] = each
            found.others.append(each)
        elif each.key or _is_told_by_seal(found, each):
            continue
        elif CLASS_OF.get(each.kind) not in REPAIRED:
            found.others.append(each)
        elif each.kind is Kind.TRACKING_ERROR and number and _is_as_claimed(found, number):
            found.others.append(each)  # Of its minute nobody was told; it stands as it was claimed.
        elif number is not None:
            stands = each.kind is Kind.REAL_LOSS and _is_as_claimed(found, number)
            fault = Fault(each.kind, each.records, each.detail, stands, each.falls_short)
            found.faults.setdefault(number, fault)
        elif each.kind is Kind.NOT_LANDED:  # None of the day's fetches was ever taken.
            landed = {n for n, fate in found.fates.items() if fate is FetchFate.LANDED}
            for left in sorted(landed - there - found.claims.keys()):
                found.faults.setdefault(left, Fault(each.kind, None, each.detail))
        else:
            found.others.append(each)
    for number, claim in gone.items():
        detail = f"{claim.key} was confirmed and is not in the store"
        found.faults.setdefault(number, Fault(Kind.REAL_LOSS, claim.account.emitted, detail))


def _held_by_what_is_damaged(found: Survey, number: FetchNumber) -> str | None:
    for first, (_, detail) in found.damaged.items():
        if number in found.held(first):
            return detail
    return found.seal_detail if found.seal is SealState.BROKEN else None


def _is_told_by_seal(found: Survey, each: Found) -> bool:
    """Whether this is only so because nobody says of the sealed day that it is there."""
    if found.seal is not SealState.UNTOLD:
        return False
    if each.fetch_number is None:
        return each.kind is Kind.TRACKING_ERROR
    return each.kind is Kind.REAL_LOSS and _is_as_claimed(found, FetchNumber(each.fetch_number))


def _is_as_claimed(found: Survey, number: FetchNumber) -> bool:
    row, place = found.claims.get(number), found.place(number)
    return row is not None and place is not None and row.etag == place.etag
