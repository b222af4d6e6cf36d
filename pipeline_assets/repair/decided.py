"""What has been decided of a day's repair so far; what later decisions rest upon."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline_assets.repair.plan import Action, Item, Plan, Why, Work
from pipeline_assets.repair.survey import Fault, Survey
from resources.fetch_object import UnreadableObject
from resources.site import Site
from resources.store import NotFound
from touchline.accounting import LossClass
from touchline.day import FetchNumber
from touchline.stage import Stage


@dataclass
class Decided:
    """A plan that is being made, asset by asset in the order of the chain."""

    site: Site
    plan: Plan
    asset: str | None
    """The one asset that is to be repaired, with what follows from it."""
    named: bool
    """Whether all of that asset is to be made anew."""
    stands: dict[str, frozenset[FetchNumber]] = field(default_factory=dict)
    """What of each asset is there and right when its items are done."""
    anew: dict[str, set[FetchNumber]] = field(default_factory=dict)
    """Of that, what may be other than it was."""
    why_not: dict[tuple[str, FetchNumber], str] = field(default_factory=dict)
    """Why a fetch of an asset cannot be had."""

    def is_in_scope(self, asset: str) -> bool:
        return self.asset in (None, asset)

    def add(self, found: Survey, number: FetchNumber | None, action: Action, **said: Any) -> None:
        stood: tuple[str | None, int | None] = (None, None)
        if number is not None and said.get("key") is None:
            stood = stood_of(found, number)
        self.plan.items.append(Item(found.asset.name, number, action, stood=stood, **said))

    def claimable(self, found: Survey, number: FetchNumber, fault: Fault) -> bool:
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
        self.add(
            found,
            number,
            Action.DO,
            work=Work.CLAIM,
            source="the object that stands there",
            expected=fault.records,
            **told_of(fault),
        )
        return True

    def cannot(
        self, found: Survey, number: FetchNumber, fault: Fault, reason: str, work: Work
    ) -> None:
        self.why_not[found.asset.name, number] = reason
        said = told_of(fault) | {"reason": f"{fault.kind}: {reason}"}
        self.add(found, number, Action.CANNOT, work=work, expected=fault.records, **said)

    def why_not_ready(self, stage: Stage[Any], number: FetchNumber) -> str | None:
        for name in stage.inputs_of_its_day:
            found, needed = self.plan.surveys[name], [number]
            if found.raw != self.plan.surveys[stage.name].raw:
                needed.clear()  # Read beside: of its own slots, those until then.
            if stage.holds_days:
                needed += (n for n, row in found.claims.items() if row.landed and n <= number)
            for each in needed:
                if each not in self.stands[name]:
                    absent = "it was added later" if each in found.unmade else "it is not there"
                    why = self.why_not.get((name, each), absent)
                    return f"its input {name} cannot be had: {why}"
        return None


def stood_of(found: Survey, number: FetchNumber) -> tuple[str | None, int | None]:
    """What stands there of this fetch, in both books."""
    place, row = found.place(number), found.claims.get(number)
    return place and place.etag, row and row.sequence


def why_of(fault: Fault) -> Why:
    return Why.MISTRACKED if fault.loss is LossClass.TRACKING_ERROR else Why.LOST


def told_of(fault: Fault) -> dict[str, Any]:
    """What an item says of a fault."""
    kind = fault.kind
    return {"why": why_of(fault), "reason": str(kind), "kind": kind, "detail": fault.detail}
