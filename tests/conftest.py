"""What tests share: an object store and a PostgreSQL server a session, a prefix and an empty
database a test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, make_url, text

from resources.embedded_s3 import S3Access, running
from resources.ledger import Ledger
from resources.ledger.database import with_driver
from resources.settings import PREFIX
from tests.postgres import NoServer, postgres
from tests.s3_gate import S3Gate
from tests.s3_gate import s3_gate as gate_before
from tests.stores import in_memory

S3_BUCKET = "touchline"

POSTGRES_URL = os.environ.get("TOUCHLINE_TEST_POSTGRES_URL")
"""A server to use in the place of the one that the development packages bring."""

# How long an example takes says more about the machine's other work than about the code.
hypothesis.settings.register_profile("fast", deadline=None, max_examples=25)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=200)
hypothesis.settings.load_profile("fast")


REAL_PARTS = {"s3_server", "postgres_server", "browser"}
"""Fixtures whose tests are marked `stack`, as are those of the marks for slow ones."""
SLOW_MARKS = ("daemon", "browser", "crash", "days", "soak", "signals")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        uses = REAL_PARTS.intersection(getattr(item, "fixturenames", ()))
        if uses or any(item.get_closest_marker(name) for name in SLOW_MARKS):
            item.add_marker("stack")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Access]:
    """The embedded object store with the bucket `touchline`, started once (2 to 3 s)."""
    with running(tmp_path_factory.mktemp("s3"), S3_BUCKET) as access:
        yield access


@pytest.fixture(scope="session")
def s3_in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Access]:
    """An endpoint that stands for a store in memory, with the bucket `touchline`."""
    with in_memory(tmp_path_factory.mktemp("memory")) as access:
        yield access


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of commands and sensors, and where they are called. Nothing else is set."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    """That of the state folder."""
    with closing(Ledger(f"sqlite:///{home / 'ledger.sqlite'}", "")) as ledger:
        ledger.migrate()
        yield ledger


@pytest.fixture
def s3_prefix() -> str:
    """A prefix of the bucket that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def s3_gate(s3_server: S3Access) -> Iterator[S3Gate]:
    """A gate before the object store, wide open."""
    with gate_before(s3_server) as gate:
        yield gate


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server's first database."""
    if POSTGRES_URL is not None:
        yield POSTGRES_URL
        return
    try:
        with postgres() as url:
            yield url
    except NoServer as error:
        pytest.skip(f"no PostgreSQL: {error}")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"touchline_{uuid.uuid4().hex}"
    url = make_url(postgres_server)
    server = create_engine(with_driver(url), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    server.dispose()
