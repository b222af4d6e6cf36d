"""Every loss of a day, with its class, whether it can be repaired, and the evidence.

The same plan says what is recoverable that `reprocess` carries out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from pipeline_assets.checks.report import Found, Kind
from pipeline_assets.repair.classes import CLASS_OF
from pipeline_assets.repair.plan import Action, Plan, Work
from pipeline_assets.repair.planning import plan_repair
from resources.ledger import FetchRow
from resources.site import Site
from touchline.accounting import FetchFate, LossClass, Outcome
from touchline.day import Day, FetchNumber
from touchline.plan import FeedPlan

_CLASS_OF_WORK = {
    Work.CONFIRM: LossClass.TRACKING_ERROR,
    Work.SEAL: LossClass.TRACKING_ERROR,
    Work.WINDOW: LossClass.REAL_LOSS,
    Work.ASIDE: LossClass.REAL_LOSS,
    Work.RESEAL: LossClass.REAL_LOSS,
}
"""Of items about a window or a sealed day, whose fetches may all stand elsewhere."""
_NEVER_AGAIN = "the vendor cannot be asked for the past, but a capture may be put into the inbox"
_COLLECT = "the past can be fetched again: touchline collect --feed {feed} --date {day}"


Fetches = Mapping[str, Mapping[FetchNumber, FetchRow]]
"""The ledger's row of each slot, by raw asset and fetch number."""


class Loss(msgspec.Struct, frozen=True):
    """One loss. `fetch_number` is None where it is the day's, `records` where nobody knows how many
    they are. `explained` is a loss for good whose `reason` stands in the books."""

    day: str
    asset: str
    fetch_number: int | None
    records: int | None
    loss: LossClass = msgspec.field(name="class")
    recoverable: bool
    evidence: str
    kind: str
    explained: bool = False
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody has to do or to find out something about it."""
        settled = (LossClass.NOT_YET, LossClass.LEGITIMATELY_EMPTY)
        return not self.explained and self.loss not in settled

    @property
    def is_unchecked(self) -> bool:
        return self.kind == Kind.UNCHECKED


def losses_of(
    site: Site,
    feed: FeedPlan,
    day: Day,
    *,
    deep: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Loss]:
    """By asset in the order of the chain, and by fetch.

    Raises UnreadableObject, StoreError, LedgerUnavailable.
    """
    plan = plan_repair(site, feed, day, deep=deep, progress=progress)
    return losses_in(plan, {raw.name: site.ledger.fetches(raw.name, day) for raw in feed.raws})


def losses_in(plan: Plan, fetches: Fetches) -> list[Loss]:
    """The same, of a plan that was made already and the fates of the day's slots."""
    found = [*_of_items(plan), *_of_the_day(plan), *_not_fetched(plan, fetches)]
    order = {asset.name: place for place, asset in enumerate(plan.feed.assets)}
    return sorted(found, key=lambda loss: (order[loss.asset], loss.fetch_number or 0))


def _of_items(plan: Plan) -> Iterator[Loss]:
    for item in plan.items:
        found = plan.surveys[item.asset]
        fault = None if item.number is None else found.faults.get(item.number)
        evidence = item.detail if fault is None or item.key else fault.detail
        if item.action is not Action.DO:
            evidence += f"; not recoverable: {item.reason.partition(': ')[2] or item.reason}"
        recoverable = item.action is Action.DO
        if item.key is not None:
            if item.work is Work.WINDOW and item.number not in found.damaged:
                continue  # Its fetches are listed, or that it is late.
            if any(fault.detail == item.detail for fault in found.faults.values()):
                continue  # Of its fetches each is listed.
            loss, records, kind = _CLASS_OF_WORK[item.work], None, str(item.work)
        elif fault is not None:
            loss, records, kind = fault.loss, fault.records, fault.kind
        else:
            continue
        yield Loss(
            str(plan.day), item.asset, item.number, records, loss, recoverable, evidence, kind
        )


def _of_the_day(plan: Plan) -> Iterator[Loss]:
    for name, found in plan.surveys.items():
        for each in _by_calendar(found.others):
            if (loss := CLASS_OF.get(each.kind)) is not None:
                yield Loss(
                    str(plan.day),
                    name,
                    each.fetch_number,
                    each.records,
                    loss,
                    loss is LossClass.NOT_YET,
                    each.detail,
                    each.kind,
                )


def _by_calendar(others: Sequence[Found]) -> Iterator[Found]:
    """The findings, of which those that a calendar brings are one of each kind: what a day lacks is
    one loss, however many games it is."""
    told: dict[Kind, list[str]] = {}
    for each in others:
        if each.kind in (Kind.INCOMPLETE, Kind.CONTRADICTED):
            told.setdefault(each.kind, []).append(each.detail)
        else:
            yield each
    for kind, details in told.items():
        yield Found(kind, None, None, "; ".join(details))


def _not_fetched(plan: Plan, fetches: Fetches) -> Iterator[Loss]:
    """A slot that was missed, or whose fetch failed, is never fetched again; why has been told."""
    for row in (row for rows in fetches.values() for row in rows.values()):
        if row.fate is FetchFate.MISSED:
            kind, said = "missed", "the minute was missed"
        elif row.outcome is Outcome.FAILED:
            kind, said = "failed", "the fetch failed"
        else:
            continue
        instead = _NEVER_AGAIN
        if plan.feed.raw_of(row.slot.raw).refetch:
            instead = _COLLECT.format(feed=plan.feed.name, day=plan.day)
        yield Loss(
            str(plan.day),
            row.slot.raw,
            row.slot.number,
            None,
            LossClass.REAL_LOSS,
            False,
            f"{said}: {row.reason or 'nobody knows why'}; {instead}",
            kind,
            explained=True,
            reason=row.reason,
        )


def exit_code(losses: Iterable[Loss]) -> int:
    """1 while a loss can be repaired or has no explanation, 2 where something could not be checked,
    else 0."""
    open_losses = [loss for loss in losses if loss.is_open]
    if any(not loss.is_unchecked for loss in open_losses):
        return 1
    return 2 if open_losses else 0
