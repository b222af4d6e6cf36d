"""The ledger's database: several processes, deaths, locks, migrations and what errors say."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text

from resources.ledger import Ledger, LedgerTooNew, LedgerUnavailable, database
from resources.ledger.database import migration_config, with_driver
from resources.ledger.tables import REVISION, VERSION_TABLE, metadata
from tests.resources.ledger_samples import ASSET, AT, DAY, claim, only
from tests.slots import RAW
from touchline.accounting import ClaimState, FetchFate
from touchline.day import FetchNumber

fork = multiprocessing.get_context("fork")


def in_child(work: Callable[..., None], *arguments: Any) -> BaseProcess:
    child = fork.Process(target=work, args=arguments)
    child.start()
    return child


def all_done(children: list[BaseProcess]) -> bool:
    for child in children:
        child.join(60)
    return [child.exitcode for child in children] == [0] * len(children)


# Processes and threads


def _claims_everything(url: str, who: int, numbers: range) -> None:
    ledger = Ledger(url, "live")
    version = 0
    for number in (*numbers, 1000):
        said = claim(number, str(who), run_id=f"run-{who}")
        ledger.intend(said)
        ledger.landed(said, f'"{who}"', 10)
        row = ledger.claims(ASSET, DAY)[FetchNumber(number)]
        before, version = version, ledger.version(ASSET, DAY)
        assert row.landed is not None
        assert before < row.sequence <= version


@pytest.mark.stack
def test_eight_processes_claim_at_once(ledger_url: str, ledger: Ledger) -> None:
    """Each has numbers of its own, and all of them claim number 1000."""
    children = [
        in_child(_claims_everything, ledger_url, who, range(who * 10 + 1, who * 10 + 11))
        for who in range(8)
    ]
    assert all_done(children)

    rows = ledger.claims(ASSET, DAY)
    assert list(rows) == [*range(1, 81), 1000]
    assert all(row.state is ClaimState.LANDED for row in rows.values())
    sequences = [t.sequence for n in rows for t in ledger.history(ASSET, DAY, n)]
    assert len(sequences) == len(set(sequences)) == 8 * 11 * 2
    assert ledger.version(ASSET, DAY) == max(sequences)
    contested = rows[FetchNumber(1000)]
    assert contested.sequence == ledger.history(ASSET, DAY, 1000)[-1].sequence
    assert contested.landed is not None
    assert contested.etag == f'"{contested.landed.run_id.removeprefix("run-")}"'


def test_threads_share_one_ledger(ledger: Ledger) -> None:
    def lands(number: int) -> None:
        ledger.intend(claim(number))
        ledger.landed(claim(number), f'"{number}"', 10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lands, range(1, 41)))
    rows = ledger.claims(ASSET, DAY)
    assert [row.etag for row in rows.values()] == [f'"{n}"' for n in range(1, 41)]
    assert len({row.sequence for row in rows.values()}) == 40


def _lands(ledger: Ledger, numbers: range) -> None:
    for number in numbers:
        ledger.intend(claim(number))
        ledger.landed(claim(number), f'"{number}"', 10)


@pytest.mark.stack
def test_a_ledger_in_use_survives_a_fork(ledger: Ledger) -> None:
    """Parent and child write at the same time, with the object that both had before."""
    _lands(ledger, range(1, 2))
    child = in_child(_lands, ledger, range(2, 22))
    _lands(ledger, range(22, 42))
    assert all_done([child])
    _lands(ledger, range(42, 43))
    etags = [row.etag for row in ledger.claims(ASSET, DAY).values()]
    assert etags == [f'"{n}"' for n in range(1, 43)]


def _dies_before_it_confirms(url: str) -> None:
    Ledger(url, "live").intend(claim(787), AT)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.stack
def test_a_killed_writer_leaves_its_whole_claim_for_the_next(
    ledger_url: str, ledger: Ledger
) -> None:
    child = in_child(_dies_before_it_confirms, ledger_url)
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    row = only(ledger)
    assert (row.state, row.pending, row.updated_at) == (ClaimState.INTENDED, claim(787), AT)

    assert row.pending is not None
    ledger.landed(row.pending, '"e1"', 10)
    assert only(ledger).state is ClaimState.LANDED


def _writes_without_end(url: str, who: int) -> None:
    ledger = Ledger(url, "live")
    for content in range(1_000_000):
        said = claim(who, str(content))
        ledger.intend(said)
        ledger.landed(said, f'"{content}"', content)


@pytest.mark.stack
def test_writers_killed_anywhere_leave_no_half_of_a_transition(
    ledger_url: str, ledger: Ledger
) -> None:
    children = {who: in_child(_writes_without_end, ledger_url, who) for who in (1, 2, 3)}
    for who, child in children.items():
        while len(ledger.history(ASSET, DAY, who)) < 10:
            assert child.is_alive()
        child.kill()
        child.join(60)

    rows = ledger.claims(ASSET, DAY)
    for who in children:
        row, history = rows[FetchNumber(who)], ledger.history(ASSET, DAY, who)
        assert row.sequence == history[-1].sequence
        assert (row.pending is not None) == (history[-1].state is ClaimState.INTENDED)
        landing = [entry for entry in history if entry.state is ClaimState.LANDED][-1]
        assert (row.etag, row.size) == (landing.etag, landing.size)
        assert row.landed is not None
    ledger.intend(claim(4))
    assert ledger.version(ASSET, DAY) == ledger.claims(ASSET, DAY)[FetchNumber(4)].sequence


# Locks


@contextmanager
def held_for_writing(url: str) -> Iterator[None]:
    """Another process's unfinished transaction."""
    engine = create_engine(with_driver(make_url(url)))
    with engine.connect() as connection:
        connection.execute(text("UPDATE ledger_sequence SET value = value + 1"))
        yield
        connection.rollback()
    engine.dispose()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, ledger_url: str, ledger: Ledger) -> Ledger:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_SECONDS", 1)
    return Ledger(ledger_url, ledger.prefix)


def test_a_lock_held_too_long_is_told_and_hinders_no_reader(
    ledger_url: str, impatient: Ledger
) -> None:
    impatient.intend(claim(1))
    with held_for_writing(ledger_url):
        with pytest.raises(LedgerUnavailable, match="lock"):
            impatient.landed(claim(1), '"e1"', 10)
        assert only(impatient).state is ClaimState.INTENDED
    impatient.landed(claim(1), '"e1"', 10)
    assert only(impatient).state is ClaimState.LANDED


# Migrations


def _migrates(url: str) -> None:
    Ledger(url, "live").migrate()


@pytest.mark.stack
def test_eight_processes_migrate_an_empty_database_at_once(ledger_url: str) -> None:
    assert all_done([in_child(_migrates, ledger_url) for _ in range(8)])
    ledger = Ledger(ledger_url, "live")
    ledger.intend(claim(1))
    assert only(ledger).sequence == 1
    ledger.close()


def test_the_migrations_make_the_tables_that_the_code_uses(ledger_url: str, ledger: Ledger) -> None:
    engine = create_engine(with_driver(make_url(ledger_url)))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    assert ScriptDirectory.from_config(migration_config()).get_heads() == [REVISION]


def test_migrating_again_keeps_everything(ledger: Ledger) -> None:
    ledger.intend(claim(1), AT)
    before = ledger.claims(ASSET, DAY)
    ledger.migrate()
    assert ledger.claims(ASSET, DAY) == before


def test_fates_and_runs_of_minutes_become_those_of_slots(ledger_url: str) -> None:
    """Of a ledger from before there were slots, whose oldest runs did not name their feed."""
    engine = create_engine(with_driver(make_url(ledger_url)))
    config, at = migration_config(), "2025-05-28 17:06:00+00:00"
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        connection.execute(
            text(
                "INSERT INTO ledger_fetches (prefix, feed, day, number, fate, sequence, updated_at)"
                f" VALUES ('live', 'football', '2025-05-28', 787, 'landed', 1, '{at}')"
            )
        )
        for run, feed, minute in (
            ("new", "'football'", f"'{at}'"),
            ("old", "NULL", "'2025-05-29 03:59:00+00:00'"),
            ("seal", "'football'", "NULL"),
        ):
            connection.execute(
                text(
                    "INSERT INTO ledger_runs (prefix, run_id, kind, feed, minute, state, "
                    f'"commit", lock_hash, started_at, heartbeat_at, sequence) VALUES '
                    f"('live', '{run}', 'k', {feed}, {minute}, 'running', 'c', 'l', "
                    f"'{at}', '{at}', 1)"
                )
            )
    engine.dispose()
    ledger = Ledger(ledger_url, "live")
    ledger.migrate()
    assert ledger.fates(RAW, DAY) == {787: FetchFate.LANDED}
    assert {run.run_id: run.slot and str(run.slot) for run in ledger.running()} == {
        "new": "football/raw_fetches 2025-05-28 2025-05-28T17:06:00Z",
        "old": "football/raw_fetches 2025-05-28 2025-05-29T03:59:00Z",
        "seal": None,
    }
    ledger.close()


def test_a_failed_migration_leaves_an_empty_database(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(with_driver(make_url(ledger_url)))
    with engine.begin() as connection:  # in the way of the last table
        connection.execute(text("CREATE TABLE ledger_runs (x INTEGER)"))
    ledger = Ledger(ledger_url, "live")
    with pytest.raises(LedgerUnavailable, match="ledger_runs"):
        ledger.migrate()
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE ledger_runs"))
    engine.dispose()
    ledger.migrate()
    ledger.intend(claim(1))
    ledger.close()


def test_a_newer_ledger_is_left_alone(ledger_url: str, ledger: Ledger) -> None:
    engine = create_engine(with_driver(make_url(ledger_url)))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(LedgerTooNew, match=r"9999.*run the newer Touchline"):
        ledger.migrate()


# Errors


def everything_said(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("option", ["sslpassword", "sslmode"])  # the driver quotes a bad mode
def test_an_error_names_the_database_and_no_secret(option: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        port = unused.getsockname()[1]
        url = f"postgresql://touchline:pass-w0rd@127.0.0.1:{port}/ledger?{option}=other-s3cret"
        ledger = Ledger(url, "live")
        with pytest.raises(LedgerUnavailable) as raised:
            ledger.claims(ASSET, DAY)
    said = everything_said(raised.value)
    assert f"postgresql://touchline:***@127.0.0.1:{port}/ledger" in said
    assert "pass-w0rd" not in said
    assert "other-s3cret" not in said
    assert "pass-w0rd" not in ledger.name


@pytest.mark.parametrize(
    "url",
    [
        "mysql://touchline:pass-w0rd@localhost/ledger",
        "postgres://touchline:pass-w0rd@localhost/ledger",
        "touchline:pass-w0rd@localhost",
        "",
    ],
)
def test_a_url_that_cannot_work_is_refused_with_advice(url: str) -> None:
    with pytest.raises(LedgerUnavailable, match="TOUCHLINE_LEDGER_URL") as raised:
        Ledger(url, "live")
    assert "pass-w0rd" not in everything_said(raised.value)


@pytest.mark.parametrize("call", ["migrate", "claims"])
def test_a_folder_that_is_not_there_is_told(tmp_path: Path, call: str) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/nowhere/ledger.db", "live")
    with pytest.raises(LedgerUnavailable, match=r"nowhere/ledger\.db"):
        ledger.migrate() if call == "migrate" else ledger.claims(ASSET, DAY)


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    file.write_bytes(b"not a database, however long one looks at it. " * 100)
    before = file.read_bytes()
    with pytest.raises(LedgerUnavailable, match="database"):
        Ledger(f"sqlite:///{file}", "live").migrate()
    assert file.read_bytes() == before


def test_a_ledger_without_its_tables_says_that_it_must_be_migrated(ledger_url: str) -> None:
    ledger = Ledger(ledger_url, "live")
    with pytest.raises(LedgerUnavailable, match="migrated"):
        ledger.intend(claim(1))
    ledger.close()


def test_a_claim_is_on_the_disk_when_intend_returns(tmp_path: Path) -> None:
    """SQLite is asked for it on every connection: a file does not remember the setting."""
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", "live")
    ledger.migrate()
    with ledger._database.read() as connection:
        full = 2
        assert connection.scalar(text("PRAGMA synchronous")) == full
    reader = sqlite3.connect(tmp_path / "ledger.db")
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    reader.close()
    ledger.close()
