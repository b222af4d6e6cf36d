"""`touchline init` and `doctor`: what a newcomer is told before the first minute."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from typer.testing import CliRunner, Result

from operations.cli import app
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import S3Access
from resources.ledger import Ledger
from resources.ledger.tables import VERSION_TABLE
from resources.ports import choose_ports
from resources.settings import NOT_IN_MEMORY, PREFIX
from simulator.faults import Fault
from simulator.server import Served, serve
from tests.pipeline_assets.football.client.conftest import SmallWorld

USER, SECRET = "newcomer-77", "s3cr3t-value"


@pytest.fixture(autouse=True)
def home(home: Path, monkeypatch: pytest.MonkeyPatch, s3_in_memory: S3Access) -> Path:
    """A state folder in the working directory, and an object store elsewhere."""
    monkeypatch.setenv("TOUCHLINE_HOME", str(home / "home"))
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", s3_in_memory.endpoint_url)
    return home / "home"


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with serve(SmallWorld({"match-a": 2}), user=USER, secret=SECRET) as served:
        monkeypatch.setenv("TOUCHLINE_FEED_URL", served.url)
        monkeypatch.setenv("TOUCHLINE_FEED_USER", USER)
        monkeypatch.setenv("TOUCHLINE_FEED_SECRET", SECRET)
        yield served


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def doctor() -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Its exit code, and what it found by name."""
    said = run("doctor", "--json")
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(said.stdout)["checks"]:
        found.setdefault(each["name"], []).append(each)
    return said.exit_code, found


def test_init_explains_every_setting_and_sets_none(tmp_path: Path) -> None:
    said = run("init")
    assert said.exit_code == 0
    file = tmp_path / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert dotenv_values(file) == {}
    text = file.read_text()
    for name in AllSettings.model_fields:
        before, _, _ = text.partition(f"\n#{PREFIX}{name.upper()}=")
        assert before.rpartition("\n\n")[2].startswith("# "), f"{name} is explained"
    assert "None" not in text
    assert "touchline doctor" in said.stderr

    again = run("init")
    assert (again.exit_code, file.read_text()) == (2, text)
    assert "is there" in again.stderr
    elsewhere = run("init", "--out", str(tmp_path / "nowhere" / ".env"))
    assert elsewhere.exit_code == 2
    assert "nowhere/.env cannot be written: No such file" in " ".join(elsewhere.stderr.split())


def test_all_is_well_but_that_nobody_would_be_told(vendor: Served) -> None:
    code, found = doctor()
    assert code == 0
    wrong = {name for name, each in found.items() for one in each if one["state"] != "OK"}
    assert wrong == {"notifier"}
    assert set(found) == {
        *("settings", "state folder", "time zone", "ledger", "object store", "feed football"),
        *("notifier", "Dagster home"),
    }


def test_credentials_in_the_file_reach_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_server: S3Access
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", s3_server.endpoint_url)
    keys = {
        "AWS_ACCESS_KEY_ID": s3_server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_access_key,
        "AWS_REGION": s3_server.region,
    }
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in keys.items()))
    said = subprocess.run(
        [sys.executable, "-m", "operations.cli", "doctor", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = {each["name"]: each for each in json.loads(said.stdout)["checks"]}
    assert found["object store"]["state"] == "OK"
    assert str(s3_server.secret_access_key) not in said.stdout + said.stderr


@pytest.mark.parametrize("in_file", [False, True])
@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("TOUCHLINE_S3_ENDPOINT", "http://127.0.0.1:9", "TOUCHLINE_S3_ENDPOINT_URL?"),
        ("touchline_notify_url", "json://127.0.0.1", "TOUCHLINE_NOTIFY_URLS?"),
        ("TOUCHLINE_QQQ", "1", "take it away"),
        ("TOUCHLINE_NOTIFY_URLS", "telegram://token-of-ours/123", "did you mean tgram://"),
        ("TOUCHLINE_NOTIFY_URLS", "discrod://token-of-ours/123", "did you mean discord://"),
        ("TOUCHLINE_NOTIFY_URLS", "tgram://token-of-ours", "a webhook is json://"),
    ],
)
def test_up_warns_of_what_is_misspelt_before_anything_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    meant: str,
    in_file: bool,
) -> None:
    if in_file:
        (tmp_path / ".env").write_text(f"{name}={value}\n")
    else:
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TOUCHLINE_MINIMUM_FREE_DISK_MEGABYTES", "999999999999")
    said = run("up")
    warning, refusal = said.stderr.splitlines()
    assert warning.startswith("Warning: ")
    assert meant in warning
    assert "token-of-ours" not in warning
    assert "MB free" in refusal


def test_what_is_well_is_not_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", "json://127.0.0.1")
    monkeypatch.setenv("TOUCHLINE_MINIMUM_FREE_DISK_MEGABYTES", "999999999999")
    assert "Warning" not in run("up").stderr


def test_wrong_settings_are_an_answer_of_the_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_S3_BUCKETS", "b")
    (tmp_path / ".env").write_text("TOUCHLINE_SPOOL_LIMIT_HOURS=long\n")
    code, found = doctor()
    assert code == 1
    assert list(found) == ["settings"]
    wrong, misspelt = found["settings"]
    assert (wrong["state"], misspelt["state"]) == ("BAD", "WARNING")
    assert wrong["detail"].startswith("TOUCHLINE_SPOOL_LIMIT_HOURS: ")
    (tmp_path / ".env").write_bytes(b"TOUCHLINE_FEED_USER=\xff\n")
    code, found = doctor()
    assert (code, found["settings"][0]["detail"][:20]) == (1, ".env cannot be read:")


@pytest.mark.parametrize(
    ("line", "spoiled"),
    [
        (b"TOUCHLINE_SPOOL_LIMIT_HOURS=long\n", "TOUCHLINE_SPOOL_LIMIT_HOURS: "),
        (b"TOUCHLINE_FEED_USER=\xff\n", ".env cannot be read: "),
    ],
)
def test_down_needs_the_state_folder_alone(
    tmp_path: Path, home: Path, line: bytes, spoiled: str
) -> None:
    (tmp_path / ".env").write_bytes(line)
    said = run("down")
    assert (said.exit_code, said.stdout) == (0, "Touchline was not running\n")
    assert said.stderr.startswith(spoiled)
    assert f"the state folder {home} is enough" in said.stderr


def test_down_takes_the_state_folder_of_a_file_with_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOUCHLINE_HOME")
    there = tmp_path / "elsewhere"
    (tmp_path / ".env").write_text(f"TOUCHLINE_HOME={there}\nTOUCHLINE_FEED_URL=nothing\n")
    assert f"the state folder {there} is enough" in run("down").stderr
    assert (there / "run").is_dir()
    monkeypatch.setenv("TOUCHLINE_HOME", "~nobody-of-that-name/x")
    said = run("down")
    assert said.exit_code == 2
    assert "TOUCHLINE_HOME: begins with the home folder of somebody unknown" in said.stderr


def test_a_vendor_that_refuses_is_bad_and_the_secret_is_not_told(
    vendor: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_FEED_SECRET", "another-secret")
    said = run("doctor", "--json")
    assert said.exit_code == 1
    assert "another-secret" not in said.stdout + said.stderr
    (feed,) = [
        each
        for each in json.loads(said.stdout)["checks"]
        if each["name"] != "notifier" and each["state"] == "BAD"
    ]
    assert feed["name"] == "feed football"
    assert "TOUCHLINE_FEED_USER and TOUCHLINE_FEED_SECRET" in feed["do"]


def test_a_vendor_whose_time_cannot_be_read_is_warned_of(vendor: Served) -> None:
    vendor.faults.replace([Fault("bad_headers")], 0)
    code, found = doctor()
    [feed] = found["feed football"]
    assert (code, feed["state"]) == (0, "WARNING")
    assert "could not be compared" in feed["detail"]
    assert "Wed, 28 May 99999999999999999999 17:00:00 GMT" in feed["detail"]


def other_port(url: str) -> str:
    return f"http://127.0.0.1:{choose_ports(1)[0]}/v1/football/"


@pytest.mark.parametrize(
    "spoilt",
    [
        other_port,
        lambda url: url.replace("http://", "https://"),
        lambda url: url.replace("football", "futball"),
    ],
    ids=["port", "scheme", "path"],
)
def test_a_wrong_address_of_the_vendor_is_named_as_it_was_asked(
    vendor: Served, monkeypatch: pytest.MonkeyPatch, spoilt: Callable[[str], str]
) -> None:
    url = spoilt(vendor.url)
    monkeypatch.setenv("TOUCHLINE_FEED_URL", url)
    said = run("doctor", "--json")
    found = {each["name"]: each for each in json.loads(said.stdout)["checks"]}
    assert found["feed football"]["state"] == "BAD"
    assert f"check TOUCHLINE_FEED_URL: {url}" in found["feed football"]["do"]
    assert SECRET not in said.stdout + said.stderr


def test_credentials_that_are_missing_are_named_and_the_rest_is_looked_at(
    vendor: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOUCHLINE_FEED_SECRET")
    code, found = doctor()
    assert (code, found["feed football"][0]["state"]) == (1, "BAD")
    assert "TOUCHLINE_FEED_SECRET" in found["feed football"][0]["detail"]
    assert "Dagster home" in found


def test_a_store_that_is_not_there_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    code, found = doctor()
    assert (code, found["object store"][0]["state"]) == (1, "BAD")
    assert "TOUCHLINE_S3_ENDPOINT_URL" in found["object store"][0]["do"]


def test_a_store_in_memory_is_named_as_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", "memory:")
    code, found = doctor()
    assert (code, list(found)) == (1, ["settings"])
    assert (found["settings"][0]["state"], found["settings"][0]["detail"]) == ("BAD", NOT_IN_MEMORY)


def test_a_target_that_nothing_knows_is_bad_and_its_token_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", "json://127.0.0.1:9, nonsense://t0ken-of-mine")
    said = run("doctor")
    assert said.exit_code == 1
    assert "target 2 (nonsense)" in said.stdout
    assert "json://" in said.stdout
    assert "t0ken-of-mine" not in said.stdout + said.stderr


def test_a_ledger_of_a_newer_touchline_is_bad(home: Path) -> None:
    home.mkdir()
    with closing(Ledger(f"sqlite:///{home / 'ledger.sqlite'}", "")) as ledger:
        ledger.migrate()
    assert doctor()[1]["ledger"][0]["state"] == "OK"
    with closing(sqlite3.connect(home / "ledger.sqlite")) as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        database.commit()
    _, found = doctor()
    assert (found["ledger"][0]["state"], found["ledger"][0]["do"]) == (
        "BAD",
        "run the newer Touchline that made it",
    )
