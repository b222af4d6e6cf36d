"""`touchline housekeep`: what it says would go, what went, and where there is nothing to do."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import time_machine
from typer.testing import CliRunner, Result

from operations.cli import app
from resources.ledger import Ledger

LATER = timedelta(hours=3)


@dg.asset
def heads() -> None: ...


@pytest.fixture
def instance(home: Path, ledger: Ledger) -> Iterator[dg.DagsterInstance]:
    """That of a state folder, with the settings of `touchline up`."""
    ours = home / "dagster"
    ours.mkdir()
    shutil.copyfile(Path(__file__).parents[2] / "dagster.yaml", ours / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(ours)) as instance:
        yield instance


def housekeep(*arguments: str) -> Result:
    with time_machine.travel(datetime.now(UTC) + LATER, tick=False):
        return CliRunner().invoke(app, ["housekeep", *arguments])


def test_a_dry_run_says_what_the_next_one_does(instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        assert dg.materialize([heads], instance=instance).success
    planned = housekeep("--dry-run", "--json")
    assert instance.get_runs_count() == 2
    said = json.loads(planned.stdout)
    assert said["dry_run"]
    assert said["bytes"]["before"] == said["bytes"]["after"] > said["file_bytes"] > 0

    done = housekeep("--json")
    did = json.loads(done.stdout)
    assert planned.exit_code == done.exit_code == 0
    assert did["runs"] == said["runs"]
    assert (did["runs"]["gone"], did["runs"]["kept"]["shown"]) == (1, 1)
    assert did["bytes"]["after"] < did["bytes"]["before"]
    assert instance.get_runs_count() == 1
    assert "0 runs that ended before" in housekeep().stdout


def test_of_young_runs_none_goes(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_KEEP_RUN_HOURS", "4")
    assert dg.materialize([heads], instance=instance).success
    assert "1 runs stay: newer than TOUCHLINE_KEEP_RUN_HOURS" in housekeep().stdout


def test_where_dagster_never_ran_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    said = housekeep("--json")
    assert (said.exit_code, json.loads(said.stdout)["error"]["kind"]) == (2, "nothing_there")
    assert "touchline up" in said.stderr
    assert not (tmp_path / "home").exists()
