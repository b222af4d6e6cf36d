"""Minutes late in a day against minutes early in one: what grows while a day goes on.

Two prefixes of one store see the same cuts of the film. One has ten fetches behind it, the other
1,420. Each minute is a process of its own, and the two take turns, so that whatever else the
machine does meets both.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.film_vendor import vendor
from benchmarks.measured import Cost, alone
from benchmarks.synthetic_past import fill_windows_before
from benchmarks.watched_day import DAY, FEED, Watched
from resources.embedded_s3 import S3Access
from simulator.recorded import Recorded
from simulator.server import Served
from touchline.day import Day

PART = "a minute"
MORE_REQUESTS, MORE_BYTES, MORE_MEMORY = 1.05, 1.05, 1.15
EARLY, LATE, PAST = 11, 1421, 10
"""The first fetches measured, and how many before them are lived rather than copied."""
EARLY_BEGINS, LATE_BEGINS = 31, 1
"""Where each day's film begins: both come to cut 40 with the first fetch measured."""


@dataclass
class Side:
    """One of the two days. `costs` are those of its minutes, `rotations` of the windows between."""

    name: str
    watched: Watched
    vendor: Served
    first: int
    costs: list[Cost] = field(default_factory=list)
    rotations: list[Cost] = field(default_factory=list)

    def measure(self, passed: int) -> None:
        minute = DAY.minute(self.first + passed)
        self.vendor.clock.set(minute.utc)
        self.vendor.log.clear()
        cost = alone(self.watched.minute, minute)
        answers, _ = self.vendor.log.since(0)
        cost.feed_requests, cost.feed_bytes = len(answers), sum(each.length for each in answers)
        self.costs.append(cost)
        if minute.number % 10 == 0:
            self.rotations.append(alone(self.watched.rotated, minute))

    def median(self, of: Callable[[Cost], float]) -> float:
        return statistics.median(map(of, self.costs))

    def watch(self, day: Day, number: int) -> None:
        with self.watched.at(day.minute(number)) as (site, _):
            site.ledger.open_interval(FEED, day.minute(number).utc, "recorded")

    def rest(self, day: Day, number: int) -> None:
        with self.watched.at(day.minute(number)) as (site, _):
            site.ledger.close_interval(FEED, day.minute(number).end)

    def live(self, day: Day, *numbers: int) -> None:
        for number in numbers:
            self.vendor.clock.set(day.minute(number).utc)
            self.watched.minute(day.minute(number))
            if number % 10 == 0:
                self.watched.rotated(day.minute(number))


def late_minutes(
    access: S3Access, folder: Path, film: Recorded, count: int, more_cpu: float
) -> list[Figure]:
    """So many minutes of each. `more_cpu` is how many times the CPU seconds of an early minute a
    late one may take: it alone depends on what else the machine does.

    Raises NotAsItShould for a minute that did not do its work.
    """
    with ExitStack() as stack:

        def side(name: str, first: int, begins: int) -> Side:
            served = stack.enter_context(vendor(film, DAY.minute(begins)))
            return Side(name, Watched(access, folder / name, name, served.url), served, first)

        early = side("early", EARLY, EARLY_BEGINS)
        late = side("late", LATE, LATE_BEGINS)
        _live_before_early(early)
        _live_before_late(late)
        for passed in range(count):
            for one in (early, late) if passed % 2 == 0 else (late, early):
                one.measure(passed)
    return _figures(early, late, more_cpu)


def _live_before_early(side: Side) -> None:
    """The histories of all matches were seen the evening before."""
    before = DAY.shifted(-1)
    side.watch(before, before.length)
    side.live(before, before.length)
    side.live(DAY, *range(EARLY - PAST, EARLY))


def _live_before_late(side: Side) -> None:
    before, copied = DAY.shifted(-1), LATE - PAST
    # The cut before that of the first window, which is copied to all before it.
    seen = before.length - before.length % 60 + (copied - 1) % 60 - 60
    side.watch(before, seen)
    side.live(before, seen)
    side.rest(before, seen)
    side.watch(DAY, copied)
    side.live(DAY, *range(copied, LATE))
    fill_windows_before(side.watched, copied)


def _figures(early: Side, late: Side, more_cpu: float) -> list[Figure]:
    figures = [
        _compared(early, late, "requests", attrgetter("all_requests"), "{:,.0f}", MORE_REQUESTS),
        _compared(early, late, "of these to the store", attrgetter("requests"), "{:,.0f}"),
        _compared(early, late, "bytes, MB", _megabytes("all_bytes"), "{:,.2f}", MORE_BYTES),
        _compared(early, late, "of these the store's, MB", _megabytes("bytes"), "{:,.2f}"),
        _compared(early, late, "of these listings, MB", _megabytes("listing_bytes"), "{:,.2f}"),
        _compared(early, late, "CPU, s", attrgetter("cpu_seconds"), "{:,.2f}", more_cpu),
        _compared(early, late, "peak memory, MB", attrgetter("peak_mb"), "{:,.0f}", MORE_MEMORY),
        _compared(early, late, "wall, s", attrgetter("wall_seconds"), "{:,.2f}"),
    ]
    rotations = [cost.peak_mb for side in (early, late) for cost in side.rotations]
    if rotations:
        most = max(rotations)
        figures.append(
            Figure.at_most(PART, "peak memory of its windows, MB", f"{most:,.0f}", most, 400)
        )
    return figures


def _megabytes(name: str) -> Callable[[Cost], float]:
    return lambda cost: getattr(cost, name) / 1e6


def _compared(
    early: Side,
    late: Side,
    what: str,
    of: Callable[[Cost], float],
    shape: str,
    most: float | None = None,
) -> Figure:
    before, now = early.median(of), late.median(of)
    shown = f"{shape.format(now)} late, {shape.format(before)} early: {now / before:.3f} x"
    if most is None:
        return Figure(PART, what, shown, now / before)
    return Figure(PART, what, shown, now / before, f"{most} x", now <= before * most)
