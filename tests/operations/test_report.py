"""`touchline report`: the page of a day, by what stands on it, and the command by how it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from operations.commands.report import minutes_to_look_at, render
from pipeline_assets.checks.report import CheckReport, Kind
from pipeline_assets.day_state import AssetDay, Cell, DayState
from pipeline_assets.landed_alerts import AlertShown
from pipeline_assets.minute_state import MinuteState
from pipeline_assets.pages.pictures import Clock, chart, parts, shown_minutes
from pipeline_assets.repair.losses import Loss
from pipeline_assets.repair.survey import SealState
from tests.operations.conftest import FEED, RunDay
from tests.operations.html_read import HOSTILE, Read
from tests.slots import asset_keys
from touchline.accounting import Account, LossClass
from touchline.day import Day, FetchNumber
from touchline.stage import ODDS_ROWS

DAY = "2025-05-28"


def asset_day(cells: list[Cell], **changed: object) -> AssetDay:
    report = CheckReport("landed_matches_claimed", "football/odds_changes", Day.parse(DAY))
    given = {
        "name": "football/odds_changes",
        "inputs": ("football/raw_fetches",),
        "counts": "odds rows",
        "kind": ODDS_ROWS,
        "cells": tuple(cells),
        "account": Account(10, 7, {"already_seen": 2}, {"bad_row": 1}),
        "reports": (report,),
        "singles": 0,
        "windows": 1,
        "seal": SealState.NONE,
        "has_expired": False,
    }
    return AssetDay(**(given | changed))  # pyright: ignore[reportArgumentType]


def day_state(day: str, cells: list[Cell], **changed: object) -> DayState:
    watched = [n for n, cell in enumerate(cells, 1) if cell.state is not MinuteState.NOT_EXPECTED]
    given = {
        "feed": FEED,
        "subject": "match_id",
        "day": Day.parse(day),
        "read": datetime(2025, 5, 29, tzinfo=UTC),
        "origin": "simulated",
        "watched": {"football/raw_fetches": frozenset(watched)},
        "assets": (asset_day(cells),),
        "losses": (),
        "alerts": (),
    }
    return DayState(**(given | changed))  # pyright: ignore[reportArgumentType]


def all_landed(day: str) -> list[Cell]:
    return [Cell(MinuteState.LANDED, 5)] * Day.parse(day).length


# --- the page ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "hours", "said"),
    [
        ("2025-03-09", 23, ["01 AM EST", "03 AM EDT"]),
        ("2025-05-28", 24, ["01 AM", "02 AM"]),
        ("2025-11-02", 25, ["01 AM EDT", "01 AM EST"]),
    ],
)
def test_a_day_has_a_row_for_each_hour_of_its_clock(day: str, hours: int, said: list[str]) -> None:
    read = Read.page(render(day_state(day, all_landed(day))))
    rows = [
        a for tag, a in read.elements if tag == "svg" and "hour" in (a.get("class") or "").split()
    ]
    labels = [row["aria-label"] for row in rows]
    assert len(labels) == hours
    places = [labels.index(label) for label in said]
    assert places == [1, 2]
    assert read.boxes("landed") == 60 * hours + 1, "each minute once, and the asset's row as one"


def test_only_hours_in_which_something_was_expected_are_shown() -> None:
    cells = [Cell(MinuteState.NOT_EXPECTED)] * 1440
    cells[820], cells[905] = Cell(MinuteState.LANDED, 1), Cell(MinuteState.MISSED)
    assert shown_minutes(cells) == (781, 960)
    assert shown_minutes([Cell(MinuteState.NOT_EXPECTED)] * 1380) == (1, 1380)


def test_names_of_the_vendor_do_nothing() -> None:
    cells = all_landed(DAY)
    cells[3] = Cell(MinuteState.BAD, None, HOSTILE, HOSTILE)
    report = CheckReport("landed_matches_claimed", HOSTILE, Day.parse(DAY))
    report.found(Kind.DAMAGED, 4, None, HOSTILE)
    loss = Loss(
        DAY,
        f"football/{HOSTILE}",
        4,
        None,
        LossClass.REAL_LOSS,
        recoverable=True,
        evidence=HOSTILE,
        kind="damaged",
    )
    account = Account(1, 0, {HOSTILE: 1})
    state = day_state(
        DAY,
        cells,
        origin=HOSTILE,
        losses=(loss,),
        alerts=(AlertShown(HOSTILE, FetchNumber(4), HOSTILE, HOSTILE, HOSTILE),),
        assets=(
            asset_day(cells, name=HOSTILE, counts=HOSTILE, reports=(report,), account=account),
        ),
    )
    read = Read.page(render(state, prefix=HOSTILE))
    assert {tag for tag, _ in read.elements}.isdisjoint({"script", "img"})
    assert HOSTILE in read.text
    assert not [name for _, given in read.elements for name in given if name.startswith("on")]


def test_it_asks_nobody_for_anything() -> None:
    page = render(day_state(DAY, all_landed(DAY)))
    read = Read.page(page)
    for word in ("http:", "https:", "//", "url(", "@import"):
        assert word not in page, word
    assert {tag for tag, _ in read.elements}.isdisjoint({"script", "link", "img", "iframe"})
    [policy] = [a["content"] for t, a in read.elements if a.get("http-equiv")]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_a_bar_holds_all_that_was_received_and_what_was_lost() -> None:
    report = CheckReport("landed_matches_claimed", "x", Day.parse(DAY), recorded=7, landed=4)
    found = parts(asset_day(all_landed(DAY), reports=(report,)))
    assert [(part.fate, part.reason, part.records) for part in found] == [
        ("emitted", "", 4),
        ("lost", "", 3),
        ("quarantined", "bad_row", 1),
        ("dropped", "already_seen", 2),
    ]
    assert sum(part.share for part in found) == pytest.approx(100)


def test_what_is_the_same_in_several_assets_is_told_once() -> None:
    cells = all_landed(DAY)
    cells[5:8] = [Cell(MinuteState.MISSED, None, "not_requested", "the minute was missed")] * 3
    spoiled = [*cells[:2], Cell(MinuteState.BAD, None, "real_loss", "gone"), *cells[3:]]
    assets = (asset_day(cells, name="football/a"), asset_day(spoiled, name="football/b"))
    found = minutes_to_look_at(day_state(DAY, cells, assets=assets), Clock(Day.parse(DAY), 1440))
    assert [(each.assets, each.when, each.fetches, each.run.what) for each in found] == [
        ("b", "12:02 AM EDT", "3", "real_loss"),
        ("all assets", "12:05 AM EDT to 12:07 AM EDT", "6-8 (3)", "not_requested"),
    ]


def test_a_first_fetch_of_whole_histories_does_not_flatten_the_rest() -> None:
    cells = [Cell(MinuteState.LANDED, 100)] * 60
    cells[0], cells[30] = Cell(MinuteState.LANDED, 90_000), Cell(MinuteState.MISSED)
    drawn = chart(asset_day(cells), Clock(Day.parse(DAY), 1440), 1, 60)
    assert (drawn.peak, drawn.peak_at, drawn.is_cut_off) == (90_000, "12:00 AM EDT", True)
    assert drawn.top == 120
    assert drawn.path.count("M") == 2, "a minute without a fetch is a gap and no zero"


# --- the command ---------------------------------------------------------------------------------


def test_a_good_day_is_written_and_exits_0(
    run_day: RunDay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = run_day.touchline("report", DAY)
    assert (answer.exit_code, answer.stdout) == (0, b"touchline-football-2025-05-28.html\n")
    [file] = tmp_path.iterdir()
    read = Read.page(file.read_text())
    assert "OK" in read.text
    assert "simulated" in read.text
    assert "Nothing is lost." in read.text
    for asset in run_day.site().plans[FEED].assets:
        assert asset.short_name in read.text
    assert read.boxes("bad") == read.boxes("missed") == 0


def test_a_bad_day_says_what_to_run_next_and_exits_1(own_day: RunDay, tmp_path: Path) -> None:
    own_day.site().store.delete(
        asset_keys("football/merged").single(own_day.day, own_day.numbers[0])
    )
    answer = own_day.touchline("report", DAY, "--out", str(tmp_path / "page.html"), "--json")
    assert answer.exit_code == 1
    assert answer.json["verdict"] == "BAD"
    assert answer.json["page"] == str(tmp_path / "page.html")
    read = Read.page((tmp_path / "page.html").read_text())
    assert read.boxes("bad") == 2, "in its hour, and in its asset"
    assert f"touchline reprocess --date {DAY} --prefix {own_day.settings.s3_prefix}" in read.text
    assert "real_loss" in read.text
