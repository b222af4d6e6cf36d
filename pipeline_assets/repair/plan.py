"""The plan of a repair: what becomes of each fetch, window and sealed day, and why.

What is printed by a dry run is this, and what is carried out is this or nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

import msgspec

from pipeline_assets.checks.report import Kind
from pipeline_assets.repair.survey import Survey
from touchline.accounting import Account
from touchline.day import Day, FetchNumber
from touchline.errors import Bad
from touchline.plan import FeedPlan


class PlanOutdated(Bad):
    """What the plan was made of is not there any more; the message says what. Nothing of this asset
    was done: make another plan."""

    kind = "plan_outdated"
    advice = "run the command again"


class Action(StrEnum):
    DO = "do"
    SKIP = "skip"
    CANNOT = "cannot"


class Work(StrEnum):
    """How something is put right, in the order in which an asset's items are."""

    CONFIRM = "confirm"
    """A window holds what was claimed: it is compared and relied upon again."""
    SEAL = "seal"
    """A sealed day is read back, marked in its folder and told to the ledger."""
    CLAIM = "claim"
    """The claim is made from the object that stands there."""
    LAND = "land"
    """A raw fetch lands from the spool."""
    MAKE = "make"
    """The stage makes it anew of its inputs."""
    WINDOW = "window"
    """A window that is damaged, gone or late is written of its fetches."""
    ASIDE = "aside"
    """A damaged window goes aside: the sealed day holds what it held."""
    RESEAL = "reseal"
    """A broken sealed day is written anew of its fetches."""


class Why(StrEnum):
    LOST = "lost"
    MISTRACKED = "mistracked"
    PLACEHOLDER = "placeholder"
    STALE = "stale"
    LATE = "late"
    """It stands where it was first, and should have moved on."""
    BEHIND = "behind"
    """What it is made of, or what an ordered stage goes on from, is made anew."""
    NEW = "new"
    """It landed before the stage was added."""
    NAMED = "named"


@dataclass(frozen=True)
class Content:
    """What is to come of it, where that is known: the same as before."""

    account: Account
    digest: str


@dataclass(frozen=True)
class Item:
    """What becomes of one fetch, or of the window or sealed day with this `key`.

    `expected` is the number of records, None where only the work can tell. `stood` is the ETag of
    what stood there and the sequence of its claim when the plan was made.
    """

    asset: str
    number: FetchNumber | None
    action: Action
    work: Work
    why: Why
    reason: str
    source: str = ""
    expected: int | None = None
    kind: Kind | None = None
    """What the checks found, None where they found nothing."""
    detail: str = ""
    key: str | None = None
    same: Content | None = None
    stood: tuple[str | None, int | None] = (None, None)


class Line(msgspec.Struct, frozen=True):
    """Items in a row of which the same is to be said. `expected` is None where one is not known."""

    asset: str
    first: int | None
    last: int | None
    fetches: int
    action: Action
    work: Work
    why: Why
    reason: str
    source: str
    expected: int | None
    key: str | None = None


class Totals(msgspec.Struct, frozen=True):
    """How many fetches, windows and sealed days; records are those that are known beforehand."""

    do: int
    skip: int
    cannot: int
    expected: int
    expected_unknown: int


@dataclass
class Plan:
    """A day's repair, in the order in which it is done."""

    feed: FeedPlan
    day: Day
    surveys: dict[str, Survey]
    items: list[Item] = field(default_factory=list)
    on_the_way: dict[str, frozenset[FetchNumber]] = field(default_factory=dict)
    """Fetches that an ordered stage makes once more for their state alone, by asset."""

    def of(self, asset: str, work: Work | None = None) -> list[Item]:
        """What is to be done in this asset."""
        return [
            item
            for item in self.items
            if item.asset == asset and item.action is Action.DO and work in (None, item.work)
        ]

    @property
    def is_empty(self) -> bool:
        return not any(item.action is Action.DO for item in self.items)

    def totals(self) -> Totals:
        done = [item for item in self.items if item.action is Action.DO and item.key is None]
        counts = Counter(item.action for item in self.items)
        return Totals(
            do=counts[Action.DO],
            skip=counts[Action.SKIP],
            cannot=counts[Action.CANNOT],
            expected=sum(item.expected or 0 for item in done),
            expected_unknown=sum(item.expected is None for item in done),
        )

    def lines(self) -> Iterator[Line]:
        for _, group in groupby(_placed(self.items), key=lambda placed: placed[0]):
            items = [item for _, item in group]
            first, last = items[0], items[-1]
            expected = [item.expected for item in items]
            yield Line(
                first.asset,
                first.number,
                last.number,
                len(items),
                first.action,
                first.work,
                first.why,
                first.reason,
                first.source,
                None if None in expected else sum(each or 0 for each in expected),
                first.key,
            )


def _placed(items: Iterable[Item]) -> Iterator[tuple[tuple[object, ...], Item]]:
    """Each item with what is the same of those that stand in a row with it."""
    run, before = 0, None
    for item in items:
        if before is None or item.number != before + 1:
            run += 1
        before = item.number
        same = (item.asset, item.key, item.action, item.work, item.why, item.reason, item.source)
        yield (*same, run), item
