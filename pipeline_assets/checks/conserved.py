"""records_conserved: every record that went in came to one end."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.inputs import Inputs
from pipeline_assets.checks.report import CheckReport, Kind
from resources.ledger import Standing
from touchline.day import FetchNumber
from touchline.stage import Stage


def records_conserved(books: DayBooks, report: CheckReport) -> None:
    """`received = emitted + dropped + quarantined` in what was claimed of each fetch; what landed
    says the same of itself; and a stage received what its input has emitted.

    Numbers: records received, and records that came to an end.
    """
    landed = {number: row for number, row in books.claims.items() if row.has_landed}
    unknown = [n for n, row in landed.items() if None in (row.received, row.explained)]
    for number in unknown:
        report.found(Kind.UNCHECKED, number, None, "how many it received is not known")
    report.recorded = sum(row.received or 0 for row in landed.values())
    report.landed = sum(row.explained or 0 for row in landed.values())
    for number, row in landed.items():
        if row.received != row.explained and number not in unknown:
            differ = abs((row.received or 0) - (row.explained or 0))
            detail = f"received {row.received} records, and {row.explained} came to an end"
            report.found(Kind.NOT_CONSERVED, number, differ, detail)
    for number, reading in (books.readings or {}).items():
        row, account = landed[number], reading.account
        if row.received != row.explained or account.emitted != row.emitted:
            continue  # Said above, or by the check of what landed.
        quarantined = sum(account.quarantined.values())
        said = (account.received, account.explained, quarantined)
        if said != (row.received, row.explained, row.quarantined):
            differ = abs(account.received - (row.received or 0)) or None
            detail = f"claimed to have received {row.received} records, and what landed: {account}"
            report.found(Kind.NOT_CONSERVED, number, differ, detail)
    if isinstance(books.asset, Stage):
        _received_is_emitted(books, books.asset, report)


def _received_is_emitted(books: DayBooks, stage: Stage, report: CheckReport) -> None:
    """Zeros and placeholders are left to the check of zeros."""
    inputs = Inputs(books, stage)
    if not inputs.are_received:
        return

    def differ(rows: Iterable[tuple[FetchNumber, Standing]]) -> list[tuple[FetchNumber, int, int]]:
        gave = inputs.gave()
        return [
            (number, row.received, gave[number])
            for number, row in rows
            if row.received and gave.get(number, row.received) != row.received and row.is_good
        ]

    suspects = [number for number, *_ in differ(books.claims.items())]
    for number, received, gave in differ(list(inputs.settled(suspects))):
        detail = f"received {received} records of the {gave} in {inputs.named}"
        report.found(Kind.NOT_CONSERVED, number, abs(received - gave), detail)
