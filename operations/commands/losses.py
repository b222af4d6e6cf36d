"""The command `losses`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

import typer

from operations.arguments import Deep, Feed, From, Json, Prefix, To, refuse_inverted
from operations.console import answer, progress, span
from operations.next_step import DayAt
from operations.opened import opened_to_read, plans_of
from pipeline_assets.checks.report import Kind
from pipeline_assets.repair.losses import Loss, exit_code, losses_of
from resources.known_days import known_days
from resources.site import Site
from touchline.accounting import LossClass
from touchline.day import Day
from touchline.errors import Misuse
from touchline.plan import FeedPlan


def losses(
    first: From = None,
    last: To = None,
    feed: Feed = None,
    deep: Deep = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show every loss, what it is, and whether it can be repaired."""
    refuse_inverted(first, last)
    with opened_to_read(prefix) as site:
        plans = plans_of(site, feed)
        found = _losses_between(site, plans, first, last, deep=deep)
        command = _next_step(found, site.settings.s3_prefix, deep=deep)
    answer({"losses": found, "next": command}, _lines(found, command), as_json=as_json)
    raise typer.Exit(exit_code(found))


def _losses_between(
    site: Site, plans: Iterable[FeedPlan], first: Day | None, last: Day | None, *, deep: bool
) -> list[Loss]:
    """Return the losses of every known day between these two, oldest first.

    Raises Misuse where no such day is known, StoreError, LedgerUnavailable, UnreadableObject.
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


@dataclass(frozen=True)
class LossesAlike:
    """Losses in a row of which the same is to be said, with the first one's evidence."""

    loss: Loss
    fetches: str
    """Their numbers in short; empty for what is the whole day's."""
    records: int | None
    """All of theirs; None where those of one are unknown."""


def losses_alike(losses: Iterable[Loss]) -> Iterator[LossesAlike]:
    """Losses in their order, those in a row that are alike together."""
    alike = attrgetter("day", "asset", "loss", "kind", "recoverable", "reason")
    for _, group in itertools.groupby(losses, key=alike):
        together = list(group)
        numbers = [loss.fetch_number for loss in together if loss.fetch_number is not None]
        records = [loss.records for loss in together if loss.records is not None]
        known = len(records) == len(together)
        fetches = span(numbers) if numbers else ""
        yield LossesAlike(together[0], fetches, sum(records) if known else None)


def _lines(found: Sequence[Loss], command: str | None) -> Iterator[str]:
    """A line for those that are alike, then the command that helps with the oldest day of which
    something can be had again."""
    if not found:
        yield "nothing is lost"
    for each in losses_alike(found):
        one, what = each.loss, str(each.loss.loss)
        if one.loss is not LossClass.NOT_YET:
            many = "an unknown number of" if each.records is None else f"{each.records:,}"
            what += f", {many} records, {'' if one.recoverable else 'not '}recoverable"
        fetches = f" fetch {each.fetches}:" if each.fetches else ""
        yield f"{one.day} {one.asset}:{fetches} {what}: {one.evidence}"
    if command is not None:
        yield f"next: {command}"


def _next_step(found: Iterable[Loss], prefix: str, *, deep: bool) -> str | None:
    """The command that helps next with the oldest day of which something can be had again, looked
    for as `deep` as these."""
    recoverable = (loss for loss in found if loss.recoverable and loss.kind != Kind.SPOOL_FILLS_UP)
    first = next(recoverable, None)
    return first and DayAt(Day.parse(first.day), prefix, deep).reprocess("--dry-run")
