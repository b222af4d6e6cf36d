"""How alerts turned out: what `touchline alerts` and the board say of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.football.alert_outcomes import AlertOutcome
from pipeline_assets.football.board.reader import Reader, Seen
from tests.operations.conftest import RunDay, RunMinutes
from tests.operations.html_read import Read
from tests.pipeline_assets.football.board.boards import (
    Records,
    at_minute,
    land_by_hand,
    land_display,
    served,
    site_of,
)
from tests.slots import asset_keys
from touchline.clock import VirtualClock
from touchline.outcomes import State

OUTCOMES = "football/alert_outcomes"


@pytest.fixture(scope="module")
def alert_day(run_minutes: RunMinutes) -> RunDay:
    return run_minutes(22, [[]])


@pytest.fixture
def told_day(alert_day: RunDay, tmp_path: Path) -> RunDay:
    """A minute of 22 matches, some of which have an alert, for a test to go on with."""
    return alert_day.copy(tmp_path / "told")


def alerts(day: RunDay) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """As `touchline alerts` tells: how each one turned out, by alert id, and the sums by rule."""
    said = day.touchline("alerts", "--date", str(day.day), "--json").json
    return {alert["alert_id"]: alert["outcome"] for alert in said["alerts"]}, said["tallies"]


def outcome(alert_id: str, state: State) -> AlertOutcome:
    rule_id, _, match_id = alert_id.rpartition("_")
    nothing: list[None] = [None] * 10
    return AlertOutcome(alert_id, match_id, rule_id, state, "by_hand", *nothing, checks=2)


def settle(day: RunDay, passed: int, *outcomes: AlertOutcome) -> None:
    """So many minutes later these outcomes land, and the display, in which nothing has changed."""
    with at_minute(day, passed) as (site, ref):
        land_by_hand(site, site.stages[OUTCOMES], ref, list(outcomes))
    land_display(day, passed, same)


def same(records: Records) -> Records:
    return records


def shown(seen: Seen) -> dict[str, State | None]:
    return {str(a.alert_id): a.state for of_match in seen.alerts.values() for a in of_match}


def test_the_command_tells_how_each_alert_turned_out_and_sums_up(told_day: RunDay) -> None:
    pending, sums = alerts(told_day)
    assert set(pending.values()) == {"PENDING"}
    first, *others = pending
    rule = first.rpartition("_")[0]
    assert sums[rule]["pending"] == sums[rule]["alerts"] == sum(a.startswith(rule) for a in pending)

    settle(told_day, 1, outcome(first, State.WON))
    settled, sums = alerts(told_day)
    assert settled == {first: "WON"} | dict.fromkeys(others, "PENDING")
    assert (sums[rule]["won"], sums[rule]["win_rate"]) == (1, 1.0)
    said = told_day.touchline("alerts", "--date", str(told_day.day)).stdout.decode()
    assert "; not sent: no notification target for it; outcome: WON" in said
    alerts_of = sums[rule]["alerts"]
    assert f"{rule}: {alerts_of} alert{'s' * (alerts_of > 1)}: 1 won, 0 lost, 0 void" in said


def test_the_board_tells_it_beside_the_delivery(told_day: RunDay) -> None:
    first, *others = alerts(told_day)[0]
    began = told_day.day.minute(told_day.numbers[0])
    with site_of(told_day, VirtualClock(began.end)) as site:
        reader = Reader(site)
        assert set(shown(reader.read()).values()) == {State.PENDING}
        settle(told_day, 1, outcome(first, State.LOST))
        assert shown(reader.read()) == {first: State.LOST} | dict.fromkeys(others, State.PENDING)
        before = site.store.requests.by_operation["GET"]
        settle(told_day, 2)
        reader.read()
        read = site.store.requests.by_operation["GET"] - before
    with site_of(told_day, VirtualClock(began.end)) as site:
        assert shown(Reader(site).read())[first] is State.LOST, "whenever the board begins"
    assert read < 10, "the new minute alone"
    with served(told_day) as board:
        page = Read.page(board.get().text)
    tags = [given for _, given in page.elements if "outcome" in (given.get("class") or "")]
    assert len(tags) == 1 + len(others)
    assert "kept lost" in " ".join(page.text.split())


def test_of_what_cannot_be_read_nothing_is_said(told_day: RunDay) -> None:
    began = told_day.day.minute(told_day.numbers[0])
    with site_of(told_day, VirtualClock(began.end)) as site:
        reader = Reader(site)
        known = shown(reader.read())
        key = asset_keys(OUTCOMES).single(told_day.day, told_day.numbers[0] + 1)
        site.store.put_new(key, b"not Parquet")
        land_display(told_day, 1, same)
        seen = reader.read()
        assert (shown(seen), seen.trouble) == (dict.fromkeys(known), "")
        settle(told_day, 2, outcome(next(iter(known)), State.VOID))
        assert set(shown(reader.read()).values()) == {None, State.VOID}
    assert alerts(told_day) == (dict.fromkeys(known), {})
