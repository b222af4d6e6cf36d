"""A chain whose vendor has twelve matches, enough that silence is strange."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import pytest

from simulator.server import Served, serve
from tests.chain import SECRET, USER, Chain
from tests.pipeline_assets.football.client.conftest import SmallWorld

MATCHES = {f"match-{n:02d}": 2 for n in range(12)}


@dataclass
class BusyWorld(SmallWorld):
    """Nothing happens in it unless `kick_off` (Unix s) is changed, of all or of single matches."""

    kick_off: int = 0
    kick_offs: dict[str, int] = field(default_factory=dict)

    def live_entry(self, match_id: str, at: int) -> bytes:
        entry = msgspec.json.decode(super().live_entry(match_id, at))
        entry["score"][4] = self.kick_offs.get(match_id, self.kick_off)
        return msgspec.json.encode(entry)


@pytest.fixture(scope="session")
def busy_vendor() -> Iterator[tuple[Served, BusyWorld]]:
    world = BusyWorld({}, teams_named=False)
    with serve(world, user=USER, secret=SECRET) as served:
        yield served, world


@pytest.fixture
def world(busy_vendor: tuple[Served, BusyWorld]) -> BusyWorld:
    busy_vendor[0].faults.replace([], 0)
    world = busy_vendor[1]
    world.statuses, world.kick_off, world.kick_offs = dict(MATCHES), 0, {}
    return world


@pytest.fixture
def busy(
    busy_vendor: tuple[Served, BusyWorld], world: BusyWorld, chain_of: Callable[..., Chain]
) -> Chain:
    return chain_of(served=busy_vendor[0])
