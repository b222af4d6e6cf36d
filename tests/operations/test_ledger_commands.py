"""`touchline ledger`: what scripts are told, and what is refused."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from operations.commands.ledger import rebuild_ledger
from operations.ledger import backup, restore
from pipeline_assets.plans import PLANS
from resources.ledger import Ledger, LedgerTooNew
from resources.processes import ProcessId
from tests.operations.conftest import FEED, START, RunDay
from touchline.accounting import Verdict

LAST = "football/quarantine"


@pytest.fixture
def spoilt(run_day: RunDay, tmp_path: Path) -> RunDay:
    """The same day, whose ledger a test may lose."""
    return run_day.copy(tmp_path / "home")


def _damaged(file: Path, how: str) -> bytes:
    """Spoil a ledger: its first page, or some in its midst; what it then holds."""
    content = bytearray(file.read_bytes())
    if how == "not a database":
        content[:4096] = b"x" * 4096
    else:
        middle = len(content) // 2
        content[middle : middle + 65536] = b"\xff" * 65536
    file.write_bytes(content)
    return bytes(content)


def test_a_whole_ledger_has_nothing_to_make_anew(spoilt: RunDay) -> None:
    answer = spoilt.touchline("ledger", "rebuild", "--from", str(spoilt.day))
    assert answer.exit_code == 0
    assert "making 2025-05-28 of football anew" in answer.stderr
    assert b"OK" in answer.stdout


@pytest.mark.parametrize("how", ["lost", "not a database", "malformed"])
def test_a_lost_or_damaged_ledger_is_made_anew(spoilt: RunDay, how: str) -> None:
    file = spoilt.settings.ledger_file
    content = None
    if how == "lost":
        file.unlink()
    else:
        content = _damaged(file, how)
    said = spoilt.touchline("verify", "--date", str(spoilt.day))
    assert said.exit_code == 2
    if how == "not a database":
        assert f"{file} is damaged: file is not a database" in said.stderr
        assert "`touchline ledger rebuild`" in said.stderr
        checks = spoilt.touchline("doctor", "--json").json["checks"]
        [found] = [each for each in checks if each["name"] == "ledger"]
        assert found["state"] == "BAD"
        assert found["do"].startswith("touchline down, then touchline ledger rebuild")

    answer = spoilt.touchline("ledger", "rebuild", "--json")

    # Of what was quarantined nobody makes anything, and Dagster never ran here.
    assert (answer.exit_code, answer.json["verdict"]) == (2, "COULD_NOT_CHECK")
    assets = answer.json["days"][str(spoilt.day)]
    assert len(assets) == len(PLANS[FEED].assets)
    assert {each["claims"] for each in assets.values()} == {len(spoilt.numbers)}
    assert {name for name, each in assets.items() if each["alone"]} == {LAST}
    assert not any(each["gone"] or each["findings"] for each in assets.values())
    if content is not None:
        aside = Path(answer.json["aside"])
        assert f"kept at {aside}" in answer.stderr
        assert aside.name.startswith(f"{file.name}.damaged-")
        assert aside.read_bytes() == content
    verified = spoilt.touchline("verify", "--date", str(spoilt.day), "--json").json
    of_day = verified["days"][str(spoilt.day)]
    assert {name for name, each in of_day.items() if each["verdict"] != "OK"} == {LAST}


def test_a_copy_takes_a_damaged_ledger_s_place(spoilt: RunDay, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    backup(spoilt.settings, copy)
    content = _damaged(spoilt.settings.ledger_file, "malformed")
    kept = restore(spoilt.settings, copy, START.utc)
    assert kept is not None
    assert kept.read_bytes() == content
    assert spoilt.touchline("verify", "--date", str(spoilt.day)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rebuild", "--from", "yesterday"], "is not a day"),
        (["rebuild", "--from", "2025-05-29"], "holds nothing of these days"),
        (["restore", "nowhere.db"], "there is no file"),
    ],
)
def test_what_makes_no_sense_is_said(spoilt: RunDay, arguments: list[str], says: str) -> None:
    answer = spoilt.touchline("ledger", *arguments)
    assert answer.exit_code == 2
    assert says in answer.stderr


@pytest.mark.parametrize(
    ("command", "tool"), [("backup", "pg_dump --format=custom"), ("restore", "pg_restore")]
)
def test_postgresql_is_copied_by_its_own_tools(
    spoilt: RunDay, tmp_path: Path, command: str, tool: str
) -> None:
    url = "postgresql://touchline:pass-w0rd@127.0.0.1:1/ledger"
    file = str(tmp_path / "copy")
    answer = spoilt.touchline("ledger", command, file, TOUCHLINE_LEDGER_URL=url)
    assert answer.exit_code == 2
    assert tool in answer.stderr
    assert "pass-w0rd" not in answer.stderr


def test_a_backup_holds_what_was_committed_and_is_never_written_over(
    spoilt: RunDay, tmp_path: Path
) -> None:
    file = tmp_path / "copy.db"
    with closing(sqlite3.connect(spoilt.settings.ledger_file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM ledger_claims")
        answer = spoilt.touchline("ledger", "backup", str(file), "--json")
        writer.execute("ROLLBACK")
    assert (answer.exit_code, answer.json["bytes"]) == (0, file.stat().st_size)
    copy = Ledger(f"sqlite:///{file}", spoilt.settings.s3_prefix)
    with closing(spoilt.site()) as site:
        assert copy.standing(LAST, spoilt.day) == site.ledger.standing(LAST, spoilt.day) != {}
    copy.close()
    assert spoilt.touchline("ledger", "backup", str(file)).exit_code == 2


def test_a_restored_ledger_older_than_the_store_converges(own_day: RunDay, tmp_path: Path) -> None:
    """What landed after the backup is there without a claim, until it is made anew."""
    day, file = own_day, tmp_path / "copy.db"
    assert day.touchline("ledger", "backup", str(file)).exit_code == 0
    later = day.land(1)

    answer = day.touchline("ledger", "restore", str(file), "--json")
    assert answer.exit_code == 0
    kept = Path(answer.json["kept"])
    with closing(sqlite3.connect(kept)) as before:
        assert before.execute("SELECT max(number) FROM ledger_claims").fetchone() == (later.number,)

    verified = day.touchline("verify", "--date", str(day.day), "--json")
    findings = [
        (found["kind"], found["fetch_number"])
        for asset in verified.json["days"][str(day.day)].values()
        for found in asset["findings"]
    ]
    assert verified.exit_code == 1
    assert ("tracking_error", later.number) in findings

    assert day.touchline("ledger", "rebuild").exit_code == 2
    with closing(day.site()) as site:
        report = rebuild_ledger(site, None, None, lambda text: None)
    bad = {asset for (_, asset), said in report.verdicts.items() if said is not Verdict.OK}
    assert bad == {LAST}


def test_under_a_running_touchline_nothing_takes_the_ledgers_place(
    spoilt: RunDay, tmp_path: Path
) -> None:
    settings, file = spoilt.settings, tmp_path / "copy.db"
    backup(settings, file)
    content = _damaged(settings.ledger_file, "not a database")
    settings.run_folder.mkdir(parents=True)
    ProcessId.own().record(settings.run_folder / "up.json")
    for command in (("restore", str(file)), ("rebuild",)):
        answer = spoilt.touchline("ledger", *command)
        assert answer.exit_code == 2
        assert "touchline down" in answer.stderr
    assert settings.ledger_file.read_bytes() == content


def test_what_is_no_ledger_of_this_version_is_not_restored(spoilt: RunDay, tmp_path: Path) -> None:
    newer = tmp_path / "newer.db"
    shutil.copyfile(spoilt.settings.ledger_file, newer)
    with closing(sqlite3.connect(newer)) as copy:
        copy.execute("UPDATE ledger_version SET version_num = '9999'")
        copy.commit()
    with pytest.raises(LedgerTooNew):
        restore(spoilt.settings, newer, START.utc)
    before = spoilt.settings.ledger_file.read_bytes()
    for name, content in (("text", b"no database at all" * 100), ("empty", b"")):
        file = tmp_path / name
        file.write_bytes(content)
        answer = spoilt.touchline("ledger", "restore", str(file))
        assert answer.exit_code == 2
        assert "no backup of a ledger" in answer.stderr
    assert spoilt.settings.ledger_file.read_bytes() == before


def test_the_newest_runs_are_shown(run_day: RunDay) -> None:
    [newest, *_] = run_day.touchline("ledger", "runs", "--json").json["runs"]
    assert newest["run_id"] == f"run-{run_day.numbers[-1]}"
    assert (newest["kind"], newest["state"]) == ("minute", "success")
    assert newest["minute"] == str(run_day.day.minute(run_day.numbers[-1]))
    assert b"success" in run_day.touchline("ledger", "runs").stdout
