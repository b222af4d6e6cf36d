"""The jobs: one slot of a raw asset; a feed's checks alone, the rotation of its windows, the seal
of its days, what was left in its inbox; and the housekeeping of all."""

import dagster as dg

from pipeline_assets.partitions import lane_tags
from pipeline_assets.plans import WATCHED
from touchline.accounting import RunKind
from touchline.plan import FeedPlan
from touchline.stage import RawAsset

CHECKS_MAX_RUNTIME_SECONDS = 300
ROTATION_MAX_RUNTIME_SECONDS = 600
SEAL_MAX_RUNTIME_SECONDS = 3600
INBOX_MAX_RUNTIME_SECONDS = 3600
HOUSEKEEPING_MAX_RUNTIME_SECONDS = 3600
DAGSTER_WAITS_SECONDS = 120
"""Longer than the watchdog, for a run that hangs before it is in the ledger. A run that does not
hear Dagster ask it to end keeps the code server from starting any other."""


def _tags(kind: RunKind, feed: str | None, priority: int, longest_seconds: int) -> dict[str, str]:
    return {
        **lane_tags(kind, feed),
        "dagster/priority": str(priority),
        "dagster/max_runtime": str(longest_seconds + DAGSTER_WAITS_SECONDS),
    }


def slot_job(plan: FeedPlan, raw: RawAsset) -> "dg.UnresolvedAssetJobDefinition":
    """A raw asset, the stages that are made from it and all their checks, in one process."""
    keys = [dg.AssetKey(asset.name.split("/")) for asset in (raw, *plan.stages_after(raw))]
    of = plan.name if raw.schedule.every_minute else raw.name
    return dg.define_asset_job(
        raw.job,
        selection=dg.AssetSelection.assets(*keys),
        executor_def=dg.in_process_executor,
        description=f"One {'minute' if of == plan.name else 'slot'} of {of}: fetch, every stage, "
        "checks.",
        run_tags=_tags(RunKind.MINUTE, plan.name, 10, round(raw.patience.at_work.total_seconds())),
    )


def checks_job(plan: FeedPlan) -> "dg.UnresolvedAssetJobDefinition":
    """All checks of a feed's day, and nothing made.

    The day is that of the run's partition tag: Dagster infers a job's partitions from its assets,
    and this job has none.
    """
    keys = [dg.AssetKey(asset.name.split("/")) for asset in plan.assets]
    return dg.define_asset_job(
        f"{plan.name}_checks_alone",
        selection=dg.AssetSelection.checks_for_assets(*keys),
        executor_def=dg.in_process_executor,
        description=f"All checks of a day of {plan.name}, where no minute's run brings them.",
        run_tags=_tags(RunKind.CHECKS, plan.name, 8, CHECKS_MAX_RUNTIME_SECONDS),
    )


def rotation_job(plan: FeedPlan) -> dg.JobDefinition:
    """Windows of every asset, in a lane of their own."""

    @dg.op(name=f"{plan.name}_windows", required_resource_keys={"site"})
    def windows(context: dg.OpExecutionContext) -> None:
        from pipeline_assets.steps import rotation

        rotation(context, plan.name)

    @dg.job(
        name=f"{plan.name}_rotation",
        description=f"Ten minutes of {plan.name} become one window in each asset, and the spool "
        "lets go of what stands in one.",
        tags=_tags(RunKind.ROTATION, plan.name, 5, ROTATION_MAX_RUNTIME_SECONDS),
        executor_def=dg.in_process_executor,
    )
    def rotate() -> None:
        windows()

    return rotate


def seal_job(plan: FeedPlan) -> dg.JobDefinition:
    """Every ended day that is not sealed, or has news."""

    @dg.op(name=f"{plan.name}_days", required_resource_keys={"site"})
    def days(context: dg.OpExecutionContext) -> None:
        from pipeline_assets.steps import sealing

        sealing(context, plan)

    @dg.job(
        name=f"{plan.name}_seal",
        description=f"Ended days of {plan.name} go to where they stay, late captures included; "
        "what they replaced goes a day later.",
        tags=_tags(RunKind.SEAL, plan.name, 0, SEAL_MAX_RUNTIME_SECONDS),
        executor_def=dg.in_process_executor,
    )
    def seal() -> None:
        days()

    return seal


def inbox_job(plan: FeedPlan) -> dg.JobDefinition:
    """What people have left in a feed's inbox."""

    @dg.op(name=f"{plan.name}_left", required_resource_keys={"site"})
    def left(context: dg.OpExecutionContext) -> None:
        from pipeline_assets.steps import inbox

        inbox(context, plan)

    @dg.job(
        name=f"{plan.name}_inbox",
        description=f"Captured {plan.name} fetches go into their minutes, and what follows from "
        "them is made again.",
        tags=_tags(RunKind.INBOX, plan.name, 0, INBOX_MAX_RUNTIME_SECONDS),
        executor_def=dg.in_process_executor,
    )
    def take() -> None:
        left()

    return take


@dg.op(required_resource_keys={"site"})
def records(context: dg.OpExecutionContext) -> None:
    from pipeline_assets.steps import housekeeping

    housekeeping(context)


@dg.job(
    name="housekeeping",
    description="What nobody looks at any more goes: runs, ticks and logs of Dagster, and the "
    "ledger's history of what stands as it was claimed.",
    tags=_tags(RunKind.HOUSEKEEPING, None, 0, HOUSEKEEPING_MAX_RUNTIME_SECONDS),
    executor_def=dg.in_process_executor,
)
def housekeeping_job() -> None:
    records()


SLOT_JOBS = {raw.name: slot_job(plan, raw) for plan in WATCHED.values() for raw in plan.raws}
"""The job that takes the slots of each raw asset, by its name."""
CHECKS_JOBS = {plan.name: checks_job(plan) for plan in WATCHED.values()}
ROTATION_JOBS = {plan.name: rotation_job(plan) for plan in WATCHED.values()}
SEAL_JOBS = {plan.name: seal_job(plan) for plan in WATCHED.values()}
INBOX_JOBS = {plan.name: inbox_job(plan) for plan in WATCHED.values()}
JOBS = [
    *SLOT_JOBS.values(),
    *CHECKS_JOBS.values(),
    *ROTATION_JOBS.values(),
    *SEAL_JOBS.values(),
    *INBOX_JOBS.values(),
    housekeeping_job,
]
