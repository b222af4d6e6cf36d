"""The commands: each is there, and is loaded when it is called."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from operations.cli import NAMES, app, help_of
from pipeline_assets.plans import COMMANDS

ROOT = Path(__file__).parents[2]

HELP = """
import sys
from operations.cli import app
app(["--help"], standalone_mode=False)
heavy = {"dagster", "pyarrow", "boto3", "sqlalchemy", "pipeline_assets.football.plan"}
print("loaded:", *sorted(heavy & sys.modules.keys()))
"""


def test_the_version_is_told() -> None:
    said = CliRunner().invoke(app, ["--version"])
    assert said.stdout == f"touchline {version('touchline')}\n"


def test_each_file_is_a_command_and_so_is_what_a_feed_brings() -> None:
    files = {path.stem for path in (ROOT / "operations" / "commands").glob("[!_]*.py")}
    assert files.isdisjoint(COMMANDS)
    assert files | set(COMMANDS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_command_says_in_its_help_what_it_says_in_the_list(name: str) -> None:
    said = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
    assert said.exit_code == 0
    assert f"Usage: touchline {name}" in said.stdout
    assert " ".join(help_of(name).split()) in " ".join(said.stdout.split())


def test_the_help_lists_every_command_and_loads_none(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "300"}
    said = subprocess.check_output(
        [sys.executable, "-c", HELP], cwd=tmp_path, env=environment, text=True
    )
    *lines, loaded = said.splitlines()
    for name in NAMES:
        first = help_of(name).splitlines()[0]
        assert any(line.strip("│ ").split() == [name, *first.split()] for line in lines), name
    assert loaded == "loaded:"


def test_a_command_that_is_mistyped_is_told_apart_from_one_that_is_there() -> None:
    said = CliRunner().invoke(app, ["statsu"])
    assert said.exit_code == 2
    assert "Did you mean 'status'?" in said.stderr
