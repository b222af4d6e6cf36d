"""What the frame knows of a feed: its raw assets, its stages in order, its vendor's client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from touchline.brought import LiveBoard, StandIn
from touchline.clock import Clock
from touchline.day import Day
from touchline.day_plan import PlansOf
from touchline.slot import Slot
from touchline.stage import RawAsset, Stage

SUBJECT_ID = "subject_id"
"""What the subject of every feed is called in JSON, beside the feed's own name for it."""


def subject_of(plans: Mapping[str, FeedPlan], feed: str) -> str:
    """Return what a feed calls the id of its subjects; `subject_id` of one that is gone."""
    return plans[feed].subject if feed in plans else SUBJECT_ID


def about(subject: str, subject_id: str | None) -> dict[str, str | None]:
    """Return the id of what something is about as JSON has it: as `subject_id`, whatever the feed,
    and under the feed's own name for it, such as `match_id`."""
    return {SUBJECT_ID: subject_id, subject: subject_id}


def subject_word(subject: str) -> str:
    """Return what people call that of which this is the id, such as `match`."""
    return subject.removesuffix("_id")


@dataclass(frozen=True)
class FeedPlan:
    """A feed.

    `raws` are its raw assets, each with a schedule of its own; `stages` stand in the order of the
    chain. A stage is made from the fetches of one raw asset, through its inputs; one that spans a
    day may read others beside that of its first input, whose slots number its versions. `client`
    makes the vendor's client from settings, a clock and the object store. `subject` is the member
    of a record that says by its id what it is about, such as a match; every alert has it. `board`
    makes the live board of a site; `names` gives the subjects of a site's day by id, each with what
    people call it. `stand_in` says how the simulator stands in for its vendors.
    `clock` gives the feed's own clock from the settings; None where it is the machine's.
    All three functions import what they need when they are called: a plan costs nothing to look at.

    Raises ValueError for a plan that holds no raw asset or several feeds, or names an asset twice;
    for a stage whose inputs do not come before it, or come from several raw assets though it spans
    no day; one whose alerts do not say what they are about; one that is ordered though the days of
    its raw asset overlap; one that spans a day and is ordered, makes alerts, or would be made 1,440
    times a day; one that is made of versions of the day and makes none; and for a raw asset that is
    planned from anything but a stage of another one.
    """

    raws: tuple[RawAsset, ...]
    stages: tuple[Stage[Any], ...]
    client: Callable[..., Any]
    subject: str = "match_id"
    board: Callable[[Any], LiveBoard] | None = None
    names: Callable[[Any, Day], Iterable[tuple[str, str]]] | None = None
    stand_in: StandIn | None = None
    clock: Callable[[Any], Clock] | None = None

    def __post_init__(self) -> None:
        if len({asset.feed for asset in self.assets}) != 1 or not self.raws:
            raise ValueError("a plan is of one feed, with one raw asset or more")
        if len(self._raws) != len(self.assets):
            raise ValueError(f"{self.name} has two assets of one name")
        for stage in self.stages:
            if stage.ordered and not self.raw_of(stage.name).schedule.every_minute:
                raise ValueError(
                    f"{stage.name} is ordered, and {self.raw_of(stage.name).name} brings fetches "
                    "of a day after those of the next: nothing can be carried from one to the other"
                )
            if stage.holds_days and (stage.ordered or stage.tells_people):
                raise ValueError(f"{stage.name} spans a day: it cannot be ordered or make alerts")
            if stage.holds_days and self.raw_of(stage.name).schedule.every_minute:
                raise ValueError(
                    f"{stage.name} spans a day, and {self.raw_of(stage.name).name} is fetched "
                    "every minute: each would bring another version of the whole day"
                )
            if stage.makes_alerts and self.subject not in stage.makes.__struct_fields__:
                raise ValueError(f"{stage.name} makes alerts that have no {self.subject}")
            self._refuse_versions(stage)
        for raw in self.raws:
            source = raw.schedule.source
            others = [
                stage.name
                for stage in self.stages
                if stage.takes_fetches and self.raw_of(stage.name) is not raw
            ]
            calendar = raw.refetch and raw.refetch.calendar
            for named in (source, calendar and calendar.stage):
                if named is not None and named not in others:
                    raise ValueError(
                        f"{raw.name} follows {named}, which is no stage that takes fetches of "
                        "another raw asset"
                    )

    def _refuse_versions(self, stage: Stage[Any]) -> None:
        """A version may only say that nothing has changed, and one as of its day has the number of
        no fetch."""
        by_name = {each.name: each for each in self.stages}
        for given in (by_name[name] for name in stage.inputs if name in by_name):
            if given.holds_days and not stage.holds_days:
                raise ValueError(f"{stage.name} is made of versions of the day: it has to span one")
            if stage.takes_fetches and not given.takes_fetches:
                raise ValueError(
                    f"{stage.name} takes fetches, and {given.name} is made as of its day, of none"
                )

    def ends(self, day: Day) -> datetime:
        """Return when the day and its last slot, of any raw asset, have passed (UTC)."""
        return max(raw.ends(day) for raw in self.raws)

    def length(self, day: Day) -> int:
        """Return how many minutes a day is open: no slot of it has a higher number."""
        return max(raw.length(day) for raw in self.raws)

    def slots(self, start: datetime, end: datetime, plans: Callable[[str], PlansOf]) -> list[Slot]:
        """Return every slot of its raw assets whose time is in [start, end), each in its turn.
        `plans` gives those of each raw asset by its name."""
        found: list[Slot] = []
        for raw in self.raws:
            day = min(raw.schedule.open_days(Day.containing(start), start))
            while day.start < end:
                slots = raw.slots(day, plans(raw.name))
                found += (slot for slot in slots if start <= slot.at < end)
                day = day.shifted(1)
        return sorted(found, key=self.turn)

    def turn(self, slot: Slot) -> tuple[datetime, int, Day]:
        """Return what slots are ordered by: their time, then their raw assets' order in the plan,
        so that a calendar comes before what goes by it; then their day."""
        places = {raw.name: place for place, raw in enumerate(self.raws)}
        return slot.at, places[slot.raw], slot.day

    @property
    def name(self) -> str:
        return self.raws[0].feed

    @property
    def stage_modules(self) -> frozenset[str]:
        return frozenset(stage.module for stage in self.stages)

    @property
    def assets(self) -> tuple[RawAsset | Stage[Any], ...]:
        """Every asset, raw ones first, in the order of the chain."""
        return (*self.raws, *self.stages)

    def planned_from(self, asset: str) -> list[RawAsset]:
        """Return the raw assets whose days are planned from this asset's records."""
        return [raw for raw in self.raws if raw.schedule.source == asset]

    def raw_of(self, asset: str) -> RawAsset:
        """Return the raw asset whose slots number this asset's fetches: itself for a raw one, that
        of its first input for a stage. Raises KeyError for an asset that is none of the plan's."""
        return self._raws[asset][0]

    def stages_of(self, raw: RawAsset) -> Sequence[Stage[Any]]:
        """Return the stages whose fetches this raw asset's slots number, in order."""
        return [stage for stage in self.stages if self.raw_of(stage.name) is raw]

    def stages_after(self, raw: RawAsset) -> Sequence[Stage[Any]]:
        """Return the stages that a run of this raw asset makes, in order: those that it numbers,
        and those that read it beside the raw asset that numbers them."""
        return [
            stage
            for stage in self.stages
            if self.raw_of(stage.name) is raw
            or (stage.takes_fetches and raw in self._raws[stage.name])
        ]

    def reads_several(self, stage: Stage[Any]) -> bool:
        """Whether the stage is made from fetches of several raw assets."""
        return len(self._raws[stage.name]) > 1

    @cached_property
    def _raws(self) -> dict[str, list[RawAsset]]:
        """By asset, the raw assets whose fetches it is made from, the one that numbers it first."""
        found = {raw.name: [raw] for raw in self.raws}
        for stage in self.stages:
            missing = [name for name in stage.inputs if name not in found]
            if missing or not stage.inputs:
                raise ValueError(f"{stage.name}: nothing before it makes {missing or 'its input'}")
            raws = {raw.name: raw for name in stage.inputs for raw in found[name]}
            if len(raws) > 1 and not stage.holds_days:
                raise ValueError(
                    f"{stage.name} is made from fetches of {' and '.join(sorted(raws))}; "
                    "a stage that spans no day has those of one raw asset"
                )
            found[stage.name] = list(raws.values())
        return found
