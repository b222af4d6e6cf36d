"""Collect a day: what the vendor says of it now, as the table of retries lets it, and what follows.

A fetch of a day long past lands in that day, open or sealed, under the number of the minutes that
have passed since it began. A sealed day is sealed again with what came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline_assets.raw_step import collect_step, slot_now
from pipeline_assets.repair.work import who
from pipeline_assets.run import Run, StepReport
from pipeline_assets.sealing import seal_day
from pipeline_assets.stage_step import stage_step
from pipeline_assets.stale_days import make_stale_days
from resources.ledger import LedgerUnavailable
from resources.site import Site
from touchline.accounting import RunKind
from touchline.day import Day
from touchline.plan import FeedPlan
from touchline.retries import Decision
from touchline.slot import Slot
from touchline.stage import RawAsset


@dataclass
class Collected:
    """The result of collecting a day. `decisions` are by slot, one of each raw asset; `steps` are
    those of the raw assets, then those of the stages. `unsealed` says why a sealed day is not
    sealed again yet, or a later day that read this one not made again."""

    day: Day
    decisions: dict[Slot, Decision] = field(default_factory=dict)
    steps: dict[str, StepReport] = field(default_factory=dict)
    unsealed: list[str] = field(default_factory=list)


def collect_day(
    site: Site,
    plan: FeedPlan,
    day: Day,
    raws: Sequence[RawAsset],
    *,
    run_id: str,
    forced: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Collected:
    """Fetch these raw assets of a day now and make what follows from them, days that read this one
    included. `forced` is why somebody
    wants them fetched, whatever is known of them. No alert is sent.

    Raises ValueError before the day begins, SettingsError, WrongOrigin.
    """
    why = None if forced is None else f"{who()}: {forced}"
    run = Run(site, plan, day, run_id, forced=why)
    run.days.refresh()
    collected = Collected(day, run.decided)
    with site.run(run_id, RunKind.COLLECT, feed=plan.name, why=why):
        for raw in raws:
            progress(f"fetching {raw.name} of {day}")
            slot = slot_now(run, raw)
            collected.steps[raw.name] = run.land(collect_step(run, raw, slot))
        after = {stage.name for raw in raws for stage in plan.stages_after(raw)}
        for stage in plan.stages:
            if stage.name in after:
                progress(f"making {stage.name} of {day}")
                collected.steps[stage.name] = run.land(stage_step(run, stage))
        try:
            if day in site.ledger.landed_since_seal(plan.name):
                progress(f"sealing {day} again")
                collected.unsealed = seal_day(site, plan.name, day, run_id=run_id).waiting
            collected.unsealed += make_stale_days(site, plan.name, run_id=run_id, progress=progress)
        except LedgerUnavailable as error:
            collected.unsealed = [f"whether {day} is sealed could not be read: {error}"]
    return collected
