"""The jobs: one minute of a feed, from fetch to checks."""

from __future__ import annotations

import dagster as dg

from pipeline_assets.partitions import LANE
from pipeline_assets.plans import PLANS
from touchline.plan import FeedPlan

MINUTE_LANE = "minute"
MINUTE_MAX_RUNTIME_SECONDS = 150


def minute_job(plan: FeedPlan) -> dg.UnresolvedAssetJobDefinition:
    """Every asset of a feed and all their checks, in one process."""
    return dg.define_asset_job(
        f"{plan.name}_minute",
        selection=dg.AssetSelection.groups(plan.name),
        executor_def=dg.in_process_executor,
        description=f"One minute of {plan.name}: fetch, every stage, checks.",
        run_tags={
            LANE: MINUTE_LANE,
            "dagster/priority": "10",
            "dagster/max_runtime": str(MINUTE_MAX_RUNTIME_SECONDS),
        },
    )


MINUTE_JOBS = {plan.name: minute_job(plan) for plan in PLANS.values()}
JOBS = [*MINUTE_JOBS.values()]
