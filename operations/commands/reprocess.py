"""The command `reprocess`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from operations.arguments import DayOption, Deep, Feed, Json, Prefix
from operations.commands.verify import AssetVerdict, finding_lines, overall, verify_days
from operations.console import answer, progress
from operations.errors import BAD, UNKNOWN
from operations.next_step import DayAt, next_step
from operations.opened import opened_to_read, plans_of
from pipeline_assets.load import find_asset
from pipeline_assets.repair.plan import Action, Line, Plan
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import Done, carry_out, new_run_id
from resources.known_days import known_days
from resources.site import Site
from touchline.accounting import Verdict
from touchline.day import Day
from touchline.errors import Misuse

NO_REASON = "what is lost, late or made by an older version"


def reprocess(
    date: DayOption,
    asset: Annotated[
        str | None, typer.Option(help="One asset, with what follows from it. [default: all]")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and change nothing.")
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Why. With --asset: all of its fetches are made anew."),
    ] = None,
    feed: Feed = None,
    deep: Deep = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Repair a day: what is lost, late or made by an older version is made of what is there."""
    if reason is not None and not reason.strip():
        raise Misuse("--reason says nothing: write why")
    with opened_to_read(prefix) as site:
        repair = _repair_day(site, date, asset, feed, reason, dry_run=dry_run, deep=deep)
    answer(repair.as_dict(), _lines(repair), as_json=as_json)
    if repair.is_bad:
        raise typer.Exit(BAD)
    if repair.is_unchecked:
        raise typer.Exit(UNKNOWN)


@dataclass(frozen=True)
class Repair:
    """What was planned, and, but for a dry run, what was done and how the day stands now."""

    plan: Plan
    done: Done | None
    after: Sequence[AssetVerdict] | None
    next_step: str | None = None
    """The command that helps next; None where all is well."""

    @property
    def is_bad(self) -> bool:
        """Whether anything failed, cannot be done, or is bad still; of a dry run nothing is
        asked."""
        if self.after is None:
            return False
        cannot = any(item.action is Action.CANNOT for item in self.plan.items)
        failed = bool(self.done and self.done.failures)
        return cannot or failed or overall(self.after) is Verdict.BAD

    @property
    def is_unchecked(self) -> bool:
        return self.after is not None and overall(self.after) is Verdict.COULD_NOT_CHECK

    def as_dict(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "day": str(self.plan.day),
            "dry_run": self.after is None,
            "plan": list(self.plan.lines()),
            "totals": self.plan.totals(),
        }
        if self.after is not None:
            said["done"] = self.done and {
                "run_id": self.done.run_id,
                "items": self.done.items,
                "landed": {
                    name: {str(number): str(how) for number, how in step.landed.items()}
                    for name, step in self.done.steps.items()
                },
                "failures": self.done.failures,
            }
            said["verdict"] = overall(self.after)
        return said | {"next": self.next_step}


def _repair_day(
    site: Site,
    day: Day,
    asset: str | None,
    feed: str | None,
    reason: str | None,
    *,
    dry_run: bool,
    deep: bool,
) -> Repair:
    """Plan the repair of a day and, but for a dry run, do what was planned.

    Raises Misuse, UnknownAsset, PlanOutdated, DayAtWork, UnreadableObject, StoreError,
    LedgerUnavailable.
    """
    name = None if asset is None else find_asset(site, asset)
    [plan_of_feed] = plans_of(site, feed or (name or next(iter(site.plans))).partition("/")[0])
    if day not in known_days(site, plan_of_feed.name):
        raise Misuse(f"nothing is known of {day}: see `touchline verify --all`, and --prefix")
    named = name is not None and reason is not None
    plan = plan_repair(
        site, plan_of_feed, day, asset=name, named=named, deep=deep, progress=progress
    )
    at = DayAt(day, site.settings.s3_prefix, deep)
    again = [] if asset is None else ["--asset", asset]
    again += [] if reason is None else ["--reason", reason]
    if dry_run:
        return Repair(plan, None, None, None if plan.is_empty else at.reprocess(*again))
    done = None
    if not plan.is_empty:
        run_id, why = new_run_id(), reason or NO_REASON
        done = carry_out(site, plan, run_id=run_id, reason=why, progress=progress)
    after = verify_days(site, day, plan_of_feed.name, deep=deep, progress=progress)
    return Repair(plan, done, after, _next(at, plan, done, after, again))


def _next(
    at: DayAt,
    plan: Plan,
    done: Done | None,
    after: Iterable[AssetVerdict],
    again: Sequence[str],
) -> str | None:
    """Return the next command: this one again after failures, `losses` for what cannot be done."""
    if done is not None and done.failures:
        return at.reprocess(*again)
    cannot = {(item.asset, item.number) for item in plan.items if item.action is Action.CANNOT}
    skipped = {(item.asset, item.number) for item in plan.items if item.action is Action.SKIP}
    reports = [report for found in after for report in found.reports]
    command = next_step(at, reports, cannot | skipped)
    if command is not None and done is None and command == at.reprocess("--dry-run"):
        return at.losses()  # The plan was to do nothing about it.
    return at.losses() if command is None and cannot else command


def _lines(repair: Repair) -> Iterator[str]:
    """The plan line by line, its totals, and what came of it."""
    totals = repair.plan.totals()
    for line in repair.plan.lines():
        source = f" of {line.source}" if line.source else ""
        expected = "" if line.expected is None else f", {line.expected:,} records"
        yield (
            f"{line.action:6} {line.asset} {_fetches(line)}: {line.work}{source}{expected}: "
            f"{line.why}: {line.reason}"
        )
    if not repair.plan.items:
        yield "nothing to repair"
    unknown = totals.expected_unknown
    besides = f", beside those of {unknown} fetches, unknown beforehand" if unknown else ""
    yield (
        f"do {totals.do}, skip {totals.skip}, cannot {totals.cannot}; {totals.expected:,} records "
        f"expected{besides}"
    )
    if repair.done is not None:
        yield f"done {repair.done.items} of {totals.do} as {repair.done.run_id}"
        yield from (f"failed: {failure}" for failure in repair.done.failures)
    if repair.after is not None:
        yield from finding_lines(repair.after)
        yield f"verdict: {overall(repair.after)}"
    if repair.next_step is not None:
        yield f"next: {repair.next_step}"


def _fetches(line: Line) -> str:
    if line.key is not None:
        return line.key.rpartition("/")[2]
    return str(line.first) if line.first == line.last else f"{line.first}-{line.last}"
