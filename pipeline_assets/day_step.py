"""The steps of stages whose objects are versions of a whole day.

A stage that spans a day makes a version with every fetch, of all fetches up to that one: what
version 366 holds never depends on when it was made. A fetch that comes late makes every later
version anew. A stage that is made as of a day reads the newest versions of earlier days, and says
in its object which; its version is as old as the newest of them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

from pipeline_assets.run import Failure
from pipeline_assets.stage_step import StageStep
from resources.fetch_object import FetchObject, UnreadableObject
from resources.ledger import LedgerUnavailable
from resources.parquet import records_of, table_of
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.store import NotFound, StoreError
from touchline.accounting import Outcome, sha256_hex
from touchline.day import Day, FetchNumber
from touchline.errors import Unavailable
from touchline.fetch import FetchRef
from touchline.slot import Slot
from touchline.stage import Stage, Staged, VersionRead, describe

log = logging.getLogger(__name__)

AS_OF_ID = "as-of-{number:08d}"
"""The fetch id of a version that was made without a fetch."""


class DayStep(StageStep):
    """Every fetch of the day makes a version of it."""

    def _todo(self) -> list[FetchNumber]:
        run, stage = self.run, self.stage
        if run.rebuild:
            for asset in (*stage.inputs, stage.name):
                run.days.list_all(asset, self.day)
        there = {name: self._landed(name) for name in stage.inputs}
        inputs_now = {
            (name, number): row.landed.sha256
            for name in stage.inputs
            for number, row in run.site.ledger.claims(name, self.day).items()
            if row.landed
        }
        ready = frozenset.intersection(*(there[name] for name in self._numbering))
        gone = [number for name, number in inputs_now if number not in there[name]]
        if gone:
            # A loss is left to `reprocess`: of what is left, later versions would hold less.
            ready = frozenset(number for number in ready if number < min(gone))
            self.findings.append(
                f"versions from {min(gone)} on stay as they are: an input of theirs is gone"
            )
        here = run.days.numbers(stage.name, self.day)
        if run.rebuild:
            return self._to_rebuild(ready, run.days.standing(stage.name, self.day), here)
        claims = run.site.ledger.claims(stage.name, self.day)
        todo = []
        for number in sorted(ready):
            row, of = claims.get(number), stage.made_of(number, there)
            upstream = "".join(inputs_now.get(each, "") for each in of)
            if row is None or row.landed is None:
                todo.append(number)
            elif row.landed.upstream_sha256 != sha256_hex(upstream.encode()) or (
                row.landed.outcome is Outcome.STAGE_FAILED
                and row.landed.code_version != self._version
            ):
                todo.append(number)
                run.repaired.add((self.day, number))
        return todo

    @property
    def _numbering(self) -> list[str]:
        """The inputs that come from the raw asset whose slots number the versions."""
        raw_of = self.run.plan.raw_of
        return [name for name in self.stage.inputs if raw_of(name) is self.raw]

    def make(self, number: FetchNumber) -> FetchObject | Failure:
        inputs: list[FetchObject] | None = None
        try:
            inputs = self._inputs(number)
            if all(found.outcome.is_placeholder for found in inputs):
                return self._object(inputs, Outcome.UPSTREAM_FAILED, Staged())
            staged = self._staged(inputs, None)
            return self._object(inputs, *version(self.stage, staged, *self._before(number)))
        except StoreError as error:
            return Failure(number, f"its input: {error}")
        except UnreadableObject as error:
            return self._give_up_or_retry(number, None, f"its input: {error}")
        except Exception as error:
            log.exception("%s: version %s", self.stage.name, number)
            return self._give_up_or_retry(number, inputs, describe(error))

    def _inputs(self, number: FetchNumber) -> list[FetchObject]:
        """Read what the version is made of. Of inputs that span a day the records are not read yet:
        one of their versions will do."""
        there = {name: self._landed(name) for name in self.stage.inputs}
        days, stages = self.run.days, self.run.site.stages
        return [
            (days.told if name in stages and stages[name].holds_days else days.read)(
                name, self.day, each
            )
            for name, each in self.stage.made_of(number, there)
        ]

    def _before(self, number: FetchNumber) -> tuple[Sequence[Any] | None, bool]:
        """The records of the newest version before this one that holds any, None where there is
        none; and whether that version can be read."""
        for earlier in sorted(self._landed(self.stage.name), reverse=True):
            if earlier < number:
                found = self.run.days.told(self.stage.name, self.day, earlier)
                if found.outcome.holds_records:
                    return self.records(earlier)
        return None, True

    def records(self, number: FetchNumber) -> tuple[Sequence[Any], bool]:
        """The records of a version that holds any, and whether it can be read: one that the sealed
        day has let go of is worked out again."""
        try:
            found = self.run.days.read(self.stage.name, self.day, number)
        except NotFound:
            staged = self._staged(self._inputs(number), None)
            return _as_stored(self.stage, staged.records)[0], False
        return self._opened(found).records, True

    def _arguments(self, inputs: Sequence[FetchObject]) -> list[Any]:
        return [
            self._argument(name, [found for found in inputs if found.asset == name])
            for name in self.stage.inputs
        ]

    def _argument(self, name: str, found: Sequence[FetchObject]) -> Any:
        good = sorted(
            (each for each in found if each.outcome.holds_records), key=lambda each: each.ref.number
        )
        stage = self.run.site.stages.get(name)
        if stage is None:
            return [(each.ref, each.envelope()) for each in good]
        if stage.holds_days:
            step = DayStep(self.run, stage, self.day, self.findings)
            return step.records(good[-1].ref.number)[0] if good else []
        return [(each.ref, self._opened(each).records) for each in good]


class AsOfStep(StageStep):
    """Earlier days make the versions of the day, whatever is fetched of it."""

    def made(self) -> Iterator[FetchObject | Failure]:
        try:
            newest = self._newest()
            is_due = self._is_watched() if newest is None else self._is_stale()
        except (Unavailable, ValueError) as error:
            if self.run.rebuild:
                yield Failure(None, f"nothing was made: {error}")
            else:
                self.findings.append(f"whether {self.day} is up to date is not known: {error}")
            return
        if is_due or self.run.rebuild:
            yield self._make(newest)

    def make(self, number: FetchNumber) -> FetchObject | Failure:
        """Its newest version. Older ones were made of what earlier days were then."""
        made = self._make(self._newest())
        if isinstance(made, FetchObject) and made.ref.number != number:
            return Failure(
                number, f"what it was made of has changed since: its version is {made.ref.number}"
            )
        return made

    def _newest(self) -> FetchObject | None:
        """Its newest version, also one that only says that nothing has changed."""
        numbers = self._landed(self.stage.name)
        return self.run.days.read(self.stage.name, self.day, max(numbers)) if numbers else None

    def _is_watched(self) -> bool:
        """Whether any slot of the day was to be fetched."""
        raw = self.raw
        return bool(self.run.site.ledger.expected(raw, self.day, raw.ends(self.day)))

    def _is_stale(self) -> bool:
        """Whether an earlier day that it was made of has had another version since."""
        stale = self.run.site.ledger.stale(self.run.plan.name, self.day)
        return any(each.asset == self.stage.name for each in stale)

    def _make(self, newest: FetchObject | None) -> FetchObject | Failure:
        run, stage = self.run, self.stage
        earlier = Earlier(run.site, self.day)
        try:
            staged = stage.by(self.day, earlier)
            if gone := self._gone(newest, earlier):
                return Failure(
                    None, f"earlier days: {gone}, of which it was made, is there no more"
                )
            number = max(earlier.number, newest.ref.number if newest else FetchNumber(1))
            outcome, staged, table = self._after(staged, number, newest)
            staged = replace(staged, reads=list(earlier.reads.values()))
            ref = FetchRef.of(self.raw.slot(self.day, number), AS_OF_ID.format(number=number))
            upstream = "".join(read.sha256 or "-" for read in staged.reads)
            made = self._stored(ref, upstream, outcome, staged, table)
            run.site.ledger.reads(stage.name, self.day, staged.reads, run.site.clock.now())
        except (StoreError, LedgerUnavailable) as error:
            return Failure(None, f"earlier days: {error}")
        except Exception as error:
            log.exception("%s of %s", stage.name, self.day)
            return Failure(None, f"{self.day}: {describe(error)}")
        if newest is not None and newest.ref.number == number:
            run.repaired.add((self.day, number))
        return made

    def _gone(self, newest: FetchObject | None, earlier: Earlier) -> str | None:
        """An earlier day that the newest version was made of, and that has expired or is lost."""
        reads = self._opened(newest).reads if newest else ()
        for each in reads:
            now = earlier.reads.get((each.asset, Day.parse(each.date)))
            if each.number is not None and now is not None and now.number is None:
                return f"{each.asset} of {each.date}"
        return None

    def _after(
        self, staged: Staged[Any], number: FetchNumber, newest: FetchObject | None
    ) -> Stored:
        """Return what is stored under this number. If the version before is not kept, all of this
        one is stored, with its changes only if the newest version holds the same and told them."""
        try:
            before = self.run.days.newest_version(self.stage.name, self.day, before=number)
        except NotFound:
            there = self._opened(newest) if newest else None
            records, table = _as_stored(self.stage, staged.records)
            is_same = there and _packed(there.records) == _packed(records)
            changes = there.changes if there and is_same else {}
            return Outcome.COMPLETE, replace(staged, changes=changes), table
        return version(self.stage, staged, self._opened(before).records if before else None)


Stored = tuple[Outcome, Staged[Any], pa.Table | None]
"""What is stored of a version, and its records as a table where they are not left out."""


def version(
    stage: Stage[Any],
    staged: Staged[Any],
    before: Sequence[Any] | None,
    is_there: bool = True,
) -> Stored:
    """Return what is stored of a version of a day, after the one `before` (its records as stored;
    None for the first): all of it, with what has changed, or that nothing has. Where the one before
    is not there to be read, it is all of it."""
    records, table = _as_stored(stage, staged.records)
    now, then = _packed(records), _packed(before or ())
    if is_there and before is not None and now == then:
        told = {str(Outcome.UNCHANGED): Counter({"": len(staged.records)})}
        dropped = {**staged.dropped, **told} if staged.records else staged.dropped
        return Outcome.UNCHANGED, replace(staged, records=[], dropped=dropped), None
    old = dict(zip(map(stage.key, before or ()), then, strict=True))
    new = dict(zip(map(stage.key, records), now, strict=True))
    both = old.keys() & new.keys()
    updated = sum(old[key] != new[key] for key in both)
    changes = {
        "inserted": len(new) - len(both),
        "updated": updated,
        "unchanged": len(both) - updated,
        "gone": len(old) - len(both),
    }
    return Outcome.COMPLETE, replace(staged, changes=changes), table


def _as_stored(stage: Stage[Any], records: Sequence[Any]) -> tuple[Sequence[Any], pa.Table]:
    """The records as their object gives them back, where a time in New York comes back in UTC, and
    their table."""
    table = table_of(records, stage.makes)
    return records_of(table, stage.makes), table


def _packed(records: Sequence[Any]) -> list[bytes]:
    return list(map(msgspec.msgpack.Encoder().encode, records))


@dataclass
class Earlier:
    """Reads days before its own for an as-of stage, and records which versions it found."""

    site: Site
    day: Day
    reads: dict[tuple[str, Day], VersionRead] = field(default_factory=dict)
    newest: datetime | None = None
    """The time of the slot of the newest version that it has read (UTC)."""

    def __call__(self, asset: str, day: Day) -> Sequence[Any] | None:
        """Return the records of the newest version of an earlier day; None where there is none.

        Raises ValueError for a day that is not before its own, KeyError for an asset that is none
        or holds no versions of days, StoreError, UnreadableObject.
        """
        found = self._newest(asset, day)
        return decode_stage(self.site.stages[asset], found.body).records if found else None

    def _newest(self, asset: str, day: Day) -> FetchObject | None:
        if day >= self.day:
            raise ValueError(f"{day} is not before {self.day}: what is as of a day reads no later")
        if not self.site.stages[asset].holds_days:
            raise KeyError(f"{asset} has no versions of days")
        found = self.site.days(asset.partition("/")[0]).newest_version(asset, day)
        self.reads[asset, day] = VersionRead(
            asset, str(day), found.ref.number if found else None, found.sha256 if found else None
        )
        if found and (self.newest is None or found.ref.at > self.newest):
            self.newest = found.ref.at
        return found

    @property
    def number(self) -> FetchNumber:
        """The number of the version that was made of what it has read: that of the newest slot, at
        the day's first minute or after it."""
        at = max(self.day.start, self.newest or self.day.start)
        return Slot.of("", self.day, at).number
