"""The systemd unit, and what it rests on."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from operations.cli import app
from resources.settings import Settings

UNIT = Path(__file__).parents[1] / "deploy" / "touchline.service"


@pytest.fixture
def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string(UNIT.read_text())
    return unit["Service"]


def test_it_ends_touchline_in_order_and_gives_it_the_time(
    service: configparser.SectionProxy,
) -> None:
    """As `touchline down` does: SIGTERM to what watches over the parts alone, which may need its
    grace for each of five groups of them."""
    assert service["KillMode"] == "mixed"
    grace = Settings.model_fields["shutdown_grace_seconds"].default
    assert int(service["TimeoutStopSec"]) >= 5 * grace + 30


def test_what_it_does_not_start_again_is_how_wrong_settings_end(
    service: configparser.SectionProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOUCHLINE_SHUTDOWN_GRACE_SECONDS", "soon")
    ended = CliRunner().invoke(app, ["up"])
    assert "TOUCHLINE_SHUTDOWN_GRACE_SECONDS" in ended.stderr
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == [str(ended.exit_code)]


def test_secrets_stand_in_the_file_that_init_writes_and_on_no_command_line(
    service: configparser.SectionProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert service["EnvironmentFile"] == f"-{service['WorkingDirectory']}/.env"
    assert service["StateDirectoryMode"] == "0700"
    assert "Environment" not in service
    assert CliRunner().invoke(app, [*service["ExecStart"].split()[1:], "--help"]).exit_code == 0
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["init"]).exit_code == 0
    assert Path(".env").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_understands_all_of_it(service: configparser.SectionProxy, tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    command = service["ExecStart"].split()[0]
    here.write_text(UNIT.read_text().replace(command, shutil.which("true") or ""))
    verified = subprocess.run(
        ["systemd-analyze", "verify", here], capture_output=True, text=True, check=True, timeout=60
    )
    assert verified.stdout + verified.stderr == ""
