"""A watched prefix for each of the days, with every stage that football has; and what runs of
Dagster find by their environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline_assets.plans import PLANS
from resources.embedded_s3 import S3Access
from resources.ledger import Ledger
from resources.store import Store
from simulator.server import Served, serve
from simulator.source import Source
from simulator.world import World
from tests.chain import FEED, SECRET, USER, Chain
from tests.pipeline_assets.conftest import access as access
from tests.pipeline_assets.conftest import connected as connected
from tests.pipeline_assets.conftest import imports_stay as imports_stay
from touchline.clock import VirtualClock
from touchline.day import Day, Minute

ChainAt = Callable[[Minute, Source], Chain]


@pytest.fixture
def chain_at(
    access: S3Access, connected: Store, s3_prefix: str, tmp_path: Path
) -> Iterator[ChainAt]:
    """A chain that begins at this minute and asks this vendor."""
    with ExitStack() as stack:

        def make(start: Minute, source: Source) -> Chain:
            vendor = stack.enter_context(serve(source, user=USER, secret=SECRET))
            chain = Chain(access, vendor, tmp_path, s3_prefix, PLANS[FEED], start, connected)
            chain.watch()
            return chain

        yield make


@pytest.fixture
def vendor() -> Iterator[Served]:
    with serve(World(1, matches=3), user=USER, secret=SECRET) as served:
        yield served


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    """That of every site which a run opens."""
    clock = VirtualClock(Day.parse("2025-07-08").start)
    monkeypatch.setattr("resources.site.SystemClock", lambda: clock)
    return clock


@pytest.fixture
def dagster_ledger(
    s3_server: S3Access,
    s3_prefix: str,
    vendor: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Ledger]:
    """That of the runs, which find it as everything else: by the environment."""
    given = {
        **s3_server.environment(),
        "TOUCHLINE_HOME": str(tmp_path),
        "TOUCHLINE_S3_PREFIX": s3_prefix,
        "TOUCHLINE_FEED_URL": vendor.url,
        "TOUCHLINE_FEED_USER": USER,
        "TOUCHLINE_FEED_SECRET": SECRET,
        "TOUCHLINE_ORIGIN": "simulated",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", s3_prefix)
    ledger.migrate()
    yield ledger
    ledger.close()
