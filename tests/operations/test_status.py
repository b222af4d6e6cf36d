"""`touchline status`: what it tells of a Touchline that does not run, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner, Result

from operations.cli import app
from operations.commands import doctor
from operations.metrics import exposition
from resources.ledger import Ledger
from resources.processes import ProcessId
from resources.settings import Settings
from resources.up_record import Up
from touchline.health import Health, Kind, Signal


def status(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["status", *arguments])


def with_ledger(home: Path) -> None:
    with closing(Ledger(f"sqlite:///{home / 'ledger.sqlite'}", "")) as ledger:
        ledger.migrate()
        ledger.open_interval("football", datetime.now(UTC) - timedelta(hours=1), "simulated")


def test_where_nothing_is_nothing_is_made(home: Path) -> None:
    said = status()
    assert said.exit_code == 2
    assert "no ledger" in said.stderr
    assert f"there is no .env in {home} either" in said.stderr
    assert list(home.iterdir()) == []


def test_a_touchline_that_has_ended_is_the_cause_of_all_silence(home: Path) -> None:
    with_ledger(home)
    (home / "run").mkdir()
    ended = ProcessId(pid=1, created=0.0)
    Up(ended, "ready", "http://127.0.0.1:3000", children={"daemon": "running"}).write(
        Settings.load(_env_file=None)
    )
    said = status("--json")
    assert said.exit_code == 1
    found = json.loads(said.stdout)
    assert (found["verdict"], found["causes"]) == ("BAD", ["touchline"])
    assert set(found["signals"]) == {"liveness", "progress", "backlog"}
    store, merged = found["signals"]["liveness"]["store"], found["signals"]["progress"]
    assert store["because"] == merged["football/merged"]["because"] == ["touchline"]
    assert not (home / "s3").exists()
    assert not (home / "dagster").exists()
    shown = status().stdout
    assert "does not run any more" in shown
    assert "next: touchline up" in shown


@pytest.mark.parametrize(
    ("runs", "state", "down", "touchline", "code_server"),
    [
        (False, "ended", None, ("BAD", "it was ended"), None),
        (False, "failed", None, ("BAD", "it did not start: no room"), None),
        (True, "failed", None, ("BAD", "it did not start: no room"), None),
        (True, "starting", None, ("WARNING", "is starting"), None),
        (True, "ready", "daemon", ("BAD", "daemon is down"), ("OK", [])),
        (True, "ready", "webserver", ("BAD", "webserver is down"), ("OK", [])),
        # Sensors and runs rest on it.
        (True, "ready", "code-server", ("BAD", "code-server is down"), ("BAD", ["touchline"])),
    ],
)
def test_how_an_up_stands_is_told_and_what_rests_on_it(
    home: Path,
    runs: bool,
    state: str,
    down: str | None,
    touchline: tuple[str, str],
    code_server: tuple[str, list[str]] | None,
) -> None:
    with_ledger(home)
    (home / "run").mkdir()
    process = ProcessId.own() if runs else ProcessId(pid=1, created=0.0)
    parts = ("code-server", "webserver", "daemon") if down else ()
    children = {name: "down" if name == down else "running" for name in parts}
    error = "no room" if state == "failed" else ""
    up = Up(process, state, "http://127.0.0.1:3000", error, children)
    up.write(Settings.load(_env_file=None))
    said = json.loads(status("--json").stdout)
    found = said["signals"]["liveness"]
    assert found["touchline"]["state"] == touchline[0]
    assert touchline[1] in found["touchline"]["detail"]
    if code_server is not None:
        of_server = found["code-server"]
        assert (of_server["state"], of_server["because"]) == code_server
    assert "daemon" not in said["causes"]


def broken_database(dagster: Path) -> None:
    (dagster / "history").mkdir()
    (dagster / "history" / "runs.db").write_bytes(b"no database" * 1000)


def folder_in_its_place(dagster: Path) -> None:
    (dagster / "schedules" / "schedules.db").mkdir(parents=True)


def broken_event_index(dagster: Path) -> None:
    (dagster / "history" / "runs" / "index.db").mkdir(parents=True)


def no_yaml(dagster: Path) -> None:
    (dagster / "dagster.yaml").write_text("storage: [")


@pytest.mark.parametrize(
    "spoil",
    [broken_database, folder_in_its_place, broken_event_index, no_yaml],
)
def test_dagsters_storage_that_cannot_be_opened_is_told(
    home: Path, spoil: Callable[[Path], None]
) -> None:
    with_ledger(home)
    settings = Settings.load(_env_file=None)
    settings.dagster_home.mkdir()
    (settings.dagster_home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    spoil(settings.dagster_home)
    said = status("--json")
    found = json.loads(said.stdout)["signals"]["liveness"]["Dagster"]
    assert found["state"] == "UNKNOWN"
    assert found["detail"].startswith(
        f"Dagster's storage in {settings.dagster_home} cannot be used"
    )
    (examined,) = doctor._dagster_home(settings)
    assert (examined.state, examined.detail) == (Health.BAD, found["detail"])
    assert "move it away" in examined.do
    kept = CliRunner().invoke(app, ["housekeep", "--json"])
    error = json.loads(kept.stdout)["error"]
    assert (kept.exit_code, error["kind"]) == (2, "dagster_unreadable")


def test_watching_is_for_people(home: Path) -> None:
    said = status("--watch", "--json")
    assert said.exit_code == 2
    assert "--watch is for people" in said.stderr


def test_prometheus_is_told_the_same_and_nothing_of_what_is_unknown() -> None:
    signals = [
        Signal(Kind.LIVENESS, "sensor a", Health.BAD, "", age_seconds=130.5),
        Signal(Kind.BACKLOG, 'odd "name"\\', Health.WARNING, "", count=3, because=("sensor a",)),
    ]
    metrics = list(text_string_to_metric_families(exposition(signals)))
    a = {"kind": "liveness", "signal": "sensor a"}
    odd = {"kind": "backlog", "signal": 'odd "name"\\'}
    told = [(each.name, each.labels, each.value) for metric in metrics for each in metric.samples]
    assert told == [
        ("touchline_health", a, 3),
        ("touchline_health", odd, 1),
        ("touchline_cause", a, 1),
        ("touchline_cause", odd, 0),
        ("touchline_age_seconds", a, 130.5),
        ("touchline_count", odd, 3),
    ]
    assert [metric.type for metric in metrics] == ["gauge"] * 4
    assert all(metric.documentation for metric in metrics)
