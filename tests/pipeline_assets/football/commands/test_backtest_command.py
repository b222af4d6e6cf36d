"""`touchline backtest`: from what landed, wherever it stands, to hits, sums and a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from pipeline_assets.day_state import read_day_state
from pipeline_assets.football.commands.backtest import (
    Tried,
    json_of,
    plot_of,
    rule_named,
    shown,
    try_rule,
)
from pipeline_assets.plans import PLANS
from pipeline_assets.rotation import rotate
from tests.chain import NOON
from tests.operations.conftest import FEED, RunDay, RunMinutes
from tests.pipeline_assets.football.lined_world import LinedWorld
from touchline.outcomes import Tally

DAY = "2025-05-28"
DAYS = ("--from", DAY, "--to", DAY)


@pytest.fixture
def world() -> LinedWorld:
    return LinedWorld({"m-half": 3, "m-other": 2}, teams_named=False)


@pytest.fixture
def day(run_minutes: RunMinutes) -> RunDay:
    """One of which no minute has been run yet."""
    return run_minutes(1, [None], NOON)


def tried(day: RunDay) -> Tried:
    with closing(day.site()) as site:
        return try_rule(site, rule_named("3ou_half"), day.day, day.day, lambda said: None)


def test_hits_and_their_ends_are_the_same_from_every_tier(day: RunDay, world: LinedWorld) -> None:
    day.land(0, world=world)
    world.statuses = {"m-half": 8, "m-other": 3}
    for passed in (1, 6):
        day.land(passed, world=world)

    first = tried(day)
    assert [(hit.match_id, hit.at_utc) for hit in first.found.hits] == [
        ("m-half", NOON.utc),
        ("m-other", NOON.later(1).utc),
    ]
    lost, pending = first.found.hits
    assert (lost.state, lost.reason, lost.profit) == ("LOST", "no_goal", -1)
    assert (pending.state, pending.profit) == ("PENDING", None)
    assert first.found.tally == Tally(2, 0, 1, 0, 1, 0, 0.0)
    assert (first.found.fetches, first.found.staked, first.found.profit) == (3, 1, -1)
    with closing(day.site()) as site:
        state = read_day_state(site, PLANS[FEED], day.day)
    assert {alert.subject_id: alert.state for alert in state.alerts} == {
        "m-half": "LOST",
        "m-other": "PENDING",
    }
    assert state.tallies == {"3ou_half": first.found.tally}

    with day.at(NOON.later(30)) as site:
        rotate(site, FEED)
    assert tried(day) == first
    day.seal()
    assert tried(day) == first

    document = msgspec.json.decode(json_of(first))
    assert document["summary"]["profit_per_unit"] == -1
    assert [hit["state"] for hit in document["hits"]] == ["LOST", "PENDING"]
    assert document["hits"][0]["facts"]["ou_total"] == 3.25
    console = Console(record=True, width=160)
    for each in shown(first):
        console.print(each, soft_wrap=isinstance(each, str))
    said = console.export_text()
    assert "2 hits: 0 won, 1 lost, 0 void, 1 pending, 0 unresolved; win rate 0%" in said
    assert "1 units staked, profit -1.00, -100.0% a unit" in said
    drawn = ElementTree.fromstring(plot_of(first))
    assert len(drawn.findall(".//{*}circle")) == 2


def test_a_hit_off_the_quarter_grid_has_no_return_and_the_others_are_shown(
    day: RunDay, world: LinedWorld
) -> None:
    world.lines = {"m-other": 3.1}
    world.statuses = {"m-half": 3, "m-other": 3}
    day.land(0, world=world)
    world.statuses = {"m-half": 8, "m-other": 8}
    for passed in (1, 6):
        day.land(passed, world=world)

    document = day.touchline("backtest", "--rule", "3ou_half", *DAYS, "--json").json
    assert [(hit["match_id"], hit["profit"], hit["no_return"]) for hit in document["hits"]] == [
        ("m-half", -1, None),
        ("m-other", None, "line 3.1 is off the quarter grid"),
    ]
    assert (document["summary"]["lost"], document["summary"]["staked"]) == (2, 1)
    said = day.touchline("backtest", "--rule", "3ou_half", *DAYS, COLUMNS="200")
    assert said.exit_code == 0
    assert b"line 3.1 is off the quarter grid" in said.stdout
    assert b"1 units staked, profit -1.00, -100.0% a unit" in said.stdout


def test_a_rule_that_never_fired_says_so(run_day: RunDay, tmp_path: Path) -> None:
    picture = tmp_path / "never.svg"
    said = run_day.touchline("backtest", "--rule", "3ou_half", *DAYS, "--plot", str(picture))
    assert said.exit_code == 0
    assert b"3ou_half never fired in 3 fetches" in said.stdout
    assert "it never fired" in picture.read_text()
    document = run_day.touchline("backtest", "--rule", "3ou_half", *DAYS, "--json").json
    assert document["hits"] == []
    assert sum(document["fates"].values()) == 11, "one match of one fetch cannot be read"
    assert document["summary"] == {
        **dict.fromkeys(("alerts", "won", "lost", "void", "pending", "unresolved", "staked"), 0),
        "win_rate": None,
        "profit": 0,
        "profit_per_unit": None,
    }


def test_days_without_a_display_are_named(run_day: RunDay) -> None:
    days = ("--from", "2025-05-27", "--to", DAY)
    document = run_day.touchline("backtest", "--rule", "3ou_half", *days, "--json").json
    assert document["days_without_display"] == ["2025-05-27"]
