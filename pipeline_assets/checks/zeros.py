"""zero_is_explained: where nothing came out of a fetch, it is known why."""

from __future__ import annotations

from itertools import pairwise

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.inputs import Inputs
from pipeline_assets.checks.report import CheckReport, Kind
from resources.ledger import Standing
from touchline.accounting import LossClass
from touchline.day import FetchNumber
from touchline.stage import Stage
from touchline.zeros import Expected, Source, classify

BUSY_RECORDS = 10
"""So many records a minute do not end all at once: five matches may, that began together."""
NEIGHBOUR_MINUTES = 10
"""What is further away says nothing of a minute."""


def zero_is_explained(books: DayBooks, report: CheckReport) -> None:
    """What the feed said before, what arrived and what came out, three independent inputs, tell a
    minute without records from one that lost them.

    What is left out by a rule is dropped, and may be all there is. What cannot be used is
    quarantined: when that is all there is, the stage or the vendor has changed.
    """
    zeros = [n for n, row in books.claims.items() if row.has_landed and row.emitted == 0]
    if isinstance(books.asset, Stage):
        _of_stage(books, books.asset, zeros, report)
    else:
        _of_feed(books, report)
    report.details = {"zeros": len(zeros), "zeros_unexplained": len(report.findings)}


def _of_feed(books: DayBooks, report: CheckReport) -> None:
    """An empty answer on a busy day: the feed contradicts what it said a moment ago. A fetch that
    failed says why, and is no zero."""
    answered = [(number, row) for number, row in books.claims.items() if row.is_good]
    busy: dict[FetchNumber, tuple[FetchNumber, int]] = {}
    """Of an empty fetch, the busy one that is nearest and how much that brought."""
    for pairs in (pairwise(answered), pairwise(reversed(answered))):
        near: tuple[FetchNumber, int] | None = None
        for (number, row), (after, then) in pairs:
            if row.emitted:
                near = (number, row.emitted) if row.emitted >= BUSY_RECORDS else None
            if near and not then.emitted and abs(after - near[0]) <= NEIGHBOUR_MINUTES:
                busy.setdefault(after, near)
    for number, (neighbour, records) in sorted(busy.items()):
        loss = classify(Expected.UNKNOWN, Source.NOTHING, 0, recorded=0)
        detail = (
            f"{loss}: the feed's answer is empty, and fetch {neighbour} has {records} records: an "
            "empty answer on a busy day"
        )
        report.found(Kind.UNEXPLAINED_ZERO, number, None, detail)


def _of_stage(books: DayBooks, stage: Stage, zeros: list[FetchNumber], report: CheckReport) -> None:
    inputs = Inputs(books, stage)

    def is_suspect(row: Standing) -> bool:
        """Not by a rule nothing came out."""
        if row.emitted:
            return False
        dropped = (row.explained or 0) - (row.quarantined or 0)
        return row.is_placeholder or (inputs.are_received and dropped == 0)

    given = inputs.gave() if zeros else {}
    suspects = [n for n in zeros if given.get(n) and is_suspect(books.claims[n])]
    settled = list(inputs.settled(suspects))
    given = inputs.gave() if settled else {}
    for number, row in settled:
        gave = given.get(number)
        if not gave or not is_suspect(row):
            continue
        loss = classify(Expected.SOME, Source.DATA, 0, recorded=row.emitted)
        what = f"all {row.quarantined} were set aside" if row.quarantined else "nothing came out"
        if row.is_placeholder:
            what += f" ({row.outcome})"
        kind = Kind.REAL_LOSS if loss is LossClass.REAL_LOSS else Kind.UNEXPLAINED_ZERO
        detail = f"{inputs.named} gave {gave} records, and {what}"
        report.found(kind, number, gave, detail)
