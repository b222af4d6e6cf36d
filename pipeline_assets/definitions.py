"""What is made: assets, checks and jobs of every feed, and what they work with.

`sensors/definitions.py` adds what asks for runs; together they are the code location.
"""

from __future__ import annotations

import dagster as dg

from pipeline_assets.assets import assets_of, checks_of
from pipeline_assets.jobs import JOBS
from pipeline_assets.plans import WATCHED
from pipeline_assets.run_resources import s3, s3_day, site

defs = dg.Definitions(
    assets=[asset for plan in WATCHED.values() for asset in assets_of(plan)],
    asset_checks=[checks_of(plan) for plan in WATCHED.values()],
    jobs=JOBS,
    resources={"site": site, "s3_day": s3_day, "s3": s3},
    executor=dg.in_process_executor,
)
