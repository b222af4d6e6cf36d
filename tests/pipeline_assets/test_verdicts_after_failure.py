"""A minute whose run fails: its checks follow, and call no stage OK that did not run."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from pipeline_assets import steps
from pipeline_assets.definitions import defs
from pipeline_assets.plans import PLANS
from pipeline_assets.run import Batch, Run
from sensors.checks import check_sensors
from simulator.server import Served
from tests.pipeline_assets.test_dagster_runs import instance as instance
from tests.pipeline_assets.test_dagster_runs import run, this_minute
from tests.pipeline_assets.test_dagster_runs import store as store
from tests.pipeline_assets.test_dagster_runs import vendor as vendor
from touchline.accounting import Verdict
from touchline.clock import VirtualClock
from touchline.stage import Stage

ASSETS = [asset.name for asset in PLANS["football"].assets]
QUICK = ["football/raw_fetches", "football/odds_changes"]
SLOW = [name for name in ASSETS if name not in QUICK]
"""The others are among the slow tests: all of them, or three that are drawn anew each time, the
same ones by all workers."""
if os.environ.get("TOUCHLINE_SLOW") == "sampled":
    SLOW = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID")).sample(SLOW, 3)


@pytest.mark.parametrize(
    "fails", [*QUICK, *(pytest.param(name, marks=pytest.mark.daemon) for name in SLOW)]
)
def test_no_stage_that_did_not_run_is_ok(
    store: Any,
    vendor: Served,
    instance: dg.DagsterInstance,
    fails: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raises(step: Callable[..., Batch]) -> Callable[..., Batch]:
        def asset_of(run: Run, *stage: Stage[Any]) -> Batch:
            if fails in (ASSETS[0], *(each.name for each in stage)):
                raise RuntimeError("a stage that is broken")
            return step(run, *stage)

        return asset_of

    broken = "raw_step" if fails == ASSETS[0] else "stage_step"
    monkeypatch.setattr(steps, broken, raises(getattr(steps, broken)))
    minute = this_minute()
    # However long the two runs take, the next minute is not due meanwhile.
    stands_still = VirtualClock(minute.utc + timedelta(seconds=1))
    vendor.clock.set(stands_still.now())
    monkeypatch.setattr("resources.site.SystemClock", lambda: stands_still)
    failed = run(instance, minute, live=True)
    assert not failed.success
    assert failed.get_asset_check_evaluations() == []
    ran = {
        event.materialization.asset_key.to_user_string()
        for event in failed.all_events
        if event.is_step_materialization
    }
    assert fails not in ran

    said = checks_that_follow(instance, failed)
    assert {name: worst(said, name) for name in ASSETS} == {
        name: "OK" if name in ran else "BAD" for name in ASSETS
    }


def worst(said: dict[tuple[str, str], str], asset: str) -> str:
    """What the checks of an asset say together."""
    return Verdict.worst(Verdict(each) for (of, _), each in said.items() if of == asset)


def checks_that_follow(
    instance: dg.DagsterInstance, failed: dg.ExecuteInProcessResult
) -> dict[tuple[str, str], str]:
    """What the run that the sensor asks for says, by asset and check."""
    (sensor,) = (each for each in check_sensors if each.name == "football_failed_minutes")
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name,
        dagster_instance=instance,
        dagster_run=failed.dagster_run,
        dagster_event=failed.get_run_failure_event(),
    ).for_run_failure()
    asked = sensor(context)
    assert isinstance(asked, Iterator)
    (request,) = asked
    assert isinstance(request, dg.RunRequest)
    done = defs.resolve_job_def("football_checks_alone").execute_in_process(
        instance=instance, tags=request.tags
    )
    assert done.success
    return {
        (said.asset_key.to_user_string(), said.check_name): str(said.metadata["verdict"].value)
        for said in done.get_asset_check_evaluations()
    }
