"""An empty store, the same behind a plan of failures, and an empty ledger for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.lake import Lake
from resources.ledger import Ledger
from resources.ledger.faulty import FaultyLedger
from resources.store import Store
from resources.store.faulty import FaultyStore
from resources.store.memory import MemoryStore
from tests.ledgers import put_ledger, sqlite_ledger
from tests.stores import memory_store, s3_store


@pytest.fixture
def store(tmp_path: Path) -> MemoryStore:
    return memory_store(tmp_path / "store")


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.stack)])
def any_store(request: pytest.FixtureRequest) -> Store:
    """In memory, and once more on a real server."""
    if request.param == "memory":
        return request.getfixturevalue("store")
    server, prefix = (request.getfixturevalue(name) for name in ("s3_server", "s3_prefix"))
    return s3_store(server, prefix)


@pytest.fixture
def lake(store: MemoryStore) -> Lake:
    """An empty one, which keeps for its week what it does not need any more."""
    return Lake(store)


@pytest.fixture
def faulty(store: MemoryStore) -> FaultyStore:
    """The same store behind a plan; without one so far."""
    return FaultyStore(store)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.stack)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def faulty_ledger(tmp_path: Path) -> Iterator[FaultyLedger]:
    """An empty one behind a plan; without one so far."""
    put_ledger(tmp_path / "ledger.sqlite")
    ledger = FaultyLedger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "live")
    yield ledger
    ledger.close()


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path) -> Iterator[Ledger]:
    if ledger_url.startswith("sqlite"):
        ledger = sqlite_ledger(tmp_path / "ledger.db")
    else:
        ledger = Ledger(ledger_url, "live")
        ledger.migrate()
    yield ledger
    ledger.close()
