"""Days on which everything happens at once, and what is left of them in the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.chain import NOON, Rows
from tests.schedules.flows import (
    A_DAY,
    Act,
    World,
    captured,
    clear,
    complaints,
    live,
    mistaken,
    read,
    rebuild,
    rows_of,
    seal,
    spooled,
    watched,
    windows,
)
from tests.schedules.turns import Turn, take_turns
from touchline.day import Minute


@dataclass(frozen=True)
class Outcome:
    """`wrong` is what checks and folders say, `taken` whose turns there were."""

    rows: dict[str, Rows]
    wrong: list[str]
    taken: list[str]


@dataclass(frozen=True)
class Scenario:
    """`past` is before everything; `together` overlap; then it is `calm`. What is found wrong then
    must be something that a rebuild is there for: it is the first of what `ends` the days.

    `days` are counted from the first. The first fetch of the minutes that `fails` brings nothing.
    """

    name: str
    start: Minute
    past: tuple[Act, ...]
    together: tuple[Act, ...]
    calm: tuple[Act, ...]
    ends: tuple[Act, ...]
    days: tuple[int, ...]
    fails: frozenset[int] = frozenset()

    def begun(self, world: World) -> World:
        _run(self.past, world)
        return world

    def played(self, world: World, turns: Iterable[Turn]) -> Outcome:
        """What a day with this past comes to after these turns."""
        taken = _run(self.together, world, turns)
        _run(self.calm, world)
        days = [world.chain.day.shifted(day) for day in self.days]
        found = [each for day in days for each in complaints(world, day)]
        wrong = [each for each in found if not _waits_for_rebuild(each)]
        _run(self.ends, world)
        for day in days:
            wrong += complaints(world, day, deep=True)
        return Outcome(rows_of(world, days), wrong + spooled(world), taken)


def _run(acts: Iterable[Act], world: World, turns: Iterable[Turn] = ()) -> list[str]:
    return take_turns([act.task(world) for act in acts], turns, world.chain.clock)


def _waits_for_rebuild(found: str) -> bool:
    """The ordered stage lets pass what came after later fetches, and so does what is made of it."""
    passed_by = ("never taken through this stage", "(upstream_failed)", "made of fetch")
    of_those = " newcomers " in found or " quarantine " in found
    return of_those and any(said in found for said in passed_by)


OPEN_DAY = Scenario(
    "an open day",
    NOON,
    past=(
        watched(0, 3),
        mistaken(0),
        mistaken(1),
        watched(10, 12),
        mistaken(10),
        mistaken(11),
        windows(26),
        watched(36, 39),
    ),
    together=(
        live(36),
        windows(36.2),
        captured(36.3, [1, 2]),
        rebuild(36.5),
        live(37),
        live(37.1, "the same minute"),
        read(37.2),
        windows(37.5),
        live(38),
    ),
    calm=(live(41), live(42), windows(70), windows(90)),
    ends=(rebuild(91), windows(110), windows(125), seal(A_DAY), clear(3 * A_DAY)),
    days=(0,),
    fails=frozenset({1}),
)
MIDNIGHT = Scenario(
    "a day that is sealed",
    Minute.parse("2025-05-29T03:57:00Z"),
    past=(watched(0, 7), mistaken(0), mistaken(1), mistaken(3)),
    together=(
        live(4),
        seal(4.2),
        captured(4.3, [1, 2]),
        rebuild(4.5),
        live(5),
        live(5.1, "the same minute"),
        read(5.2),
        windows(5.4),
        seal(5.5),
        live(6),
    ),
    calm=(live(9), live(10), windows(40), windows(60)),
    ends=(
        rebuild(61),
        rebuild(61, 1),
        windows(80),
        windows(100),
        seal(101),
        clear(2 * A_DAY),
    ),
    days=(0, 1),
    fails=frozenset({1}),
)
LATER = Scenario(
    "a day that was sealed",
    NOON,
    past=(
        watched(0, 3),
        mistaken(0),
        mistaken(1),
        live(A_DAY),
        seal(A_DAY + 1),
        windows(A_DAY + 30),
    ),
    together=(
        live(2 * A_DAY + 6),
        clear(2 * A_DAY + 6.2),
        captured(2 * A_DAY + 6.3, [1, 2]),
        rebuild(2 * A_DAY + 6.5),
        live(2 * A_DAY + 7),
        live(2 * A_DAY + 7.1, "the same minute"),
        read(2 * A_DAY + 7.2),
        clear(2 * A_DAY + 7.4),
        seal(2 * A_DAY + 7.5),
        live(2 * A_DAY + 8),
    ),
    calm=(live(2 * A_DAY + 11), live(2 * A_DAY + 12), windows(2 * A_DAY + 40)),
    ends=(
        rebuild(2 * A_DAY + 61),
        rebuild(2 * A_DAY + 61, 2),
        windows(2 * A_DAY + 80),
        windows(2 * A_DAY + 100),
        seal(2 * A_DAY + 101),
        clear(4 * A_DAY),
    ),
    days=(0, 2),
    fails=frozenset({1}),
)
SCENARIOS = (OPEN_DAY, MIDNIGHT, LATER)
