"""A day's displays are deleted by hand: found, told, planned, made again, and told to be over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import time_machine
from typer.testing import CliRunner

from operations.cli import app
from pipeline_assets.definitions import defs
from sensors.check_alerts import check_alerts
from tests.pipeline_assets.test_dagster_runs import instance as instance
from tests.pipeline_assets.test_dagster_runs import run, this_minute
from tests.pipeline_assets.test_dagster_runs import store as store
from tests.pipeline_assets.test_dagster_runs import vendor as vendor
from tests.targets import Target, target
from touchline.day import Day

pytestmark = pytest.mark.stack

MONITOR = "football/monitor_central"
CHECK = "landed_matches_claimed"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    with target() as taken:
        monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", taken.url)
        yield taken


def test_a_deleted_display_is_told_repaired_and_told_to_be_over(
    store: Any, instance: dg.DagsterInstance, s3_prefix: str, there: Target
) -> None:
    minute = this_minute()
    day = minute.day
    assert run(instance, minute, live=True).success
    cursor = tick(instance, None)
    there.posts.clear()  # In this very minute a match may be one to be told of.
    rows = touchline("rows", "--asset", MONITOR, "--date", str(day))
    records = len(json.loads(rows))
    assert records > 0

    prefix = f"{s3_prefix}/hot/football/date={day}/monitor_central/"
    for found in store.list_objects_v2(Bucket="touchline", Prefix=prefix)["Contents"]:
        store.delete_object(Bucket="touchline", Key=found["Key"])
    assert verdicts(instance, day)[MONITOR, CHECK] == ("BAD", records, 0)
    cursor = tick(instance, cursor)
    cursor = tick(instance, cursor, after=timedelta(seconds=30))
    [post] = there.posts
    assert post["title"] == f"Touchline football {day}: 1 BAD"
    assert f"BAD: real_loss, {CHECK}: monitor_central" in post["message"]
    assert f"recorded {records}, landed 0, fetches {minute.number}" in post["message"]
    assert f"touchline losses --from {day} --to {day}" in post["message"]

    [loss] = json.loads(touchline("losses", "--json", exits=1))["losses"]
    assert (loss["asset"], loss["records"], loss["recoverable"]) == (MONITOR, records, True)
    planned = json.loads(touchline("reprocess", "--date", str(day), "--dry-run", "--json"))
    assert [(each["asset"], each["action"]) for each in planned["plan"]] == [(MONITOR, "do")]
    touchline("reprocess", "--date", str(day), "--reason", "deleted by hand")
    assert touchline("rows", "--asset", MONITOR, "--date", str(day)) == rows
    assert json.loads(touchline("losses", "--json"))["losses"] == []

    assert verdicts(instance, day)[MONITOR, CHECK] == ("OK", records, records)
    cursor = tick(instance, cursor)
    tick(instance, cursor, after=timedelta(minutes=3))
    assert there.titles[1:] == [f"Touchline football {day}: 1 over"], "and no alert on a match"


def tick(
    instance: dg.DagsterInstance, cursor: str | None, *, after: timedelta = timedelta()
) -> str | None:
    with time_machine.travel(datetime.now(UTC) + after, tick=False):
        said = check_alerts(dg.build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(said, dg.SensorResult)
    return said.cursor


def verdicts(instance: dg.DagsterInstance, day: Day) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What the checks say when they run alone: verdict, and both numbers."""
    done = defs.resolve_job_def("football_checks_alone").execute_in_process(
        instance=instance, tags={"dagster/partition": str(day)}
    )
    assert done.success
    return {
        ("/".join(said.asset_key.path), said.check_name): tuple(
            said.metadata[name].value if name in said.metadata else None
            for name in ("verdict", "recorded", "landed")
        )
        for said in done.get_asset_check_evaluations()
    }


def touchline(*arguments: str, exits: int = 0) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == exits, done.output
    return done.stdout
