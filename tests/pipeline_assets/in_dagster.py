"""A chain's minutes and days run by Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipeline_assets.assets import assets_of
from pipeline_assets.io_manager import S3DayIOManager
from pipeline_assets.partitions import SLOT
from resources.site import Site
from tests.chain import Chain
from tests.slots import slot_at
from touchline.plan import FeedPlan


def resources_of(chain: Chain, plan: FeedPlan | None = None, **settings: Any) -> dict[str, Any]:
    """What the assets and jobs need, each run with a site of its own."""

    @dg.resource
    def site(_: dg.InitResourceContext) -> Iterator[Site]:
        with chain.process(plan, **settings) as opened:
            yield opened

    @dg.io_manager(required_resource_keys={"site"})
    def s3_day(context: dg.InitResourceContext) -> S3DayIOManager:
        return S3DayIOManager(context.resources.site)

    return {"site": site, "s3_day": s3_day}


def materialized(
    chain: Chain, instance: dg.DagsterInstance, passed: int, **settings: Any
) -> dg.ExecuteInProcessResult:
    """A live run of the minute so many after the first."""
    minute = chain.start.later(passed)
    chain.at(minute)
    return dg.materialize(
        assets_of(chain.plan),
        resources=resources_of(chain, **settings),
        partition_key=str(minute.day),
        tags={SLOT: str(slot_at(minute))},
        instance=instance,
    )
