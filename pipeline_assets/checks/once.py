"""every_fetch_once: under its own number and id, each fetch counts once in every asset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.inputs import Inputs
from pipeline_assets.checks.report import CheckReport, Kind
from resources.expired_days import expiry_of
from resources.ledger import Standing
from touchline.day import FetchNumber
from touchline.stage import Stage

Rows = Mapping[FetchNumber, Standing]


def every_fetch_once(books: DayBooks, report: CheckReport) -> None:
    """Joined by number and fetch id, never by place: what each fetch was made of is the fetch that
    landed in that slot, it is the one that its object holds, and it has no other number.

    Placeholders count as nothing; the check of zeros speaks of them. What never came is the matter
    of the check of what landed.
    """
    counted = {number: row for number, row in books.claims.items() if row.is_good}
    report.fetches_present = len(counted)
    for number, first in _twice(counted):
        detail = f"fetch {counted[number].fetch_id} counts twice: it is number {first} already"
        report.found(Kind.OTHER_FETCH, number, counted[number].emitted, detail)
    for number, reading in (books.readings or {}).items():
        row = counted.get(number)
        if row and reading.fetch_id != row.fetch_id:
            detail = f"claimed of fetch {row.fetch_id}, and what landed is of {reading.fetch_id}"
            report.found(Kind.OTHER_FETCH, number, row.emitted, detail)
    if isinstance(books.asset, Stage) and books.asset.takes_fetches:
        _of_its_input(books, books.asset, counted, report)
    elif not isinstance(books.asset, Stage):
        _of_its_slot(books, counted, report)


def _twice(counted: Rows) -> Iterator[tuple[FetchNumber, FetchNumber]]:
    """A number whose fetch has another number already, and that one."""
    numbers: dict[str | None, FetchNumber] = {}
    for number, row in counted.items():
        first = numbers.setdefault(row.fetch_id, number)
        if first != number:
            yield number, first


def _of_its_slot(books: DayBooks, counted: Rows, report: CheckReport) -> None:
    ledger, now = books.site.ledger, books.site.clock.now()
    fates = ledger.fetch_ids(books.raw.name, books.day)
    for number, row in counted.items():
        if fates.get(number, row.fetch_id) == row.fetch_id:
            continue
        claim = ledger.claim(books.asset.name, books.day, number)
        told = ledger.fetch_ids(books.raw.name, books.day).get(number)
        if claim and claim.landed and now >= claim.updated_at + books.raw.patience.max_runtime:
            landed = claim.landed.ref.fetch_id
            if told != landed:
                detail = f"fetch {told} was told of this minute, and {landed} has landed"
                report.found(Kind.OTHER_FETCH, number, row.emitted, detail)


def _of_its_input(books: DayBooks, stage: Stage, counted: Rows, report: CheckReport) -> None:
    inputs = Inputs(books, stage)

    def differ(counted: Iterable[tuple[FetchNumber, Standing]]) -> Rows:
        taken = books.claims_of(stage.inputs[0])
        return {
            number: row
            for number, row in counted
            if (of := taken.get(number)) is None or of.fetch_id != row.fetch_id
        }

    settled = list(inputs.settled(differ(counted.items())))
    told = differ((number, row) for number, row in settled if row.is_good)
    if not told:
        return
    name = stage.inputs[0]
    # A ledger that was made anew knows nothing of what had expired before.
    expired = expiry_of(books.site.store, name, books.day, books.site.clock.now())
    for number, row in told.items():
        of = inputs.first(number)
        if of and of.has_landed:
            detail = f"made of fetch {row.fetch_id}, and {name} has {of.fetch_id}"
        elif expired and number in expired.numbers:
            continue
        else:
            detail = f"made of fetch {row.fetch_id}, of which {name} knows nothing"
        report.found(Kind.OTHER_FETCH, number, row.emitted, detail)
