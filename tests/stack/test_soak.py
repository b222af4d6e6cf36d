"""Scheduled minutes, one after the other, with nothing in their way: none is missed, none is made
twice, and no process of ours grows.

`make soak` watches an hour, `make soak MINUTES=10` ten minutes, in which growth says nothing yet.
"""

from __future__ import annotations

import gc
import math
import os
import random
import re
import time
import tracemalloc
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import median

import dagster as dg
import numpy as np
import psutil
import pytest
from rich.console import Console
from rich.table import Table

from simulator.world import World
from tests.stack.stack import FEED, PLAN, MinuteRun, Stack, coming_minute, until
from touchline.accounting import FetchFate
from touchline.day import Minute

MINUTES = int(os.environ.get("TOUCHLINE_SOAK_MINUTES", "3"))
SETTLED_AFTER_MINUTES = 20
"""Caches fill for so long; what a process grows by after that it grows by for ever."""
LONG_ENOUGH_MINUTES = 60
GROWTH_LIMIT = 0.5
"""MB an hour."""
RUNS = "minutes' runs"
OURS = ("simulator", "code-server", RUNS)
LOOKS_EVERY_SECONDS = 1.0
"""A run ends within seconds."""
SAMPLED_EVERY_SECONDS = 5.0
NOTED_EVERY_SECONDS = 30.0
"""How each run ended; a housekeeping lets go of the oldest within the hour."""
WORLD_TOLD_EVERY_MINUTES = 5
ODDS_KEPT_MINUTES = 15
"""By the simulator, after a match has left the list."""
SURE = 1.96
"""Standard deviations on either side: 95 % of what may be."""

Samples = list[tuple[float, float]]
"""What is resident, in MB, by the time in hours."""
RunSample = tuple[float, float, float]
"""When a run began, in hours, what it had at most, and what it fetched, both in MB."""

pytestmark = [pytest.mark.soak, pytest.mark.timeout(MINUTES * 60 + 900)]


@dataclass
class Memory:
    """What each part has, and what each run had at most, as the kernel has it."""

    parts: dict[str, Samples] = field(default_factory=dict)
    runs: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By pid."""

    def sample_runs(self, stack: Stack) -> None:
        hours = time.monotonic() / 3600
        for run in stack.runs_at_work():
            with suppress(OSError):
                began, _ = self.runs.get(run.pid, (hours, 0.0))
                self.runs[run.pid] = began, _most(run.pid)

    def sample_parts(self, stack: Stack) -> None:
        hours = time.monotonic() / 3600
        of_parts = {name: psutil.Process(stack.child(name).pid) for name in stack.state["children"]}
        of_parts["up"] = psutil.Process(stack.state["pid"])
        for name, process in of_parts.items():
            resident = process.memory_info().rss / 1_000_000
            self.parts.setdefault(name, []).append((hours, resident))

    def since(self, hours: float) -> dict[str, Samples]:
        """The samples of the parts after this time, by name."""
        return {name: [s for s in of if s[0] >= hours] for name, of in self.parts.items()}

    def runs_since(self, hours: float, fetched: Mapping[int, float]) -> list[RunSample]:
        """What these runs took that began after this time; `fetched` is how much each fetched, in
        MB, by its pid."""
        taken = [(*sample, fetched[pid]) for pid, sample in self.runs.items() if pid in fetched]
        return sorted(sample for sample in taken if sample[0] >= hours)


def _most(pid: int) -> float:
    """The most that was ever resident of this process, in MB, as Linux tells it."""
    status = Path(f"/proc/{pid}/status").read_text()
    (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) * 1024 / 1_000_000


@dataclass(frozen=True)
class Growth:
    """MB an hour: the median of the slopes between any two samples, which a few that stand out do
    not move (Theil and Sen), and between which two it is with 95 % certainty (Sen 1968)."""

    slope: float
    least: float
    most: float

    @classmethod
    def of(cls, samples: Samples) -> Growth:
        slopes = sorted(
            (later[1] - earlier[1]) / (later[0] - earlier[0])
            for earlier, later in combinations(samples, 2)
            if later[0] > earlier[0]
        )
        count = len(samples)
        beside = SURE * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
        first, last = ((len(slopes) + sign * beside) / 2 for sign in (-1, 1))
        least, most = slopes[max(0, int(first))], slopes[min(len(slopes) - 1, math.ceil(last))]
        return cls(median(slopes), least, most)

    @classmethod
    def of_runs(cls, samples: Sequence[RunSample]) -> Growth:
        """By least squares on the time and on what was fetched: with more matches, or longer ones,
        a run takes more, and the vendor's hour is not ours."""
        at, taken, fetched = np.array(samples).T
        known = np.column_stack([np.ones_like(at), at, fetched])
        found, *_ = np.linalg.lstsq(known, taken, rcond=None)
        scatter = np.sum((taken - known @ found) ** 2) / (len(samples) - len(found))
        error = SURE * math.sqrt(scatter * np.linalg.inv(known.T @ known)[1, 1])
        return cls(found[1], found[1] - error, found[1] + error)

    def __str__(self) -> str:
        return f"{self.slope:+.2f} ({self.least:+.2f} to {self.most:+.2f})"


@dataclass(frozen=True)
class WorldSize:
    """What the simulated matches and their odds take, in MB, by the time in hours. They are as many
    as the hour has, and the vendor's hour is not ours."""

    told: Samples

    @classmethod
    def of(cls, minutes: Sequence[Minute], began: float) -> WorldSize:
        """Of every fifth of these minutes, of which the first was at `began`, in hours."""
        passed = range(0, len(minutes) + 1, WORLD_TOLD_EVERY_MINUTES)
        first = int(minutes[0].utc.timestamp())
        return cls([(began + n / 60, cls._of_a_new_world(first + n * 60)) for n in passed])

    @staticmethod
    def _of_a_new_world(at: int) -> float:
        """Of one that has not seen more than it may still hold: what the simulator has failed to
        forget is not in this."""
        gc.collect()
        tracemalloc.start()
        world = World()
        for ago in range(ODDS_KEPT_MINUTES, -1, -WORLD_TOLD_EVERY_MINUTES):
            moment = at - ago * 60
            for match in world.live(moment):
                world.odds(match, moment)
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size / 1_000_000

    def taken_from(self, samples: Samples) -> Samples:
        """What is resident beside the most it has taken so far: what was given up stays resident,
        and is used again before there is more."""
        at, sizes = np.array(self.told).T
        most = np.maximum.accumulate(sizes)
        return [(hours, size - float(np.interp(hours, at, most))) for hours, size in samples]


def test_matches_of_a_fuller_hour_are_no_growth_but_what_is_beside_them_is() -> None:
    world = WorldSize([(0.0, 28.0), (0.2, 25.0), (0.4, 28.0), (1.0, 31.0)])
    hours = [n / 60 for n in range(60)]
    resident = [(at, 60 + max(0.0, at - 0.4) * 5) for at in hours]
    assert Growth.of(resident).least > GROWTH_LIMIT
    beside = Growth.of(world.taken_from(resident))
    assert (beside.least, beside.most) == pytest.approx((0, 0))
    leaks = [(at, size + 0.6 * at) for at, size in resident]
    assert Growth.of(world.taken_from(leaks)).least == pytest.approx(0.6)


def test_growth_is_that_of_most_samples() -> None:
    hours = [n / 60 for n in range(40)]
    steady = [(at, 100 + 0.6 * at + (n % 3)) for n, at in enumerate(hours)]
    steady[7] = (hours[7], 900.0)
    growth = Growth.of(steady)
    assert growth.slope == pytest.approx(0.6, abs=0.2)
    assert growth.least < 0.6 < growth.most
    assert Growth.of([(at, 100 + 3 * at + (n % 3)) for n, at in enumerate(hours)]).least > 0.5


def test_what_a_larger_fetch_takes_is_no_growth_of_runs() -> None:
    rng = random.Random(7)
    minutes = [(n / 60, 1.6 + 0.002 * n + rng.gauss(0, 0.02)) for n in range(40)]
    alike = [(at, 200 + 60 * fetched + rng.gauss(0, 0.2), fetched) for at, fetched in minutes]
    growth = Growth.of_runs(alike)
    assert growth.least < 0 < growth.most
    more = [(at, taken + 9 * at, fetched) for at, taken, fetched in alike]
    assert Growth.of_runs(more).slope == pytest.approx(growth.slope + 9)
    assert Growth.of_runs(more).least > GROWTH_LIMIT


def test_every_minute_is_fetched_once_and_nothing_grows(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    first = coming_minute()
    minutes = [first.later(passed) for passed in range(MINUTES)]
    memory, began = Memory(), time.monotonic()
    sampled = noted = began
    green: dict[MinuteRun, bool] = {}

    def all_have_ended() -> bool:
        nonlocal sampled, noted
        memory.sample_runs(stack)
        if time.monotonic() >= sampled + SAMPLED_EVERY_SECONDS:
            sampled = time.monotonic()
            memory.sample_parts(stack)
            stack.lists_answered()
        if time.monotonic() >= noted + NOTED_EVERY_SECONDS:
            noted = time.monotonic()
            for run in stack.runs():
                if run.minute in minutes and run.has_ended and run not in green:
                    green[run] = stack.is_green(run)
        return len(green) >= MINUTES and time.monotonic() >= began + MINUTES * 60

    longest = MINUTES * 60 + 240
    until(f"the runs of {MINUTES} minutes", all_have_ended, longest, LOOKS_EVERY_SECONDS)
    assert [run for run in stack.runs() if run.minute in minutes and run not in green] == []
    runs = sorted(green, key=lambda run: run.minute)
    assert [run.minute for run in runs] == minutes, "each once"
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
    assert [run.minute for run in runs if not green[run]] == []
    asked = [minute for minute, _ in stack.lists_answered() if minute in minutes]
    assert asked == minutes

    fates = stack.fates(minutes)
    assert list(fates) == minutes
    assert {row.fate for row in fates.values()} == {FetchFate.LANDED}
    both_books_agree(stack, minutes)
    assert locked(stack) == []

    lateness = [row.lateness_seconds for row in fates.values()]
    with capsys.disabled():
        show("lateness of the fetches", lateness)
        show("durations of the runs", (run.seconds for run in runs))
    if MINUTES >= LONG_ENOUGH_MINUTES:
        from_here = began / 3600 + SETTLED_AFTER_MINUTES / 60
        parts = memory.since(from_here)
        of_runs = memory.runs_since(from_here, fetched(stack, minutes))
        growth = {name: Growth.of(samples) for name, samples in parts.items()}
        growth[RUNS] = Growth.of_runs(of_runs)
        world = WorldSize.of(minutes, began / 3600)
        growth["simulator"] = Growth.of(world.taken_from(parts["simulator"]))
        with capsys.disabled():
            show_memory(parts | {RUNS: [sample[:2] for sample in of_runs]}, growth)
        assert {name: str(growth[name]) for name in OURS if growth[name].least > GROWTH_LIMIT} == {}


def fetched(stack: Stack, minutes: list[Minute]) -> dict[int, float]:
    """How much the runs of these minutes fetched, in MB as it is stored, by their pids."""
    with stack.site() as site:
        runs = {
            Minute(run.slot.at): run.pid
            for run in site.ledger.newest_runs(10 * len(minutes))
            if run.slot is not None
        }
        raw = {day: site.ledger.claims(PLAN.raws[0].name, day) for day in {m.day for m in minutes}}
    return {
        pid: (raw[minute.day][minute.number].size or 0) / 1_000_000
        for minute in minutes
        if (pid := runs.get(minute))
    }


def both_books_agree(stack: Stack, minutes: list[Minute]) -> None:
    """For every asset: what the ledger says landed is what the store lists, and nothing else."""
    with stack.site() as site:
        for asset in PLAN.assets:
            for day in sorted({minute.day for minute in minutes}):
                numbers = {minute.number for minute in minutes if minute.day == day}
                claims = site.ledger.claims(asset.name, day)
                listed = {p.number: p for p in site.days(FEED).index(asset.name, day).places()}
                confirmed = {n: claims[n].etag for n in numbers & set(claims)}
                assert confirmed == {n: listed[n].etag for n in numbers & set(listed)}
                assert set(confirmed) == numbers, asset.name


def locked(stack: Stack) -> list[str]:
    """The logs in which a database was locked."""
    logs = sorted(stack.settings.logs_folder.glob("*.log*"))
    return [log.name for log in logs if b"database is locked" in log.read_bytes()]


def show(what: str, seconds: Iterable[float | None]) -> None:
    known = sorted(each for each in seconds if each is not None)
    p50, p95 = (known[math.ceil(len(known) * share) - 1] for share in (0.5, 0.95))
    print(
        f"\n{what} in s: p50 {p50:.1f}, p95 {p95:.1f}, max {known[-1]:.1f} of {len(known)}", end=""
    )


def show_memory(samples: dict[str, Samples], growth: dict[str, Growth]) -> None:
    table = Table("", "resident, MB", "grows, MB an hour", "limit", title="Memory")
    table.caption = "The simulator grows beside its matches, runs beside what they fetch."
    for name, of in samples.items():
        limit = f"{GROWTH_LIMIT}" if name in OURS else ""
        table.add_row(name, f"{median(size for _, size in of):,.0f}", str(growth[name]), limit)
    Console().print("\n", table)
