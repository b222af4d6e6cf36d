"""A day that went wrong in several ways, as the one who looks at it sees it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import msgspec
import pytest

from pipeline_assets.checks.report import CheckReport, Found, Kind
from pipeline_assets.day_state import (
    AssetDay,
    Cell,
    DayState,
    cells_of,
    read_day_state,
    runs_of,
    worst_of,
)
from pipeline_assets.minute_state import MinuteState, picture, states_at_once
from pipeline_assets.repair.survey import SealState
from simulator.faults import Fault
from tests.chain import FEED, RAW, Chain
from tests.pipeline_assets.small_plan import SEEN_BEFORE
from tests.slots import asset_keys, slot_at
from touchline.accounting import Account, MissedReason, Verdict
from touchline.day import Day, FetchNumber

HEADS, NEWCOMERS, ECHOES = (f"football/{name}" for name in ("heads", "newcomers", "echoes"))
MISSED, FAILED, GONE, LATE = 2, 3, 1, 4
"""What becomes of each minute, by how many passed before it."""


@pytest.fixture(scope="module")
def spoiled(chain_apart: Callable[[], Chain]) -> Chain:
    """Five minutes: two that are well, of which the second loses an object, one that is missed, one
    in which the vendor fails, one that has just begun."""
    chain = chain_apart()
    chain.faults()
    chain.minutes(2)
    chain.faults(Fault("html", endpoint="match/detail_live"))
    chain.minute(FAILED)
    chain.faults()
    chain.at(chain.start.later(LATE), seconds=20)
    with chain.process() as site:
        missed = chain.start.later(MISSED)
        site.ledger.slot_missed(slot_at(missed), MissedReason.STARTED_LATE, missed.end)
        site.store.delete(asset_keys(HEADS).single(chain.day, chain.number + GONE))
        site.claim_origin(FEED, "simulated")
    return chain


@pytest.fixture(scope="module")
def state(spoiled: Chain) -> DayState:
    with spoiled.process() as site:
        return read_day_state(site, site.plans[FEED], spoiled.day)


def of(state: DayState, name: str) -> AssetDay:
    return next(asset for asset in state.assets if asset.name == name)


def cells(state: DayState, chain: Chain, name: str) -> list[Cell]:
    """Of the five minutes."""
    first = chain.number - 1
    return list(of(state, name).cells[first : first + 5])


def test_each_minute_of_each_asset_has_its_state(state: DayState, spoiled: Chain) -> None:
    state_of = MinuteState
    assert [cell.state for cell in cells(state, spoiled, RAW)] == [
        state_of.LANDED,
        state_of.LANDED,
        state_of.MISSED,
        state_of.PLACEHOLDER,
        state_of.PENDING,
    ]
    assert [cell.state for cell in cells(state, spoiled, HEADS)] == [
        state_of.LANDED,
        state_of.BAD,
        state_of.MISSED,
        state_of.PLACEHOLDER,
        state_of.PENDING,
    ]
    assert [cell.state for cell in cells(state, spoiled, NEWCOMERS)][:2] == [
        state_of.LANDED,
        state_of.EMPTY,
    ]
    assert cells(state, spoiled, RAW)[MISSED].what == MissedReason.STARTED_LATE
    gone = cells(state, spoiled, HEADS)[GONE]
    assert (gone.what, gone.records) == (Kind.REAL_LOSS, None)
    assert str(spoiled.number + GONE) in gone.why


def test_the_rest_of_the_day_was_not_expected(state: DayState, spoiled: Chain) -> None:
    for asset in state.assets:
        assert len(asset.cells) == spoiled.day.length
        others = {*asset.cells[: spoiled.number - 1], *asset.cells[spoiled.number + LATE :]}
        assert others == {Cell(MinuteState.NOT_EXPECTED)}
    assert state.watched[RAW] == {spoiled.number + passed for passed in range(LATE + 1)}


def test_records_are_accounted_for_by_asset(state: DayState) -> None:
    assert of(state, RAW).account.emitted == 6
    assert of(state, NEWCOMERS).account == Account(6, 3, {SEEN_BEFORE: 3})
    assert (of(state, HEADS).lost, of(state, ECHOES).lost) == (3, 0)


def test_verdicts_losses_and_the_rest_stand_beside_them(state: DayState) -> None:
    assert state.verdict is of(state, HEADS).verdict is Verdict.BAD
    assert of(state, NEWCOMERS).verdict is Verdict.OK
    lost = [(loss.asset, loss.kind, loss.recoverable) for loss in state.losses]
    assert (HEADS, "real_loss", True) in lost
    assert (RAW, "missed", False) in lost
    assert state.origin == "simulated"
    assert state.sealed == 0
    assert {asset.seal for asset in state.assets} == {SealState.NONE}
    assert of(state, RAW).singles == 3


def test_it_is_json_for_scripts(state: DayState, spoiled: Chain) -> None:
    said = msgspec.json.decode(msgspec.json.encode(state.as_dict()))
    heads = said["assets"][HEADS]
    assert (said["verdict"], said["day"], said["watched"]) == ("BAD", str(spoiled.day), 5)
    assert heads["minutes"]["bad"] == 1
    assert sum(heads["minutes"].values()) == spoiled.day.length
    assert [run for run in heads["runs"] if run["state"] == "bad"] == [
        {
            "first": spoiled.number + GONE,
            "last": spoiled.number + GONE,
            "state": "bad",
            "what": "real_loss",
            "why": of(state, HEADS).cells[spoiled.number + GONE - 1].why,
        }
    ]


@pytest.mark.parametrize(
    ("day", "length"), [("2025-03-09", 1380), ("2025-05-28", 1440), ("2025-11-02", 1500)]
)
def test_a_day_has_as_many_minutes_as_its_clock_says(day: str, length: int) -> None:
    watched = frozenset({FetchNumber(length)})
    found = list(cells_of(Day.parse(day), length, watched, {}, {}, frozenset(), []))
    assert [run.minutes for run in runs_of(found)] == [length - 1, 1]
    assert found[-1].state is MinuteState.PENDING


def test_what_a_check_names_counts_before_anything_else() -> None:
    day, number = Day.parse("2025-05-28"), FetchNumber(7)
    blind = Found(Kind.UNCHECKED, number, None, "nobody could look")
    bad = Found(Kind.DAMAGED, number, None, "damaged")
    late = Found(Kind.WINDOW_OVERDUE, number, None, "no window yet")

    def state(*findings: Found) -> MinuteState:
        cells = cells_of(day, day.length, frozenset({number}), {}, {}, frozenset(), findings)
        return list(cells)[number - 1].state

    assert state(blind, bad) is MinuteState.BAD
    assert state(blind) is MinuteState.UNCHECKED
    assert state(late) is MinuteState.PENDING, "a window that is late harms no minute"


def test_of_several_assets_the_worst_is_shown() -> None:
    found = [Cell(MinuteState.EMPTY), Cell(MinuteState.LANDED, 3), Cell(MinuteState.MISSED)]
    assert worst_of(found) is found[2]
    assert worst_of(found[:2]) is found[1]


# --- the picture in Dagster's pages --------------------------------------------------------------


def test_each_minute_costs_the_pages_little() -> None:
    alternating = [MinuteState.LANDED, MinuteState.MISSED] * 750
    assert len(picture(Day.parse("2025-11-02"), alternating)) < 21_000
    assert len(picture(Day.parse("2025-05-28"), [MinuteState.LANDED] * 1440)) < 1_500


def test_the_picture_has_the_hours_of_new_york_and_a_legend() -> None:
    def texts(day: str, states: list[MinuteState]) -> list[str]:
        image = picture(Day.parse(day), states).rpartition(",")[2].removesuffix(")")
        return re.findall("<text[^>]*>([^<]*)", base64.b64decode(image).decode())

    usual = [MinuteState.LANDED] * 600 + [MinuteState.MISSED] * 840
    hours = ["12 AM", "03 AM", "06 AM", "09 AM", "12 PM", "03 PM", "06 PM", "09 PM"]
    minutes = [":00", ":15", ":30", ":45"]
    assert texts("2025-05-28", usual) == [*minutes, *hours, "missed, and why is known", "landed"]
    # Of the day on which the clocks go forward, the fourth hour is 04 AM.
    assert texts("2025-03-09", usual[:1380])[4:6] == ["12 AM", "04 AM"]


def test_what_the_checks_have_read_tells_the_minutes(spoiled: Chain, state: DayState) -> None:
    with spoiled.process() as site:
        fates = site.ledger.fates(RAW, spoiled.day)
        claims = site.ledger.standing(RAW, spoiled.day)
    reports = of(state, RAW).reports
    found = states_at_once(spoiled.day.length, fates, claims, reports)
    expected = [cell.state for cell in of(state, RAW).cells]
    expected[spoiled.number + LATE - 1] = MinuteState.NOT_EXPECTED  # Nothing is known of it yet.
    assert found == expected


def test_an_object_beyond_the_day_breaks_no_picture() -> None:
    """A check names it, and goes on."""
    report = CheckReport("landed_matches_claimed", RAW, Day.parse("2025-03-09"))
    report.found(Kind.TRACKING_ERROR, 1500, None, "there without a claim")
    assert set(states_at_once(1380, {}, {}, [report])) == {MinuteState.NOT_EXPECTED}
