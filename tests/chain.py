"""A prefix of the object store, its ledger and spool, a vendor, and minutes run on them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import CheckReport
from pipeline_assets.football.raw_fetches import match_keys
from pipeline_assets.load import load_envelopes, load_table
from pipeline_assets.raw_step import waiting_in_spool
from pipeline_assets.rotation import RotationReport, rotate
from pipeline_assets.run import Run, StepReport
from pipeline_assets.sealing import SealReport, clear_replaced, seal_day
from pipeline_assets.settings import AllSettings
from pipeline_assets.slot_run import SlotReport, rebuild_day, run_slot
from resources.embedded_s3 import S3Access
from resources.fetch_object import FetchObject
from resources.ledger.faulty import FaultyLedger
from resources.ledger.faulty import Plan as LedgerPlan
from resources.site import LEDGER_RESTS_SECONDS, Site
from resources.stage_codec import StageObject, decode_stage
from resources.store import Store
from simulator.faults import Fault
from simulator.server import Served
from tests.ledgers import put_ledger
from tests.slots import asset_keys, slot_at
from tests.stores import below
from touchline.accounting import Verdict
from touchline.clock import VirtualClock
from touchline.day import Day, FetchNumber, Minute
from touchline.fetch import Envelope
from touchline.plan import FeedPlan

FEED = "football"
RAW = "football/raw_fetches"
SPOOL = "spool_within_bounds"
USER, SECRET = "watcher-77", "s3cr3t-value"
NOON = Minute.parse("2025-05-28T16:00:00Z")
Rows = dict[str, list[tuple[int, str]]]
"""asset -> (fetch number, key) of every record, in order."""


@dataclass
class Chain:
    """Each `process` is a site of its own, as each run of Dagster has one; all share the clock."""

    access: S3Access
    vendor: Served
    home: Path
    prefix: str
    plan: FeedPlan
    start: Minute
    connected: Store
    """Its S3 client, if it has one, is shared: making one costs more than a small minute."""
    clock: VirtualClock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.start.utc)

    @contextmanager
    def process(
        self,
        plan: FeedPlan | None = None,
        store: Store | None = None,
        ledger: LedgerPlan | None = None,
        **settings: Any,
    ) -> Iterator[Site]:
        """A site of its own; `store` stands before the chain's and `ledger` is the plan before its
        ledger, to fail on purpose."""
        given = {
            "home": self.home,
            "s3_prefix": self.prefix,
            "feed_url": self.vendor.url,
            "feed_user": USER,
            "feed_secret": SECRET,
            "origin": "simulated",
            "feed_deadline_seconds": 5.0,
        }
        loaded = _loaded(**(given | settings))
        plans = {FEED: plan or self.plan}
        site = Site.open(loaded, plans, self.access, clock=self.clock)
        site.store = store or below(self.connected, self.prefix, loaded.s3_bucket)
        if ledger is not None:
            site.ledger.close()
            site.ledger = FaultyLedger(
                loaded.ledger_database, self.prefix, ledger, rest_seconds=LEDGER_RESTS_SECONDS
            )
        try:
            yield site
        finally:
            site.close()

    def copy(self, home: Path, prefix: str) -> Chain:
        """The same past on another prefix, its spool too, so that a test may spoil it."""
        home.mkdir(parents=True, exist_ok=True)
        if (spool := self.home / "spool" / self.prefix).exists():
            shutil.copytree(spool, home / "spool" / prefix)
        here, there = below(self.connected, self.prefix), below(self.connected, prefix)
        for item in here.list(""):
            found = here.get(item.key)
            there.put_new(found.key, found.body, found.metadata)
        with (
            closing(sqlite3.connect(self.home / "ledger.sqlite")) as ours,
            closing(sqlite3.connect(home / "ledger.sqlite")) as theirs,
        ):
            ours.backup(theirs)
            for (table,) in theirs.execute(
                "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
                "ON c.name = 'prefix' WHERE m.type = 'table'"
            ).fetchall():
                theirs.execute(f"UPDATE {table} SET prefix = ?", (prefix,))
            theirs.commit()
        copied = replace(self, home=home, prefix=prefix)
        copied.clock.set(self.clock.now())
        return copied

    def at(self, minute: Minute, seconds: float = 0) -> None:
        """Set both clocks, ours and the vendor's, to so long after this minute's beginning."""
        self.clock.set(minute.utc + timedelta(seconds=seconds))
        self.vendor.clock.set(minute.utc)

    def watch(self) -> None:
        """From the first minute on, every minute is expected."""
        put_ledger(self.home / "ledger.sqlite")
        with self.process() as site:
            site.ledger.open_interval(FEED, self.start.utc, "simulated")

    @contextmanager
    def elsewhere(self, name: str = "elsewhere", **settings: Any) -> Iterator[Site]:
        """A site on another machine: with a spool of its own, and the same ledger."""
        ledger = f"sqlite:///{self.home / 'ledger.sqlite'}"
        with self.process(home=self.home / name, ledger_url=ledger, **settings) as site:
            yield site

    def captured(self, passed: int) -> Envelope:
        """A fetch of this minute that has come no further than to who made it."""
        self.at(self.start.later(passed))
        with self.process() as site:
            return Envelope(
                site.feed(FEED).fetch(slot_at(self.start.later(passed)), previous=None).envelope
            )

    def bring(self, late: Envelope) -> None:
        """Into the spool, where the next minute finds it."""
        with self.process() as site:
            site.spool(FEED).write(late.ref, late.data)

    def unwatch(self, passed: int) -> None:
        """From the minute so many after the first on, no minute is expected."""
        with self.process() as site:
            site.ledger.close_interval(FEED, self.start.later(passed).utc)

    def delete(self, asset: str, *passed: int) -> None:
        """The fetch objects of these minutes are gone, each so many after the first."""
        for each in passed:
            self.store.delete(asset_keys(asset).single(self.day, self.number + each))

    def lose_ledger(self) -> None:
        for file in self.home.glob("ledger.sqlite*"):
            file.unlink()

    def faults(self, *faults: Fault) -> None:
        """What the vendor does from here on; nothing of it any more when called without any."""
        self.vendor.faults.replace(list(faults), int(self.vendor.clock.timestamp()))

    def minute(
        self,
        passed: int,
        plan: FeedPlan | None = None,
        *,
        run_id: str | None = None,
        **process: Any,
    ) -> SlotReport:
        """Run the minute so many after the first, in a process of its own."""
        minute = self.start.later(passed)
        self.at(minute)
        with self.process(plan, **process) as site:
            return run_slot(site, slot_at(minute), run_id=run_id or f"run-{passed}")

    def minutes(self, count: int, plan: FeedPlan | None = None) -> list[SlotReport]:
        return [self.minute(passed, plan) for passed in range(count)]

    def checks(
        self, day: Day | None = None, *, deep: bool = False, **process: Any
    ) -> dict[tuple[str, str], CheckReport]:
        """Every check of the day, by the asset's last part and the check's name."""
        with self.process(**process) as site:
            return {
                (report.asset.rpartition("/")[2], report.check): report
                for asset in site.plans[FEED].assets
                for report in check_day(site, site.plans[FEED], asset, day or self.day, deep=deep)
            }

    @property
    def day(self) -> Day:
        return self.start.day

    @property
    def number(self) -> FetchNumber:
        """Of the first minute."""
        return self.start.number

    @property
    def store(self) -> Store:
        return below(self.connected, self.prefix)

    def objects(self) -> dict[str, str]:
        """Every object of the prefix with its ETag."""
        with self.process() as site:
            return {item.key: item.etag for item in site.store.list("")}

    def numbers(self, asset: str, day: Day | None = None) -> list[int]:
        """The fetches of an asset that the store has."""
        with self.process() as site:
            return sorted(site.days(FEED).index(asset, day or self.day).numbers)

    def landed(self, asset: str, passed: int = 0) -> FetchObject:
        """What landed of an asset and the minute so many after the first."""
        minute = self.start.later(passed)
        with self.process() as site:
            return site.days(FEED).read_back(asset, minute.day, minute.number)

    def spooled(self) -> list[int]:
        """The fetches whose copies lie in the spool."""
        with self.process() as site:
            return [entry.number for entry in site.spool(FEED).entries()]

    def waiting(self) -> list[int]:
        """Those of them that have not landed."""
        with self.process() as site:
            run = Run(site, self.plan, self.day, "look")
            return [entry.number for entry in waiting_in_spool(run, self.plan.raws[0])]

    def rotate(self, passed: int, seconds: float = 0, **process: Any) -> RotationReport:
        """Make the windows that are due so long after the minute so many after the first."""
        self.at(self.start.later(passed), seconds)
        with self.process(**process) as site:
            return rotate(site, FEED)

    def seal(self, passed: int, day: Day | None = None, **process: Any) -> SealReport:
        """Seal the day so long after the first minute."""
        self.at(self.start.later(passed))
        with self.process(**process) as site:
            return seal_day(site, FEED, day or self.day, run_id=f"seal-{passed}")

    def clear(self, passed: int, **process: Any) -> int:
        """Remove what seals have replaced a day before, and return how many objects."""
        self.at(self.start.later(passed))
        with self.process(**process) as site:
            return clear_replaced(site, FEED, run_id=f"clear-{passed}")

    def rebuild(
        self, plan: FeedPlan | None = None, day: Day | None = None, **process: Any
    ) -> dict[str, StepReport]:
        """Make the day's stages anew, now."""
        with self.process(plan, **process) as site:
            return rebuild_day(site, FEED, day or self.day, run_id=f"rebuild-{self.clock.now()}")

    def opened(self, asset: str, number: int, day: Day | None = None) -> StageObject[Any]:
        """A derived object as it landed."""
        with self.process() as site:
            found = site.days(FEED).read_back(asset, day or self.day, number)
            return decode_stage(site.stages[asset], found.body)


@cache
def _loaded(**given: Any) -> AllSettings:
    return AllSettings.load(_env_file=None, **given)


def rows(site: Site, day: Day, key_columns: Mapping[str, str]) -> Rows:
    """What a reader of these assets' rows, and of raw fetches, finds of a day."""
    found: Rows = {
        RAW: [
            (envelope.ref.number, key)
            for envelope in load_envelopes(site, RAW, day)
            if not envelope.failure  # It has no list of matches.
            for key in match_keys(envelope)
        ]
    }
    for asset, key in key_columns.items():
        table = load_table(site, asset, day)
        columns = (table.column(name).to_pylist() for name in ("fetch_number", key))
        found[asset] = list(zip(*columns, strict=True))
    return found


def verdicts(report: SlotReport) -> set[Verdict]:
    """Of the checks that compare the two books; the spool's asks neither of them."""
    return {check.verdict for check in report.checks if check.check != SPOOL}


def all_ok(checks: dict[tuple[str, str], CheckReport]) -> bool:
    found = {key: check.findings for key, check in checks.items() if check.findings}
    assert not found, str(found)[:2000]
    return {check.verdict for check in checks.values()} == {Verdict.OK}
