"""A minute whose run fails: its checks follow, and call no stage OK that did not run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

import pipeline_assets.steps
from pipeline_assets.definitions import defs
from pipeline_assets.plans import PLANS
from pipeline_assets.run import Batch, Run
from pipeline_assets.stage_step import stage_step
from sensors.checks import check_sensors
from tests.pipeline_assets.test_dagster_runs import instance as instance
from tests.pipeline_assets.test_dagster_runs import run, this_minute
from tests.pipeline_assets.test_dagster_runs import store as store
from tests.pipeline_assets.test_dagster_runs import vendor as vendor
from touchline.stage import Stage

ASSETS = [asset.name for asset in PLANS["football"].assets]
CHECK = "landed_matches_claimed"


@pytest.mark.parametrize("fails", ["football/merged", "football/odds_changes"])
def test_no_stage_that_did_not_run_is_ok(
    store: Any, instance: dg.DagsterInstance, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(of: Run, stage: Stage[Any]) -> Batch:
        if stage.name == fails:
            raise RuntimeError("a stage that is broken")
        return stage_step(of, stage)

    monkeypatch.setattr(pipeline_assets.steps, "stage_step", step)
    failed = run(instance, this_minute(), live=True)
    assert not failed.success
    assert failed.get_asset_check_evaluations() == []
    ran = {
        event.materialization.asset_key.to_user_string()
        for event in failed.all_events
        if event.is_step_materialization
    }
    assert ASSETS[0] in ran
    assert fails not in ran

    said = checks_that_follow(instance, failed)
    assert {name: said[name] for name in ASSETS if name not in ran} == {
        name: "BAD" for name in ASSETS if name not in ran
    }
    assert {said[name] for name in ran} == {"OK"}


def checks_that_follow(
    instance: dg.DagsterInstance, failed: dg.ExecuteInProcessResult
) -> dict[str, str]:
    """What the run that the sensor asks for says of each asset."""
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
        "/".join(said.asset_key.path): str(said.metadata["verdict"].value)
        for said in done.get_asset_check_evaluations()
        if said.check_name == CHECK
    }
