"""Days that are made again because what they were made of has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pipeline_assets.run import Run
from pipeline_assets.stage_step import stage_step
from resources.site import Site

log = logging.getLogger(__name__)


def make_stale_days(
    site: Site, feed: str, *, run_id: str, progress: Callable[[str], None] = log.info
) -> list[str]:
    """Make every stale day of a feed again, oldest first, and return what is wrong with those that
    could not be. A day may make later ones stale: they follow. What changes in a sealed day is
    taken in by the next seal. Raises LedgerUnavailable."""
    plan, done, failures = site.plans[feed], set[tuple[str, str]](), list[str]()
    stages = {stage.name: stage for stage in plan.stages}
    while todo := [
        each for each in site.ledger.stale(feed) if (each.asset, str(each.day)) not in done
    ]:
        stale = todo[0]
        done.add((stale.asset, str(stale.day)))
        if (stage := stages.get(stale.asset)) is None:
            continue  # It is none of the feed's any more.
        progress(f"making {stale.asset} of {stale.day} again: {stale.because}")
        run = Run(site, plan, stale.day, run_id, rebuild=True)
        run.days.refresh()
        report = run.land(stage_step(run, stage))
        failures += [f"{stale.asset} of {stale.day}: {each}" for each in report.failures]
        if not report.failures:
            site.ledger.freshen(stale.asset, stale.day)
    return failures
