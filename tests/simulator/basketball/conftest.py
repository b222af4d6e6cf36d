"""A league of seed 1, its season 2025-26, and both services over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from simulator.basketball.app import Keys
from simulator.basketball.season import Calendar, Oddities, Season
from simulator.basketball.simulated import Simulated
from simulator.basketball.source import Priced
from simulator.clock import Clock
from simulator.server import Served, serve
from simulator.world import World

SEASON = 2025
EVENING = datetime(2026, 1, 10, 1, 30, tzinfo=UTC)
"""8:30 pm in New York: games of 2026-01-09 run, others are to come."""
KEYS = Keys(balldontlie="key-of-the-boxes", odds_api="key-of-the-odds")

Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def season() -> Season:
    """Shared, since its answers depend on the time alone."""
    return Season(seed=1)


@pytest.fixture(scope="session")
def calendar(season: Season) -> Calendar:
    return season.calendar(SEASON)


@pytest.fixture(scope="session")
def oddities(season: Season) -> Oddities:
    return season.oddities(SEASON)


@pytest.fixture(scope="session")
def balldontlie(season: Season) -> Ask:
    """Ask balldontlie: `ask(endpoint, at, name=value)`; lists as `dates=`, `seasons=`."""
    simulated = Simulated(season)

    def ask(endpoint: str, at: datetime, **params: object) -> Any:
        sent = {
            f"{name}[]" if name in ("dates", "seasons") else name: [str(value)]
            for name, value in params.items()
        }
        body = simulated.balldontlie(endpoint, sent, at)
        assert body is not None
        return msgspec.json.decode(body)

    return ask


@pytest.fixture(scope="session")
def odds_api(season: Season) -> Callable[..., Priced]:
    """Ask The Odds API: `ask(path below the sport, at, name=value)`."""
    simulated = Simulated(season)

    def ask(path: str, at: datetime, before: str = "", **params: object) -> Priced:
        sent = {name: [str(value)] for name, value in params.items()}
        answer = simulated.odds_api(f"{before}sports/basketball_nba/{path}", sent, at)
        assert answer is not None
        return answer

    return ask


@pytest.fixture
def served(season: Season) -> Iterator[Served]:
    """Both sports over HTTP on the evening of 2026-01-09."""
    with serve(
        World(seed=1, matches=1),
        user="tester",
        secret="not-to-be-seen",
        clock=Clock(EVENING),
        basketball=season,
        keys=KEYS,
    ) as served:
        yield served


@pytest.fixture
def boxes(served: Served) -> Iterator[httpx.Client]:
    headers = {"Authorization": KEYS.balldontlie}
    with httpx.Client(base_url=served.balldontlie_url, headers=headers, timeout=10) as client:
        yield client


@pytest.fixture
def odds(served: Served) -> Iterator[httpx.Client]:
    params = {"apiKey": KEYS.odds_api}
    with httpx.Client(base_url=served.odds_api_url, params=params, timeout=10) as client:
        yield client


@pytest.fixture
def control(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.control_url) as client:
        yield client
