"""Dagster's home at its first start, when nothing is there and several want to open it; and its
records in PostgreSQL, well or not."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text

from operations.commands import doctor
from operations.commands.status import dagster_of
from operations.dagster_home import opened_dagster, prepare_dagster_home
from operations.stack import workspace
from pipeline_assets.housekeeping import DagsterUnreadable
from resources.ledger.database import with_driver
from resources.settings import Settings
from touchline.health import Health

SPAWN = multiprocessing.get_context("spawn")
OPENERS, HOMES = 3, 3
DATABASES = {"history/runs.db", "history/runs/index.db", "schedules/schedules.db"}
NOBODY = "postgresql://somebody:hush-hush@127.0.0.1:9/nothing"

Opens = Callable[[Settings], None]


def settings_of(home: Path, dagster_url: str | None = None) -> Settings:
    url = None if dagster_url is None else SecretStr(dagster_url)
    return Settings.load(_env_file=None, home=home, dagster_url=url)


def as_dagster_does(settings: Settings) -> None:
    os.environ.update(settings.environment())
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        instance.all_instigator_state()


def as_a_command_does(settings: Settings) -> None:
    with opened_dagster(settings) as instance:
        assert instance.get_daemon_heartbeats() == {}


def open_together(openings: list[tuple[Opens, Settings]], together: Barrier) -> None:
    """Each when all others are there too."""
    for opens, settings in openings:
        together.wait(90)
        try:
            opens(settings)
        except Exception:
            together.abort()
            raise


def all_open(openings: list[tuple[Opens, Settings]]) -> None:
    """In several processes at once, one after the other of these."""
    together = SPAWN.Barrier(OPENERS)
    openers = [
        SPAWN.Process(target=open_together, args=(openings, together)) for _ in range(OPENERS)
    ]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(100)
    assert [opener.exitcode for opener in openers] == [0] * OPENERS


def revisions(settings: Settings) -> dict[str, int]:
    """By database file, how many revisions Alembic has stamped it with."""
    found = {}
    for file in settings.dagster_home.rglob("*.db"):
        with closing(sqlite3.connect(file)) as database:
            (count,) = database.execute("SELECT count(*) FROM alembic_version").fetchone()
        found[str(file.relative_to(settings.dagster_home))] = count
    return found


@pytest.mark.stack
def test_openers_at_once_leave_one_revision_in_each_database(tmp_path: Path) -> None:
    """Dagster by itself leaves two in one home of two, which nobody can open again."""
    prepared = [settings_of(tmp_path / f"prepared-{number}") for number in range(HOMES)]
    for settings in prepared:
        prepare_dagster_home(settings, workspace(1))
    empty = [settings_of(tmp_path / f"empty-{number}") for number in range(HOMES)]
    for settings in empty:
        settings.dagster_home.mkdir(parents=True)
    openings: list[tuple[Opens, Settings]] = [(as_dagster_does, each) for each in prepared]
    all_open(openings + [(as_a_command_does, each) for each in empty])
    for settings in (*prepared, *empty):
        assert revisions(settings) == dict.fromkeys(DATABASES, 1)


def test_records_in_postgresql_are_found_by_dagster_and_by_commands(
    tmp_path: Path, postgres_url: str
) -> None:
    settings = settings_of(tmp_path, postgres_url)
    prepare_dagster_home(settings, workspace(1))
    all_open([(as_dagster_does, settings), (as_a_command_does, settings)])
    assert revisions(settings) == {}
    engine = create_engine(with_driver(make_url(postgres_url)))
    with engine.connect() as connection:
        for table in ("alembic_version", "runs", "event_logs", "instigators"):
            count = connection.scalar(text(f"SELECT count(*) FROM {table}"))
            assert count == (1 if table == "alembic_version" else 0)
    engine.dispose()
    (said,) = doctor._dagster_home(settings)
    assert said.state is Health.OK
    assert said.detail.endswith(f"{make_url(postgres_url).database} can be used")


def test_a_database_that_does_not_answer_is_told_with_what_to_do(
    tmp_path: Path, postgres_url: str
) -> None:
    prepare_dagster_home(settings_of(tmp_path, postgres_url), workspace(1))
    away = settings_of(tmp_path, NOBODY)
    (signal,) = dagster_of(away, datetime.now(UTC))
    assert signal.state is Health.UNKNOWN
    assert signal.detail.startswith(
        "Dagster's storage at postgresql://somebody:***@127.0.0.1:9/nothing cannot be used: "
    )
    (said,) = doctor._dagster_home(away)
    assert (said.state, said.detail) == (Health.BAD, signal.detail)
    assert said.do.startswith("check TOUCHLINE_DAGSTER_URL")


def test_a_database_that_goes_away_meanwhile_is_told(
    tmp_path: Path, postgres_server: str, postgres_url: str
) -> None:
    settings = settings_of(tmp_path, postgres_url)
    prepare_dagster_home(settings, workspace(1))
    gone = f"DROP DATABASE {make_url(postgres_url).database} WITH (FORCE)"
    server = create_engine(with_driver(make_url(postgres_server)), isolation_level="AUTOCOMMIT")

    def read() -> None:
        with opened_dagster(settings) as instance:
            with server.connect() as connection:
                connection.execute(text(gone))
            instance.get_runs()

    with pytest.raises(DagsterUnreadable, match="does not exist"):
        read()
    server.dispose()


def test_a_driver_that_is_missing_is_told_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dagster_postgres", None)
    (said,) = doctor._dagster_home(settings_of(tmp_path, NOBODY))
    assert said.state is Health.BAD
    assert "needs the Python package dagster_postgres" in said.detail
    assert said.do == "pip install 'touchline[postgres]'"


def test_a_user_who_may_not_create_tables_is_told(tmp_path: Path, postgres_url: str) -> None:
    url = make_url(postgres_url)
    name = f"guest_{url.database}"[:60]
    engine = create_engine(with_driver(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    guest = url.set(username=name, password="hush-hush").render_as_string(hide_password=False)
    try:
        with pytest.raises(DagsterUnreadable, match="may not create tables") as caught:
            prepare_dagster_home(settings_of(tmp_path, guest), workspace(1))
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP ROLE {name}"))
        engine.dispose()
    assert "hush-hush" not in str(caught.value)


def test_a_setting_that_is_gone_is_told(tmp_path: Path, postgres_url: str) -> None:
    """It stands in the environment of the `up` that runs, and not in that of the command."""
    prepare_dagster_home(settings_of(tmp_path, postgres_url), workspace(1))
    with pytest.raises(DagsterUnreadable, match="which says where, is not set"):
        as_a_command_does(settings_of(tmp_path))
    prepare_dagster_home(settings_of(tmp_path), workspace(1))
    as_a_command_does(settings_of(tmp_path))
