"""What a stage was given, by the claims of its inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pipeline_assets.checks.books import DayBooks
from resources.ledger import Standing
from touchline.accounting import Outcome
from touchline.day import FetchNumber
from touchline.stage import Reads, Stage


@dataclass(frozen=True)
class Inputs:
    """The inputs of the stage whose books these are. Raises LedgerUnavailable."""

    books: DayBooks
    stage: Stage

    @property
    def collects(self) -> bool:
        """Whether it is given what its inputs set aside."""
        return self.stage.reads is Reads.QUARANTINED

    @property
    def are_received(self) -> bool:
        """Whether the stage counts what it is given, and not something in it."""
        return self.collects or self.stage.receives_each

    @property
    def named(self) -> str:
        return "quarantine of its inputs" if self.collects else self.stage.inputs[0]

    def first(self, number: FetchNumber) -> Standing | None:
        """Where its first input stands, whose fetches it takes."""
        return self.books.claims_of(self.stage.inputs[0]).get(number)

    def gave(self) -> dict[FetchNumber, int]:
        """How many records it was given of each fetch that has landed in all its inputs: the first
        input's, or what all of them set aside."""
        if not self.stage.takes_fetches:
            return {}
        first, *others = (self.books.claims_of(name) for name in self.stage.inputs)
        if self.stage.holds_days:
            return self._gave_so_far(first)
        if not self.collects:
            return {
                number: row.emitted
                for number, row in first.items()
                if row.emitted is not None
                # A placeholder among the others gives a stage nothing to work on.
                and all((other := rows.get(number)) and other.is_good for rows in others)
            }
        given = {n: row.quarantined for n, row in first.items() if row.quarantined is not None}
        for rows in others:
            given = {
                number: count + row.quarantined
                for number, count in given.items()
                if (row := rows.get(number)) and row.quarantined is not None
            }
        return given

    def _gave_so_far(self, first: Mapping[FetchNumber, Standing]) -> dict[FetchNumber, int]:
        """To each version of the day: all of the first input's fetches until then, or of one that
        comes in versions itself, the newest of them."""
        of = self.books.site.stages.get(self.stage.inputs[0])
        gave, so_far = {}, 0
        for number, row in sorted(first.items()):
            if row.outcome == Outcome.UNCHANGED or not row.is_good:
                pass
            elif of is not None and of.holds_days:
                so_far = row.emitted or 0
            else:
                so_far += row.emitted or 0
            gave[number] = so_far
        return gave

    def settled(self, numbers: Collection[FetchNumber]) -> Iterator[tuple[FetchNumber, Standing]]:
        """Where the stage stands with those of these fetches on which no run is at work any more,
        its claims and those of its inputs read anew."""
        if not numbers:
            return
        books, ledger = self.books, self.books.site.ledger
        names = (self.stage.name, *self.stage.inputs)
        now, claims = books.site.clock.now(), {}
        longest = books.raw.patience.max_runtime
        for name in names:
            books.known.pop(name, None)
            for number, row in ledger.claims_of(name, books.day, numbers).items():
                claims.setdefault(number, []).append(row.updated_at)
        books.known |= {name: ledger.standing(name, books.day) for name in names}
        for number in numbers:
            row = books.known[self.stage.name].get(number)
            if row and now >= max(claims[number]) + longest:
                yield number, row
