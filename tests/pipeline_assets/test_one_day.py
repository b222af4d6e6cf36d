"""Which runs are refused, since no day would show their verdict: nothing is touched by them."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import pytest
from dagster._core.execution.backfill import PartitionBackfill

from pipeline_assets.assets import assets_of, checks_of
from pipeline_assets.jobs import checks_job, slot_job
from pipeline_assets.partitions import refuse_part_of_backfill
from tests.pipeline_assets.small_plan import small_plan
from touchline.plan import FeedPlan

EARLY, LATE = "2025-05-28", "2025-05-30"
PLAN = small_plan()
JOBS = {"assets": lambda plan: slot_job(plan, plan.raws[0]), "checks alone": checks_job}


def of_range(start: str, end: str) -> dict[str, str]:
    name = "dagster/asset_partition_range_"
    return {f"{name}start": start, f"{name}end": end}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return dg.Definitions(
        assets=assets_of(PLAN),
        asset_checks=[checks_of(PLAN)],
        jobs=[job(PLAN) for job in JOBS.values()],
        resources={"site": dg.ResourceDefinition.none_resource(), "s3_day": dg.mem_io_manager},
    )


def why_refused(done: dg.ExecuteInProcessResult) -> str:
    """What the first step says. Nothing may have been made or checked."""
    assert not done.success
    assert done.get_asset_materialization_events() == []
    assert done.get_asset_check_evaluations() == []
    failure = next(event.step_failure_data for event in done.all_events if event.is_step_failure)
    assert failure.user_failure_data
    return str(failure.user_failure_data.description)


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
@pytest.mark.parametrize(
    ("tags", "says"),
    [
        (of_range(LATE, EARLY), f"ends on {EARLY}, before it begins on {LATE}"),
        (of_range(EARLY, LATE), f"launch a backfill of {EARLY} to {LATE}"),
        (of_range(EARLY, EARLY), f"materialize {EARLY}"),
        ({}, "no partition"),
    ],
    ids=["reversed", "three days", "range of one day", "no day"],
)
def test_a_run_that_is_not_of_one_day_fails_and_says_which(
    job: Callable[[FeedPlan], dg.UnresolvedAssetJobDefinition],
    tags: dict[str, str],
    says: str,
    defs: dg.Definitions,
    dagster: dg.DagsterInstance,
) -> None:
    done = defs.resolve_job_def(job(PLAN).name).execute_in_process(
        instance=dagster, tags=tags, raise_on_error=False
    )
    assert says in why_refused(done)


def test_a_backfill_from_which_dagster_leaves_assets_out_fails_and_says_which(
    defs: dg.Definitions, dagster: dg.DagsterInstance
) -> None:
    def launched(backfill_id: str, *assets: str) -> dict[str, str]:
        """The tags of its run."""
        backfill = PartitionBackfill.from_asset_partitions(
            backfill_id=backfill_id,
            asset_graph=defs.resolve_asset_graph(),
            partition_names=[EARLY],
            asset_selection=[dg.AssetKey(["football", name]) for name in assets],
            backfill_timestamp=0.0,
            tags={},
            dynamic_partitions_store=dagster,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
        dagster.add_backfill(backfill)
        return {"dagster/backfill": backfill_id, "dagster/partition": EARLY}

    refuse_part_of_backfill(launched("whole", "raw_fetches", "heads", "echoes"), dagster)
    done = defs.resolve_job_def(PLAN.raws[0].job).execute_in_process(
        instance=dagster,
        tags=launched("apart", "raw_fetches", "echoes"),
        asset_selection=[dg.AssetKey(["football", "raw_fetches"])],
        raise_on_error=False,
    )
    assert "launched for football/echoes too" in why_refused(done)
