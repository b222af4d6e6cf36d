"""`touchline drift`: what it names, what it offers, and what it does not tell."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from operations.cli import app
from pipeline_assets.settings import AllSettings
from resources.ledger import Ledger
from resources.processes import ProcessId
from resources.up_record import Up
from tests.resources.ledger_samples import claim

ASSET = "football/merged"
SECRET = "not-for-anybody"


def drift(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["drift", *arguments])


def started(home: Path) -> None:
    """`up` with the settings of now, in this process."""
    (home / "run").mkdir()
    settings = AllSettings.load()
    up = Up(ProcessId.own(), "ready", "http://127.0.0.1:3000")
    replace(up, settings=settings.fingerprints(up.salt, os.environ)).write(settings)


def test_a_day_of_other_code_is_named_with_the_backfill_that_helps(ledger: Ledger) -> None:
    said = drift("--json")
    assert (said.exit_code, json.loads(said.stdout)["verdict"]) == (0, "OK")
    assert drift().stdout == "no drift\n"
    for number in (787, 788):
        made = claim(number, asset=ASSET, code_version="1" * 16)
        ledger.intend(made)
        ledger.landed(made, f"etag-{number}", 100)
    said = drift("--json")
    assert said.exit_code == 1
    found = json.loads(said.stdout)
    (day,) = found["days"]
    assert (day["asset"], day["fetches"], day["of"], day["versions"]) == (ASSET, 2, 2, ["1" * 16])
    assert found["backfill"] == [f"touchline reprocess --date {day['day']}"]
    assert f"next: touchline reprocess --date {day['day']} --dry-run" in drift().stdout
    assert drift("--from", "2030-01-01").exit_code == 0


def test_settings_that_changed_since_up_began_are_named_and_not_told(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_FEED_SECRET", SECRET)
    started(tmp_path)
    assert SECRET not in (tmp_path / "run" / "up.json").read_text()
    # Neither the folder in which it is called nor a key that the embedded store does not use.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-something-else")
    (tmp_path / "some" / "where").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "some" / "where")
    said = drift("--json")
    assert json.loads(said.stdout)["settings"] == []

    monkeypatch.setenv("TOUCHLINE_FEED_SECRET", "another")
    monkeypatch.setenv("TOUCHLINE_SPOOL_LIMIT_HOURS", "12")
    said = drift("--json")
    assert said.exit_code == 1
    assert json.loads(said.stdout)["settings"] == [
        "TOUCHLINE_FEED_SECRET",
        "TOUCHLINE_SPOOL_LIMIT_HOURS",
    ]
    assert "another" not in said.stdout

    file = tmp_path / "run" / "up.json"
    older = json.loads(file.read_text())
    del older["settings"]
    file.write_text(json.dumps(older))
    assert json.loads(drift("--json").stdout)["settings"] == [], "an older `up` kept none"


def test_another_key_for_a_store_elsewhere_is_a_setting_that_changed(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-old-key")
    started(tmp_path)
    monkeypatch.setenv("AWS_PAGER", "less")
    assert json.loads(drift("--json").stdout)["settings"] == []
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRET)
    said = drift("--json")
    assert json.loads(said.stdout)["settings"] == ["AWS_ACCESS_KEY_ID"]
    assert SECRET not in said.stdout


def test_a_dagster_that_cannot_be_read_is_not_taken_for_one_without_drift(
    ledger: Ledger, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    settings = AllSettings.load()
    Up(ProcessId.own(), "ready", "http://127.0.0.1:3000").write(settings)
    settings.dagster_home.mkdir()
    (settings.dagster_home / "history").write_text("no folder")
    found = json.loads(drift("--json").stdout)
    assert found["verdict"] == "BAD"
    assert "cannot be used" in found["sensors"][0]["detail"]
