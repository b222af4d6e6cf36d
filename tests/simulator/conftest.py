"""A running simulator, and the recorded poll where it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from simulator.clock import Clock
from simulator.recorded import Recorded
from simulator.server import Served, serve
from simulator.world import World

NOON = datetime(2025, 7, 8, 12, 0, tzinfo=UTC)
REAL_DATA = Path(
    os.environ.get("TOUCHLINE_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")
)
POLL = REAL_DATA / "football" / "poll-2025-05-28T1730Z"


@pytest.fixture(scope="session")
def poll_directory() -> Path:
    if not POLL.is_dir():
        pytest.skip("the recorded poll is not there (TOUCHLINE_REAL_DATA)")
    return POLL


@pytest.fixture(scope="session")
def recorded(poll_directory: Path) -> Recorded:
    return Recorded(poll_directory)


@pytest.fixture
def credentials() -> dict[str, str]:
    return {"user": "tester", "secret": "not-to-be-seen"}


@pytest.fixture(scope="session")
def five_matches() -> World:
    """Shared, since its answers depend on the time alone."""
    return World(seed=1, matches=5)


@pytest.fixture(scope="session")
def worlds() -> list[tuple[World, int]]:
    """Worlds of 30 matches, of different seeds, each with the Unix second to look at it."""
    hours = {1: 2, 2: 6, 3: 10, 4: 14, 5: 18, 6: 22}
    day = int(NOON.timestamp()) - 12 * 3_600
    return [(World(seed, 30), day + hour * 3_600) for seed, hour in hours.items()]


@pytest.fixture
def served(five_matches: World, credentials: dict[str, str]) -> Iterator[Served]:
    """A world of five matches at noon, over HTTP."""
    user, secret = credentials["user"], credentials["secret"]
    with serve(five_matches, user=user, secret=secret, clock=Clock(NOON)) as served:
        yield served


@pytest.fixture
def vendor(served: Served, credentials: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, params=credentials, timeout=10) as client:
        yield client


@pytest.fixture
def control(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.control_url) as client:
        yield client
