"""The whole chain: figures that are swapped after the end, and a display that is made again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest

from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.plans import PLANS
from simulator.server import Served, serve
from tests.chain import FEED, NOON, SECRET, USER, Chain, all_ok
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.football.lined_world import LinedWorld

pytestmark = pytest.mark.stack

MONITOR = "football/monitor_central"
CORNERS = (7, 4)
BEFORE_A_WINDOW_ENDS = NOON.later(8)
MINUTES = 4


@dataclass
class SwappingWorld(LinedWorld):
    """One match that has ended, whose sides are told the wrong way round from some time on."""

    is_swapped: bool = False

    def live_entry(self, match_id: str, at: int) -> bytes:
        home, away = (
            [1, 0, 0, 2, corners, 0, 0] for corners in CORNERS[:: 1 - 2 * self.is_swapped]
        )
        score = [match_id, self.statuses[match_id], home, away, 0, ""]
        return msgspec.json.encode({"id": match_id, "score": score})


@pytest.fixture
def world() -> SwappingWorld:
    return SwappingWorld({"m-over": 8}, teams_named=False)


@pytest.fixture
def vendor(world: SwappingWorld) -> Iterator[Served]:
    with serve(world, user=USER, secret=SECRET) as served:
        yield served


def shown(chain: Chain, passed: int) -> tuple[int | None, int | None, bool | None]:
    [record] = chain.opened(MONITOR, chain.number + passed).records
    assert isinstance(record, MonitorRecord)
    return record.corners.home, record.corners.away, record.figures_conflict


def test_a_display_that_is_made_again_has_the_figures_of_the_end(
    chain_of: ChainOf, world: SwappingWorld, vendor: Served
) -> None:
    chain = chain_of(BEFORE_A_WINDOW_ENDS, PLANS[FEED], vendor)
    for passed in range(MINUTES):
        chain.minute(passed)
        world.is_swapped = True
    assert shown(chain, 0) == (*CORNERS, False)
    for passed in range(1, MINUTES):
        assert shown(chain, passed) == (*CORNERS, True)
        findings = chain.opened(MONITOR, chain.number + passed).findings
        assert len(findings) == (passed == 1), "once, not once a minute"

    for passed in (40, 60):
        chain.rotate(passed)
    displays = {k: v for k, v in chain.objects().items() if "/monitor_central/" in k}
    [*windows] = displays
    assert len(windows) == 2, "two windows, each with the last state alone"
    for lost in reversed(windows):
        chain.store.delete(lost, etag=displays[lost])
        chain.rebuild()
        for passed in range(MINUTES):
            assert shown(chain, passed) == (*CORNERS, passed > 0)
    chain.rotate(61)
    assert all_ok({k: c for k, c in chain.checks(deep=True).items() if k[0] == "monitor_central"})
