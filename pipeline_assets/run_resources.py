"""The Dagster resources of every run: the site it works on, and where its assets land."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import dagster as dg

from pipeline_assets.partitions import kind_of, slot_of_run
from pipeline_assets.plans import PLANS

if TYPE_CHECKING:
    from dagster_aws.s3 import S3Resource

    from pipeline_assets.io_manager import S3DayIOManager
    from resources.site import Site


@dg.resource(description="The object store, ledger, spool and feeds that the environment names.")
def site(context: dg.InitResourceContext) -> Iterator[Site]:
    """The site of a run, closed when it ends; in the ledger the run has begun before, and ended."""
    from pipeline_assets.settings import AllSettings
    from resources.embedded_s3 import connected
    from resources.garbage import collect_less_garbage
    from resources.site import Site

    collect_less_garbage()
    settings = AllSettings.load()
    plan = PLANS.get(_feed_of(context.run))
    clock = plan.clock(settings) if plan and plan.clock else None
    with connected(settings) as access:
        opened = Site.open(settings, PLANS, access, clock=clock)
        try:
            with _recorded(opened, context.run):
                yield opened
        finally:
            opened.close()


def _recorded(site: Site, run: dg.DagsterRun | None) -> AbstractContextManager[object]:
    if run is None:
        return nullcontext()
    feed = _feed_of(run)
    return site.run(
        run.run_id,
        kind_of(run.tags),
        feed=feed if feed in PLANS else None,
        slot=slot_of_run(run.tags),
    )


def _feed_of(run: dg.DagsterRun | None) -> str:
    """What a run's job begins with: the name of a feed, where it is of one."""
    return run.job_name.partition("_")[0] if run else ""


@dg.resource(description="dagster-aws's S3 resource on the object store in use, for other assets.")
def s3(_: dg.InitResourceContext) -> Iterator[S3Resource]:
    """What an asset that builds on ours reads and writes the same store with: its
    `context.resources.s3` is the resource's boto3 client. Ours do not use it: importing it costs a
    run 0.8 CPU seconds."""
    from dagster_aws.s3 import S3Resource

    from pipeline_assets.settings import AllSettings
    from resources.embedded_s3 import connected

    with connected(AllSettings.load()) as access:
        yield S3Resource(
            endpoint_url=access.endpoint_url,
            region_name=access.region,
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=access.secret_access_key,
        )


@dg.io_manager(required_resource_keys={"site"}, description="Daily partitions on S3.")
def s3_day(context: dg.InitResourceContext) -> S3DayIOManager:
    """The IO manager that lands what assets return on the run's site."""
    from pipeline_assets.io_manager import S3DayIOManager

    return S3DayIOManager(context.resources.site)
