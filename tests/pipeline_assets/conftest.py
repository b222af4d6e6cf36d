"""A chain of small stages for each test: a real object store, ledger, spool and vendor."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import resources.ledger.database
from resources.embedded_s3 import S3Access
from resources.garbage import collect_less_garbage
from resources.store.s3 import PatientS3, S3Store
from simulator.server import Served, serve
from tests.chain import SECRET, USER, Chain
from tests.pipeline_assets.small_plan import small_plan
from tests.resources.feeds.conftest import SmallWorld
from touchline.day import Minute
from touchline.plan import FeedPlan

NOON = Minute.parse("2025-05-28T16:00:00Z")


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
def connected(s3_server: S3Access) -> S3Store:
    s3 = PatientS3(
        endpoint_url=s3_server.endpoint_url,
        region_name=s3_server.region,
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key=s3_server.secret_access_key,
    )
    return S3Store(s3, "touchline")


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
    s3_server: S3Access, s3_prefix: str, connected: S3Store, vendor: Served, tmp_path: Path
) -> ChainOf:
    """A chain that begins at this minute, watched."""

    def make(start: Minute = NOON, plan: FeedPlan | None = None, served: Served = vendor) -> Chain:
        chain = Chain(
            s3_server, served, tmp_path / "home", s3_prefix, plan or small_plan(), start, connected
        )
        chain.watch()
        return chain

    return make


@pytest.fixture(scope="session")
def chain_apart(
    s3_server: S3Access,
    connected: S3Store,
    shared_vendor: Served,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], Chain]:
    """A chain that outlives a test, to be copied."""

    def make() -> Chain:
        prefix, home = f"apart-{uuid.uuid4().hex[:12]}", tmp_path_factory.mktemp("apart")
        chain = Chain(s3_server, shared_vendor, home, prefix, small_plan(), NOON, connected)
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
def impatient_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A locked database is away after 0.05 s instead of 5."""
    monkeypatch.setattr(resources.ledger.database, "LOCK_TIMEOUT_SECONDS", 0.05)
