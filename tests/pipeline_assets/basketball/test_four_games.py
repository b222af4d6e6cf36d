"""The story of 2026-01-12: not yet, not yet, and the next morning four games of 140 rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_assets.basketball import calendar, raw_game, raw_player_box
from pipeline_assets.basketball.box_scores import box_scores
from pipeline_assets.inbox import take_inbox
from pipeline_assets.load import load_table
from pipeline_assets.repair.losses import losses_of
from tests.feeds.watched import Watched
from tests.pipeline_assets.basketball.nba import HOUR, Nba, Told, box_slot, games, nba, only
from touchline.accounting import FetchFate, RetryReason
from touchline.day import Day
from touchline.fetch import Envelope
from touchline.slot import Slot

MONDAY = Day.parse("2026-01-12")
EARLY, LATER, AFTER = (box_slot(MONDAY, hours) for hours in (6 + 1 / 12, 9 + 1 / 12, 27 + 1 / 12))
SEASON = Told(
    {
        MONDAY.shifted(-9): games(1, 50),
        MONDAY: games(4),
        MONDAY.shifted(9): games(1, 60),
    }
)


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> dict[Slot, Envelope]:
    """What another machine fetched: the three answers, and the calendar of each morning."""
    folder = tmp_path_factory.mktemp("other")
    with nba(folder, SEASON, MONDAY, plan=only("calendar", "box_scores")) as other:
        days = (MONDAY, MONDAY.shifted(1))
        mornings = [Slot.of(calendar.calendar.name, day, day.start + 6 * HOUR) for day in days]
        return {slot: other.capture(slot) for slot in (EARLY, LATER, AFTER, *mornings)}


@pytest.fixture
def unwatched(tmp_path: Path) -> Iterator[Nba]:
    """A site on the day after, on which nobody has watched until now."""
    noon = MONDAY.shifted(1).start + 12 * HOUR
    with nba(tmp_path, SEASON, MONDAY, opened=noon, plan=only("calendar", "box_scores")) as site:
        yield site


def take(watched: Watched, *captures: Envelope) -> None:
    inbox = watched.site.inbox("basketball").folder
    inbox.mkdir(parents=True, exist_ok=True)
    for nth, capture in enumerate(captures):
        (inbox / f"capture-{nth}").write_bytes(capture.data)
    report = take_inbox(watched.site, watched.plan, run_id="inbox")
    assert (report.aside, report.waiting) == ({}, [])
    assert report.landed.total() == len(captures)


def assert_complete(watched: Watched) -> None:
    site = watched.site
    assert watched.findings() == {}, "no alarm, and calendar_is_covered is OK"
    assert losses_of(site, watched.plan, MONDAY, deep=True) == []
    fates = site.ledger.fates(box_scores.name, MONDAY)
    assert [fates[slot.number] for slot in (EARLY, LATER, AFTER)] == [FetchFate.LANDED] * 3
    rows = load_table(site, raw_player_box.stage.name, MONDAY)
    found = load_table(site, raw_game.stage.name, MONDAY)
    assert (rows.num_rows, found.column("state").to_pylist()) == (140, ["final"] * 4)


FORWARD, *OTHERS, BACKWARD = itertools.permutations((EARLY, LATER, AFTER))
LONG = pytest.mark.stack


@pytest.mark.parametrize(
    "order", [FORWARD, BACKWARD, *(pytest.param(each, marks=LONG) for each in OTHERS)]
)
def test_captures_are_taken_in_any_order_and_the_day_is_complete(
    unwatched: Nba, captures: dict[Slot, Envelope], order: tuple[Slot, ...]
) -> None:
    watched = unwatched.watched
    take(watched, *(envelope for slot, envelope in captures.items() if slot not in order))
    for slot in order:
        take(watched, captures[slot])
    assert_complete(watched)
    assert unwatched.asked() == [], "what was captured is not asked for"


def test_captures_that_come_at_once_are_taken_at_once(
    unwatched: Nba, captures: dict[Slot, Envelope]
) -> None:
    take(unwatched.watched, *captures.values())
    assert_complete(unwatched.watched)


def test_by_schedule_nobody_asks_before_the_games_end(tmp_path: Path) -> None:
    opened = MONDAY.shifted(-1).start
    with nba(tmp_path, SEASON, MONDAY, opened=opened, plan=only("calendar", "box_scores")) as lived:
        watched = lived.watched
        watched.live_until(MONDAY.start + 22 * HOUR)
        rows = watched.site.ledger.fetches(box_scores.name, MONDAY)
        ends = MONDAY.start + 22.5 * HOUR
        for slot in (EARLY, LATER):
            row = rows[slot.number]
            assert (row.fate, row.reason, row.until) == (
                FetchFate.HELD,
                RetryReason.NOT_YET,
                ends,
            )
        assert lived.asked(date=MONDAY) == []
        reports = [watched.run(slot) for slot in watched.slots(watched.case.over) if slot.at > ends]
        assert [call.at[:16] for call in lived.asked(date=MONDAY)] == [
            f"2026-01-13T{at}" for at in ("08:05", "11:05", "14:05")
        ]
        watched.clock.set(watched.case.over)
        assert watched.findings() == {}
        assert all(not step.failures for report in reports for step in report.steps.values())
        assert load_table(watched.site, raw_player_box.stage.name, MONDAY).num_rows == 140
