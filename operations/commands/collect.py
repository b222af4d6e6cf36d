"""The command `collect`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from operations.arguments import DayOption, Json, Prefix
from operations.console import answer, progress
from operations.errors import BAD, UNKNOWN
from operations.opened import opened_to_read, plans_of
from operations.stage_totals import StageTotals, failures_of
from pipeline_assets.collecting import Collected, collect_day
from pipeline_assets.expired import refuse_expired
from pipeline_assets.repair.work import new_run_id
from resources.site import Site
from touchline.accounting import Outcome, RetryAction, RetryReason, RunKind
from touchline.day import Day, utc_text
from touchline.errors import Misuse
from touchline.plan import FeedPlan
from touchline.retries import Decision
from touchline.slot import Slot
from touchline.stage import RawAsset


def collect(
    feed: Annotated[str, typer.Option(help="The feed.")],
    date: DayOption,
    asset: Annotated[
        str | None,
        typer.Option(help="This raw asset alone. [default: all whose past can be fetched again]"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch whatever is known of the day; say why.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="Why it is forced; kept with your name.")
    ] = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Fetch a day again, now, where its past can be fetched, and make what follows from it."""
    if force and not (reason and reason.strip()):
        raise Misuse("--force needs a --reason: why is it fetched, whatever is known of it?")
    if reason is not None and not force:
        raise Misuse("--reason says why a fetch is forced: add --force, or leave it out")
    with opened_to_read(prefix) as site:
        collected = collect_from(site, feed, date, asset, reason)
    answer(as_dict(collected), _shown(collected), as_json=as_json)
    problems = [*failures_of(collected.steps), *_problems(collected), *collected.unsealed]
    for problem in problems:
        typer.secho(problem, err=True, fg=typer.colors.RED)
    if problems:
        raise typer.Exit(BAD)
    if any(each.reason is RetryReason.LOOKUP_FAILED for each in collected.decisions.values()):
        typer.secho("what was fetched before could not be read", err=True, fg=typer.colors.RED)
        raise typer.Exit(UNKNOWN)


def collect_from(
    site: Site, feed: str, day: Day, asset: str | None = None, forced: str | None = None
) -> Collected:
    """Collect a day of a feed, of one raw asset or of all whose past can be fetched again.

    Raises Misuse where there is none or the day has not begun, DayExpired, LedgerUnavailable,
    StoreError, and as `collect_day`.
    """
    [plan] = plans_of(site, feed)
    raws = _refetchable(plan, asset)
    if site.clock.now() < day.start:
        raise Misuse(f"{day} has not begun: there is nothing to collect")
    for each in plan.assets:
        refuse_expired(site, each.name, day)
    run_id = new_run_id(RunKind.COLLECT)
    return collect_day(site, plan, day, raws, run_id=run_id, forced=forced, progress=progress)


def as_dict(collected: Collected) -> dict[str, Any]:
    """Return JSON types, by the last part of each asset's name."""
    return {
        "date": str(collected.day),
        "sources": {
            slot.raw.rpartition("/")[2]: _source(collected, slot, decision)
            for slot, decision in collected.decisions.items()
        },
        "stages": _totals(collected).as_dict(),
    }


def _source(collected: Collected, slot: Slot, decision: Decision) -> dict[str, Any]:
    """Return JSON types for one raw asset. `fetch_number` and `received` are None if nothing was
    asked for or nothing landed."""
    step = collected.steps[slot.raw]
    landed = slot.number in step.landed
    return {
        "decision": str(decision.action),
        "reason": str(decision.reason),
        "fetch_number": int(slot.number) if landed else None,
        "received": step.account.received if landed else None,
        "blocked_by": decision.blocked_by,
        "until": None if decision.until is None else utc_text(decision.until),
        "findings": step.findings,
    }


def _totals(collected: Collected) -> StageTotals:
    totals = StageTotals()
    totals.add(collected.steps)
    return totals


def _refetchable(plan: FeedPlan, asset: str | None) -> list[RawAsset]:
    raws = [raw for raw in plan.raws if raw.refetch]
    there = ", ".join(raw.name for raw in raws)
    if not raws:
        raise Misuse(
            f"the past of {plan.name} cannot be fetched again: what was missed is lost, unless a "
            "capture of it is put into the inbox"
        )
    if asset is None:
        return raws
    chosen = [raw for raw in raws if asset in (raw.name, raw.short_name)]
    if not chosen:
        raise Misuse(f"{asset} of {plan.name} cannot be fetched again; these can: {there}")
    return chosen


def _problems(collected: Collected) -> Iterator[str]:
    """Fetches that failed or are set aside, and what is not asked for since nothing comes of it."""
    for slot, decision in collected.decisions.items():
        for claim in collected.steps[slot.raw].claims:
            if claim.outcome is Outcome.FAILED:
                at = f"{slot.day} {slot.number} --feed {slot.feed} --asset {slot.raw}"
                yield f"{slot.raw}: the fetch failed; what was answered: touchline fetch {at}"
        if decision.action is RetryAction.SET_ASIDE:
            yield (
                f"{slot.raw}: fetch {slot.number} brought less than had landed and is set aside: "
                "if that is right, collect it with --force --reason TEXT"
            )
        elif decision.reason is RetryReason.RETRY_CAP:
            until = f" before {utc_text(decision.until)}" if decision.until else ""
            yield (
                f"{slot.raw}: several attempts brought no data, and it is not asked for{until}: "
                "see what the vendor says, then collect it with --force --reason TEXT"
            )


def _shown(collected: Collected) -> Iterator[RenderableType]:
    for name, source in as_dict(collected)["sources"].items():
        number = source["fetch_number"]
        fetched = "not fetched" if number is None else f"fetch {number}"
        until = f" until {source['until']}" if source["until"] else ""
        yield f"{name}: {fetched}: {source['decision']}, {source['reason']}{until}"
    yield _totals(collected).table(f"added to {collected.day}")
