"""The two books that the checks of one asset's day compare, read once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline_assets.checks.specs import Asset
from resources.day_index import DayIndex
from resources.day_store import DayStore
from resources.expired_days import ExpiredDay, expiry_of, tier_of
from resources.ledger import LedgerUnavailable, Standing, WindowRow
from resources.site import Site
from touchline.accounting import FetchFate
from touchline.day import Day, FetchNumber
from touchline.plan import FeedPlan

READS_OF_BOTH_BOOKS = 3


@dataclass(frozen=True)
class _Read:
    fates: Mapping[FetchNumber, FetchFate]
    claims: Mapping[FetchNumber, Standing]
    windows: Mapping[str, WindowRow]
    index: DayIndex
    expired: ExpiredDay | None
    is_gone: bool


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
    # Not a cached_property: Python 3.11's holds one lock for all instances while it works.
    _read: _Read | None = field(default=None, init=False, repr=False)

    @property
    def days(self) -> DayStore:
        return self.site.days(self.plan.name)

    @property
    def fates(self) -> Mapping[FetchNumber, FetchFate]:
        """Of the day's minutes."""
        return self._both().fates

    @property
    def claims(self) -> Mapping[FetchNumber, Standing]:
        return self._both().claims

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

    def _both(self) -> _Read:
        if self._read is None:
            self._read = self._read_both()
        return self._read

    def _read_both(self) -> _Read:
        ledger, asset, day = self.site.ledger, self.asset.name, self.day
        if waiting := self.days.claims.waiting_of(asset, day):
            raise LedgerUnavailable(
                f"{waiting} claims of {asset} on {day} wait to be told to the ledger"
            )
        for _ in range(READS_OF_BOTH_BOOKS):
            version = ledger.version(asset, day)
            fates = ledger.fates(self.plan.name, day)
            claims, windows = ledger.standing(asset, day), ledger.windows(asset, day)
            index = self.days.index(asset, day, windows=windows)
            if ledger.version(asset, day) == version:
                expired = expiry_of(self.site.store, asset, day, self.site.clock.now())
                if expired is not None:
                    # A fetch of which its record does not speak has not expired.
                    index.seal = None
                is_gone = expired is None and tier_of(asset) in ledger.expiries(asset, day)
                return _Read(fates, claims, windows, index, expired, is_gone)
        raise LedgerUnavailable(
            f"the claims of {asset} on {day} kept changing while they were read"
        )
