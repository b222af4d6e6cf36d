"""The job that runs the checks of a day and makes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from pipeline_assets.assets import assets_of, checks_of
from pipeline_assets.io_manager import S3DayIOManager
from pipeline_assets.jobs import checks_job
from pipeline_assets.partitions import SCHEDULED_MINUTE, tags_of_day
from resources.day_layout import object_key
from resources.site import Site
from tests.chain import RAW, Chain


def test_the_checks_run_alone_and_make_nothing(chain: Chain) -> None:
    chain.minutes(2)
    with chain.process() as process:
        process.store.delete(object_key("football/heads", chain.day, chain.number))
    before = chain.objects()

    @dg.resource
    def site(_: dg.InitResourceContext) -> Iterator[Site]:
        with chain.process() as opened:
            yield opened

    @dg.io_manager(required_resource_keys={"site"})
    def s3_day(context: dg.InitResourceContext) -> S3DayIOManager:
        return S3DayIOManager(context.resources.site)

    defs = dg.Definitions(
        assets=assets_of(chain.plan),
        asset_checks=[checks_of(chain.plan)],
        jobs=[checks_job(chain.plan)],
        resources={"site": site, "s3_day": s3_day},
    )
    job = defs.resolve_job_def(checks_job(chain.plan).name)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            tags=tags_of_day(chain.day), instance=instance, raise_on_error=False
        )
        evaluations = result.get_asset_check_evaluations()
        said = {
            (check.asset_key.to_user_string(), check.check_name): check.passed
            for check in evaluations
        }
    assert {check.partition for check in evaluations} == {str(chain.day)}
    assert said["football/heads", "landed_matches_claimed"] is False
    assert said[RAW, "landed_matches_claimed"] is True
    assert result.dagster_run.tags["touchline/lane"] == "checks"
    assert SCHEDULED_MINUTE not in result.dagster_run.tags
    assert chain.objects() == before
