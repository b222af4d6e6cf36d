"""docs/lake.md: its examples run as they are written, on a replay in a folder of its own."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from operations.cli import app
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import connected
from resources.settings import PREFIX

pytestmark = pytest.mark.stack

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "lake.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line.removeprefix("$ touchline ").partition("  #")[0]
    for language, text in BLOCKS
    if language == "console"
    for line in text.splitlines()
    if line.startswith("$ touchline ")
]
REPLAY = "replay --minutes 30 --matches 10"
FEWER = "replay --minutes 3 --matches 2"
MINUTES = 3


def run(command: str) -> str:
    done = CliRunner().invoke(app, shlex.split(command))
    assert done.exit_code == 0, (command, done.output)
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where somebody has typed the page's first commands, with `touchline` on the path, and whose
    embedded store runs."""
    folder = tmp_path_factory.mktemp("reader")
    with pytest.MonkeyPatch.context() as patch:
        for name in AllSettings.model_fields:
            patch.delenv(PREFIX + name.upper(), raising=False)
        patch.chdir(folder)
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        patch.setenv("PYTHONPATH", str(DOCS.parent))
        replay, seal, *_ = COMMANDS
        assert replay == REPLAY
        run(FEWER)
        with connected(AllSettings.load()):
            assert "odds_changes: sealed" in run(seal)
            yield folder


@pytest.fixture(scope="module")
def names(here: Path) -> dict[str, Any]:
    """What is left by all examples but DuckDB's, one after another as a reader runs them."""
    found: dict[str, Any] = {}
    for text in PYTHON[:-1]:
        exec(text, found)
    return found


def test_the_replay_is_that_of_the_readme() -> None:
    assert f"$ touchline {REPLAY}\n" in (DOCS.parent / "README.md").read_text()


def test_every_reader_finds_the_same_rows(names: dict[str, Any]) -> None:
    odds = names["odds"].collect()
    assert len(odds) == len(names["day"]) > 0
    few = names["few"]
    assert few.column_names == ["date", "change_time", "market", "v2", "v3", "v4"]
    first = odds["match_id"][0]
    of_first = odds.filter(odds["match_id"] == first)
    assert few["v2"].to_pylist() == of_first["v2"].to_list()
    assert set(names["frame"]["fetch_number"]) == {781, 782, 783}
    assert names["batch"].num_rows > 0


def test_the_commands_run(here: Path) -> None:
    shown, rows = (c for c in COMMANDS if c.startswith(("s3 --prefix", "rows ")))
    said = run(shown)
    assert "(embedded, runs)" in said
    documented = TEXT.partition(f"$ touchline {shown}\n")[2].partition("```")[0]
    for word in re.findall(r"^-- \w+: ", documented, re.MULTILINE):
        assert word in said
    run(rows)
    header, *lines = (here / "rows.csv").read_text().splitlines()
    assert {"match_info.home_team", "odds.spread.home"} <= {*header.split(",")}
    assert len(lines) == MINUTES * 2


def test_the_sql_is_sql() -> None:
    statements = [text for language, text in BLOCKS if language == "sql" and "delta_scan" in text]
    assert len(statements) == 1
    for text in (*statements, run("s3 --prefix replay/simulated-1")):
        assert duckdb.extract_statements(text)


def test_duckdb_reads_the_lake(names: dict[str, Any]) -> None:
    try:
        duckdb.connect().execute("LOAD httpfs; LOAD delta")
    except duckdb.Error as error:
        pytest.skip(f"DuckDB's extensions are not on this machine: {str(error).splitlines()[0]}")
    exec(PYTHON[-1], names)
    assert len(names["merged"]) == len(names["frame"])
    (sql,) = (text for language, text in BLOCKS if "delta_scan" in text and language == "sql")
    ((_, count),) = names["connection"].sql(sql).fetchall()
    assert count == len(names["frame"])
