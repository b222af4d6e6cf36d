"""One whole day through Dagster: a run of every minute, its rotations, its checks, its seal.

The runs are those of the code location, on an instance with Dagster's own SQLite storage, one after
another in this process on a virtual clock; the daemon alone is left out, which needs real minutes.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

from pipeline_assets.checks.specs import checks_for
from pipeline_assets.definitions import defs
from pipeline_assets.partitions import SLOT, tags_of_day
from pipeline_assets.plans import PLANS
from resources.ledger import Ledger
from sensors.rotation import rotation_to_ask_for
from sensors.seal import slot_of
from simulator.server import Served
from tests.chain import FEED
from tests.slots import RAW, slot_at
from touchline.accounting import FetchFate
from touchline.clock import VirtualClock
from touchline.day import Day, Minute

DAY = Day.parse("2025-07-08")
MINUTES = int(os.environ.get("TOUCHLINE_DAGSTER_MINUTES", "0"))
"""Of its end; 1,440 are the whole day."""
PLAN = PLANS[FEED]
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
CHECKS = {(asset.name, check.name) for asset in PLAN.assets for check in checks_for(asset)}

pytestmark = [
    pytest.mark.days,
    pytest.mark.timeout(4 * 3600),
    pytest.mark.skipif(not MINUTES, reason="a target of its own, `make dagster-day`"),
]


@dataclass
class Told:
    """What Dagster was told."""

    instance: dg.DagsterInstance
    runs: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each check of each asset passed."""
    fetches: Counter[str] = field(default_factory=Counter)

    def run(self, job: str, **given: Any) -> None:
        """A run of this job, all of whose checks pass."""
        done = defs.resolve_job_def(f"{FEED}_{job}").execute_in_process(
            instance=self.instance, run_config=QUIET, **given
        )
        self.runs[job] += 1
        for said in done.get_asset_check_evaluations():
            assert said.passed, (job, given, said.asset_key, said.check_name, said.metadata)
            assert said.partition == str(DAY)
            self.verdicts[said.asset_key.to_user_string(), said.check_name] += 1
        for event in done.all_events:
            if event.is_step_materialization:
                made = event.materialization
                self.fetches[made.asset_key.to_user_string()] += _number(made.metadata)

    def minute(self, minute: Minute) -> None:
        self.run("minute", partition_key=str(minute.day), tags={SLOT: str(slot_at(minute))})

    def checks_alone(self) -> None:
        self.run("checks_alone", tags=tags_of_day(DAY))


def _number(metadata: Mapping[str, dg.MetadataValue]) -> int:
    added = metadata["fetches_added"].value
    assert isinstance(added, int)
    return added


def test_a_whole_day_through_dagster_raises_no_alarm(
    clock: VirtualClock, vendor: Served, dagster_ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    minutes = [DAY.minute(n) for n in range(DAY.length - MINUTES + 1, DAY.length + 1)]
    ledger = dagster_ledger
    ledger.open_interval(FEED, minutes[0].utc, "simulated")
    began = time.monotonic()
    with dg.instance_for_test() as instance:
        told = Told(instance)
        _watch(told, minutes, clock, vendor, capsys)
        ledger.close_interval(FEED, DAY.end)
        _end(told, clock, DAY.end)

        assert told.fetches == dict.fromkeys((asset.name for asset in PLAN.assets), MINUTES)
        looked = told.runs["minute"] + told.runs["checks_alone"]
        assert told.verdicts == dict.fromkeys(CHECKS, looked)
        fates = ledger.fates(RAW, DAY)
        assert Counter(fates.values()) == {FetchFate.LANDED: MINUTES}
        for asset in PLAN.assets:
            key = dg.AssetKey(asset.name.split("/"))
            assert instance.get_materialized_partitions(key) == {str(DAY)}
            assert ledger.seal(asset.name, DAY)
    with capsys.disabled():
        print(
            f"\n{DAY}: {dict(told.runs)} runs in {time.monotonic() - began:,.0f} s, "
            f"{sum(told.verdicts.values()):,} verdicts, all OK; "
            f"{sum(told.fetches.values()):,} fetches landed in {len(told.fetches)} assets",
            end="",
        )


def _watch(
    told: Told,
    minutes: list[Minute],
    clock: VirtualClock,
    vendor: Served,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every minute, and every rotation that its sensor would ask for."""
    rotated = None
    shown = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    with (
        capsys.disabled(),
        Progress(*shown, TimeElapsedColumn(), TimeRemainingColumn(), console=Console()) as progress,
    ):
        for minute in progress.track(minutes, description=f"minutes of {DAY}"):
            clock.set(minute.utc)
            vendor.clock.set(minute.utc)
            told.minute(minute)
            due = rotation_to_ask_for(minute.utc, rotated)
            if due:
                told.run("rotation")
                rotated = due


def _end(told: Told, clock: VirtualClock, midnight: datetime) -> None:
    """What the sensors ask for after midnight: checks every ten minutes, rotations, the seal."""
    for passed in (1, 11, 16, 21):
        now = midnight + timedelta(minutes=passed)
        clock.set(now)
        told.run("rotation")
        told.checks_alone()
        if slot_of(now) is not None:
            told.run("seal")
            told.checks_alone()
