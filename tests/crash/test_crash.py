"""Every flow is killed before and after each of its side effects, and nothing is lost."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence

import pytest

from tests.crash.effects import Edge, Effect, Point
from tests.crash.flows import FLOWS, Flow
from tests.crash.rig import Rig

pytestmark = [pytest.mark.crash, pytest.mark.timeout(3600)]

FULL = os.environ.get("TOUCHLINE_CRASH") == "full"
KILLS_A_FLOW = int(os.environ.get("TOUCHLINE_CRASH_KILLS", "40"))
"""Of all points, where not all are taken."""
SEED = int(os.environ.get("TOUCHLINE_CRASH_SEED", random.SystemRandom().randrange(10**6)))
SEEDS_AROUND_COMMITS = 5
MOST_LINES = 1000


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
def test_a_flow_survives_being_killed(
    flow: Flow, rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    effects = rig.effects(flow)
    every = points_of(effects)
    chosen = every if FULL and not flow.kills else sample(every, flow.kills or KILLS_A_FLOW)
    with capsys.disabled():
        show(flow, effects, every, chosen, rig)
    started = time.monotonic()
    failed = {point: wrong for point in chosen if (wrong := rig.killed(flow, point))}
    kills = len(chosen) - len(failed)
    with capsys.disabled():
        print(
            f"{flow.name}: {kills} of {len(chosen)} survived in {time.monotonic() - started:.0f} s"
        )
    assert not failed, report(failed)
    assert not FULL or flow.kills or kills >= 2 * len(effects)


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


def show(
    flow: Flow, effects: Sequence[Effect], every: Sequence[Point], chosen: Sequence[Point], rig: Rig
) -> None:
    print(f"\n{flow.name}: {len(effects)} side effects")
    for place, effect in enumerate(effects, 1):
        print(
            f"{place:5d}  {effect.kind:13}  {effect.name}"
            + (f" ({effect.nth})" if effect.nth > 1 else "")
        )
    reads = ", ".join(f"{count} {method}" for method, count in rig.proxy.reads.items())
    print(f"       and {reads}, which change nothing")
    print(f"{len(chosen)} of {len(every)} points, seed {SEED}")


def report(failed: dict[Point, list[str]]) -> str:
    return "\n".join(f"killed {point}:\n  " + "\n  ".join(wrong) for point, wrong in failed.items())
