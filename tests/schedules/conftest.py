"""A chain whose vendor needs no time, and its past, copied for each schedule."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from simulator.server import Served, serve
from tests.chain import SECRET, USER, Chain
from tests.pipeline_assets.conftest import imports_stay as imports_stay
from tests.pipeline_assets.football.client.conftest import SmallWorld
from tests.schedules.flows import World
from tests.schedules.scenarios import Scenario
from tests.schedules.world import Client, Vendor, plan_of
from tests.stores import memory


@pytest.fixture(scope="module")
def nobody_asks() -> Iterator[Served]:
    """A chain has a vendor over HTTP; here each process has a client of another one."""
    with serve(SmallWorld({}), user=USER, secret=SECRET) as served:
        yield served


@pytest.fixture(scope="module")
def begun(
    nobody_asks: Served, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Scenario], World]:
    pasts: dict[str, World] = {}
    access, store = memory(tmp_path_factory.mktemp("memory"))

    def past(scenario: Scenario) -> World:
        home, prefix = tmp_path_factory.mktemp("past"), f"past-{uuid.uuid4().hex[:12]}"
        vendor = Vendor(frozenset(scenario.start.later(passed) for passed in scenario.fails))
        plan = plan_of(Client(vendor, lambda: None))
        chain = Chain(access, nobody_asks, home, prefix, plan, scenario.start, store)
        return scenario.begun(World(chain, vendor))

    def begun(scenario: Scenario) -> World:
        if scenario.name not in pasts:
            pasts[scenario.name] = past(scenario)
        home = tmp_path_factory.mktemp("schedule")
        return pasts[scenario.name].copy(home, f"schedule-{uuid.uuid4().hex[:12]}")

    return begun
