"""README.md: the replay and what it catches, run as they are written on a fresh machine."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from operations.cli import app
from resources.embedded_s3 import connected
from resources.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTIONS = ("### Without waiting for minutes", "## What it catches")


@pytest.fixture
def fresh_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder without any setting, whose object store runs from the first command on."""
    for name in os.environ:
        if name.startswith(("TOUCHLINE_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with connected(Settings.load()):
        yield


def examples() -> Iterator[tuple[str, str]]:
    """The language and the text of each example in these sections, in their order."""
    for title in SECTIONS:
        section = re.split(r"^#{2,3} ", README.partition(f"\n{title}\n")[2], flags=re.MULTILINE)[0]
        yield from re.findall(r"```(console|python)\n(.*?)```", section, re.DOTALL)


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of an example, and the lines that it is shown to print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        yield command, lines


def pattern_of(lines: list[str]) -> str:
    """`...` stands for any lines where it is alone, and else for any text of its line."""
    return "".join(
        r"(?:.*\n)*?"
        if line == "..."
        else ".*".join(re.escape(part) for part in line.split("...")) + "\n"
        for line in lines
    )


def run(command: str) -> Result:
    program, *arguments = shlex.split(command)
    assert program == "touchline"
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_the_examples_print_what_they_are_shown_to_print(fresh_machine: None) -> None:
    ran: list[str] = []
    last: Result | None = None
    for language, text in examples():
        if language == "python":
            exec(text, {})
            ran.append("python")
            continue
        for command, lines in commands(text):
            if command == "echo $?":
                assert last is not None
                assert lines == [str(last.exit_code)]
                continue
            last = run(command)
            assert last.exit_code != 2, last.stderr
            if lines:
                said = "".join(f"{line.rstrip()}\n" for line in last.stdout.splitlines())
                assert re.fullmatch(pattern_of(lines), said), f"$ {command}\n{said}"
            ran.append(command.split()[1])
    assert last is not None
    assert (last.exit_code, last.stdout.splitlines()[-1]) == (0, "verdict: OK")
    shown = ["replay", "verify", "rows", "python", "python", "verify", "losses", "reprocess"]
    assert ran == [*shown, "reprocess"]

    day = ("2025-05-28", "--prefix", "replay/simulated-1")
    assert run(shlex.join(("touchline", "report", *day))).exit_code == 0
