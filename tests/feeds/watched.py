"""A feed that is watched on a site in memory, slot by slot, on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline_assets.checks.factory import check_day
from pipeline_assets.load import load_table
from pipeline_assets.planning import slots_between
from pipeline_assets.sealing import SealReport, seal_day
from pipeline_assets.slot_run import SlotReport, run_slot
from resources.settings import Settings
from resources.site import Site
from tests.ledgers import put_ledger
from tests.stores import memory
from touchline.accounting import Verdict
from touchline.clock import VirtualClock
from touchline.day import Day
from touchline.fetch import Envelope
from touchline.plan import FeedPlan
from touchline.slot import Slot
from touchline.stage import Stage


@dataclass(frozen=True)
class Case:
    """A feed, who answers it, and a `day` of it: watched from `opened` on until `closed`, if at all
    before its end; `over` is when nothing of the day is on its way any more."""

    plan: FeedPlan
    capture: Callable[[Slot], Envelope]
    day: Day
    opened: datetime
    closed: datetime | None
    over: datetime


@dataclass
class Watched:
    """The site, and runs on it."""

    case: Case
    site: Site
    clock: VirtualClock

    @property
    def plan(self) -> FeedPlan:
        return self.case.plan

    def slots(self, until: datetime) -> Iterator[Slot]:
        """Every slot that is to be fetched while it is watched and before this time, in order; each
        may plan later ones."""
        case = self.case
        end = min(until, case.closed or until)
        return slots_between(self.site, self.plan, case.opened, end)

    def run(self, slot: Slot) -> SlotReport:
        self.clock.set(slot.at)
        return run_slot(self.site, slot, run_id=f"run {slot}", sleep=lambda _: None)

    def live_until(self, until: datetime, *, but: Slot | None = None) -> list[SlotReport]:
        """Run every slot before this time; all but one, where it is named."""
        reports = [self.run(slot) for slot in self.slots(until) if slot != but]
        self.clock.set(until)
        return reports

    def findings(self) -> dict[tuple[str, str], list[str]]:
        """Return the findings of a deep verify of the day, by asset and check."""
        self.site.days(self.plan.name).refresh()
        reports = [
            report
            for asset in self.plan.assets
            for report in check_day(self.site, self.plan, asset, self.case.day, deep=True)
        ]
        return {
            (report.asset, report.check): [found.detail for found in report.findings]
            for report in reports
            if report.verdict is not Verdict.OK
        }

    def digests(self) -> dict[tuple[str, int], str]:
        """Return the digest of each landed object of the day, by asset and fetch number."""
        return {
            (asset.name, number): row.landed.digest
            for asset in self.plan.assets
            for number, row in self.site.ledger.claims(asset.name, self.case.day).items()
            if row.landed
        }

    def numbers(self, asset: str) -> list[int]:
        """The fetch number of each row of the day, in order, as a reader finds them."""
        self.site.days(self.plan.name).refresh()
        table = load_table(self.site, asset, self.case.day)
        return table.column("fetch_number").to_pylist()

    def taking(self, slot: Slot) -> list[Stage[Any]]:
        """The stages that make something of this slot's fetch."""
        stages = self.plan.stages_of(self.plan.raw_of(slot.raw))
        return [stage for stage in stages if stage.takes_fetches]

    def seal(self) -> SealReport:
        return seal_day(self.site, self.plan.name, self.case.day, run_id="seal")


def watched_in(folder: Path, case: Case) -> Watched:
    """Return a site in a folder, on what is there of an earlier one, at the time that the feed is
    watched from."""
    access, _ = memory(folder / "store")
    put_ledger(folder / "home" / "ledger.sqlite")
    settings = Settings.load(
        _env_file=None, home=folder / "home", s3_prefix="feeds", origin="simulated"
    )
    clock = VirtualClock(case.opened)
    site = Site.open(settings, {case.plan.name: case.plan}, access, clock=clock)
    return Watched(case, site, clock)


HOUR = timedelta(hours=1)
