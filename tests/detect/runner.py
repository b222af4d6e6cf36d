"""Injects a fault into a copy of a day, has the checks look, and says what they named."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import CheckReport
from simulator.server import serve
from tests.chain import FEED, NOON, SECRET, USER, Chain
from tests.detect.days import NEXT, Days, busy_world
from tests.detect.fault import CLAIMED, Fault, Named, Seen
from tests.detect.stock import stock_alarms
from tests.detect.stored import Stored
from tests.stores import memory
from touchline.plan import FeedPlan


@dataclass(frozen=True)
class Result:
    """What was said after a fault. `wrong` is empty where all of it was as the fault asks."""

    fault: Fault
    fired: list[Named]
    """Everything, in the order of the assets."""
    wrong: list[str] = field(default_factory=list)
    stock: dict[str, list[str]] = field(default_factory=dict)
    """Of each stock check, the assets and keys that alarm it and do not on the day without a
    fault."""

    @property
    def is_expected_miss(self) -> bool:
        return bool(self.fault.missed_because)

    @property
    def is_named(self) -> bool:
        return not self.wrong and self.fault.is_to_be_named

    @property
    def besides(self) -> list[Named]:
        """What fired and is not what the fault asks for, each once for a check."""
        asked = {(n.asset or self.fault.asset, n.check, n.kind) for n in self.fault.named}
        seen = {(n.asset, n.check, n.kind): n for n in self.fired}
        return [
            named
            for key, named in seen.items()
            if key not in asked and not self.fault.is_about(named.asset, named.number)
        ]


@dataclass
class Runner:
    """The days on one store. Made by `runner`."""

    days: Days
    _stock_of: dict[bool, dict[str, set[str]]] = field(default_factory=dict)

    def run(self, fault: Fault) -> Result:
        chain, stored = self.days.copy(sealed=fault.sealed)
        claimed = {n.number: claimed_of(stored, n, fault.asset) for n in fault.named if n.number}
        before = stored.content()
        fault.inject(stored, fault.asset)
        world = busy_world()
        # Each has a vendor of its own: all live in the same minute, and would share its quota.
        with serve(world, user=USER, secret=SECRET) as chain.vendor:
            fault.world(world)
            reports = _looked_at(chain, fault)
        fired = fired_in(reports)
        result = Result(
            fault,
            fired,
            complaints(fault, fired, claimed, chain.plan),
            self._stock(stored, chain, sealed=fault.sealed),
        )
        after = stored.content()
        if fault.seen is Seen.MINUTE and not fault.sealed:
            last = stored.single("raw_fetches", NOON.number + NEXT + fault.minutes - 1)
            if last not in after:
                result.wrong.append(f"the minute was not fetched: {last}")
        if fault.is_made_good:
            gone = [key for key in before if after.get(key) != before[key]]
            result.wrong.extend(f"not made good: {key}" for key in gone)
        shutil.rmtree(chain.home)
        return result

    def _stock(self, stored: Stored, chain: Chain, *, sealed: bool) -> dict[str, list[str]]:
        now = (chain.clock.now() - NOON.utc).total_seconds() / 60 + NOON.number
        assets = [asset.short_name for asset in chain.plan.assets]
        alarms = stock_alarms(stored, assets, now)
        usual = self._stock_of.setdefault(sealed, alarms)
        return {check: sorted(names - usual[check]) for check, names in alarms.items()}


@contextmanager
def runner(folder: Path) -> Iterator[Runner]:
    with serve(busy_world(), user=USER, secret=SECRET) as vendor:
        yield Runner(Days(*memory(folder / "s3"), vendor, folder / "days"))


def _looked_at(chain: Chain, fault: Fault) -> list[CheckReport]:
    if fault.sealed:
        return looked(chain, deep=fault.seen is Seen.DEEP)
    if fault.seen is not Seen.MINUTE:
        chain.clock.set(NOON.later(NEXT).utc + timedelta(seconds=fault.at_second))
        return looked(chain, deep=fault.seen is Seen.DEEP, **fault.settings)
    chain.at(NOON.later(NEXT))
    chain.faults(*fault.vendor)
    reports: list[CheckReport] = []
    for passed in range(NEXT, NEXT + fault.minutes):
        plan = fault.plan(chain.plan)
        reports = chain.minute(passed, plan, **fault.settings).checks
    # A run knows the stages that it has: of one that it has not, the day's checks speak.
    return reports if fault.stage is None else looked(chain)


def looked(chain: Chain, *, deep: bool = False, **settings: Any) -> list[CheckReport]:
    """The checks of the whole day, as `touchline verify` runs them."""
    with chain.process(**settings) as site:
        plan = site.plans[FEED]
        return [
            report
            for asset in plan.assets
            for report in check_day(site, plan, asset, NOON.day, deep=deep)
        ]


def fired_in(reports: Iterable[CheckReport]) -> list[Named]:
    """Every finding of these reports."""
    return [
        Named(r.check, f.kind, f.fetch_number, f.records, _short(r.asset))
        for r in reports
        for f in r.findings
    ]


def dependants(plan: FeedPlan, asset: str) -> set[str]:
    """The stages that are made of this asset itself."""
    name = f"{plan.name}/{asset}"
    return {stage.short_name for stage in plan.stages if name in stage.inputs}


def complaints(
    fault: Fault,
    fired: Iterable[Named],
    claimed: dict[int, int | None],
    plan: FeedPlan,
) -> list[str]:
    fired = list(fired)
    wrong = []
    for named in fault.named:
        records = named.records
        if records == CLAIMED:
            records = claimed[named.number or 0]
        asked = replace(named, asset=named.asset or fault.asset, records=records)
        if asked not in fired:
            wrong.append(f"not named: {asked}")
    if fault.about and not any(fault.is_about(f.asset, f.number) for f in fired):
        wrong.append(f"not named: fetch {fault.about[0]}")
    allowed = {fault.asset, *dependants(plan, fault.asset)} if fault.is_to_be_named else set[str]()
    for each in fired:
        if each.asset not in allowed and not fault.anywhere:
            wrong.append(f"fired elsewhere: {each}")
    return wrong


def claimed_of(stored: Stored, named: Named, asset: str) -> int | None:
    return stored.claimed(named.asset or asset, named.number or 0).get("emitted")


def _short(asset: str) -> str:
    return asset.rpartition("/")[2]
