"""A chain of small stages for each test: a real object store, ledger, spool and vendor."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from resources.embedded_s3 import S3Access
from resources.garbage import collect_less_garbage
from resources.settings import Settings
from resources.site import store_at
from resources.store import Store
from resources.store.faulty import FaultyStore
from simulator.server import Served, serve
from tests.chain import NOON, SECRET, USER, Chain
from tests.pipeline_assets.football.client.conftest import SmallWorld
from tests.pipeline_assets.small_plan import small_plan
from tests.stores import below, memory
from touchline.day import Minute
from touchline.plan import FeedPlan


@pytest.fixture(scope="session", autouse=True)
def imports_stay() -> Iterator[None]:
    """What was imported stays to the end: the garbage collector need not walk over all of Dagster
    every few minutes of a chain, which took a quarter of the time. A run does the same."""
    usual = gc.get_threshold()
    gc.collect()
    collect_less_garbage()
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()


@pytest.fixture(scope="session")
def access(tmp_path_factory: pytest.TempPathFactory) -> S3Access:
    return memory(tmp_path_factory.mktemp("memory"))[0]


@pytest.fixture(scope="session")
def connected(access: S3Access) -> Store:
    return store_at(Settings.load(_env_file=None), access)


@pytest.fixture
def gate(connected: Store, s3_prefix: str) -> FaultyStore:
    """What stands before the store of `chain` and `day`, without a plan."""
    return FaultyStore(below(connected, s3_prefix))


@pytest.fixture(scope="session")
def shared_vendor() -> Iterator[Served]:
    world = SmallWorld({"match-a": 2, "match-b": 3, "match-c": 4}, teams_named=False)
    with serve(world, user=USER, secret=SECRET) as served:
        yield served


@pytest.fixture
def vendor(shared_vendor: Served) -> Served:
    """The simulator with three matches, on its best behaviour and with an empty log."""
    shared_vendor.faults.replace([], 0)
    shared_vendor.log.clear()
    return shared_vendor


ChainOf = Callable[..., Chain]


@pytest.fixture
def chain_of(
    access: S3Access, s3_prefix: str, connected: Store, vendor: Served, tmp_path: Path
) -> ChainOf:
    """A chain that begins at this minute, watched."""

    def make(start: Minute = NOON, plan: FeedPlan | None = None, served: Served = vendor) -> Chain:
        chain = Chain(
            access, served, tmp_path / "home", s3_prefix, plan or small_plan(), start, connected
        )
        chain.watch()
        return chain

    return make


@pytest.fixture(scope="session")
def chain_apart(
    access: S3Access,
    connected: Store,
    shared_vendor: Served,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], Chain]:
    """A chain that outlives a test, to be copied."""

    def make() -> Chain:
        prefix, home = f"apart-{uuid.uuid4().hex[:12]}", tmp_path_factory.mktemp("apart")
        chain = Chain(access, shared_vendor, home, prefix, small_plan(), NOON, connected)
        chain.watch()
        return chain

    return make


@pytest.fixture
def chain(chain_of: ChainOf) -> Chain:
    return chain_of()


@pytest.fixture(scope="session")
def clean_day(chain_apart: Callable[[], Chain]) -> Chain:
    """Two minutes of three matches each, all of them well."""
    chain = chain_apart()
    chain.minutes(2)
    return chain


@pytest.fixture
def day(clean_day: Chain, vendor: Served, s3_prefix: str, tmp_path: Path) -> Chain:
    """The clean day once more, for this test to spoil."""
    return clean_day.copy(tmp_path / "home", s3_prefix)


@pytest.fixture
def dagster() -> Iterator[dg.DagsterInstance]:
    """An instance that keeps nothing."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
