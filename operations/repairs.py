"""`touchline losses` and `touchline reprocess`: what they do, and what they say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from operations.console import span
from operations.next_step import DayAt, next_step
from operations.verify import AssetVerdict, finding_lines, overall, plans_of, verify
from pipeline_assets.checks.report import Kind
from pipeline_assets.load import find_asset
from pipeline_assets.repair.losses import Loss, losses_of
from pipeline_assets.repair.plan import Action, Line, Plan
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import Done, carry_out, new_run_id
from resources.known_days import known_days
from resources.site import Site
from touchline.accounting import LossClass, Verdict
from touchline.day import Day
from touchline.errors import Misuse
from touchline.plan import FeedPlan

NO_REASON = "what is lost, late or made by an older version"
Progress = Callable[[str], None]


# --- losses --------------------------------------------------------------------------------------


def losses_between(
    site: Site,
    plans: Iterable[FeedPlan],
    first: Day | None,
    last: Day | None,
    *,
    deep: bool,
    progress: Progress,
) -> list[Loss]:
    """Of every day from the first to the last of which anything is known, oldest first.

    Raises Misuse where nothing is, StoreError, LedgerUnavailable, UnreadableObject.
    """
    found: list[Loss] = []
    looked = False
    for plan in plans:
        for each in known_days(site, plan.name):
            if (first is None or first <= each) and (last is None or each <= last):
                looked = True
                found += losses_of(site, plan, each, deep=deep, progress=progress)
    if not looked:
        raise Misuse(f"nothing is known from {first or 'the first day'} to {last or 'the last'}")
    return found


def show_losses(found: Sequence[Loss], prefix: str, console: Console, *, deep: bool) -> None:
    """A line for those in a row of which the same is to be said, with the first one's evidence;
    then the command that helps with the oldest day of which something can be had again."""
    if not found:
        console.print("nothing is lost")
    for _, group in itertools.groupby(found, key=alike):
        losses = list(group)
        one = losses[0]
        numbers = [loss.fetch_number for loss in losses if loss.fetch_number is not None]
        fetches = f" fetch {span(numbers)}:" if numbers else ""
        _line(console, f"{one.day} {one.asset}:{fetches} {_what(losses)}: {one.evidence}")
    if (command := next_of_losses(found, prefix, deep=deep)) is not None:
        _line(console, f"next: {command}")


def _what(losses: Sequence[Loss]) -> str:
    one, records = losses[0], [loss.records for loss in losses]
    if one.loss is LossClass.NOT_YET:
        return str(one.loss)
    how_many = "an unknown number of" if None in records else f"{sum(n or 0 for n in records):,}"
    recoverable = "recoverable" if one.recoverable else "not recoverable"
    return f"{one.loss}, {how_many} records, {recoverable}"


def next_of_losses(found: Iterable[Loss], prefix: str, *, deep: bool) -> str | None:
    """The command that helps next with the oldest day of which something can be had again, looked
    for as `deep` as these."""
    recoverable = (loss for loss in found if loss.recoverable and loss.kind != Kind.SPOOL_FILLS_UP)
    first = next(recoverable, None)
    return first and DayAt(Day.parse(first.day), prefix, deep).reprocess("--dry-run")


def alike(loss: Loss) -> tuple[Any, ...]:
    """What is the same of losses that are told together."""
    return loss.day, loss.asset, loss.loss, loss.kind, loss.recoverable, loss.reason


# --- reprocess -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Repair:
    """What was planned, and, but for a dry run, what was done and how the day stands now."""

    plan: Plan
    done: Done | None
    after: Sequence[AssetVerdict] | None
    next_step: str | None = None
    """The command that helps next; None where all is well."""

    @property
    def lines(self) -> list[Line]:
        return list(self.plan.lines())

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
            "plan": self.lines,
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


def repair_day(
    site: Site,
    day: Day,
    asset: str | None,
    feed: str | None,
    reason: str | None,
    *,
    dry_run: bool,
    deep: bool,
    progress: Progress,
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
    after = verify(site, day, plan_of_feed.name, deep=deep, progress=progress)
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


def show_repair(repair: Repair, console: Console) -> None:
    """The plan line by line, its totals, and what came of it."""
    totals = repair.plan.totals()
    for line in repair.lines:
        source = f" of {line.source}" if line.source else ""
        expected = "" if line.expected is None else f", {line.expected:,} records"
        _line(
            console,
            f"{line.action:6} {line.asset} {_fetches(line)}: {line.work}{source}{expected}: "
            f"{line.why}: {line.reason}",
        )
    if not repair.plan.items:
        console.print("nothing to repair")
    unknown = totals.expected_unknown
    besides = f", beside those of {unknown} fetches, unknown beforehand" if unknown else ""
    _line(
        console,
        f"do {totals.do}, skip {totals.skip}, cannot {totals.cannot}; {totals.expected:,} records "
        f"expected{besides}",
    )
    if repair.done is not None:
        _line(console, f"done {repair.done.items} of {totals.do} as {repair.done.run_id}")
        for failure in repair.done.failures:
            _line(console, f"failed: {failure}")
    if repair.after is not None:
        for said in finding_lines(repair.after):
            _line(console, said)
        _line(console, f"verdict: {overall(repair.after)}")
    if repair.next_step is not None:
        _line(console, f"next: {repair.next_step}")


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _fetches(line: Line) -> str:
    if line.key is not None:
        return line.key.rpartition("/")[2]
    return str(line.first) if line.first == line.last else f"{line.first}-{line.last}"
