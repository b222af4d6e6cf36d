"""`touchline notify --test`: who would be told, before there is anything to tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from operations.cli import app
from tests.targets import target


@pytest.fixture(autouse=True)
def simulated(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_ORIGIN", "simulated")


def notify(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["notify", *arguments])


def test_every_target_gets_one_message_and_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    with target() as first, target() as second:
        monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", f"{first.url}, {second.url}")
        said = notify("--test")
        assert said.exit_code == 0
        assert said.stdout == "1 json://***: taken\n2 json://***: taken\n"
        assert first.titles == second.titles == ["Touchline: test"]
        assert first.posts[0]["test"] is True

        first.refuses = True
        monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", f"{first.url}, {second.url}, no://t0ken-1")
        said = notify("--test", "--json")
    assert said.exit_code == 1
    refused, taken, unknown = json.loads(said.stdout)["targets"]
    assert taken == {"target": 2, "url": "json://***", "taken": True, "error": None}
    assert (refused["target"], refused["url"], refused["taken"]) == (1, "json://***", False)
    assert "503" in refused["error"]
    assert (unknown["url"], unknown["taken"]) == ("no://***", False)
    assert "TOUCHLINE_NOTIFY_URLS" in unknown["error"]
    for secret in ("s3cr3t-value", "hook-abc123", "t0ken-1"):
        assert secret not in said.output


def test_without_a_target_or_without_test_nothing_is_sent_and_it_says_so() -> None:
    said = notify("--test", "--json")
    assert (said.exit_code, json.loads(said.stdout)) == (2, {"targets": []})
    assert "set TOUCHLINE_NOTIFY_URLS" in said.stderr
    said = notify()
    assert said.exit_code == 2
    assert "--test" in said.stderr
