"""The NBA's night that faults are injected into, and what is said of it after one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import CheckReport
from resources.parquet import records_of
from simulator.server import Served
from tests.detect.days import busy_world
from tests.detect.fault import Fault, Seen
from tests.detect.runner import Result, claimed_of, complaints, fired_in
from tests.detect.stored import Stored
from tests.feeds.nba import FEED, NIGHT, WatchedNight, case_of, nba, night_in
from touchline.slot import Slot
from touchline.stage import Stage

WATCHED = timedelta(hours=30, minutes=30)
"""Until the final figures have come twice, and the day is not over yet."""


@dataclass
class Nights:
    """Prepares the night once, and injects faults into copies of it."""

    vendor: Served
    folder: Path
    past: WatchedNight
    before: Mapping[str, tuple[WatchedNight, Slot]]
    """Of each raw asset, the night as it was before its first slot that brings data."""
    _copies: int = 0

    @property
    def stored(self) -> Stored:
        return _stored(self.past, self.folder / "past")

    def run(self, fault: Fault) -> Result:
        self._copies += 1
        folder = self.folder / f"fault-{self._copies:03d}"
        past, slot = self.before[fault.asset] if fault.services else (self.past, None)
        copy = copied(past, folder)
        stored = _stored(copy, folder)
        claimed = {n.number: claimed_of(stored, n, fault.asset) for n in fault.named if n.number}
        fault.inject(stored, fault.asset)
        if fault.services and slot:
            assert self.vendor.basketball is not None
            self.vendor.basketball.faults.replace([fault.services])
            copy.run(slot)
            self.vendor.basketball.faults.replace([])
        fired = fired_in(_looked(copy, deep=fault.seen is Seen.DEEP))
        wrong = complaints(fault, fired, claimed, copy.plan)
        copy.site.close()
        shutil.rmtree(folder)
        return Result(fault, fired, wrong)


def copied(past: WatchedNight, folder: Path) -> WatchedNight:
    """Return the same past in another folder, at the same time."""
    shutil.copytree(past.site.settings.home, folder / "home")
    copy = night_in(folder, past.vendor, past.case)
    for item in past.site.store.list(""):
        found = past.site.store.get(item.key)
        copy.site.store.put_new(found.key, found.body, found.metadata)
    copy.clock.set(past.clock.now())
    return copy


@contextmanager
def nights(folder: Path) -> Iterator[Nights]:
    """Run the night, and remove nothing: `folder` is removed by whoever made it."""
    case = case_of(WATCHED)
    with nba(busy_world()) as vendor:
        past = night_in(folder / "past", vendor, case)
        past.site.ledger.open_interval(FEED, case.opened, "simulated")
        before: dict[str, tuple[WatchedNight, Slot]] = {}
        for slot in past.slots(case.over):
            asset = slot.raw.rpartition("/")[2]
            if asset not in before and (asset != "box_scores" or slot.at > NIGHT.end):
                past.clock.set(slot.at)
                before[asset] = copied(past, folder / f"before-{asset}"), slot
            past.run(slot)
        past.clock.set(case.over)
        try:
            yield Nights(vendor, folder, past, before)
        finally:
            for each in (past, *(night for night, _ in before.values())):
                each.site.close()


def _looked(watched: WatchedNight, *, deep: bool) -> list[CheckReport]:
    watched.site.days(FEED).refresh()
    return [
        report
        for asset in watched.plan.assets
        for report in check_day(watched.site, watched.plan, asset, NIGHT, deep=deep)
    ]


def _stored(watched: WatchedNight, folder: Path) -> Stored:
    return Stored(
        watched.site.store,
        folder / "home",
        str(NIGHT),
        FEED,
        [raw.short_name for raw in watched.plan.raws],
        {stage.short_name: _keys_of(stage) for stage in watched.plan.stages},
        midnight="05:00",
    )


def _keys_of(stage: Stage[Any]) -> Callable[[pa.Table], list[str]]:
    return lambda rows: [stage.key(record) for record in records_of(rows, stage.makes)]
