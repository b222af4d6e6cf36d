"""How a plan is made: from what is lost or mis-tracked, a placeholder or stale, or is named.

Assets are gone through in the order of the chain, so that what a stage needs has been decided when
it is its turn. Nothing is written here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_assets import stage_step
from pipeline_assets.checks.books import KnownClaims
from pipeline_assets.repair.classes import CLAIM_IN_DOUBT, CLASS_OF
from pipeline_assets.repair.plan import Action, Content, Item, Plan, Why, Work
from pipeline_assets.repair.survey import Fault, SealState, Survey, survey
from pipeline_assets.run import Run
from resources.day_layout import seal_key, window_key
from resources.fetch_object import UnreadableObject
from resources.ledger import ClaimRow
from resources.object_store import NotFound
from resources.site import Site
from resources.spool import Spooled
from touchline.accounting import LossClass, Outcome, sha256_hex
from touchline.day import Day, FetchNumber, Window
from touchline.plan import FeedPlan
from touchline.stage import RawAsset, Stage


def plan_repair(
    site: Site,
    feed: FeedPlan,
    day: Day,
    *,
    asset: str | None = None,
    named: bool = False,
    deep: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Plan:
    """What `reprocess` would do with this day, in this asset and behind it, or in all of them.

    All of the asset's fetches are made anew where they are `named`, else only what is lost,
    mis-tracked, a placeholder or stale. `deep` reads every object back to find what is lost.

    Raises UnreadableObject, StoreError, LedgerUnavailable.
    """
    surveys: dict[str, Survey] = {}
    known: KnownClaims = {}
    for each in feed.assets:
        progress(f"checking {day} {each.name}")
        surveys[each.name] = survey(site, feed, each, day, deep=deep, known=known)
    return _Planning(site, Plan(feed, day, surveys), asset, named).planned()


@dataclass
class _Wanted:
    why: Why
    reason: str
    fault: Fault | None = None
    same: Content | None = None


@dataclass
class _Planning:
    site: Site
    plan: Plan
    asset: str | None
    """The one asset that is to be repaired, with what follows from it."""
    named: bool
    stands: dict[str, frozenset[FetchNumber]] = field(default_factory=dict)
    """What of each asset is there and right when its items are done."""
    anew: dict[str, set[FetchNumber]] = field(default_factory=dict)
    """Of that, what may be other than it was."""
    why_not: dict[tuple[str, FetchNumber], str] = field(default_factory=dict)

    def planned(self) -> Plan:
        for asset in self.plan.feed.assets:
            found = self.plan.surveys[asset.name]
            self.anew[asset.name] = set()
            done: set[FetchNumber] = set()
            if self._is_in_scope(asset.name):
                self._containers(found)
            if isinstance(asset, RawAsset):
                done = self._raw(found) if self._is_in_scope(asset.name) else set()
            else:
                done = self._stage(found, asset)
            self.stands[asset.name] = found.standing | done
            if self._is_in_scope(asset.name):
                self._written_anew(found, done)
        return self.plan

    def _is_in_scope(self, asset: str) -> bool:
        return self.asset in (None, asset)

    def _add(self, found: Survey, number: FetchNumber | None, action: Action, **said: Any) -> None:
        stood: tuple[str | None, int | None] = (None, None)
        if number is not None and said.get("key") is None:
            stood = stood_of(found, number)
        self.plan.items.append(Item(found.asset.name, number, action, stood=stood, **said))

    # --- windows and sealed days -----------------------------------------------------------------

    def _containers(self, found: Survey) -> None:
        """What only needs to be told: a window that holds what was claimed, a whole sealed day."""
        for first, (listed, detail) in sorted(found.unconfirmed.items()):
            self._add(
                found,
                first,
                Action.DO,
                work=Work.CONFIRM,
                why=Why.MISTRACKED,
                reason="it holds what was claimed, and is not the object that was confirmed",
                source=listed.key,
                detail=detail,
                key=listed.key,
            )
        if found.seal is SealState.UNTOLD and found.index.seal is not None:
            self._add(
                found,
                None,
                Action.DO,
                work=Work.SEAL,
                why=Why.MISTRACKED,
                reason="the sealed day is there, and not said to be",
                source="the sealed day",
                detail=found.seal_detail,
                key=seal_key(found.asset.name, found.day, found.index.seal),
            )

    def _written_anew(self, found: Survey, done: set[FetchNumber]) -> None:
        """Damaged windows and a broken sealed day, of fetches that stand when it is their turn."""
        there, asset = found.standing | done, found.asset.name
        for first, (_, detail) in sorted(found.damaged.items()):
            held = found.held(first)
            sealed = found.index.seal is not None and held <= found.index.sealed.keys()
            missing = sorted(held - there)
            self._add(
                found,
                first,
                Action.CANNOT if missing or not held else Action.DO,
                work=Work.ASIDE if sealed else Work.WINDOW,
                why=Why.LOST,
                reason=_incomplete(missing) if missing or not held else "the window is damaged",
                source="the sealed day" if sealed else "its fetches",
                detail=detail,
                key=window_key(asset, Window(found.day, first)),
            )
        if found.seal is SealState.BROKEN:
            missing = sorted(n for n, row in found.claims.items() if row.landed and n not in there)
            raw = isinstance(found.asset, RawAsset)
            self._add(
                found,
                None,
                Action.CANNOT if missing or raw else Action.DO,
                work=Work.RESEAL,
                why=Why.LOST,
                reason=_incomplete(missing) if missing else "the sealed day is damaged",
                source="its fetches",
                detail=found.seal_detail,
                key=seal_key(asset, found.day, 0).removesuffix("-00000"),
            )

    # --- raw fetches -----------------------------------------------------------------------------

    def _raw(self, found: Survey) -> set[FetchNumber]:
        spooled = {
            entry.number: entry
            for entry in self.site.spool(self.plan.feed.name).entries()
            if entry.day == found.day
        }
        done = set()
        for number, fault in sorted(found.faults.items()):
            if self._claimable(found, number, fault):
                done.add(number)
            elif number in spooled and self._is_whole(spooled[number]):
                done.add(number)
                row = found.claims.get(number)
                if (
                    row is None
                    or row.landed is None
                    or row.landed.ref.fetch_id != (spooled[number].fetch_id)
                ):
                    self.anew[found.asset.name].add(number)
                self._add(
                    found,
                    number,
                    Action.DO,
                    work=Work.LAND,
                    source="the spool",
                    expected=fault.records,
                    **_of(fault),
                )
            else:
                self._cannot(found, number, fault, "the past cannot be fetched again", Work.LAND)
        return done

    def _is_whole(self, spooled: Spooled) -> bool:
        try:
            self.site.spool(self.plan.feed.name).read(spooled)
        except (OSError, ValueError):
            return False
        return True

    def _claimable(self, found: Survey, number: FetchNumber, fault: Fault) -> bool:
        """Plan the claim of an object that stands there whole and that nobody claimed."""
        place, row = found.place(number), found.claims.get(number)
        if place is None or (row is not None and (row.landed or row.pending)):
            return False
        try:
            there = self.site.days(found.asset.feed).read_place(found.asset.name, found.day, place)
        except (NotFound, UnreadableObject):
            return False
        if fault.records != there.account.emitted:
            return False  # What it says of itself is not what it holds.
        self._add(
            found,
            number,
            Action.DO,
            work=Work.CLAIM,
            source="the object that stands there",
            expected=fault.records,
            **_of(fault),
        )
        return True

    def _cannot(
        self, found: Survey, number: FetchNumber, fault: Fault, reason: str, work: Work
    ) -> None:
        self.why_not[found.asset.name, number] = reason
        said = _of(fault) | {"reason": f"{fault.kind}: {reason}"}
        self._add(found, number, Action.CANNOT, work=work, expected=fault.records, **said)

    # --- stages ----------------------------------------------------------------------------------

    def _stage(self, found: Survey, stage: Stage[Any]) -> set[FetchNumber]:
        wanted, done = self._wanted(found, stage), set[FetchNumber]()
        if stage.ordered:
            self._everything_behind(found, stage, wanted)
        on_the_way: set[FetchNumber] = set()
        numbers = sorted({*found.index.numbers, *found.faults})
        newest = self.site.clock.now() - stage_step.LEFT_TO_LIVE_RUNS
        for number in sorted(wanted):
            each = wanted[number]
            if each.fault and self._claimable(found, number, each.fault):
                done.add(number)
                continue
            reason = self._why_not_ready(stage, number)
            if reason is None and stage.ordered:
                reason = self._go_back(found, stage, number, numbers, done, on_the_way)
            action = Action.DO if reason is None else Action.CANNOT
            if reason is None and not each.fault and found.day.minute(number).utc > newest:
                action, reason = Action.SKIP, "the newest minutes are left to live runs"
            if action is Action.DO:
                done.add(number)
                if each.same is None:
                    self.anew[stage.name].add(number)
            elif reason is not None:
                self.why_not[stage.name, number] = reason
            expected = each.same.account.emitted if each.same else None
            self._add(
                found,
                number,
                action,
                work=Work.MAKE,
                why=each.why,
                reason=f"{each.reason}: {reason}" if reason else each.reason,
                source=", ".join(stage.inputs) if len(stage.inputs) < 3 else "its inputs",
                expected=expected,
                kind=each.fault and each.fault.kind,
                detail=each.fault.detail if each.fault else "",
                same=each.same,
            )
        if on_the_way:
            self.plan.on_the_way[stage.name] = frozenset(on_the_way)
        return done

    def _wanted(self, found: Survey, stage: Stage[Any]) -> dict[FetchNumber, _Wanted]:
        wanted: dict[FetchNumber, _Wanted] = {}
        version = stage_step.stage_version(Run(self.site, self.plan.feed, found.day, "plan"), stage)
        behind = set().union(*(self.anew[name] for name in stage.inputs))
        in_scope, there = self._is_in_scope(stage.name), found.index.numbers
        for number in sorted({*there, *found.faults, *behind}):
            row, fault = found.claims.get(number), found.faults.get(number)
            stale = self._why_stale(found, stage, number, row, version)
            if fault is not None and not fault.stands and in_scope:
                sure = row and not (stale or self.named or fault.kind in CLAIM_IN_DOUBT)
                same = number not in behind and row and row.landed if sure else None
                wanted[number] = _Wanted(
                    _why(fault),
                    str(fault.kind),
                    fault,
                    same=Content(same.account, same.digest) if same else None,
                )
            elif number in behind:
                wanted[number] = _Wanted(Why.BEHIND, "what it is made of is made anew")
            elif not in_scope or number not in there:
                continue
            elif self.named:
                wanted[number] = _Wanted(Why.NAMED, "named")
            elif row and row.landed and row.landed.outcome.is_placeholder:
                self._placeholder(found, stage, number, row.landed.outcome, stale, wanted)
            elif stale:
                wanted[number] = _Wanted(Why.STALE, stale)
            elif fault is not None:
                reason = "the same code would lose it again"
                said = _of(fault) | {"reason": f"{fault.kind}: {reason}"}
                self._add(found, number, Action.SKIP, work=Work.MAKE, **said)
        return wanted

    def _why_stale(
        self,
        found: Survey,
        stage: Stage[Any],
        number: FetchNumber,
        row: ClaimRow | None,
        version: str,
    ) -> str | None:
        if row is None or row.landed is None:
            return None
        if row.landed.code_version != version:
            return "made by other code"
        inputs = [self.plan.surveys[name].claims.get(number) for name in stage.inputs]
        landed = [each.landed for each in inputs if each is not None and each.landed is not None]
        if len(landed) < len(inputs) or row.landed.upstream_sha256 is None:
            return None
        upstream = sha256_hex("".join(claim.sha256 for claim in landed).encode())
        return "made of other inputs" if row.landed.upstream_sha256 != upstream else None

    def _placeholder(
        self,
        found: Survey,
        stage: Stage[Any],
        number: FetchNumber,
        outcome: Outcome,
        stale: str | None,
        wanted: dict[FetchNumber, _Wanted],
    ) -> None:
        """One that can come good, since its input has, or the code is another."""
        if outcome is Outcome.UPSTREAM_FAILED:
            upstream = self.plan.surveys[stage.inputs[0]].claims.get(number)
            good = upstream and upstream.landed and not upstream.landed.outcome.is_placeholder
            reason = None if good else "its input failed too"
        else:
            reason = None if stale else "the same code failed on it"
        if reason is None:
            wanted[number] = _Wanted(Why.PLACEHOLDER, f"placeholder: {outcome}")
            return
        self._add(
            found,
            number,
            Action.SKIP,
            work=Work.MAKE,
            why=Why.PLACEHOLDER,
            reason=f"placeholder: {outcome}: {reason}",
        )

    def _why_not_ready(self, stage: Stage[Any], number: FetchNumber) -> str | None:
        for name in stage.inputs:
            if number not in self.stands[name]:
                why = self.why_not.get((name, number), "it is not there")
                return f"its input {name} cannot be had: {why}"
        return None

    # --- ordered stages --------------------------------------------------------------------------

    def _everything_behind(
        self, found: Survey, stage: Stage[Any], wanted: dict[FetchNumber, _Wanted]
    ) -> None:
        """What goes on from a fetch that may become another one has to be made anew too."""
        changed = [n for n, each in wanted.items() if each.same is None]
        changed = [n for n in changed if self._why_not_ready(stage, n) is None]
        if not changed:
            return
        for number in found.index.numbers:
            if number > min(changed) and self._why_not_ready(stage, number) is None:
                wanted.setdefault(
                    number, _Wanted(Why.BEHIND, "an ordered stage goes on from there")
                )
        for number, each in wanted.items():
            if number > min(changed):
                each.same = None

    def _go_back(
        self,
        found: Survey,
        stage: Stage[Any],
        number: FetchNumber,
        numbers: Sequence[FetchNumber],
        done: set[FetchNumber],
        on_the_way: set[FetchNumber],
    ) -> str | None:
        """Add the fetches before it that have to be made once more for their state, back to one
        that still has it. Why that cannot be, or None."""
        days, needed = self.site.days(stage.feed), set[FetchNumber]()
        before_it = bisect_left(numbers, number)
        for before in reversed(numbers[:before_it]):
            if before in done or before in on_the_way or found.keeps_state(days, before):
                break
            if before not in found.standing:
                return f"the state before it went with fetch {before}"
            if (reason := self._why_not_ready(stage, before)) is not None:
                return f"the state after fetch {before} cannot be made again: {reason}"
            needed.add(before)
        on_the_way |= needed
        return None


def stood_of(found: Survey, number: FetchNumber) -> tuple[str | None, int | None]:
    """What stands there of this fetch, in both books."""
    place, row = found.place(number), found.claims.get(number)
    return place and place.etag, row and row.sequence


def _why(fault: Fault) -> Why:
    return Why.MISTRACKED if CLASS_OF[fault.kind] is LossClass.TRACKING_ERROR else Why.LOST


def _of(fault: Fault) -> dict[str, Any]:
    """What an item says of a fault."""
    kind = fault.kind
    return {"why": _why(fault), "reason": str(kind), "kind": kind, "detail": fault.detail}


def _incomplete(missing: list[FetchNumber]) -> str:
    if not missing:
        return "nobody knows what it held"
    return f"{len(missing)} of its fetches cannot be had, the first {missing[0]}"
