"""Every flow is killed before and after each of its side effects, and nothing is lost."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence

import pytest

from tests.crash import open_day, sealed_day
from tests.crash.effects import Edge, Effect, Point
from tests.crash.flow import Flow
from tests.crash.rig import Rig

pytestmark = [pytest.mark.crash, pytest.mark.timeout(3600)]

FULL = os.environ.get("TOUCHLINE_CRASH") == "full"
"""Every point of every flow, and not so many of each."""
KILLS_A_FLOW = int(os.environ.get("TOUCHLINE_CRASH_KILLS", "18"))
SEED = int(os.environ.get("TOUCHLINE_CRASH_SEED", random.SystemRandom().randrange(10**6)))
ONLY = os.environ.get("TOUCHLINE_CRASH_ONLY", "")
"""Part of the names of the points to be tried, as a failure shows them."""
SEEDS_AROUND_COMMITS = 5
MOST_LINES = 1000
FLOWS = (*open_day.FLOWS, *sealed_day.FLOWS)
POINTS_A_LINE = 50
"""How many are tried between two lines of progress."""


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_flow_survives_being_killed(
    flow: Flow, rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    effects = rig.effects(flow)
    every = [point for point in points_of(effects) if ONLY in str(point)]
    is_full = FULL and not ONLY and flow.kills is None
    chosen = every if is_full else sample(every, flow.kills or KILLS_A_FLOW)
    assert chosen, f"no point of this flow is named {ONLY}"
    failed = []
    started = time.monotonic()
    with capsys.disabled():
        print(shown(flow, effects))
        print(f"{len(chosen)} of {len(every)} points, seed {SEED}", flush=True)
        for place, point in enumerate(chosen, 1):
            if place % POINTS_A_LINE == 0:
                print(f"{place} points, {time.monotonic() - started:.0f} s", flush=True)
            if wrong := rig.killed(flow, point):
                failed.append("\n  ".join([f"killed {point}:", *wrong]))
                print(failed[-1], flush=True)
        print(f"{flow.name}: {rig.kills} kills in {time.monotonic() - started:.0f} s")
    assert not failed, "\n".join(
        [f"{len(failed)} of {len(chosen)} points, TOUCHLINE_CRASH_SEED={SEED}", *failed]
    )
    assert not is_full or rig.kills >= 2 * len(effects)


def points_of(effects: Sequence[Effect]) -> list[Point]:
    """Both edges of every effect, and around each commit some places between them and the next."""
    points = [Point(effect, edge) for effect in effects for edge in Edge]
    for place, effect in enumerate(effects):
        if effect.kind.is_commit:
            for number in range(SEEDS_AROUND_COMMITS):
                rng = random.Random(f"{SEED} {effect} {number}")
                anchor = rng.choice(effects[max(place - 1, 0) : place + 1])
                lines = round(MOST_LINES ** rng.random())
                points.append(Point(anchor, Edge.AFTER, lines))
    return points


def sample(points: Sequence[Point], count: int) -> list[Point]:
    chosen = set(random.Random(SEED).sample(range(len(points)), min(count, len(points))))
    return [point for place, point in enumerate(points) if place in chosen]


def shown(flow: Flow, effects: Sequence[Effect]) -> str:
    lines = [f"\n{flow.name}: {len(effects)} side effects"]
    for place, effect in enumerate(effects, 1):
        again = f" ({effect.nth})" if effect.nth > 1 else ""
        lines.append(f"{place:5d}  {effect.kind:13}  {effect.name}{again}")
    return "\n".join(lines)
