"""Days of minute runs in Dagster before and after a housekeeping: what is freed, what still shows.

Some runs are real, of the code location on Dagster's own SQLite storage; the others are copies of
these, as many as a day has minutes. The pages are asked as the UI asks them, by GraphQL.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import time_machine
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.test.utils import execute_dagster_graphql

from pipeline_assets.housekeeping.runs import Why
from pipeline_assets.housekeeping.work import plan_of, tidy
from pipeline_assets.partitions import SLOT
from resources.ledger import Ledger
from resources.settings import Settings
from sensors.definitions import defs
from sensors.slot_tick import slot_ticks
from simulator.server import Served
from tests.chain import FEED
from tests.days.minute_runs import CHECK_ALERTS, SILENT, Records, copied, ticked
from tests.slots import slot_at
from touchline.clock import VirtualClock
from touchline.day import Day, Minute

RUNS = int(os.environ.get("TOUCHLINE_HOUSEKEEPING_RUNS", "0"))
"""A day; as many as it has minutes are three whole days, `make housekeeping`."""
DAYS = [Day.parse("2025-07-06").shifted(n) for n in range(3 if RUNS else 2)]
SETTINGS = Settings(keep_run_hours=Settings.model_fields["keep_run_hours"].default)
MOST_MEGABYTES_A_DAY = 20
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}

pytestmark = pytest.mark.timeout(3600 if RUNS else 300)

PAGES = """
query ($days: [String!]) {
  assetNodes {
    assetKey { path }
    assetPartitionStatuses {
      ... on TimePartitionStatuses { ranges { startKey endKey status } }
    }
    partitionStats { numMaterialized numFailed numMaterializing }
    latestMaterializationByPartition(partitions: $days) {
      runId partition timestamp
      metadataEntries {
        label
        ... on IntMetadataEntry { intRepr }
        ... on FloatMetadataEntry { floatValue }
        ... on TextMetadataEntry { text }
        ... on JsonMetadataEntry { jsonString }
      }
    }
    assetChecksOrError {
      ... on AssetChecks {
        checks {
          name
          executionForLatestMaterialization {
            runId status partition
            run { id status }
            evaluation {
              success severity
              metadataEntries { label ... on MarkdownMetadataEntry { mdStr } }
            }
          }
          partitionStatuses {
            ... on AssetCheckTimePartitionStatuses { ranges { startKey endKey status } }
          }
        }
      }
    }
  }
}
"""


@dataclass
class Lived:
    """Some days of runs."""

    instance: dg.DagsterInstance
    records: Records
    latest: datetime
    """When the newest run has ended, more or less."""
    runs: dict[Day, list[str]] = field(default_factory=dict)
    """Their ids, oldest first."""
    ends: list[datetime] = field(default_factory=list)

    def tick_of_check_alerts(self, cursor: int) -> None:
        ticked(self.instance, self.records, CHECK_ALERTS, str(cursor), self.ends)

    @property
    def newest_record(self) -> int:
        newest = self.instance.event_log_storage.get_maximum_record_id()
        assert newest
        return newest

    @property
    def has(self) -> set[str]:
        """The runs that are there."""
        return {run.run_id for run in self.instance.get_runs()}


@pytest.fixture
def lived(
    clock: VirtualClock, vendor: Served, dagster_ledger: Ledger, tmp_path: Path
) -> Iterator[Lived]:
    home = tmp_path / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home), overrides=SILENT) as instance:
        lived = Lived(instance, Records(home), datetime.now(UTC))
        for back, day in zip(reversed(range(len(DAYS))), DAYS, strict=True):
            end = lived.latest - timedelta(days=back, minutes=1)
            ends = [end - timedelta(minutes=n) for n in reversed(range((RUNS or 8) - 1))]
            runs = [_real_run(instance, day.minute(600), clock, vendor, dagster_ledger)]
            lived.runs[day] = [*runs, *copied(lived.records, runs[0], ends)]
            lived.ends += ends
        newest = _real_run(instance, DAYS[-1].minute(601), clock, vendor, dagster_ledger)
        lived.runs[DAYS[-1]].append(newest)
        yield lived


def _real_run(
    instance: dg.DagsterInstance,
    minute: Minute,
    clock: VirtualClock,
    vendor: Served,
    ledger: Ledger,
) -> str:
    clock.set(minute.utc)
    vendor.clock.set(minute.utc)
    ledger.open_interval(FEED, minute.utc, "simulated")
    done = defs.resolve_job_def(f"{FEED}_minute").execute_in_process(
        instance=instance,
        run_config=QUIET,
        partition_key=str(minute.day),
        tags={SLOT: str(slot_at(minute)), "dagster/run_key": str(slot_at(minute))},
    )
    ledger.close_interval(FEED, minute.end)
    assert all(said.passed for said in done.get_asset_check_evaluations())
    return done.run_id


def pages(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What the UI shows of every asset, by its name: the state of its partitions, their newest
    materializations, its checks. And what each check said last of each day."""
    module = LoadableTargetOrigin(module_name="sensors.definitions")
    target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(module, location_name="t"))
    with WorkspaceProcessContext(instance, target) as process:
        request = process.create_request_context()
        shown = execute_dagster_graphql(request, PAGES, {"days": [str(day) for day in DAYS]})
    assert not shown.errors
    found = {"/".join(node["assetKey"]["path"]): node for node in shown.data["assetNodes"]}
    checks = list(defs.resolve_asset_graph().asset_check_keys)
    for day in DAYS:
        said = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            checks, PartitionKeyFilter(key=str(day))
        )
        assert len(said) == len(checks)
        found[str(day)] = {key: (r.run_id, r.status, r.event) for key, r in said.items()}
    return found


def asked_from(minute: Minute, cursor: str | None) -> list[str]:
    """The slots that the sensor asks for in the two minutes that follow on this one."""
    (sensor,) = slot_ticks
    asked: list[str] = []
    for seconds in range(0, 120, 5):
        with (
            dg.DagsterInstance.ephemeral() as instance,
            time_machine.travel(minute.utc + timedelta(seconds=seconds), tick=False),
        ):
            said = sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
        if isinstance(said, dg.SensorResult):
            asked += [request.tags[SLOT] for request in said.run_requests or ()]
            cursor = said.cursor
    return asked


@dataclass
class Writer:
    """Somebody who writes to the index all the time, as minutes do."""

    file: Path
    waited_seconds: float = 0.0
    """At most."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Writer:
        self._thread = threading.Thread(target=self._write)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        with closing(sqlite3.connect(self.file, isolation_level=None, timeout=60)) as database:
            while not self._stop.wait(0.01):
                began = time.monotonic()
                database.execute("BEGIN IMMEDIATE")
                database.execute("COMMIT")
                self.waited_seconds = max(self.waited_seconds, time.monotonic() - began)


def test_what_nobody_looks_at_goes_and_the_pages_show_what_they_showed(
    lived: Lived, dagster_ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    lived.tick_of_check_alerts(lived.newest_record)
    records, instance = lived.records, lived.instance
    shown, sizes = pages(instance), [records.size()]
    waited = []
    for now in (
        lived.latest,
        lived.latest + timedelta(hours=SETTINGS.keep_run_hours) + timedelta(hours=1),
    ):
        plan = plan_of(instance, dagster_ledger, SETTINGS, now)
        with Writer(records.index) as writer:
            report = tidy(instance, dagster_ledger, plan, now)
        assert report.findings == []
        sizes.append(records.size())
        waited.append(writer.waited_seconds)
        stays = lived.has
        assert stays.isdisjoint(plan.gone)
        for run in (run for runs in lived.runs.values() for run in runs):
            assert records.shard(run).exists() == records.logs(run).exists() == (run in stays)
        assert pages(instance) == shown, "the pages show what they showed"

    last = DAYS[-1].minute(601)
    coming = [str(slot_at(last.later(passed))) for passed in (1, 2)]
    assert asked_from(last, str(slot_at(last))) == coming, "no minute is asked for again"
    assert asked_from(last, None) == coming, "nor where the sensor has lost its cursor"
    # The newest of each day is what its pages show.
    assert lived.has == {runs[-1] for runs in lived.runs.values()}
    assert plan.kept == {Why.SHOWN: len(DAYS)}
    again = plan_of(instance, dagster_ledger, SETTINGS, now)
    assert (again.gone, again.left_behind, again.ticks, again.bytes) == ([], [], 0, 0)
    before, kept, shown_alone = (size / 1e6 / len(DAYS) for size in sizes)
    assert kept <= MOST_MEGABYTES_A_DAY
    with capsys.disabled():
        print(
            f"\n{sum(map(len, lived.runs.values())):,} minute runs of {len(DAYS)} days: "
            f"{before:,.1f} MB a day before, {kept:,.1f} MB after, the newest "
            f"{SETTINGS.keep_run_hours:g} hours among them, {shown_alone:,.1f} MB without these; "
            f"others waited {max(waited):.2f} s to write",
            end="",
        )
