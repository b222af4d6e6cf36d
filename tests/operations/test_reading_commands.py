"""The commands that read, on days that were really run: what they say and how they end."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from tests.operations.conftest import FEED, RunDay
from tests.slots import asset_keys
from touchline.bookends import read_bookended
from touchline.fetch import Envelope

DAY = "2025-05-28"


# --- verify --------------------------------------------------------------------------------------


def test_a_good_day_is_ok_with_what_was_recorded_and_landed(run_day: RunDay) -> None:
    answer = run_day.touchline("verify", "--date", DAY, "--json")
    assert answer.exit_code == 0
    assert answer.json["verdict"] == "OK"
    assets = answer.json["days"][DAY]
    assert set(assets) == {asset.name for asset in run_day.site().plans[FEED].assets}
    assert assets["football/merged"] == {
        "verdict": "OK",
        "recorded": 11,
        "landed": 11,
        "fetches_expected": 3,
        "fetches_present": 3,
        "findings": [],
    }
    assert assets["football/raw_fetches"]["fetches_expected"] == 3


def test_all_days_and_one_day_are_judged_alike(run_day: RunDay) -> None:
    one = run_day.touchline("verify", "--date", DAY, "--json")
    every = run_day.touchline("verify", "--all", "--feed", FEED, "--json")
    assert every.json == one.json


def test_an_object_that_has_gone_is_a_loss_and_exits_1(own_day: RunDay) -> None:
    number = own_day.numbers[0]
    own_day.site().store.delete(asset_keys("football/merged").single(own_day.day, number))
    answer = own_day.touchline("verify", "--date", DAY, "--json")
    assert answer.exit_code == 1
    assert answer.json["verdict"] == "BAD"
    merged = answer.json["days"][DAY]["football/merged"]
    assert (merged["recorded"], merged["landed"]) == (2, 0)
    assert (merged["fetches_expected"], merged["fetches_present"]) == (1, 0)
    (finding,) = merged["findings"]
    assert (finding["kind"], finding["fetch_number"], finding["records"]) == (
        "real_loss",
        number,
        2,
    )
    assert finding["recoverable"] is True
    shown = own_day.touchline("verify", "--date", DAY)
    assert f"football/merged: fetch {number}: real_loss" in shown.stdout.decode()


def test_a_store_that_is_away_could_not_be_checked(run_day: RunDay, tmp_path: Path) -> None:
    nobody = {"TOUCHLINE_S3_ENDPOINT_URL": "http://127.0.0.1:9"}
    for command in (["losses"], ["reprocess", "--date", DAY], ["report", DAY, "--out"]):
        given = [*command, str(tmp_path)] if command[-1] == "--out" else command
        assert run_day.touchline(*given, **nobody).exit_code == 2
    assert list(tmp_path.iterdir()) == [], "no page is left"
    answer = run_day.touchline("verify", "--date", DAY, "--json", **nobody)
    assert answer.exit_code == 2
    assert answer.json["verdict"] == "COULD_NOT_CHECK"
    assert answer.json["days"][DAY]["football/merged"]["landed"] is None


# --- what does not exist -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify"], "--date"),
        (["verify", "--date", DAY, "--all"], "--date"),
        (["verify", "--date", "2025-05-29"], "2025-05-29"),
        (["seal", "--date", "2025-05-29"], "know nothing of 2025-05-29"),
        (["verify", "--date", "yesterday"], "'yesterday' is not a day"),
        (["verify", "--date", DAY, "--feed", "cricket"], "'cricket' is not a feed"),
        (["verify", "--all", "--prefix", "never-written"], "never-written"),
        (["rows", "--asset", "nothing", "--date", DAY], "football/odds_changes"),
        (["rows", "--asset", "raw_fetches", "--date", DAY], "has no rows"),
        (["rows", "--asset", "merged", "--date", "2025-05-29"], "football/merged"),
        (["rows", "--asset", "merged", "--date", DAY, "--fetch", "5"], "781 to 783"),
        (["fetch", DAY, "5"], "no fetch 5"),
        (["fetch", DAY, "1441"], "1 to 1440"),
        (["quarantine", "--date", "2025-05-29"], "2025-05-29"),
        (["report", "2025-05-30"], "know nothing of 2025-05-30; they know 2025-05-28"),
        (["reprocess", "--date", "2025-05-29"], "nothing is known of 2025-05-29"),
        (["reprocess", "--date", DAY, "--asset", "nothing"], "nothing"),
        (["reprocess", "--date", DAY, "--reason", " "], "--reason"),
        (["losses", "--from", "2025-06-01"], "nothing is known from 2025-06-01"),
        (["losses", "--to", "yesterday"], "'yesterday' is not a day"),
        (["lags", "--date", "2025-05-20"], "no odds of 2025-05-20"),
        (["backtest", "--rule", "4ou", "--from", DAY, "--to", DAY], "rules: 3ou_half, underdog"),
        (["backtest", "--rule", "3ou_half", "--from", DAY, "--to", "2025-05-01"], "is before"),
        (
            ["backtest", "--rule", "3ou_half", "--from", "2025-05-01", "--to", "2025-05-02"],
            "no display of 2025-05-01",
        ),
        (["trace", "--match", "nobody"], "no team with the name, 'nobody' on any day"),
        (["trace", "--match", "", "--date", DAY], "no team with the name, ''"),
    ],
)
def test_what_does_not_exist_is_one_line_and_exits_2(
    run_day: RunDay,
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = run_day.touchline(*arguments)
    assert answer.exit_code == 2
    assert answer.stdout == b""
    assert list(tmp_path.iterdir()) == [], "no page is left"
    (line,) = [line for line in answer.stderr.splitlines() if line.startswith("touchline: ")]
    assert said in line


def test_a_lost_ledger_is_told_and_not_made_anew(run_day: RunDay, tmp_path: Path) -> None:
    lost = tmp_path / "lost.db"
    answer = run_day.touchline("verify", "--date", DAY, TOUCHLINE_LEDGER_URL=f"sqlite:///{lost}")
    assert answer.exit_code == 2
    assert f"no ledger at {lost}" in answer.stderr
    assert not lost.exists()


# --- rows ----------------------------------------------------------------------------------------


def test_rows_as_json_keep_numbers_as_the_vendor_wrote_them(run_day: RunDay) -> None:
    answer = run_day.touchline("rows", "--asset", "odds_changes", "--date", DAY)
    rows = msgspec.json.decode(answer.stdout, type=list[dict[str, msgspec.Raw]])
    table = pq.read_table(
        io.BytesIO(
            run_day.touchline(
                "rows", "--asset", "odds_changes", "--date", DAY, "--format", "parquet"
            ).stdout
        ),
        use_threads=False,
    )
    assert len(rows) == table.num_rows > 0
    assert [bytes(row["v2"]).decode() for row in rows] == table.column("v2").to_pylist()
    assert list(rows[0]) == table.column_names


def test_rows_of_one_fetch_hold_json_columns_as_json(run_day: RunDay) -> None:
    first = str(run_day.numbers[0])
    answer = run_day.touchline("rows", "--asset", "merged", "--date", DAY, "--fetch", first)
    assert [row["match_id"] for row in answer.json] == run_day.matches
    assert {row["fetch_number"] for row in answer.json} == {run_day.numbers[0]}
    score = answer.json[0]["live_data"]["raw_score_array"]
    assert score[0] == run_day.matches[0]


@pytest.mark.parametrize("asset", ["merged", "monitor_central", "odds_changes", "var_incidents"])
def test_rows_as_csv_are_the_same_rows_and_flat(run_day: RunDay, asset: str) -> None:
    """Records within records are columns of their members, lists and the vendor's JSON are text."""
    options = ["rows", "--asset", asset, "--date", DAY]
    as_json = run_day.touchline(*options).json
    text = run_day.touchline(*options, "--format", "csv").stdout.decode()
    as_csv = list(csv.DictReader(io.StringIO(text)))
    assert len(as_csv) == len(as_json)
    for flat, row in zip(as_csv, as_json, strict=True):
        for column, cell in flat.items():
            value: object = row
            for name in column.split("."):
                value = value[name] if isinstance(value, dict) else None
            if value is None or isinstance(value, str):
                assert cell == (value or ""), column
            else:
                assert msgspec.json.decode(cell) == value, column
    if asset == "monitor_central":
        header = text.partition("\n")[0].split(",")
        assert header[:4] == ["fetch_number", "fetch_id", "timestamp", "match_info.match_id"]
        assert {"odds.spread.home", "corners.total", "incidents"} <= {*header}


def test_a_day_without_rows_is_an_empty_array(run_day: RunDay) -> None:
    answer = run_day.touchline("rows", "--asset", "alert_3ou_half", "--date", DAY)
    assert (answer.exit_code, answer.json) == (0, [])


def test_rows_go_to_a_file(run_day: RunDay, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    options = ["rows", "--asset", "merged", "--date", DAY, "--format", "parquet", "--out"]
    answer = run_day.touchline(*options, str(out))
    assert (answer.exit_code, answer.stdout) == (0, b"")
    assert pq.ParquetFile(out).metadata.num_rows == 11
    os.mkfifo(pipe := tmp_path / "pipe")
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    few = ("rows", "--asset", "alert_3ou_half", "--date", DAY, "--out", str(pipe))
    assert run_day.touchline(*few).exit_code == 0
    assert os.read(reading, 100) == b"[]\n"
    os.close(reading)
    refused = run_day.touchline(*options, str(tmp_path / "no" / "such" / "folder"))
    assert refused.exit_code == 2
    assert "cannot write" in refused.stderr


@pytest.mark.stack
def test_rows_end_well_every_time(served_day: RunDay) -> None:
    """Threads of Arrow once aborted the process at its end, in up to half of the runs."""
    command = ["rows", "--asset", "odds_changes", "--date", DAY]
    expected = served_day.touchline(*command).stdout
    # Each run is a process that ends by itself; forked, because imports take seconds.
    script = f"""
import os
import operations.cli, operations.opened, operations.commands.rows

for _ in range(5):
    child = os.fork()
    if not child:
        operations.cli.app({command})
    assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **served_day.environment},
        capture_output=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == 5 * expected


# --- fetch ---------------------------------------------------------------------------------------


def test_a_fetch_is_given_byte_for_byte(run_day: RunDay) -> None:
    number = run_day.numbers[0]
    given = run_day.touchline("fetch", DAY, str(number)).stdout
    stored = run_day.site().days(FEED).read_back("football/raw_fetches", run_day.day, number)
    assert given == stored.envelope().data
    assert Envelope(given).ref.number == number


def test_a_pretty_fetch_stands_between_its_book_ends(run_day: RunDay) -> None:
    number = str(run_day.numbers[0])
    plain = run_day.touchline("fetch", DAY, number).stdout
    shown = run_day.touchline("fetch", DAY, number, "--pretty").stdout
    (entry,) = read_bookended(shown)
    assert entry.complete
    assert entry.fetch_number == run_day.numbers[0]
    assert entry.payload.startswith(b'{\n  "format": 1,')
    assert msgspec.json.format(entry.payload, indent=-1) == plain


# --- quarantine and trace ------------------------------------------------------------------------


def test_what_was_set_aside_is_shown_with_its_reason(run_day: RunDay) -> None:
    answer = run_day.touchline("quarantine", "--date", DAY, "--json")
    assert answer.exit_code == 0
    stages = {record["stage"] for record in answer.json["quarantined"]}
    assert "football/merged" in stages
    for record in answer.json["quarantined"]:
        assert record["date"] == DAY
        assert record["fetch_number"] == run_day.numbers[1]
        assert record["reason"]
        assert record["snippet"]
    shown = run_day.touchline("quarantine").stdout.decode()
    assert answer.json["quarantined"][0]["reason"] in shown


def test_a_match_is_traced_through_every_asset(run_day: RunDay) -> None:
    match_id, first = run_day.matches[1], run_day.numbers[0]
    answer = run_day.touchline("trace", "--match", match_id, "--fetch", str(first), "--json")
    fates = {fate["asset"]: fate for fate in answer.json["fates"]}
    assert fates["football/merged"]["fate"] == "landed"
    assert fates["football/merged"]["key"] == asset_keys("football/merged").single(
        run_day.day, first
    )
    assert fates["football/merged"]["code_version"]
    assert fates["football/alert_3ou_half"]["fate"] == "dropped"
    assert fates["football/alert_3ou_half"]["reason"]
    assert fates["football/odds_changes"]["records"] > 1
    assert "football/reference" not in fates


def test_a_match_that_was_set_aside_is_traced_to_its_reason(run_day: RunDay) -> None:
    match_id, second = run_day.matches[0], run_day.numbers[1]
    answer = run_day.touchline("trace", "--match", match_id, "--date", DAY, "--json")
    of_second = {
        fate["asset"]: fate for fate in answer.json["fates"] if fate["fetch_number"] == second
    }
    assert of_second["football/merged"]["fate"] == "quarantined"
    assert of_second["football/merged"]["reason"]
    assert of_second["football/monitor_central"]["fate"] == "absent"
    shown = run_day.touchline("trace", "--match", match_id)
    assert shown.exit_code == 0
    assert f"quarantined: {of_second['football/merged']['reason']}" in shown.stdout.decode()


def test_a_trace_says_where_an_asset_lacks_the_fetch(own_day: RunDay) -> None:
    number = own_day.numbers[0]
    own_day.site().store.delete(asset_keys("football/merged").single(own_day.day, number))
    options = ["--match", own_day.matches[0], "--fetch", str(number), "--json"]
    answer = own_day.touchline("trace", *options)
    fates = {fate["asset"]: fate["fate"] for fate in answer.json["fates"]}
    assert fates["football/merged"] == "not_landed"
    assert fates["football/monitor_central"] == "landed"


def test_a_match_is_traced_by_a_part_of_a_teams_name(run_day: RunDay) -> None:
    rows = run_day.touchline("rows", "--asset", "merged", "--date", DAY).json
    sides = ("home_team", "away_team")
    names = {row["match_id"]: [row[s]["parsed_team"]["name"] for s in sides] for row in rows}
    number = str(run_day.numbers[0])
    for match_id, (home, away) in names.items():
        by_id = run_day.touchline("trace", "--match", match_id, "--fetch", number, "--json").json
        assert (by_id["match"], by_id["name"]) == (match_id, f"{home} vs {away}")
        for part in (f"{home} VS {away}".lower(), f" {away.upper()}", home[:-1], "e"):
            fits = {
                of: f"{' vs '.join(teams)}, {DAY}"
                for of, teams in names.items()
                if part.strip().casefold() in " vs ".join(teams).casefold()
            }
            said = run_day.touchline("trace", "--match", part, "--fetch", number, "--json")
            if [*fits] == [match_id]:
                assert said.json == by_id
            else:
                error = said.json["error"]
                assert (said.exit_code, error["kind"], error["choices"]) == (2, "ambiguous", fits)
    shown = run_day.touchline("trace", "--match", "e")
    assert shown.stdout == b""
    assert all(f"\n  {of}  {what}\n" in shown.stderr for of, what in fits.items())
