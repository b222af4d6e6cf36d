"""A stage's step: every fetch that has landed in its inputs and never in it, through its function.

The to-do list is what landed, so a process may die anywhere and the next minute carries on. The
ledger may withhold work - a fetch that had landed and is gone is a loss, left to `reprocess` - and
never invents it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow as pa

from pipeline_assets.code_version import version_of
from pipeline_assets.run import BACKLOG_SECONDS, Batch, Failure, Run
from resources.fetch_object import FetchObject, UnreadableObject
from resources.ledger import Claim, LedgerUnavailable, Standing
from resources.stage_codec import (
    StageObject,
    decode_stage,
    encode_stage,
)
from resources.store import NotFound, StoreError
from touchline.accounting import FetchFate, Outcome, key_digest, sha256_hex
from touchline.day import ONE_MINUTE, Day, FetchNumber
from touchline.errors import Unavailable, Unreadable
from touchline.fetch import Envelope, FetchRef
from touchline.stage import RawAsset, Reads, Stage, Staged, describe

log = logging.getLogger(__name__)

FAILURES_BEFORE_GIVING_UP = 3
STAGE_FAILED = "stage_failed"
LEFT_TO_LIVE_RUNS = timedelta(minutes=20)
"""A rebuild leaves the newest minutes of today alone: live runs are at work on them."""
UPSTREAM_TAKES = timedelta(minutes=5)
"""So long after its minute a fetch may be on its way through the stages before: three runs try."""
DAYS_STATE_IS_SOUGHT = 2
"""How many days back an ordered stage looks for the state that its last fetch left."""


def stage_step(run: Run, stage: Stage[Any]) -> Batch:
    """The run's day and, while something of it may still be on its way, the day before."""
    findings: list[str] = []
    made = (
        made
        for day in _days_at_work(run, stage)
        for made in step_of(run, stage, day, findings).made()
    )
    return Batch(run, stage.name, stage.ordered, made, findings)


def made_again(
    run: Run,
    stage: Stage[Any],
    numbers: Iterable[FetchNumber],
    *,
    on_the_way: Collection[FetchNumber] = (),
) -> Iterator[FetchObject | Failure]:
    """These fetches of the run's day anew, in order.

    Those `on_the_way` are made for the state of an ordered stage and not given: of what stands in
    windows and sealed days only the last state is kept. Where one cannot be made, or the state
    before it cannot be read, that is given and is the end. Raises StoreError, StateNotKept.
    """
    lost: list[str] = []
    step = step_of(run, stage, run.day, lost)
    for number in sorted({*numbers, *on_the_way}):
        if stage.ordered:
            step.go_on_before(number)
            if lost:
                yield Failure(number, lost[-1])
                return
        made = step.make(number)
        step.last = number
        if number not in on_the_way or isinstance(made, Failure):
            yield made


def step_of(run: Run, stage: Stage[Any], day: Day, findings: list[str]) -> StageStep:
    """How a stage of this kind takes its day."""
    if not stage.holds_days:
        return StageStep(run, stage, day, findings)
    from pipeline_assets.day_step import AsOfStep, DayStep  # They build on this module.

    return (DayStep if stage.takes_fetches else AsOfStep)(run, stage, day, findings)


def _days_at_work(run: Run, stage: Stage[Any]) -> list[Day]:
    """Oldest first, since the day before carries its state into this one. A run that fetches no
    slot of its own works on its day alone."""
    if run.rebuild or run.slot is None:
        return [run.day]
    inputs = stage.inputs_of_its_day
    in_hand = {m.ref.day for m in run.days.in_hand.values() if m.asset in inputs}
    schedule = run.plan.raw_of(stage.name).schedule
    return sorted(in_hand.union(schedule.open_days(run.day, run.site.clock.now())))


@dataclass
class StageStep:
    run: Run
    stage: Stage[Any]
    day: Day
    findings: list[str]
    carried: Any = None
    last: FetchNumber | None = None
    """The fetch that `carried` comes from."""
    away: StoreError | None = None
    """Why an earlier fetch that the stage asked for could not be had."""

    @property
    def raw(self) -> RawAsset:
        """The raw asset whose slots number its fetches."""
        return self.run.plan.raw_of(self.stage.name)

    def made(self) -> Iterator[FetchObject | Failure]:
        try:
            todo = self._todo()
            if self.stage.ordered and todo:
                self.go_on_before(todo[0])
        except (Unavailable, ValueError) as error:
            if self.run.rebuild:
                yield Failure(None, f"nothing was made: {error}")
                return
            # While one of the two books cannot be read, no backlog is taken.
            self.findings.append(f"no backlog is taken: {error}")
            todo = [] if self.stage.ordered and self.carried is None else self._in_hand()
        if self.stage.makes_alerts and self.run.is_live:
            self._tell_ahead(sorted(self._within_reach() - self._held(self.stage.name) - {*todo}))
        started = time.monotonic()
        for number in todo:
            live = self._is_live(number)
            spent = time.monotonic() - started > BACKLOG_SECONDS
            if spent and not live and self.run.is_live:
                self.findings.append("the backlog is more than one run may take")
                return
            if self.stage.ordered and number != todo[0]:
                self.go_on_before(number)
            yield self.make(number)
            self.last = number

    # --- which fetches ---------------------------------------------------------------------------

    def _todo(self) -> list[FetchNumber]:
        run, stage = self.run, self.stage
        if run.rebuild:
            for asset in (*stage.inputs, stage.name):
                run.days.list_all(asset, self.day)
        claims = run.days.standing(stage.name, self.day)
        ready = frozenset.intersection(*(self._landed(name) for name in stage.inputs))
        here = run.days.numbers(stage.name, self.day)
        if run.rebuild:
            return self._to_rebuild(ready, claims, here)
        had = here | {number for number, row in claims.items() if row.has_landed}
        todo = (ready - had) | self._repaired(ready & here, claims)
        if stage.ordered:
            return self._in_order(todo, had, ready | had)
        return sorted(todo, key=lambda number: (not self._is_live(number), number))

    def _to_rebuild(
        self,
        ready: frozenset[FetchNumber],
        claims: Mapping[FetchNumber, Standing],
        here: frozenset[FetchNumber],
    ) -> list[FetchNumber]:
        """All that has landed upstream; of the newest slots of the schedule only what had landed
        and is gone."""
        newest = self.run.site.clock.now() - LEFT_TO_LIVE_RUNS
        old = {number for number in ready if self.raw.slot(self.day, number).at <= newest}
        if self.raw.refetch:  # No live run takes what somebody has collected.
            scheduled = self.run.site.ledger.slots(self.raw, self.day)
            old |= ready - {slot.number for slot in scheduled}
        gone = {n for n in ready - old - here if (row := claims.get(n)) and row.has_landed}
        if left := len(ready - old - gone):
            self.findings.append(
                f"{left} fetches stay as they are: they are younger than "
                f"{LEFT_TO_LIVE_RUNS.seconds // 60} minutes, and live runs may still work on them"
            )
        return sorted(old | gone)

    def _is_live(self, number: FetchNumber) -> bool:
        return self.run.slot == self.raw.slot(self.day, number)

    def _landed(self, asset: str) -> frozenset[FetchNumber]:
        """What the store lists, and what was made here and is still on its way to it."""
        return self.run.days.numbers(asset, self.day) | self._held(asset)

    def _held(self, asset: str) -> set[FetchNumber]:
        held = self.run.days.in_hand.values()
        return {m.ref.number for m in held if m.asset == asset and m.ref.day == self.day}

    def _in_hand(self) -> list[FetchNumber]:
        ready = set.intersection(*(self._held(name) for name in self.stage.inputs))
        return sorted(ready - self._held(self.stage.name))

    def _within_reach(self) -> set[FetchNumber]:
        """What can be made of what this run holds, also where an ordered input waits with it."""

        def of(name: str) -> set[FetchNumber]:
            before = self._waits(name)
            return self._held(name) | (before._within_reach() if before else set())

        return set.intersection(*map(of, self.stage.inputs))

    def _waits(self, name: str) -> StageStep | None:
        """The step of an input that waits for earlier fetches; None for any other."""
        stage = self.run.site.stages.get(name)
        if stage is None or not stage.ordered:
            return None
        return StageStep(self.run, stage, self.day, self.findings)

    def _repaired(
        self, numbers: frozenset[FetchNumber], claims: Mapping[FetchNumber, Standing]
    ) -> set[FetchNumber]:
        """Placeholders that can now be replaced: the input came good, or the code has changed. And
        what was collected of stages that this run has repaired."""
        if self.stage.reads is Reads.QUARANTINED:
            changed = self.run.site.ledger.landed_since(
                self.stage.name, self.stage.inputs, self.day
            )
            # Also where the run that repaired them died before it came to this stage.
            self.run.repaired |= {(self.day, number) for number in changed}
            return {number for day, number in self.run.repaired if day == self.day} & numbers
        ledger, version = self.run.site.ledger, self._version
        placeholders = [n for n in numbers if (row := claims.get(n)) and row.is_placeholder]
        if not placeholders:
            return set()
        came_good = set.intersection(
            *(
                {n for n, row in ledger.standing(name, self.day).items() if row.is_good}
                for name in self.stage.inputs
            )
        )
        return {
            number
            for number in came_good.intersection(placeholders)
            if (row := ledger.claim(self.stage.name, self.day, number))
            and row.landed
            and (
                row.landed.outcome is Outcome.UPSTREAM_FAILED or row.landed.code_version != version
            )
        }

    def _in_order(
        self,
        todo: frozenset[FetchNumber],
        had: frozenset[FetchNumber],
        known: frozenset[FetchNumber],
    ) -> list[FetchNumber]:
        """What an ordered stage may take: nothing that an earlier fetch may still change, and
        nothing that would change what followed from it. Only a rebuild of the day can do that."""
        newest = max(had, default=FetchNumber(0))
        tomorrow, now = self.day.shifted(1), self.run.site.clock.now()
        if now >= tomorrow.start and self.run.days.numbers(self.stage.name, tomorrow):
            newest = FetchNumber(self.raw.length(self.day) + 1)
        late = sorted(number for number in todo if number < newest)
        if late:
            self.findings.append(
                f"{len(late)} fetches came after later ones were taken, the first {late[0]}: the "
                "day is to be rebuilt"
            )
        awaited = self._awaited(known)
        return sorted(n for n in todo if n >= newest and (awaited is None or n < awaited))

    def _awaited(self, known: frozenset[FetchNumber]) -> FetchNumber | None:
        """The first fetch that is not here yet and may still come: another run is at work on it,
        or it has landed and is on its way through the stages before this one."""
        run = self.run
        if run.site.clock.now() < self.day.start + UPSTREAM_TAKES:
            before = self.day.shifted(-1)
            if self._may_come(before, run.days.numbers(self.stage.name, before)):
                return FetchNumber(0)
        return min(self._may_come(self.day, known), default=None)

    def _may_come(self, day: Day, known: frozenset[FetchNumber]) -> list[FetchNumber]:
        run, now = self.run, self.run.site.clock.now()
        patience = {
            FetchFate.STARTED: self.raw.patience.max_runtime,
            FetchFate.LANDED: UPSTREAM_TAKES,
        }
        passed = int((now - max(patience.values()) - day.start) / ONE_MINUTE)
        return [
            number
            for number, row in run.site.ledger.fetches(self.raw.name, day, passed).items()
            if number not in known
            and row.fate in patience
            and now < row.slot.at + patience[row.fate]
            and not (row.fate is FetchFate.STARTED and row.run_id == run.run_id)
        ]

    def go_on_before(self, number: FetchNumber) -> None:
        """Carry on the state of the fetch before this one, which may be one that is not made again:
        its own input is gone."""
        landed = self.run.days.numbers(self.stage.name, self.day)
        before = max((n for n in landed if n < number), default=None)
        if self.last is None or before != self.last:
            self.carried = self._carried_before(number)

    def _carried_before(self, number: FetchNumber) -> Any:
        """The state that the fetch before this one left: of this day, or of the days before. Where
        that cannot be read, the one before counts, and what it missed is shown again."""
        run, name = self.run, self.stage.name
        for back in range(DAYS_STATE_IS_SOUGHT + 1):
            day = self.day.shifted(-back)
            for earlier in sorted(run.days.numbers(name, day), reverse=True):
                if back == 0 and earlier >= number:
                    continue
                try:
                    found = run.days.read(name, day, earlier)
                    return decode_stage(self.stage, found.body).carried
                except (NotFound, Unreadable) as error:
                    self.findings.append(f"the state before fetch {number} is lost: {error}")
        return None

    # --- one fetch -------------------------------------------------------------------------------

    @property
    def _version(self) -> str:
        return stage_version(self.run, self.stage)

    def make(self, number: FetchNumber) -> FetchObject | Failure:
        run, stage = self.run, self.stage
        try:
            inputs = [run.days.read(name, self.day, number) for name in stage.inputs]
        except StoreError as error:
            return Failure(number, f"its input: {error}")
        except UnreadableObject as error:
            return self._give_up_or_retry(number, None, f"its input: {error}")
        if stage.reads is Reads.RECORDS and any(i.outcome.is_placeholder for i in inputs):
            return self._object(inputs, Outcome.UPSTREAM_FAILED, Staged(carried=self.carried))
        self.away = None
        try:
            staged = self._staged(inputs, self.carried)
            made = self._object(inputs, Outcome.COMPLETE, staged)
        except Exception as error:
            log.exception("%s: fetch %s", stage.name, number)
            return self._give_up_or_retry(number, inputs, describe(error))
        if self.away is not None:
            return Failure(number, f"an earlier fetch: {self.away}")
        if stage.tells_people and (error := self._post(made.ref, staged)):
            return Failure(number, error)
        self.carried = staged.carried
        return made

    def _tell_ahead(self, numbers: Iterable[FetchNumber]) -> None:
        """An alert waits neither for the store nor for an earlier fetch: what was told of a match
        is known to the outbox. Its fetch lands in its turn."""
        for number in numbers:
            try:
                inputs = [self._ahead(name, number) for name in self.stage.inputs]
                if any(found.outcome.is_placeholder for found in inputs):
                    continue
                staged = self._staged(inputs, None)
            except Exception as error:
                log.exception("%s: fetch %s", self.stage.name, number)
                self.findings.append(f"the alerts of fetch {number}: {describe(error)}")
            else:
                if error := self._post(inputs[0].ref, staged):
                    self.findings.append(error)

    def _ahead(self, name: str, number: FetchNumber) -> FetchObject:
        """An input as this run holds it. One that waits for its state is made without it, for this
        alone: it lands in its turn too."""
        before = self._waits(name)
        if before is None or number in self._held(name):
            return self.run.days.read(name, self.day, number)
        inputs = [before._ahead(each, number) for each in before.stage.inputs]
        failed = [found for found in inputs if found.outcome.is_placeholder]
        if failed:
            return failed[0]
        return before._object(inputs, Outcome.COMPLETE, before._staged(inputs, None))

    def _post(self, ref: FetchRef, staged: Staged[Any]) -> str | None:
        """Before any of it lands. Why it may not land, if it may not."""
        try:
            if not self.run.post(self.stage, ref, staged.records):
                held = self.stage.tellings(staged.records, self.run.plan.subject)
                self.findings.append(
                    f"{len(held)} alerts of fetch {ref.number} are held: the ledger "
                    "cannot say whether they were told before"
                )
        except OSError as error:
            return f"its alerts could not be kept: {error}"
        return None

    def _staged(self, inputs: list[FetchObject], carried: Any) -> Staged[Any]:
        extra: dict[str, Any] = {"carried": carried} if self.stage.ordered else {}
        if self.stage.recalls:
            extra["earlier"] = self._earlier
        return self.stage.by(inputs[0].ref, *self._arguments(inputs), **extra)

    def _arguments(self, inputs: list[FetchObject]) -> list[Any]:
        if self.stage.reads is Reads.QUARANTINED:
            return [{found.asset: self._opened(found).quarantined for found in inputs}]
        return [
            found.envelope() if found.is_raw else self._opened(found).records for found in inputs
        ]

    def _earlier(self, ref: FetchRef) -> Envelope | None:
        try:
            found = self.run.days.read(self.stage.inputs[0], ref.day, ref.number)
            return found.envelope() if found.ref == ref else None
        except (NotFound, ValueError) as error:
            self.findings.append(f"the earlier fetch {ref.number} of {ref.day}: {error}")
        except StoreError as error:
            self.away = error  # What is made without it would not be made so again.
        return None

    def _opened(self, found: FetchObject) -> StageObject[Any]:
        return decode_stage(self.run.site.stages[found.asset], found.body)

    def _object(
        self,
        inputs: Sequence[FetchObject],
        outcome: Outcome,
        staged: Staged[Any],
        table: pa.Table | None = None,
    ) -> FetchObject:
        upstream = "".join(found.sha256 for found in inputs)
        return self._stored(inputs[0].ref, upstream, outcome, staged, table)

    def _stored(
        self,
        ref: FetchRef,
        upstream: str,
        outcome: Outcome,
        staged: Staged[Any],
        table: pa.Table | None = None,
    ) -> FetchObject:
        """`table` has the records where they are a table already."""
        body = encode_stage(self.stage, ref, staged, table)
        return FetchObject(
            asset=self.stage.name,
            ref=ref,
            outcome=outcome,
            account=staged.account,
            digest=key_digest(map(self.stage.key, staged.records)),
            sha256=sha256_hex(body),
            code_version=self._version,
            upstream_sha256=sha256_hex(upstream.encode()),
            etag=None,
            body=body,
            reads=staged.reads,
        )

    def _give_up_or_retry(
        self, number: FetchNumber, inputs: list[FetchObject] | None, error: str
    ) -> FetchObject | Failure:
        """Three failures by the same code, and the fetch lands with everything quarantined, so that
        the day goes on; before that the next minute tries again. `inputs` is None where they cannot
        be read: the ledger knows what they were."""
        ledger, now = self.run.site.ledger, self.run.site.clock.now()
        try:
            if inputs:
                ref, records = inputs[0].ref, inputs[0].account.emitted
                upstream = "".join(found.sha256 for found in inputs)
            else:
                claim = self._claimed(number)
                ref = claim.ref if claim else self._unknown(number)
                records = claim.account.emitted if claim else 0
                upstream = claim.sha256 if claim else ""
            attempts = ledger.failed(self.stage.name, ref, error, self._version, now)
        except LedgerUnavailable as unavailable:
            return Failure(number, f"{error}; {unavailable}")
        if attempts < FAILURES_BEFORE_GIVING_UP:
            return Failure(number, error)
        staged: Staged[Any] = Staged(carried=self.carried)
        for _ in range(records):
            with staged.one_record(None):
                staged.quarantine(STAGE_FAILED, None, detail=error)
        return self._stored(ref, upstream, Outcome.STAGE_FAILED, staged)

    def _claimed(self, number: FetchNumber) -> Claim | None:
        """What the first input was when it landed."""
        row = self.run.site.ledger.claim(self.stage.inputs[0], self.day, number)
        return row.landed if row else None

    def _unknown(self, number: FetchNumber) -> FetchRef:
        return FetchRef.of(self.raw.slot(self.day, number), "unknown")


def stage_version(run: Run, stage: Stage[Any]) -> str:
    return version_of(stage, run.plan.stage_modules)
