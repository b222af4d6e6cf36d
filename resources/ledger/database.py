"""The ledger's database: connections, transactions that take turns, migrations, errors."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Executable,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    exc,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from resources.database_url import shown, without_secrets
from resources.ledger import tables
from touchline.errors import Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

LOCK_TIMEOUT_SECONDS = 5
MIGRATIONS = Path(__file__).parent / "migrations"

_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_PSYCOPG = "postgresql+psycopg"
_WRITES = "ledger_writes"
_MIGRATION_LOCK = 0x746F756368  # any number that others on the same server are unlikely to lock
_TAKE_NUMBER = (
    update(tables.sequence)
    .values(value=tables.sequence.c.value + 1)
    .returning(tables.sequence.c.value)
)
_VERSION = Table(tables.VERSION_TABLE, MetaData(), Column("version_num", Text))


class LedgerUnavailable(Unavailable):
    """The ledger's database cannot be reached, is locked beyond its timeout, or cannot be read."""

    kind = "ledger_unavailable"
    advice = "end what keeps it locked, or bring its database back"


class LedgerDamaged(LedgerUnavailable):
    """The ledger's file is not what SQLite wrote."""

    kind = "ledger_damaged"
    advice = "touchline down, then touchline ledger rebuild (or touchline ledger restore COPY)"


class LedgerTooNew(LedgerUnavailable):
    """A newer Touchline has migrated this ledger; this one must not write to it."""

    kind = "ledger_too_new"
    advice = "run the newer Touchline that made it"


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says by this that its file is not what it wrote."""
    code = getattr(error, "sqlite_errorcode", None)
    # An extended code has its kind in the lowest byte.
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True)
class Transaction:
    """A write transaction and its number, which no other transaction of this database has.

    Taking the number locks the counter's row, so writers take turns on PostgreSQL as they do on
    SQLite: numbers become visible in their own order, and what a transaction reads stays true
    until it commits.
    """

    connection: Connection
    sequence: int

    def take_number(self) -> int:
        """One more number that no other transaction has."""
        return self.connection.execute(_TAKE_NUMBER).scalar_one()

    def upsert(self, table: Table, row: Mapping[str, Any]) -> None:
        """Insert the row, or update the columns it names where its primary key exists."""
        statement = _upsert(self.connection.dialect.name, table, tuple(row))
        self.connection.execute(statement, row)


@cache
def _upsert(dialect: str, table: Table, names: tuple[str, ...]) -> Executable:
    # Kept, because building it takes longer than running it.
    key = [column.name for column in table.primary_key]
    insert = _INSERT[dialect](table)
    changed = {name: insert.excluded[name] for name in names if name not in key}
    return insert.on_conflict_do_update(index_elements=key, set_=changed)


class Database:
    """SQLite or PostgreSQL by URL, shared by processes, threads and forked children."""

    def __init__(self, url: str, rest_seconds: float = 0.0) -> None:
        """Connects to nothing yet. Raises LedgerUnavailable for a URL that cannot be used.

        Once it could not be used, it is not asked again for `rest_seconds` and says so at once.
        """
        try:
            self._url = make_url(url)
            dialect = self._url.get_backend_name()
        except exc.ArgumentError:
            raise LedgerUnavailable(
                "the ledger's URL is not a database URL; write TOUCHLINE_LEDGER_URL like "
                "sqlite:////path/ledger.db or postgresql://user:password@host/database"
            ) from None
        if dialect not in _INSERT:
            raise LedgerUnavailable(
                f"the ledger keeps its tables in SQLite or PostgreSQL, not in {dialect}; "
                "change TOUCHLINE_LEDGER_URL"
            )
        self._engines: dict[int, Engine] = {}
        self._rest_seconds = rest_seconds
        self._rests_until = 0.0
        self._error = LedgerUnavailable()

    @property
    def name(self) -> str:
        """The URL without password and options, for people."""
        return shown(self._url)

    @property
    def _engine(self) -> Engine:
        """This process's engine. A parent's stays untouched in its forked child: SQLite forbids
        even closing a connection that was opened before the fork."""
        process = os.getpid()
        if process not in self._engines:
            self._engines.setdefault(process, _engine(with_driver(self._url)))
        return self._engines[process]

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """For one statement: two may see two states."""
        with self._errors_translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction, committed at the end of the block and undone by an exception."""
        with self._exclusive() as connection:
            yield Transaction(connection, connection.execute(_TAKE_NUMBER).scalar_one())

    def probe(self) -> None:
        """Whether a write could begin now."""
        with self._exclusive():
            pass

    def revision(self) -> str | None:
        """Of its tables; None where there are none yet."""
        with self.read() as connection:
            return _revision(connection)

    def migrate(self) -> None:
        """Bring the tables up to date, or create them. Several processes may call this at once.

        Raises LedgerTooNew when the database was migrated by a newer version.
        """
        with self.read() as connection:
            if _revision(connection) == tables.REVISION:
                return
        from alembic import command  # a fifth of a second that only a migration pays for
        from alembic.script import ScriptDirectory

        config = migration_config()
        with self._exclusive() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            found = _revision(connection)
            scripts = ScriptDirectory.from_config(config).walk_revisions()
            if found is not None and found not in {script.revision for script in scripts}:
                raise LedgerTooNew(
                    f"the ledger at {self.name} has version {found}, which this code does not "
                    f"know (its own is {tables.REVISION}); run the newer Touchline that made it"
                )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close this process's connections; the next use opens new ones."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.dispose()

    @contextmanager
    def _exclusive(self) -> Iterator[Connection]:
        with self._errors_translated(), self._engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        if time.monotonic() < self._rests_until:
            raise type(self._error)(*self._error.args)
        try:
            yield
        except ModuleNotFoundError as error:
            raise LedgerUnavailable(
                f"the ledger at {self.name} needs the Python package {error.name}, which is not "
                "installed: pip install 'touchline[postgres]'"
            ) from None
        except (exc.DBAPIError, exc.TimeoutError) as error:
            self._error = self._translated(getattr(error, "orig", None) or error)
            self._rests_until = time.monotonic() + self._rest_seconds
            raise self._error from None

    def _translated(self, error: BaseException) -> LedgerUnavailable:
        said = without_secrets(self._url, str(error).strip())
        if is_damage(error):
            return LedgerDamaged(
                f"the ledger's file {self._url.database} is damaged: {said}. End Touchline, then "
                "`touchline ledger rebuild` puts it aside and makes a new one"
            )
        return LedgerUnavailable(
            f"the ledger at {self.name} cannot be used: {type(error).__name__}: {said}. Check "
            "TOUCHLINE_LEDGER_URL, that its database runs and has been migrated, and that nobody "
            "keeps it locked"
        )


def with_driver(url: URL) -> URL:
    """For PostgreSQL the driver that Touchline is tested with, unless the URL names another."""
    return url.set(drivername=_PSYCOPG) if url.drivername == "postgresql" else url


def migration_config() -> Config:
    """Alembic's configuration, made here so that no alembic.ini has to be found."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.scalar(select(_VERSION.c.version_num))


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        # Connections are kept: closing the last one checkpoints and deletes the write-ahead log.
        engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        url,
        pool_size=1,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": LOCK_TIMEOUT_SECONDS},
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 begins no transactions; _begin_sqlite does
    connection.execute("PRAGMA journal_mode = WAL")
    # A claim comes before what it announces (an object, a message), which outlives a power cut.
    # With NORMAL the claim might not: the log is then synced at checkpoints only.
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another wrote in between.
    # One that only reads is a single statement, which is one by itself.
    if connection.get_execution_options().get(_WRITES, False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_postgresql(connection: Any, _record: object) -> None:
    milliseconds = LOCK_TIMEOUT_SECONDS * 1000
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {milliseconds}")
        cursor.execute(f"SET idle_in_transaction_session_timeout = {6 * milliseconds}")
    connection.commit()
