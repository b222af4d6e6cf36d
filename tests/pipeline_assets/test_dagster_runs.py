"""The chain inside Dagster: a real instance, real runs, the real object store and vendor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from pipeline_assets.assets import assets_of
from pipeline_assets.definitions import defs, s3, s3_day, site
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.partitions import SLOT, daily
from pipeline_assets.plans import PLANS
from resources.embedded_s3 import S3Access
from simulator.server import Served, serve
from simulator.world import World
from tests.chain import SPOOL
from tests.slots import slot_at
from touchline.day import Minute

MATCHES = 3
ASSETS = 12


@pytest.fixture(scope="module")
def vendor() -> Iterator[Served]:
    with serve(World(seed=1, matches=MATCHES), user="watcher-77", secret="s3cr3t-value") as served:
        yield served


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def store(
    s3_server: S3Access,
    s3_prefix: str,
    vendor: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """The environment of a run, and the object store that it writes to."""
    given = {
        **s3_server.environment(),
        "TOUCHLINE_HOME": str(tmp_path / "home"),
        "TOUCHLINE_S3_PREFIX": s3_prefix,
        "TOUCHLINE_FEED_URL": vendor.url,
        "TOUCHLINE_FEED_USER": "watcher-77",
        "TOUCHLINE_FEED_SECRET": "s3cr3t-value",
        "TOUCHLINE_ORIGIN": "simulated",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    vendor.log.clear()
    return s3_server.client()


def run(instance: dg.DagsterInstance, minute: Minute, *, live: bool) -> dg.ExecuteInProcessResult:
    """The minute's job on its partition; the tag alone makes it live."""
    return defs.resolve_job_def("football_minute").execute_in_process(
        instance=instance,
        partition_key=str(minute.day),
        tags={SLOT: str(slot_at(minute))} if live else {},
        raise_on_error=False,
    )


def this_minute() -> Minute:
    """The coming minute where this one is nearly over: a run that is late would miss it."""
    now = datetime.now(UTC)
    return Minute.containing(now).later(1 if now.second > 40 else 0)


def monitored(result: dg.ExecuteInProcessResult) -> int:
    """Records of the monitor that were claimed: the vendor's matches of this minute, as the world
    has them now, but for one that has left its list or is set aside."""
    (said,) = (
        check
        for check in result.get_asset_check_evaluations()
        if check.asset_key.path[-1] == "monitor_central"
        and check.check_name == "landed_matches_claimed"
    )
    recorded = said.metadata["recorded"].value
    assert isinstance(recorded, int)
    assert recorded > 0
    return recorded


def added(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    return {
        event.materialization.asset_key.to_user_string(): event.materialization.metadata[
            "fetches_added"
        ].value
        for event in result.all_events
        if event.is_step_materialization
    }


def test_the_tag_alone_makes_a_run_live(
    store: Any, instance: dg.DagsterInstance, vendor: Served
) -> None:
    minute = this_minute()
    untagged = run(instance, minute, live=False)
    assert untagged.success
    assert set(added(untagged).values()) == {0}
    assert vendor.log.since(0)[0] == []
    unknown = [c for c in untagged.get_asset_check_evaluations() if c.check_name != SPOOL]
    assert len(unknown) == 5 * ASSETS + 2, "nobody has watched this day"
    assert {(c.passed, c.severity) for c in unknown} == {(False, dg.AssetCheckSeverity.WARN)}
    assert all((c.description or "").startswith("COULD_NOT_CHECK: nothing is") for c in unknown)

    live = run(instance, minute, live=True)
    assert live.success
    assert list(added(live)) == [asset.name for asset in PLANS["football"].assets], "in this order"
    assert set(added(live).values()) == {1}
    shown = [e.materialization.metadata for e in live.all_events if e.is_step_materialization]
    assert {list(metadata)[-1] for metadata in shown} == {"landed"}, "what is long comes last"
    checks = live.get_asset_check_evaluations()
    assert len(checks) == 5 * ASSETS + 3, "three more of the raw fetches"
    assert all(check.passed for check in checks)
    assert {check.partition for check in checks} == {str(minute.day)}
    raw = next(c for c in checks if c.asset_key.path[-1] == "raw_fetches")
    in_the_list = len(vendor.source.live(int(minute.utc.timestamp())))
    assert raw.metadata["recorded"].value == raw.metadata["landed"].value == in_the_list
    pictures = [(c.check_name, c.metadata["day"]) for c in checks if "day" in c.metadata]
    [(name, drawn)] = pictures
    assert name == "cadence"
    assert str(drawn.value).startswith(f"![{minute.day}, an hour of New York a row](data:")

    again = run(instance, minute, live=True)
    assert set(added(again).values()) == {0}


def test_a_failing_check_shows_both_numbers_and_leaves_the_run_green(
    store: Any, instance: dg.DagsterInstance, s3_prefix: str
) -> None:
    minute = this_minute()
    first = run(instance, minute, live=True)
    records = monitored(first)
    key = f"{s3_prefix}/hot/football/date={minute.day}/monitor_central/{minute.number:05d}.parquet"
    store.delete_object(Bucket="touchline", Key=key)

    result = run(instance, minute.later(1), live=True)

    assert result.success
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [(c.asset_key.path[-1], c.check_name) for c in failed] == [
        ("monitor_central", "landed_matches_claimed")
    ]
    assert failed[0].severity is dg.AssetCheckSeverity.ERROR
    metadata = failed[0].metadata
    assert metadata["recorded"].value == monitored(result)
    assert metadata["landed"].value == monitored(result) - records
    assert f"| real_loss | {minute.number} | {records} |" in str(metadata["findings"].value)
    assert metadata["fetch_numbers"].value == [minute.number]

    # The newest minutes are left to live runs, but for what had landed and is gone.
    rebuilt = run(instance, minute, live=False)
    assert added(rebuilt)["football/monitor_central"] == 1
    assert sum(count for count in added(rebuilt).values() if isinstance(count, int)) == 1
    assert all(check.passed for check in rebuilt.get_asset_check_evaluations())


def test_a_check_that_cannot_see_fails_as_a_warning(
    store: Any, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", "http://127.0.0.1:9")

    result = run(instance, this_minute(), live=True)

    assert result.success
    checks = result.get_asset_check_evaluations()
    assert len(checks) == 5 * ASSETS + 3, "three more of the raw fetches"
    of_books = [check for check in checks if check.check_name != SPOOL]
    assert {check.passed for check in of_books} == {False}
    assert {check.severity for check in of_books} == {dg.AssetCheckSeverity.WARN}
    assert all(check.metadata["verdict"].value == "COULD_NOT_CHECK" for check in of_books)


def test_a_day_is_loaded_as_its_reader_says(store: Any, instance: dg.DagsterInstance) -> None:
    minute = this_minute()
    records = monitored(run(instance, minute, live=True))
    read: dict[str, Any] = {}

    def reader(name: str, upstream: str, kind: Any) -> dg.AssetsDefinition:
        def body(day: Any) -> None:
            read[name] = day if isinstance(day, pd.DataFrame | pa.Table) else list(day)

        body.__annotations__["day"] = kind
        ins = {"day": dg.AssetIn(dg.AssetKey(["football", upstream]), input_manager_key="s3_day")}
        return dg.asset(name=name, ins=ins, partitions_def=daily)(body)

    @dg.asset(partitions_def=daily, required_resource_keys={"s3"})
    def with_boto3(context) -> None:
        listed = context.resources.s3.list_objects_v2(Bucket="touchline")
        read["bytes"] = sum(item["Size"] for item in listed["Contents"])

    readers = [
        with_boto3,
        reader("as_pandas", "monitor_central", pd.DataFrame),
        reader("as_arrow", "odds_changes", pa.Table),
        reader("as_records", "monitor_central", Iterator),
        reader("as_list", "monitor_central", list[MonitorRecord]),
        reader("as_envelopes", "raw_fetches", Iterator),
    ]
    result = dg.materialize(
        [*assets_of(PLANS["football"]), *readers],
        selection=readers,
        resources={"site": site, "s3_day": s3_day, "s3": s3},
        partition_key=str(minute.day),
        instance=instance,
        raise_on_error=False,
    )

    assert result.success, [e.message for e in result.all_events if e.is_failure]
    assert list(read["as_pandas"]["fetch_number"]) == [minute.number] * records
    assert {"match_id", "company_id", "change_time"} <= set(read["as_arrow"].column_names)
    assert [type(record) for record in read["as_records"]] == [MonitorRecord] * records
    assert read["as_list"] == read["as_records"]
    assert read["bytes"] > 0
    (envelope,) = read["as_envelopes"]
    assert envelope.ref.minute == minute
