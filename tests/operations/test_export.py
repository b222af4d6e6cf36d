"""The daily log documents of a day that was really run: eight minutes, one of them missed."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from operations.commands.export import asset_to_export, document_name, write_document
from pipeline_assets.football.wire.fetched import LIVE, ODDS
from pipeline_assets.plans import PLANS
from simulator.faults import Fault
from tests.chain import FEED, RAW
from tests.operations.conftest import RunDay, RunMinutes
from touchline.day import Minute, new_york_text
from touchline.stage import RawAsset, Stage

START = Minute.parse("2025-05-28T17:05:00Z")
FIRST = START.number
MINUTES = 8
MISSED, FAILED, SPOILT, NO_ODDS = 2, 3, 4, 6
"""Minutes after the first: not run, without a live list, with a match that cannot be read, with an
odds answer that is not JSON."""
FAULTS = {
    FAILED: Fault("html", endpoint=LIVE),
    SPOILT: Fault("malformed_match"),
    NO_ODDS: Fault("html", endpoint=ODDS),
}
NUMBERS = [FIRST + passed for passed in range(MINUTES) if passed != MISSED]
WINDOWS = [[n for n in NUMBERS if n <= 790], [n for n in NUMBERS if n > 790]]
ASSETS = PLANS[FEED].assets
of_every_asset = pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.short_name)


@dataclass(frozen=True)
class Exported:
    """A day whose documents are asked for."""

    of: RunDay

    @functools.cached_property
    def documents(self) -> dict[str, Any]:
        """Every document, by the asset's last part."""
        return {asset.short_name: self.document(asset) for asset in ASSETS}

    def document(self, asset: RawAsset | Stage[Any], **options: Any) -> Any:
        out = io.BytesIO()
        with closing(self.of.site()) as site:
            write_document(site, asset, self.of.day, out, **options)
        return json.loads(out.getvalue())


@pytest.fixture(scope="module")
def exported(run_minutes: RunMinutes) -> Exported:
    minutes = [None if p == MISSED else [FAULTS[p]] if p in FAULTS else [] for p in range(MINUTES)]
    return Exported(run_minutes(3, minutes, START))


def entries_of(document: Any) -> list[Any]:
    return [entry for upload in document["uploads"] for entry in upload["fetch_data"]]


def footer_of(entry: dict[str, Any]) -> dict[str, Any]:
    (footer,) = (part for name, part in entry.items() if name.endswith("FOOTER"))
    return footer


def header_of(entry: dict[str, Any]) -> dict[str, Any]:
    (header,) = (part for name, part in entry.items() if name.endswith("HEADER"))
    return header


# --- the document --------------------------------------------------------------------------------


@of_every_asset
def test_every_rule_of_the_document_holds(exported: Exported, asset: RawAsset | Stage[Any]) -> None:
    document = exported.documents[asset.short_name]
    uploads, metadata = document["uploads"], document["daily_metadata"]

    assert metadata["date"] == "2025-05-28"
    assert [upload["upload_sequence"] for upload in uploads] == [1, 2]
    assert metadata["total_uploads_today"] == len(uploads) == 2
    for upload, window in zip(uploads, WINDOWS, strict=True):
        of_upload = upload["fetch_data"]
        assert [header_of(entry)["fetch_number"] for entry in of_upload] == window
        assert upload["fetches_in_upload"] == len(of_upload)
        matches = sum(footer_of(entry)["total_matches"] or 0 for entry in of_upload)
        assert upload["matches_in_upload"] == matches
    assert metadata["total_matches_today"] == sum(u["matches_in_upload"] for u in uploads)
    assert metadata["matches_in_this_upload"] == uploads[-1]["matches_in_upload"]
    assert metadata["first_upload_today"] == uploads[0]["upload_timestamp"]
    assert metadata["last_upload"] == uploads[-1]["upload_timestamp"]

    entries = entries_of(document)
    with closing(exported.of.site()) as site:
        days = site.days(FEED)
        refs = [days.read(RAW, exported.of.day, number).ref for number in NUMBERS]
    for entry, ref in zip(entries, refs, strict=True):
        header, footer = header_of(entry), footer_of(entry)
        identity = ref.header(header.get("fetch_start", ""))
        assert header == {name: identity[name] for name in header}
        assert {*identity} - {*header} <= {"fetch_start"}
        assert (footer["fetch_number"], footer["random_fetch_id"]) == (ref.number, ref.fetch_id)
        assert footer["nyc_timestamp"].endswith("PM EDT")


def test_an_upload_bears_the_time_at_which_it_was_stored(exported: Exported) -> None:
    stage = next(asset for asset in ASSETS if asset.short_name == "merged")
    day = exported.of.day
    at = day.minute(790).end + timedelta(seconds=31)
    document = exported.document(
        stage, stored_at=lambda window: at if window.first == 781 else None
    )
    stamps = [upload["upload_timestamp"] for upload in document["uploads"]]
    assert stamps == [new_york_text(at), "05/28/2025 01:20:00 PM EDT"]


def test_what_is_written_of_a_window_is_not_kept(exported: Exported) -> None:
    out, sizes = io.BytesIO(), []
    with closing(exported.of.site()) as site:
        asset = asset_to_export(site, "raw_fetches")
        day = exported.of.day
        write_document(site, asset, day, out, progress=lambda text: sizes.append(out.tell()))
    longest = max(len(json.dumps(entry)) for entry in entries_of(json.loads(out.getvalue())))
    assert sizes[0] > longest
    assert len(sizes) == len(WINDOWS)


# --- the entries ---------------------------------------------------------------------------------


Entry = Callable[[str, int], Any]


@pytest.fixture
def entry(exported: Exported) -> Entry:
    """The entry of an asset so many minutes after the first."""

    def of(name: str, passed: int) -> Any:
        return entries_of(exported.documents[name])[NUMBERS.index(FIRST + passed)]

    return of


def test_a_raw_fetch_is_what_is_stored_and_its_odds_name_their_match(
    exported: Exported, entry: Entry
) -> None:
    found = entry("raw_fetches", 0)
    with closing(exported.of.site()) as site:
        stored = site.days(FEED).read(RAW, exported.of.day, FIRST).envelope()
    bodies = msgspec.json.decode(stored.data)["RAW_API_DATA"]
    assert found["FETCH_HEADER"]["fetch_start"] == "=== RAW API DATA START ==="
    assert found["FETCH_FOOTER"]["fetch_end"] == "=== RAW API DATA END ==="
    assert found["RAW_API_DATA"]["live_matches"] == bodies["live_matches"]
    assert found["RAW_API_DATA"]["match_details"] == bodies["match_details"]
    ids = [match["id"] for match in bodies["live_matches"]["results"]]
    assert len(ids) == 3
    for shown, body in zip(found["RAW_API_DATA"]["match_odds"], bodies["match_odds"], strict=True):
        query = {"type": "uuid", "uuid": shown["query"]["uuid"], "source": "request"}
        assert shown == {**body, "query": query}
    assert {shown["query"]["uuid"] for shown in found["RAW_API_DATA"]["match_odds"]} == {*ids}
    assert found["FETCH_FOOTER"]["total_matches"] == 3


def test_an_answer_that_is_no_json_is_shown_as_an_error_record(entry: Entry) -> None:
    for shown in entry("raw_fetches", NO_ODDS)["RAW_API_DATA"]["match_odds"]:
        assert {"error", "endpoint", "params"} <= {*shown}
        assert shown["params"]["uuid"]


def test_matches_and_what_was_set_aside_stand_beside_each_other(entry: Entry) -> None:
    found = entry("merged", SPOILT)
    assert found["FETCH_HEADER"]["fetch_start"] == "=== MERGED DATA START ==="
    assert [*found["MERGED_DATA"]] == ["matches", "quarantined"]
    assert len(found["MERGED_DATA"]["matches"]) == found["FETCH_FOOTER"]["total_matches"] == 2
    (aside,) = found["MERGED_DATA"]["quarantined"]
    assert [*aside] == ["fetch_id", "stage", "match_id", "reason", "detail", "raw"]
    assert aside["fetch_id"] == found["FETCH_HEADER"]["random_fetch_id"]
    assert found["FETCH_FOOTER"]["fetch_end"] == "=== MERGED DATA END ==="
    in_quarantine = entry("quarantine", SPOILT)["QUARANTINE_DATA"]["quarantine"]
    assert aside in in_quarantine


@pytest.mark.parametrize(
    ("name", "body", "records"),
    [
        ("merged", "MERGED_DATA", "matches"),
        ("pretty_print", "PRETTY_PRINT_DATA", "matches"),
        ("pretty_print_conversion", "PRETTY_PRINT_CONVERSION_DATA", "matches"),
        ("monitor_central", None, "monitor_central_display"),
        ("alert_3ou_half", "ALERT_DATA", "alerts"),
        ("alert_underdog_0half", "ALERT_DATA", "alerts"),
        ("alert_outcomes", "ALERT_OUTCOMES_DATA", "alert_outcomes"),
        ("var_incidents", "VAR_INCIDENTS_DATA", "var_incidents"),
        ("odds_changes", "ODDS_CHANGES_DATA", "odds_changes"),
        ("reference", "REFERENCE_DATA", "reference"),
        ("quarantine", "QUARANTINE_DATA", "quarantine"),
    ],
)
def test_every_record_that_landed_stands_in_the_body(
    exported: Exported, entry: Entry, name: str, body: str | None, records: str
) -> None:
    for passed in (0, FAILED, SPOILT, MINUTES - 1):
        found = entry(name, passed)
        landed = exported.of.opened(f"{FEED}/{name}", FIRST + passed)
        shown = found if body is None else found[body]
        assert len(shown[records]) == landed.account.emitted
        assert footer_of(found)["account"] == landed.account.as_dict()
        is_upstream_gone = passed == FAILED and name != "quarantine"
        outcome = "upstream_failed" if is_upstream_gone else "complete"
        assert footer_of(found)["outcome"] == outcome


def test_numbers_are_numbers(entry: Entry) -> None:
    change = entry("odds_changes", 0)["ODDS_CHANGES_DATA"]["odds_changes"][0]
    assert all(isinstance(change[name], int | float) for name in ("v2", "v3", "v4"))
    (display, *_) = entry("monitor_central", 0)["monitor_central_display"]
    assert isinstance(display["match_info"], dict)


def test_a_fetch_that_failed_is_an_entry_with_its_reason(entry: Entry) -> None:
    footer = entry("raw_fetches", FAILED)["FETCH_FOOTER"]
    assert (footer["outcome"], footer["total_matches"]) == ("failed", None)
    assert footer["reason"]


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_a_file_a_folder_or_stdout_alike(
    exported: Exported, tmp_path: Path
) -> None:
    arguments = ("--asset", "merged", "--date", "2025-05-28")
    to_stdout = exported.of.touchline("export", *arguments)
    assert to_stdout.exit_code == 0
    assert "7 fetches in 2 uploads" in to_stdout.stderr
    assert (
        exported.of.touchline("export", *arguments, "--out", str(tmp_path / "a.json")).stdout == b""
    )
    assert exported.of.touchline("export", *arguments, "--out", str(tmp_path)).exit_code == 0
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {*written} == {"a.json", "merge_json_log_2025-05-28.json"}
    assert {*written.values()} == {to_stdout.stdout}
    assert len(entries_of(json.loads(to_stdout.stdout))) == len(NUMBERS)


def test_documents_bear_the_names_of_the_logs(exported: Exported) -> None:
    names = {document_name(asset, exported.of.day) for asset in ASSETS}
    logs = {"all_api", "merge", "var_logger", "monitor_central", "alert_3ou_half"}
    assert {f"{log}_json_log_2025-05-28.json" for log in logs} <= names
    assert len(names) == len(ASSETS)


@pytest.mark.parametrize(
    ("asset", "date", "said"),
    [
        ("nothing", "2025-05-28", "is not one of: football/raw_fetches"),
        ("merged", "2025-05-27", "nothing of football/merged on 2025-05-27"),
        ("merged", "yesterday", "is not a day"),
    ],
)
def test_what_is_not_there_is_told_and_nothing_is_written(
    exported: Exported, tmp_path: Path, asset: str, date: str, said: str
) -> None:
    out = tmp_path / "a.json"
    answer = exported.of.touchline("export", "--asset", asset, "--date", date, "--out", str(out))
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_document_that_breaks_off_takes_nobodys_place(exported: Exported, tmp_path: Path) -> None:
    day = exported.of.copy(tmp_path / "home")
    with closing(day.site()) as site:
        found = site.days(FEED).read_back("football/merged", day.day, FIRST + 1)
        assert found.etag is not None
        site.store.replace(found.key, found.body[:-1], found.etag, found.metadata())
    out = tmp_path / "a.json"
    out.write_text("yesterday's")
    arguments = ("--asset", "merged", "--date", "2025-05-28", "--out", str(out))
    answer = day.touchline("export", *arguments)
    assert answer.exit_code == 1
    assert f"{FIRST + 1:05d}.parquet" in answer.stderr
    assert out.read_text() == "yesterday's"
    assert {path.name for path in tmp_path.iterdir()} == {"home", "a.json"}
