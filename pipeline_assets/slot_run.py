"""The whole chain of a slot without Dagster; the assets call the same steps.

raw fetch -> every stage in order -> checks
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from pipeline_assets.checks.books import KnownClaims
from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import CheckReport
from pipeline_assets.raw_step import raw_step
from pipeline_assets.run import Run, StepReport
from pipeline_assets.stage_step import stage_step
from resources.site import Site
from touchline.accounting import RunKind
from touchline.day import Day
from touchline.slot import Slot


@dataclass
class SlotReport:
    """What the steps of a slot did and what its checks said, in the order of the chain."""

    slot: Slot
    steps: dict[str, StepReport] = field(default_factory=dict)
    checks: list[CheckReport] = field(default_factory=list)


def run_slot(
    site: Site, slot: Slot, *, run_id: str, sleep: Callable[[float], None] = time.sleep
) -> SlotReport:
    """Fetch this slot and take it, and what earlier ones left, through the stages that are made
    from its raw asset.

    Neither the vendor nor the data make it raise; settings that are wrong do (SettingsError,
    WrongOrigin).
    """
    plan = site.plans[slot.feed]
    raw = plan.raw_of(slot.raw)
    stages = plan.stages_after(raw)
    run = Run(site, plan, slot.day, run_id, slot, sleep=sleep)
    run.days.refresh()
    report = SlotReport(slot)
    with site.run(run_id, RunKind.MINUTE, feed=slot.feed, slot=slot):
        report.steps[raw.name] = run.land(raw_step(run, raw))
        for stage in stages:
            report.steps[stage.name] = run.land(stage_step(run, stage))
        known: KnownClaims = {}
        for asset in (raw, *stages):
            report.checks += check_day(site, plan, asset, slot.day, known=known)
    return report


def rebuild_day(
    site: Site,
    feed: str,
    day: Day,
    *,
    run_id: str,
    assets: Collection[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, StepReport]:
    """Make the derived stages of a day anew from what landed, in the order of the chain, and return
    the report of each by name. Nothing is fetched.

    `assets` are the full names of those to make, and nothing that follows from them is made; None
    is all. A stage whose day somebody else is sealing or rebuilding fails in its report.
    """
    plan = site.plans[feed]
    run = Run(site, plan, day, run_id, rebuild=True)
    run.days.refresh()
    reports: dict[str, StepReport] = {}
    with site.run(run_id, RunKind.REBUILD, feed=feed):
        for stage in plan.stages:
            if assets is None or stage.name in assets:
                progress(f"making {stage.name} of {day} anew")
                reports[stage.name] = run.land(stage_step(run, stage))
    return reports
