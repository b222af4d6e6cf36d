"""What commands say of an error, above all to scripts: one JSON object alone on stdout."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from operations import errors
from operations.cli import app
from operations.errors import failure_of
from resources.ledger import LedgerDamaged, LedgerUnavailable
from resources.settings import NOT_IN_MEMORY, SettingsError
from resources.store import StoreFull
from touchline import errors as drawing
from touchline.errors import Bad, Misuse, TouchlineError, Unavailable

ROOT = Path(__file__).parents[2]
ARGUMENTS = {
    "asset": "merged",
    "date": "2025-05-28",
    "day": "2025-05-28",
    "feed": "football",
    "file": "a-file",
    "first": "2025-05-28",
    "key": "landed_matches_claimed:football/merged:2025-05-28:real_loss",
    "last": "2025-05-28",
    "length": "2h",
    "match": "match-a",
    "minutes": "1",
    "number": "781",
    "rule": "3ou_half",
    "why": "known",
}
"""A good value of whatever a command requires."""


def commands(group: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *names, name)
        else:
            yield (*names, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))
WITH_JSON = [
    pytest.param(names, id=" ".join(names))
    for names, command in COMMANDS.items()
    if any("--json" in option.opts for option in command.params)
]
NEED_NO_STORE = [("replay",), ("init",), ("doctor",), ("down",)]
REFUSING = [
    pytest.param(names, id=" ".join(names)) for names in COMMANDS if names not in NEED_NO_STORE
]


def required(names: tuple[str, ...]) -> list[str]:
    given = []
    for option in COMMANDS[names].params:
        if option.required:
            value = ARGUMENTS[option.name]
            given += [option.opts[0], value] if option.opts[0].startswith("-") else [value]
    return given


@pytest.fixture(autouse=True)
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOUCHLINE_HOME", str(home / "home"))
    return home


def touchline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def error_of(said: Result) -> dict[str, Any]:
    """The one object on stdout, which is an error, and whose text people get too."""
    found = json.loads(said.stdout)
    assert list(found) == ["error"]
    assert list(found["error"]) == ["kind", "message", "advice"]
    assert "\n" not in found["error"]["message"]
    assert said.stderr.strip()
    return found["error"]


@pytest.mark.parametrize("names", WITH_JSON)
def test_every_command_says_an_error_as_json(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = touchline(*names, *required(names), "--json", "--no-such-option")
    assert (unknown.exit_code, error_of(unknown)["kind"]) == (2, "usage")
    assert error_of(unknown)["advice"].endswith(f" {' '.join(names)} --help")
    if required(names):
        missing = touchline(*names, "--json")
        assert (missing.exit_code, error_of(missing)["kind"]) == (2, "usage")
    if names == ("doctor",):
        return  # It answers: see test_setup_commands.py.
    monkeypatch.setenv("TOUCHLINE_SPOOL_LIMIT_HOURS", "long")
    wrong = touchline(*names, *required(names), *["--all"] * (names == ("verify",)), "--json")
    assert (wrong.exit_code, error_of(wrong)["kind"]) == (2, "settings")
    assert "TOUCHLINE_SPOOL_LIMIT_HOURS" in wrong.stderr


@pytest.mark.parametrize("names", REFUSING)
def test_a_store_in_memory_is_refused_where_nothing_could_be_kept(
    names: tuple[str, ...], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", "memory:")
    said = touchline(*names, *required(names), *["--all"] * (names == ("verify",)))
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.splitlines() == [f"touchline: {NOT_IN_MEMORY}"]
    assert [*here.iterdir()] == []


@pytest.mark.parametrize(
    ("arguments", "kind", "advice"),
    [
        (["status"], "ledger_missing", "touchline up"),
        (["verify", "--all"], "store_missing", "touchline up"),
        (["verify", "--date", "2025-02-30"], "usage", None),
        (["replay", "--minutes", "0"], "usage", "touchline replay --help"),
        (["replay", "--minutes", "1", "--start", "noon"], "usage", "touchline replay --help"),
        (["no-such-command"], "usage", "touchline --help"),
        (["--no-such-option"], "usage", "touchline --help"),
        (["down", "--now"], "usage", "touchline down --help"),
    ],
)
def test_what_could_not_be_done_has_a_kind_and_advice(
    arguments: list[str], kind: str, advice: str | None
) -> None:
    said = CliRunner().invoke(app, [*arguments, "--json"], prog_name="touchline")
    found = error_of(said)
    assert (said.exit_code, found["kind"], found["advice"]) == (2, kind, advice)
    assert touchline(*arguments).stdout == ""


@pytest.mark.parametrize("command", [["drift"], ["losses"], ["ledger", "rebuild"]])
def test_days_in_the_wrong_order_are_a_misuse(command: list[str]) -> None:
    said = touchline(*command, "--from", "2025-05-29", "--to", "2025-05-28", "--json")
    assert (said.exit_code, error_of(said)["kind"]) == (2, "usage")
    assert error_of(said)["message"] == "--to 2025-05-28 is before --from 2025-05-29"


def test_a_defect_is_told_and_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise LookupError("of\nours")

    monkeypatch.setattr("operations.ledger.backup", broken)
    said = touchline("ledger", "backup", "a-file", "--json")
    assert isinstance(said.exception, LookupError)
    assert json.loads(said.stdout)["error"]["kind"] == "defect"
    assert json.loads(said.stdout)["error"]["message"] == "LookupError: of ours"


def test_an_interrupted_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("operations.ledger.backup", interrupted)
    said = touchline("ledger", "backup", "a-file", "--json")
    assert said.exit_code == 130
    assert json.loads(said.stdout)["error"]["kind"] == "interrupted"


def test_an_error_is_told_as_its_class_or_the_nearest_that_it_is_made_from() -> None:
    class Late(StoreFull):
        pass

    cases: list[tuple[Exception, str, str | None]] = [
        (Late("no room"), "store_full", "make room in the store"),
        (SettingsError("TOUCHLINE_HOME: x"), "settings", "touchline doctor"),
        (LedgerUnavailable("away"), "ledger_unavailable", LedgerUnavailable.advice),
        (LedgerDamaged("torn"), "ledger_damaged", LedgerDamaged.advice),
        (Misuse("no"), "usage", None),
    ]
    for error, kind, advice in cases:
        found = failure_of(error)
        assert found is not None
        assert (found.kind, found.message, found.advice) == (kind, str(error), advice)
    assert failure_of(ValueError("a defect")) is None


def exceptions() -> list[type[BaseException]]:
    """Every public exception class of the product, by the modules that hold it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = list[type[BaseException]]()
    for name in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        package = importlib.import_module(name)
        for each in pkgutil.walk_packages(package.__path__, f"{name}."):
            module = importlib.import_module(each.name)
            found += [
                one
                for one in vars(module).values()
                if isinstance(one, type)
                and issubclass(one, BaseException)
                and one.__module__ == each.name
                and not one.__name__.startswith("_")
            ]
    return found


FAMILIES = (Bad, Unavailable, Misuse)


def test_every_public_error_is_of_one_tree_and_says_how_a_command_ends_with_it() -> None:
    found = exceptions()
    assert len(found) > len(FAMILIES)
    assert [each for each in found if not issubclass(each, TouchlineError)] == []
    for each in found:
        assert issubclass(each, TouchlineError)
        assert each.exit_code in (errors.BAD, errors.UNKNOWN), each
        if each not in FAMILIES:
            assert (each.kind == TouchlineError.kind) is not issubclass(each, FAMILIES), each


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    below = defaultdict[type, list[type[TouchlineError]]](list)
    for each in exceptions():
        parent = next(base for base in each.__bases__ if issubclass(base, Exception))
        assert issubclass(each, TouchlineError)
        below[parent].append(each)

    def drawn(error: type[TouchlineError], depth: int = 1) -> Iterator[str]:
        is_its_own = "kind" in vars(error) and error is not TouchlineError
        yield f"{'    ' * depth}{error.__name__}" + f" ({error.kind})" * is_its_own
        families_first = [each for each in FAMILIES if each in below[error]]
        rest = sorted(set(below[error]) - set(FAMILIES), key=lambda each: each.__name__)
        for each in [*families_first, *rest]:
            yield from drawn(each, depth + 1)

    assert "\n".join(drawn(TouchlineError)) in (drawing.__doc__ or "")


def test_the_documentation_lists_every_kind_with_its_exit_code() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    listed = {kind: int(code) for kind, code in re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.M)}
    told = {
        each.kind: each.exit_code
        for each in exceptions()
        if issubclass(each, TouchlineError) and each not in (Bad, Unavailable)
    }
    assert listed == {**told, "interrupted": errors.INTERRUPTED}
