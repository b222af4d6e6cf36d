"""Dagster's home at its first start, when nothing is there and several want to open it."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg

from operations.dagster_home import opened_dagster, prepare_dagster_home
from operations.stack import workspace
from resources.settings import Settings

SPAWN = multiprocessing.get_context("spawn")
OPENERS, HOMES = 3, 3
DATABASES = {"history/runs.db", "history/runs/index.db", "schedules/schedules.db"}


def settings_of(home: Path) -> Settings:
    return Settings.load(_env_file=None, home=home)


def as_dagster_does(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(settings_of(home).dagster_home)) as instance:
        instance.all_instigator_state()


def as_a_command_does(home: Path) -> None:
    with opened_dagster(settings_of(home)) as instance:
        assert instance.get_daemon_heartbeats() == {}


Opens = Callable[[Path], None]


def open_together(openings: list[tuple[Opens, Path]], together: Barrier) -> None:
    """Each when all others are there too."""
    for opens, home in openings:
        together.wait(90)
        try:
            opens(home)
        except Exception:
            together.abort()
            raise


def revisions(home: Path) -> dict[str, int]:
    """By database file, how many revisions Alembic has stamped it with."""
    dagster = settings_of(home).dagster_home
    found = {}
    for file in dagster.rglob("*.db"):
        with closing(sqlite3.connect(file)) as database:
            (count,) = database.execute("SELECT count(*) FROM alembic_version").fetchone()
        found[str(file.relative_to(dagster))] = count
    return found


def test_openers_at_once_leave_one_revision_in_each_database(tmp_path: Path) -> None:
    """Dagster by itself leaves two in one home of two, which nobody can open again."""
    prepared = [tmp_path / f"prepared-{number}" for number in range(HOMES)]
    for home in prepared:
        prepare_dagster_home(settings_of(home), workspace(1))
    empty = [tmp_path / f"empty-{number}" for number in range(HOMES)]
    for home in empty:
        settings_of(home).dagster_home.mkdir(parents=True)
    openings = [(as_dagster_does, home) for home in prepared]
    openings += [(as_a_command_does, home) for home in empty]
    together = SPAWN.Barrier(OPENERS)
    openers = [
        SPAWN.Process(target=open_together, args=(openings, together)) for _ in range(OPENERS)
    ]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(100)
    assert [opener.exitcode for opener in openers] == [0] * OPENERS
    for home in (*prepared, *empty):
        assert revisions(home) == dict.fromkeys(DATABASES, 1)
