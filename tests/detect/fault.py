"""What a fault is: what it does to a day, and what has to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from pipeline_assets.checks.report import Kind
from simulator.basketball.faults import Fault as NbaFault
from simulator.faults import Fault as VendorFault
from tests.detect.days import BusyWorld
from tests.detect.stored import Stored
from touchline.plan import FeedPlan
from touchline.stage import RawAsset, Stage

CLAIMED = -1
"""As many records as were claimed of the fetch before the fault."""


class Seen(StrEnum):
    """Who looks after the fault."""

    MINUTE = "next minute"
    VERIFY = "verify"
    DEEP = "verify --deep"


@dataclass(frozen=True)
class Named:
    """A finding: `number` and `records` as in `Found`; `asset` is the one aimed at, if not said."""

    check: str
    kind: Kind
    number: int | None = None
    records: int | None = None
    asset: str = ""


@dataclass(frozen=True)
class Fault:
    """One fault. `inject` knows the bucket, the ledger's file and the state folder; what happens at
    the vendor or inside a stage is said by `vendor`, `world` and `stage`."""

    name: str
    asset: str
    touches: str
    """What is changed: a key, a table or a thing outside."""
    named: tuple[Named, ...] = ()
    inject: Callable[[Stored, str], object] = lambda stored, asset: None
    seen: Seen = Seen.MINUTE
    minutes: int = 1
    """How many minutes run until it is named."""
    at_second: int = 0
    """How long after the first of them began a verify looks."""
    sealed: bool = False
    """Whether the day is sealed."""
    is_made_good: bool = False
    """The next minute puts it right by itself, to the same bytes: then nothing is to be named."""
    missed_because: str = ""
    """Why no check names it, where none does."""
    anywhere: bool = False
    """Whether it concerns every asset, and not only the one aimed at and what is made of it."""
    vendor: tuple[VendorFault, ...] = ()
    services: NbaFault | None = None
    """What the NBA's services do while the first slot of the asset is run that brings data."""
    world: Callable[[BusyWorld], None] = lambda world: None
    stage: Callable[[Stage[Any]], Stage[Any] | None] | None = None
    """What runs in the place of the asset's stage; None where it does not run at all."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    about: tuple[int, ...] = ()
    """Of one that was drawn: any finding about one of these numbers names it."""

    @property
    def is_to_be_named(self) -> bool:
        return bool(self.named or self.about)

    def is_about(self, asset: str, number: int | None) -> bool:
        """Whether this is where a drawn fault was aimed at."""
        return asset == self.asset and number in self.about

    def plan(self, plan: FeedPlan) -> FeedPlan:
        """The plan that its minutes run with."""
        if self.stage is None:
            return plan
        stages = (
            self.stage(stage) if stage.short_name == self.asset else stage for stage in plan.stages
        )
        made = tuple(stage for stage in stages if stage is not None)
        return _Lacking(plan.raws, made, plan.client)


class _Lacking(FeedPlan):
    """A plan of which a stage does not run though others are made of it, which no plan may say."""

    @cached_property
    def _raws(self) -> dict[str, list[RawAsset]]:
        return {asset.name: [self.raws[0]] for asset in self.assets}
