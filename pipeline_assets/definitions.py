"""Everything that Dagster knows of Touchline."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage import sql

from pipeline_assets.assets import assets_of, checks_of
from pipeline_assets.jobs import JOBS
from pipeline_assets.partitions import kind_of, scheduled_minute
from pipeline_assets.plans import PLANS

if TYPE_CHECKING:
    from pipeline_assets.io_manager import S3DayIOManager
    from resources.site import Site

# Partitioned checks are relied upon, and Dagster is pinned for them.
warnings.filterwarnings("ignore", ".*partitions_def on an AssetCheckSpec.*", dg.PreviewWarning)
# Sensors look into Dagster's storage several times a minute. At each look Alembic, told of its
# scripts as "package:directory", leaves a context for the end of the process (util/pyfiles.py);
# told of a directory it leaves none, and the code server does not grow.
sql.ALEMBIC_SCRIPTS_LOCATION = str(Path(sql.__file__).with_name("alembic"))
sql.get_alembic_config.cache_clear()
# A run inherits the variables of the code server. It ends within seconds, and Python's own
# allocator is the faster one.
if os.environ.get("PYTHONMALLOC") == "malloc":
    del os.environ["PYTHONMALLOC"]


@dg.resource(description="The object store, ledger, spool and feeds that the environment names.")
def site(context: dg.InitResourceContext) -> Iterator[Site]:
    from resources.embedded_s3 import connected
    from resources.garbage import collect_less_garbage
    from resources.settings import Settings
    from resources.site import Site

    collect_less_garbage()
    settings = Settings.load()
    with connected(settings) as access:
        opened = Site.open(settings, PLANS, access)
        try:
            with _recorded(opened, context.run):
                yield opened
        finally:
            opened.close()


def _recorded(site: Site, run: dg.DagsterRun | None) -> AbstractContextManager[object]:
    if run is None:
        return nullcontext()
    feed = run.job_name.partition("_")[0]
    return site.run(
        run.run_id,
        kind_of(run.tags),
        feed=feed if feed in PLANS else None,
        minute=scheduled_minute(run.tags),
    )


@dg.io_manager(required_resource_keys={"site"}, description="Daily partitions on S3.")
def s3_day(context: dg.InitResourceContext) -> S3DayIOManager:
    from pipeline_assets.io_manager import S3DayIOManager

    return S3DayIOManager(context.resources.site)


defs = dg.Definitions.merge(
    dg.Definitions(
        assets=[asset for plan in PLANS.values() for asset in assets_of(plan)],
        asset_checks=[checks_of(plan) for plan in PLANS.values()],
        jobs=JOBS,
        resources={"site": site, "s3_day": s3_day},
        executor=dg.in_process_executor,
    ),
    # By name, since imports run downwards only and the sensors stand above the assets.
    importlib.import_module("sensors").defs,
)
