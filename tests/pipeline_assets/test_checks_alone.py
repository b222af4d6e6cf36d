"""The job that runs the checks of a day and makes nothing."""

from __future__ import annotations

import dagster as dg

from pipeline_assets.assets import assets_of, checks_of
from pipeline_assets.jobs import checks_job
from pipeline_assets.partitions import SLOT, tags_of_day
from tests.chain import RAW, Chain
from tests.pipeline_assets.in_dagster import resources_of


def test_the_checks_run_alone_and_make_nothing(chain: Chain, dagster: dg.DagsterInstance) -> None:
    chain.minutes(2)
    chain.delete("football/heads", 0)
    before = chain.objects()

    defs = dg.Definitions(
        assets=assets_of(chain.plan),
        asset_checks=[checks_of(chain.plan)],
        jobs=[checks_job(chain.plan)],
        resources=resources_of(chain),
    )
    job = defs.resolve_job_def(checks_job(chain.plan).name)
    result = job.execute_in_process(
        tags=tags_of_day(chain.day), instance=dagster, raise_on_error=False
    )
    evaluations = result.get_asset_check_evaluations()
    said = {
        (check.asset_key.to_user_string(), check.check_name): check.passed for check in evaluations
    }
    assert {check.partition for check in evaluations} == {str(chain.day)}
    assert said["football/heads", "landed_matches_claimed"] is False
    assert said[RAW, "landed_matches_claimed"] is True
    assert result.dagster_run.tags["touchline/lane"] == "checks"
    assert SLOT not in result.dagster_run.tags
    assert chain.objects() == before
