"""The two books that the checks of one asset's day compare, read once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline_assets.checks.reading import Reading
from pipeline_assets.checks.specs import Asset
from resources.day_index import DayIndex
from resources.day_store import DayStore
from resources.expired_days import ExpiredDay, expiry_of, may_have_expired, tier_of
from resources.known_days import is_known
from resources.ledger import LedgerUnavailable, Standing, WindowRow
from resources.site import Site
from touchline.accounting import FetchFate
from touchline.day import Day, FetchNumber
from touchline.plan import FeedPlan
from touchline.stage import RawAsset
from touchline.watch import owed

READS_OF_BOTH_BOOKS = 3

KnownClaims = dict[str, Mapping[FetchNumber, Standing]]


@dataclass(frozen=True)
class _Read:
    fates: Mapping[FetchNumber, FetchFate]
    died: frozenset[FetchNumber]
    claims: Mapping[FetchNumber, Standing]
    windows: Mapping[str, WindowRow]
    index: DayIndex
    expired: ExpiredDay | None
    is_gone: bool
    since: int | None


@dataclass
class DayBooks:
    """What the ledger says was claimed of an asset's day, and what the store shows when the day is
    listed.

    The store is listed after the ledger is read, and both again when a claim changed in between, so
    that a run at work beside the checks raises no alarm. Each property raises LedgerUnavailable and
    StoreError.
    """

    site: Site
    plan: FeedPlan
    asset: Asset
    day: Day
    deep: bool = False
    """Whether everything is read back, and not only what was not read since it last changed."""
    known: KnownClaims = field(default_factory=dict)
    """Claims on this day that were read already, by asset: an asset's inputs come before it."""
    readings: Mapping[FetchNumber, Reading] | None = None
    """What the landing check has read back, None as long as it has not."""
    # Not a cached_property: Python 3.11's holds one lock for all instances while it works.
    _read: _Read | None = field(default=None, init=False, repr=False)
    _know_nothing: bool | None = field(default=None, init=False, repr=False)

    @property
    def days(self) -> DayStore:
        return self.site.days(self.plan.name)

    @property
    def raw(self) -> RawAsset:
        """The raw asset whose slots number the asset's fetches."""
        return self.plan.raw_of(self.asset.name)

    @property
    def fates(self) -> Mapping[FetchNumber, FetchFate]:
        """Of the day's minutes."""
        return self._both().fates

    @property
    def died(self) -> frozenset[FetchNumber]:
        """The minutes that wait for a fetch which their run, having failed, does not bring. The
        next minute's run lands it from the spool, or names it as missed."""
        return self._both().died

    @property
    def landed(self) -> frozenset[FetchNumber]:
        """The day's fetches that have landed."""
        return frozenset(n for n, fate in self.fates.items() if fate is FetchFate.LANDED)

    def owed(self, numbers: Iterable[FetchNumber]) -> frozenset[FetchNumber]:
        """Those of these fetches that the asset has to have taken: of what landed before it was
        added it owes nothing."""
        changes = self.site.ledger.changes(self.raw.name, self.day)
        told = {number: changes[number] for number in numbers}
        return owed(told, self._both().since, begun=bool(self.claims))

    @property
    def claims(self) -> Mapping[FetchNumber, Standing]:
        return self._both().claims

    def claims_of(self, asset: str) -> Mapping[FetchNumber, Standing]:
        """Of an input, maybe as they were a moment ago: who sees a difference looks again."""
        if asset == self.asset.name:
            return self.claims
        if asset not in self.known:
            self._none_waits(asset)
            self.known[asset] = self.site.ledger.standing(asset, self.day)
        return self.known[asset]

    @property
    def windows(self) -> Mapping[str, WindowRow]:
        """What was claimed of windows, by key."""
        return self._both().windows

    @property
    def index(self) -> DayIndex:
        """What stands in the store; of a day that has expired, what stands there yet."""
        return self._both().index

    @property
    def expired(self) -> ExpiredDay | None:
        """The store's record that the day was removed on purpose."""
        return self._both().expired

    @property
    def is_gone(self) -> bool:
        """Whether the ledger alone says that it was, where the store's record has been lost."""
        return self._both().is_gone

    @property
    def know_nothing(self) -> bool:
        """Whether neither book has anything of the day, of this asset or another of its feed: no
        minute of it was watched or fetched, and nothing has landed."""
        if self._know_nothing is None:
            both = self._both()
            index = both.index
            held = index.singles or index.windows or index.seal is not None
            said = both.fates or both.claims or both.expired or both.is_gone
            self._know_nothing = not (held or said) and not is_known(
                self.site, self.plan.name, self.day
            )
        return self._know_nothing

    def _both(self) -> _Read:
        if self._read is None:
            self._read = self._read_both()
        return self._read

    def _read_both(self) -> _Read:
        ledger, asset, day = self.site.ledger, self.asset.name, self.day
        raw = self.raw.name
        self._none_waits(asset)
        for _ in range(READS_OF_BOTH_BOOKS):
            version = ledger.version(asset, day)
            fates, died = ledger.fates(raw, day), ledger.died(raw, day)
            claims, windows = ledger.standing(asset, day), ledger.windows(asset, day)
            since = ledger.since(asset, day)
            index = self.days.index(asset, day, windows=windows)
            if ledger.version(asset, day) == version:
                now = self.site.clock.now()
                expired = expiry_of(self.site.store, asset, day, now)
                if expired is not None:
                    # A fetch of which its record does not speak has not expired.
                    index.seal = None
                self.known[asset] = claims
                is_gone = (
                    expired is None
                    and may_have_expired(day, now)
                    and tier_of(self.site.keys(asset)) in ledger.expiries(asset, day)
                )
                return _Read(fates, died, claims, windows, index, expired, is_gone, since)
        raise LedgerUnavailable(
            f"the claims of {asset} on {day} kept changing while they were read"
        )

    def _none_waits(self, asset: str) -> None:
        if waiting := self.days.claims.waiting_of(asset, self.day):
            raise LedgerUnavailable(
                f"{waiting} claims of {asset} on {self.day} wait to be told to the ledger"
            )
