"""The command `rebuild`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from operations.arguments import DayOption, Json, Prefix
from operations.console import answer, progress
from operations.cost import measured
from operations.errors import BAD
from operations.opened import opened_to_read, plans_of
from operations.stage_totals import StageTotals, failures_of
from pipeline_assets.expired import refuse_expired
from pipeline_assets.load import find_asset
from pipeline_assets.repair.work import new_run_id
from pipeline_assets.run import StepReport
from pipeline_assets.slot_run import rebuild_day
from resources.site import Site
from touchline.accounting import RunKind
from touchline.day import Day
from touchline.errors import Misuse, NothingThere
from touchline.plan import FeedPlan


def rebuild(
    date: DayOption,
    asset: Annotated[
        list[str] | None,
        typer.Option(
            help="This asset alone, as when it alone is chosen in Dagster: what follows from it "
            "stays as it is, unless it is named too, by another --asset. [default: all]"
        ),
    ] = None,
    feed: Annotated[
        str | None, typer.Option(help="The feed. [default: that of --asset, else the first]")
    ] = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Make a day's derived assets anew from its raw fetches, as a backfill in Dagster does."""
    began = time.monotonic()
    with measured() as cost, opened_to_read(prefix) as site:
        rebuilt = _rebuild(site, date, feed, asset or [])
    said = {
        **rebuilt.as_dict(),
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(cost.cpu_seconds, 1),
        "peak_memory_mb": round(cost.peak_bytes / (1 << 20), 1),
    }
    answer(said, _shown(rebuilt, said), as_json=as_json)
    failures = failures_of(rebuilt.steps)
    for failure in failures:
        typer.secho(failure, err=True, fg=typer.colors.RED)
    if failures:
        raise typer.Exit(BAD)


@dataclass(frozen=True)
class Rebuilt:
    """A rebuild of one day. `fetches` is how many raw fetches the day has."""

    day: Day
    feed: str
    run_id: str
    fetches: int
    steps: dict[str, StepReport]

    @property
    def stages(self) -> StageTotals:
        totals = StageTotals()
        totals.add(self.steps)
        return totals

    def as_dict(self) -> dict[str, Any]:
        return {
            "date": str(self.day),
            "feed": self.feed,
            "run_id": self.run_id,
            "fetches": self.fetches,
            "stages": self.stages.as_dict(),
        }


def _rebuild(site: Site, day: Day, feed: str | None, names: Sequence[str]) -> Rebuilt:
    """Make these assets of a day anew, or all derived ones of the feed.

    Raises Misuse, UnknownAsset, NothingThere where the day has no raw fetches, DayExpired where
    they were removed, StoreError, LedgerUnavailable, UnreadableObject.
    """
    assets = {
        find_asset(site, name if feed is None or "/" in name else f"{feed}/{name}")
        for name in names
    }
    [plan] = plans_of(site, feed or min(assets, default=next(iter(site.plans))).partition("/")[0])
    for name in sorted(assets - {stage.name for stage in plan.stages}):
        of_it = ", ".join(stage.name for stage in plan.stages)
        raise Misuse(f"{name} is not made by a stage of {plan.name}; these are: {of_it}")
    fetches = _raw_fetches(site, plan, day)
    run_id = new_run_id(RunKind.REBUILD)
    steps = rebuild_day(
        site, plan.name, day, run_id=run_id, assets=assets or None, progress=progress
    )
    return Rebuilt(day, plan.name, run_id, fetches, steps)


def _raw_fetches(site: Site, plan: FeedPlan, day: Day) -> int:
    """Count the raw fetches of a day. Raises as `_rebuild` does."""
    if site.clock.now() < day.start:
        raise Misuse(f"{day} has not begun: there is nothing to make anew")
    for raw in plan.raws:
        refuse_expired(site, raw.name, day)
    days = site.days(plan.name)
    fetches = sum(len(days.index(raw.name, day).numbers) for raw in plan.raws)
    if not fetches:
        raise NothingThere(
            f"no raw fetches of {day} are in {site.where}: another --date, or --prefix?"
        )
    return fetches


def _shown(rebuilt: Rebuilt, said: dict[str, Any]) -> Iterator[RenderableType]:
    title = f"{rebuilt.feed} of {rebuilt.day}: {rebuilt.fetches:,} fetches"
    yield rebuilt.stages.table(f"{title} in {said['seconds']} s")
    yield (
        f"{said['cpu_seconds']} s of CPU, at most {said['peak_memory_mb']} MB of memory; "
        f"run {rebuilt.run_id}"
    )
