"""Which fetches of a stage are made anew: lost ones, placeholders, stale ones, and what follows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_assets import stage_step
from pipeline_assets.repair.classes import CLAIM_IN_DOUBT
from pipeline_assets.repair.decided import Decided, told_of, why_of
from pipeline_assets.repair.plan import Action, Content, Why, Work
from pipeline_assets.repair.survey import Fault, Survey
from pipeline_assets.run import Run
from resources.ledger import ClaimRow
from touchline.accounting import Outcome, sha256_hex
from touchline.day import FetchNumber
from touchline.stage import Stage


def plan_stage(decided: Decided, found: Survey, stage: Stage[Any]) -> set[FetchNumber]:
    """Decide on every fetch of this stage's day; those that stand when that is done."""
    return _StagePlanning(decided, found, stage).planned()


@dataclass
class _Wanted:
    """A fetch that is to be made anew. `same` is what is to come of it, where that is known."""

    why: Why
    reason: str
    fault: Fault | None = None
    same: Content | None = None


@dataclass
class _StagePlanning:
    decided: Decided
    found: Survey
    stage: Stage[Any]
    wanted: dict[FetchNumber, _Wanted] = field(default_factory=dict)
    done: set[FetchNumber] = field(default_factory=set)
    on_the_way: set[FetchNumber] = field(default_factory=set)

    def planned(self) -> set[FetchNumber]:
        self._want()
        if self.stage.ordered:
            self._want_everything_behind()
        found = self.found
        numbers = sorted({*found.index.numbers, *found.faults, *found.unmade})
        for number in sorted(self.wanted):
            self._decide(number, self.wanted[number], numbers)
        if self.on_the_way:
            self.decided.plan.on_the_way[self.stage.name] = frozenset(self.on_the_way)
        return self.done

    def _decide(self, number: FetchNumber, wanted: _Wanted, numbers: Sequence[FetchNumber]) -> None:
        decided, found, stage = self.decided, self.found, self.stage
        if wanted.fault and decided.claimable(found, number, wanted.fault):
            self.done.add(number)
            return
        action, reason = Action.DO, decided.why_not_ready(stage, number)
        if not self._can_be_made(number):
            reason = "a later version was made since, of what earlier days are now"
        if reason is None and stage.ordered:
            reason = self._go_back(number, numbers)
        if reason is not None:
            action = Action.SKIP if self._waits_for_a_new_stage(number) else Action.CANNOT
            decided.why_not[stage.name, number] = reason
        elif not wanted.fault and self._is_new(number):
            action = Action.SKIP
            minutes = stage_step.LEFT_TO_LIVE_RUNS.seconds // 60
            reason = f"live runs may still work on it for {minutes} minutes: run this again later"
        else:
            self.done.add(number)
            if wanted.same is None:
                decided.anew[stage.name].add(number)
        decided.add(
            found,
            number,
            action,
            work=Work.MAKE,
            why=wanted.why,
            reason=f"{wanted.reason}: {reason}" if reason else wanted.reason,
            source=", ".join(stage.inputs) if len(stage.inputs) < 3 else "its inputs",
            expected=wanted.same.account.emitted if wanted.same else None,
            kind=wanted.fault and wanted.fault.kind,
            detail=wanted.fault.detail if wanted.fault else "",
            same=wanted.same,
        )

    def _waits_for_a_new_stage(self, number: FetchNumber) -> bool:
        """Whether an input was added after this fetch, and nobody has asked for it yet."""
        stands, surveys = self.decided.stands, self.decided.plan.surveys
        return any(
            number in surveys[name].unmade - stands[name]
            for name in self.stage.inputs
            if self._numbers(name)
        )

    def _numbers(self, name: str) -> bool:
        """Whether this input's fetches have the numbers of the stage's."""
        return self.decided.plan.surveys[name].raw == self.found.raw

    def _can_be_made(self, number: FetchNumber) -> bool:
        """Whether this version can be made again: of an as-of day only the newest one can."""
        return self.stage.takes_fetches or number == max(self.found.claims, default=number)

    def _is_new(self, number: FetchNumber) -> bool:
        newest = self.decided.site.clock.now() - stage_step.LEFT_TO_LIVE_RUNS
        raw = self.decided.plan.feed.raw_of(self.stage.name)
        return raw.slot(self.found.day, number).at > newest

    # --- what is wanted --------------------------------------------------------------------------

    def _want(self) -> None:
        found, decided, wanted = self.found, self.decided, self.wanted
        run = Run(decided.site, decided.plan.feed, found.day, "plan")
        version = stage_step.stage_version(run, self.stage)
        anew = {name: decided.anew[name] for name in self.stage.inputs_of_its_day}
        behind = set().union(*(anew[name] for name in anew if self._numbers(name)))
        if self.stage.holds_days and any(anew.values()):
            # Every version holds all fetches until then, also those that do not number it.
            first = min(set().union(*anew.values()))
            behind |= {number for number in found.index.numbers if number >= first}
        in_scope, there = decided.is_in_scope(self.stage.name), found.index.numbers
        for number in sorted({*there, *found.faults, *behind, *found.unmade}):
            row, fault = found.claims.get(number), found.faults.get(number)
            stale = self._why_stale(number, row, version)
            if fault is not None and not fault.stands and in_scope:
                sure = row and not (stale or decided.named or fault.kind in CLAIM_IN_DOUBT)
                same = row.landed if row and sure and number not in behind else None
                content = Content(same.account, same.digest) if same else None
                wanted[number] = _Wanted(why_of(fault), str(fault.kind), fault, content)
            elif number in behind:
                wanted[number] = _Wanted(Why.BEHIND, "its input is made anew")
            elif in_scope and number in found.unmade:
                if decided.why_not_ready(self.stage, number) is None:
                    wanted[number] = _Wanted(Why.NEW, "the stage was added after it")
            elif not in_scope or number not in there:
                continue
            elif decided.named:
                wanted[number] = _Wanted(Why.NAMED, "named")
            elif row and row.landed and row.landed.outcome.is_placeholder:
                self._want_placeholder(number, row.landed.outcome, stale)
            elif stale:
                wanted[number] = _Wanted(Why.STALE, stale)
            elif fault is not None:
                reason = f"{fault.kind}: the same code would lose it again"
                said = told_of(fault) | {"reason": reason}
                decided.add(found, number, Action.SKIP, work=Work.MAKE, **said)

    def _why_stale(self, number: FetchNumber, row: ClaimRow | None, version: str) -> str | None:
        if row is None or row.landed is None:
            return None
        surveys = self.decided.plan.surveys
        if not self._can_be_made(number):
            return None
        if row.landed.code_version != version:
            return "made by another version of the code"
        there = {name: surveys[name].claims for name in self.stage.inputs_of_its_day}
        inputs = [there[name].get(each) for name, each in self.stage.made_of(number, there)]
        landed = [each.landed for each in inputs if each is not None and each.landed is not None]
        if not inputs or len(landed) < len(inputs) or row.landed.upstream_sha256 is None:
            return None
        upstream = sha256_hex("".join(claim.sha256 for claim in landed).encode())
        return "made of other inputs" if row.landed.upstream_sha256 != upstream else None

    def _want_placeholder(self, number: FetchNumber, outcome: Outcome, stale: str | None) -> None:
        """One that can come good, since its input has, or the code or the input is another."""
        if outcome is Outcome.UPSTREAM_FAILED:
            upstream = self.decided.plan.surveys[self.stage.inputs[0]].claims.get(number)
            good = upstream and upstream.landed and not upstream.landed.outcome.is_placeholder
            reason = None if good else "its input failed too"
        else:
            reason = None if stale else "the same code failed on it"
        placeholder = f"placeholder: {outcome}"
        if reason is None:
            self.wanted[number] = _Wanted(Why.PLACEHOLDER, placeholder)
            return
        self.decided.add(
            self.found,
            number,
            Action.SKIP,
            work=Work.MAKE,
            why=Why.PLACEHOLDER,
            reason=f"{placeholder}: {reason}",
        )

    # --- ordered stages --------------------------------------------------------------------------

    def _want_everything_behind(self) -> None:
        """What goes on from a fetch that may become another one has to be made anew too."""
        decided, stage = self.decided, self.stage
        changed = [
            number
            for number, wanted in self.wanted.items()
            if wanted.same is None and decided.why_not_ready(stage, number) is None
        ]
        if not changed:
            return
        for number in self.found.index.numbers:
            if number > min(changed) and decided.why_not_ready(stage, number) is None:
                behind = _Wanted(Why.BEHIND, "the stage goes on from a fetch that is made anew")
                self.wanted.setdefault(number, behind)
        for number, wanted in self.wanted.items():
            if number > min(changed):
                wanted.same = None

    def _go_back(self, number: FetchNumber, numbers: Sequence[FetchNumber]) -> str | None:
        """Add the fetches before it that have to be made once more for their state, back to one
        that still has it. Why that cannot be, or None."""
        decided, found = self.decided, self.found
        days, needed = decided.site.days(self.stage.feed), set[FetchNumber]()
        for before in reversed(numbers[: bisect_left(numbers, number)]):
            if before in self.done or before in self.on_the_way or found.keeps_state(days, before):
                break
            if before not in found.standing:
                return f"the state before it went with fetch {before}"
            if (reason := decided.why_not_ready(self.stage, before)) is not None:
                return f"the state after fetch {before} cannot be made again: {reason}"
            needed.add(before)
        self.on_the_way |= needed
        return None
