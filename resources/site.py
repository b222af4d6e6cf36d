"""A site: one prefix of one bucket, its ledger, spool, clock and feeds, put together from settings.

Whatever runs - a Dagster run, a replay, a command, a test - works on a site and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from resources.claim_book import ClaimBook
from resources.day_layout import AssetKeys
from resources.embedded_s3 import S3Access, room_of
from resources.inbox import Inbox
from resources.ledger import Ledger, LedgerTooNew, LedgerUnavailable
from resources.origins import origin_body, origin_key, read_origin
from resources.outbox import Outbox
from resources.run_record import RunRecord, recorded
from resources.settings import Origin, Settings
from resources.spool import Spool
from resources.store import NotFound, PreconditionFailed, Store
from resources.store.memory import MemoryStore
from touchline.accounting import RunKind
from touchline.clock import CatchingUp, Clock, SystemClock
from touchline.errors import Misuse
from touchline.fetch import Call, Envelope
from touchline.plan import FeedPlan
from touchline.slot import Slot
from touchline.stage import Stage

if TYPE_CHECKING:
    from resources.day_store import DayStore

log = logging.getLogger(__name__)

LEDGER_RESTS_SECONDS = 20.0
"""A minute asks the ledger some forty times: one that is away may not cost it its time-out each."""
STORE_RESTS_SECONDS = 30.0
"""The same of the store, which is given 20 s to answer: a run would end before its alerts went out.
"""


def store_at(
    settings: Settings,
    access: S3Access,
    *,
    answers_within: float | None = None,
    room: Callable[[], int] | None = None,
    rest_seconds: float = 0.0,
) -> Store:
    """Return the store of these settings, for whoever wants nothing else of a site.

    `answers_within` are seconds, instead of those that a run waits for it; `room` and
    `rest_seconds` as `S3Store` has them.
    """
    if folder := access.memory:
        return MemoryStore(folder, settings.s3_bucket, settings.s3_prefix)
    from resources.store.s3 import S3Connection, S3Store

    s3 = S3Connection(
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
    )
    if answers_within is not None:
        s3 = replace(
            s3, connect_timeout_seconds=answers_within, read_timeout_seconds=answers_within
        )
    return S3Store(s3, settings.s3_bucket, settings.s3_prefix, room=room, rest_seconds=rest_seconds)


class WrongOrigin(Misuse):
    """The prefix holds data of a feed of another origin; the message says what to do."""

    kind = "wrong_origin"


class Fetched(Protocol):
    """What a feed's fetch brings."""

    @property
    def envelope(self) -> bytes: ...


class Feed(Protocol):
    """A vendor's client."""

    def fetch(self, slot: Slot, *, previous: Envelope | None, ask: Sequence[str] = ()) -> Fetched:
        """`ask` are ids that are to be asked for beside what every fetch brings."""
        ...

    def probe(self) -> Call:
        """One call, as a fetch begins: its `error` is None where address and credentials serve."""
        ...


@dataclass
class Site:
    """See the module. Connects lazily; close it with `close`."""

    settings: Settings
    plans: Mapping[str, FeedPlan]
    clock: Clock
    store: Store
    ledger: Ledger
    record: RunRecord = field(default_factory=RunRecord)
    """Of the run that works on it."""
    _days: dict[str, DayStore] = field(default_factory=dict)
    _feeds: dict[str, Feed] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        settings: Settings,
        plans: Mapping[str, FeedPlan],
        access: S3Access,
        *,
        clock: Clock | None = None,
    ) -> Site:
        """Raises LedgerTooNew. A ledger that is away is met by each step as it can."""
        ledger = Ledger(
            settings.ledger_database, settings.s3_prefix, rest_seconds=LEDGER_RESTS_SECONDS
        )
        settings.home.mkdir(parents=True, exist_ok=True)
        try:
            ledger.migrate()
        except LedgerTooNew:
            raise
        except LedgerUnavailable as error:
            log.error("%s", error)
        room = room_of(settings, access)
        store = store_at(settings, access, room=room, rest_seconds=STORE_RESTS_SECONDS)
        return cls(settings, plans, clock or SystemClock(), store, ledger)

    @property
    def stages(self) -> dict[str, Stage[Any]]:
        return {stage.name: stage for plan in self.plans.values() for stage in plan.stages}

    @property
    def raws(self) -> dict[str, str]:
        """Return the raw asset that numbers each asset's fetches, by name."""
        return {
            asset.name: plan.raw_of(asset.name).name
            for plan in self.plans.values()
            for asset in plan.assets
        }

    def keys(self, asset: str) -> AssetKeys:
        return AssetKeys.of(asset, self.raws)

    @property
    def folder(self) -> Path:
        """The spool's folder of this prefix."""
        return self.settings.prefix_folder

    def days(self, feed: str) -> DayStore:
        # With Arrow, which those who look at the ledger alone do not wait for.
        from resources.day_store import DayStore

        if feed not in self._days:
            book = ClaimBook(self.ledger, self.folder / f"{feed}.claims")
            self._days[feed] = DayStore(feed, self.store, book, self.stages, self.raws)
        return self._days[feed]

    @property
    def where(self) -> str:
        """The store's prefix, for people: `s3://bucket/prefix`."""
        return f"s3://{self.store.bucket}/{self.store.prefix}"

    def spool(self, feed: str) -> Spool:
        return Spool(self.folder / feed, feed)

    def inbox(self, feed: str) -> Inbox:
        return Inbox.of(self.settings, feed)

    def outbox(self, feed: str) -> Outbox:
        return Outbox.of(self.settings, self.ledger, feed)

    def feed(self, feed: str) -> Feed:
        """The vendor's client. Raises SettingsError when its credentials are missing."""
        if feed not in self._feeds:
            plan = self.plans[feed]
            self._feeds[feed] = plan.client(self.settings, self.clock, self.store)
        return self._feeds[feed]

    def claim_origin(self, feed: str, origin: Origin) -> None:
        """Mark the prefix as holding data of this origin of a feed, once and for all.

        Raises WrongOrigin when it holds data of the feed of another origin, StoreError.
        """
        try:
            self.store.put_new(origin_key(feed), origin_body(origin))
        except PreconditionFailed:
            there = self.origin(feed)
            if there != origin:
                raise WrongOrigin(
                    f"{self.where} holds {there} data of {feed}, which is {origin} now: "
                    "choose another TOUCHLINE_S3_BUCKET or TOUCHLINE_S3_PREFIX"
                ) from None

    def origin(self, feed: str) -> str | None:
        """Return the origin of a feed's data below the prefix; None before its first fetch. Raises
        StoreError."""
        return read_origin(self.store, feed)

    @contextmanager
    def run(self, run_id: str, kind: RunKind, **said: Any) -> Iterator[RunRecord]:
        """A run at work on this site, whose record is opened and closed here; `said` as `recorded`
        takes it. One that is begun within another has its own record meanwhile."""
        around, clock = self.record, self.clock
        if isinstance(clock, CatchingUp):
            clock = clock.machine  # A run takes as long as it takes.
        try:
            with recorded(self.ledger, clock, run_id, kind, **said) as self.record:
                yield self.record
        finally:
            self.record = around

    def close(self) -> None:
        self.ledger.close()


@dataclass(frozen=True)
class StoreBlob:
    """One object that is replaced as a whole, such as a cache that all machines share."""

    store: Store
    key: str

    def read(self) -> tuple[bytes, str] | None:
        try:
            found = self.store.get(self.key)
        except NotFound:
            return None
        return found.body, found.etag

    def replace(self, data: bytes, etag: str | None) -> bool:
        try:
            if etag is None:
                self.store.put_new(self.key, data)
            else:
                self.store.replace(self.key, data, etag)
        except PreconditionFailed:
            return False
        return True
