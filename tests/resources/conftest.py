"""An empty ledger database for each test: a SQLite file, and a PostgreSQL database."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from resources.ledger import Ledger
from resources.ledger.database import with_driver
from tests.postgres import NoServer, postgres

POSTGRES_URL = os.environ.get("TOUCHLINE_TEST_POSTGRES_URL")
"""A server to use in the place of the one that the development packages bring."""


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
    name = f"ledger_{uuid.uuid4().hex}"
    url = make_url(postgres_server)
    server = create_engine(with_driver(url), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    ledger = Ledger(ledger_url, "live")
    ledger.migrate()
    yield ledger
    ledger.close()
