"""What may run beside something else, each in a process of its own, and what a day comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pipeline_assets.rotation import rotate
from pipeline_assets.sealing import clear_replaced, seal_day
from pipeline_assets.slot_run import rebuild_day, run_slot
from resources.site import Site
from resources.store import Store
from resources.store.faulty import FaultyStore
from tests.chain import FEED, Chain, Rows, rows
from tests.pipeline_assets.small_plan import HEADS, refuses_one
from tests.schedules.turns import Pause, Task
from tests.schedules.world import Client, Vendor, plan_of
from tests.slots import PATIENCE, slot_at
from touchline.accounting import Verdict
from touchline.day import Day, Minute
from touchline.stage import Reads

A_DAY = 24 * 60
FETCHED_WITHIN = timedelta(seconds=40)
"""A minute that is not fetched early is missed; here each one is fetched."""


def paced(store: Store, pause: Pause) -> FaultyStore:
    """This store, where others may go on before each request and after it."""

    def effect(ask: Callable[[], Any]) -> Any:
        pause()
        try:
            return ask()
        finally:
            pause()

    return FaultyStore(store, lambda request: effect)


@dataclass
class World:
    """A chain, and a vendor for all that run on it."""

    chain: Chain
    vendor: Vendor

    @contextmanager
    def process(self, pause: Pause = lambda: None, **plan: Any) -> Iterator[Site]:
        client = Client(self.vendor, pause)
        with self.chain.process(plan_of(client, **plan)) as site:
            site.store = paced(site.store, pause)
            yield site

    def minute(self, passed: float) -> Minute:
        return self.chain.start.later(int(passed))

    def copy(self, home: Path, prefix: str) -> World:
        chain = self.chain.copy(home, prefix)
        vendor = replace(self.vendor, captures=self.vendor.captures.copy())
        return World(chain, vendor)


# --- what runs -----------------------------------------------------------------------------------

Work = Callable[[World, Minute, Pause], None]


@dataclass(frozen=True)
class Act:
    """Work that begins so many minutes after the first; `fetches` that minute early or not."""

    passed: float
    name: str
    work: Work
    fetches: bool = False

    def task(self, world: World) -> Task:
        at = world.chain.start.utc + timedelta(minutes=self.passed)
        minute = world.minute(self.passed)

        def may_take() -> timedelta:
            is_early = self.fetches and not world.vendor.captures[minute]
            return FETCHED_WITHIN if is_early else PATIENCE.max_runtime

        work = partial(self.work, world, minute)
        return Task(f"{self.name} at {self.passed:g}", at, work, may_take)


def live(passed: float, name: str = "minute", **plan: Any) -> Act:
    def work(world: World, minute: Minute, pause: Pause) -> None:
        with world.process(pause, **plan) as site:
            run_slot(site, slot_at(minute), run_id=f"{name}-{passed}")

    return Act(passed, name, work, fetches=True)


def mistaken(passed: float) -> Act:
    """By code that sets one match aside without need: a rebuild changes what it made."""
    return live(passed, "minute with a mistake", by=refuses_one)


def watched(passed: float, until: float) -> Act:
    def work(world: World, minute: Minute, pause: Pause) -> None:
        with world.process() as site:
            site.ledger.open_interval(FEED, minute.utc, "simulated")
            site.ledger.close_interval(FEED, world.minute(until).utc)

    return Act(passed, "watched", work)


def captured(passed: float, minutes: Sequence[int]) -> Act:
    """Other captures of these minutes come into the spool."""

    def work(world: World, minute: Minute, pause: Pause) -> None:
        with world.process() as site:
            for each in minutes:
                envelope = world.vendor.capture(world.minute(each))
                site.spool(FEED).write(envelope.ref, envelope.data)

    return Act(passed, "late captures", work)


def windows(passed: float) -> Act:
    def work(world: World, minute: Minute, pause: Pause) -> None:
        with world.process(pause) as site:
            rotate(site, FEED)

    return Act(passed, "rotation", work)


def rebuild(passed: float, day: int = 0) -> Act:
    """Of the first day, or one so many days later."""

    def work(world: World, minute: Minute, pause: Pause) -> None:
        with world.process(pause) as site:
            rebuild_day(site, FEED, world.chain.day.shifted(day), run_id=f"rebuild-{passed}")

    return Act(passed, "rebuild", work)


def seal(passed: float) -> Act:
    def work(world: World, minute: Minute, pause: Pause) -> None:
        with world.process(pause) as site:
            seal_day(site, FEED, world.chain.day, run_id=f"seal-{passed}")

    return Act(passed, "seal", work)


def clear(passed: float) -> Act:
    def work(world: World, minute: Minute, pause: Pause) -> None:
        with world.process(pause) as site:
            clear_replaced(site, FEED, run_id=f"clear-{passed}")

    return Act(passed, "clear", work)


def read(passed: float) -> Act:
    """A reader of the first day sees everything that had landed, and nothing twice."""

    def work(world: World, minute: Minute, pause: Pause) -> None:
        day = world.chain.day
        with world.process(pause) as site:
            standing = site.ledger.standing(HEADS.name, day)
            had = {number for number, row in standing.items() if row.emitted}
            seen = rows(site, day, {HEADS.name: "match_id"})[HEADS.name]
        assert len(seen) == len(set(seen)), f"read twice: {seen}"
        assert had <= {number for number, _ in seen}, f"{had} had landed, and read was {seen}"

    return Act(passed, "reader", work)


# --- what it comes to ----------------------------------------------------------------------------


def rows_of(world: World, days: Iterable[Day]) -> dict[str, Rows]:
    """By day."""
    with world.process() as site:
        key_columns = {
            stage.name: "key" if stage.reads is Reads.QUARANTINED else "match_id"
            for stage in site.plans[FEED].stages
        }
        return {str(day): rows(site, day, key_columns) for day in days}


def spooled(world: World) -> list[str]:
    with world.process() as site:
        return [f"left in the spool: {entry.path.name}" for entry in site.spool(FEED).entries()]


def complaints(world: World, day: Day, *, deep: bool = False) -> list[str]:
    checks = world.chain.checks(day, deep=deep, plan=plan_of(Client(world.vendor, lambda: None)))
    return [
        f"{day} {asset} {check}: {found.kind} {found.fetch_number}: {found.detail}"
        for (asset, check), report in checks.items()
        if report.verdict is not Verdict.OK
        for found in report.findings
    ]
