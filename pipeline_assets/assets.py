"""Dagster assets and checks, made from raw assets and stages by one factory."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from pipeline_assets.checks.specs import checks_for
from pipeline_assets.code_version import code_version, version_of
from pipeline_assets.partitions import daily
from touchline.plan import FeedPlan
from touchline.stage import RawAsset, Stage

OWNERS = ["team:touchline"]


def assets_of(plan: FeedPlan) -> list[dg.AssetsDefinition]:
    """A feed's assets, in the order of the chain."""
    return [
        *(_asset(plan, raw, code_version(raw.module), kind="json", place=0) for raw in plan.raws),
        *(
            _asset(
                plan,
                stage,
                version_of(stage, plan.stage_modules),
                kind="parquet",
                deps=_deps(stage),
                place=place,
            )
            for place, stage in enumerate(plan.stages, 1)
        ),
    ]


def _asset(
    plan: FeedPlan,
    asset: RawAsset | Stage[Any],
    version: str,
    *,
    kind: str,
    place: int,
    deps: Sequence[dg.AssetDep] = (),
) -> dg.AssetsDefinition:
    @dg.asset(
        key=_key(asset.name),
        deps=deps,
        description=f"{asset.doc}\n\nWhat is counted: {asset.counts}.",
        group_name=plan.name,
        owners=OWNERS,
        kinds={"python", "s3", kind},
        code_version=version,
        partitions_def=daily,
        io_manager_key="s3_day",
        # Of the steps that are ready, Dagster takes the one that comes first in the chain: what
        # people wait for.
        op_tags={"dagster/priority": str(-place)},
        # No backfill policy: the daemon then makes one run a day. Any policy makes runs of ranges,
        # and what a check says in one belongs to no day.
        required_resource_keys={"site"},
    )
    def made(context: dg.AssetExecutionContext):
        # What touches the world is imported by the run; whoever only looks at definitions waits
        # for none of it.
        from pipeline_assets.steps import step_of

        return step_of(context, plan, asset)

    return made


def _deps(stage: Stage[Any]) -> list[dg.AssetDep]:
    """Its inputs, of the same day, or of the day before for a stage that reads earlier days: how
    many of them it alone knows."""
    before = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    mapping = None if stage.takes_fetches else before
    return [dg.AssetDep(_key(name), partition_mapping=mapping) for name in stage.inputs]


def _key(name: str) -> dg.AssetKey:
    return dg.AssetKey(name.split("/"))


def checks_of(plan: FeedPlan) -> dg.AssetChecksDefinition:
    """One step that runs every check of every asset of a feed."""
    with warnings.catch_warnings():
        # Partitioned checks are relied upon, and Dagster is pinned for them.
        warnings.filterwarnings(
            "ignore", ".*partitions_def on an AssetCheckSpec.*", dg.PreviewWarning
        )
        specs = [
            dg.AssetCheckSpec(
                check.name,
                asset=_key(asset.name),
                description=check.doc,
                partitions_def=daily,
            )
            for asset in plan.assets
            for check in checks_for(asset)
        ]

    @dg.multi_asset_check(
        name=f"{plan.name}_checks",
        specs=specs,
        can_subset=True,
        required_resource_keys={"site"},
    )
    def made(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from pipeline_assets.steps import check_results

        yield from check_results(context, plan)

    return made
