"""What could not be reached is a failed fetch, never a day without games."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from pipeline_assets.basketball import calendar, raw_game
from pipeline_assets.basketball.box_scores import box_scores
from pipeline_assets.basketball.plan import basketball
from pipeline_assets.checks.factory import check_day
from pipeline_assets.collecting import collect_day
from resources.store.faulty import FaultyStore, refused, when
from simulator.basketball.asking import Params, UnreadParameterError
from simulator.basketball.faults import Fault, Kind
from simulator.basketball.season import Season
from tests.pipeline_assets.basketball.nba import BOX_SCORES, HOUR, Nba, Told, games, nba, only
from touchline.accounting import Outcome, RetryAction, RetryReason, RunState, Verdict
from touchline.day import Day
from touchline.retries import Decision
from touchline.slot import Slot

FRIDAY = Day.parse("2026-01-09")
FAULTS: tuple[Kind, ...] = (
    "html_403",
    "http_429",
    "truncated",
    "status_500",
    "error_body",
    "disconnect",
)
SEASON = Told(
    {
        FRIDAY.shifted(-9): games(1, 50),
        FRIDAY: games(2),
        FRIDAY.shifted(9): games(1, 60),
    }
)

pytestmark = pytest.mark.stack  # They need no stack, and take long.


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nba]:
    with nba(tmp_path_factory.mktemp("simulated"), Season(1), FRIDAY) as lived:
        yield lived


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("raw", [raw.name for raw in basketball.raws])
def test_what_cannot_be_reached_is_a_failed_fetch(simulated: Nba, raw: str, kind: Kind) -> None:
    slot = Slot.of(raw, FRIDAY, FRIDAY.start + 10 * HOUR)
    simulated.spoil(Fault(kind))
    fetched = simulated.capture(slot)
    simulated.spoil()
    assert fetched.outcome is Outcome.FAILED
    assert fetched.failure is not None
    assert all(entry.error for entry in fetched.index)


@pytest.fixture
def lived(tmp_path: Path) -> Iterator[Nba]:
    """A day on which the calendar of its morning came."""
    with nba(tmp_path, SEASON, FRIDAY, plan=only("calendar", "box_scores")) as lived:
        lived.watched.live_until(FRIDAY.start + 7 * HOUR)
        yield lived


def covered(lived: Nba) -> tuple[Verdict, list[str]]:
    watched = lived.watched
    watched.site.days("basketball").refresh()
    reports = check_day(watched.site, watched.plan, raw_game.stage, FRIDAY, deep=True)
    [report] = [each for each in reports if each.check == "calendar_is_covered"]
    return report.verdict, [each.detail for each in report.findings]


def collect(lived: Nba, hours: float) -> Decision:
    watched = lived.watched
    watched.clock.set(FRIDAY.start + hours * HOUR)
    run = f"collect {hours}"
    collected = collect_day(watched.site, watched.plan, FRIDAY, [box_scores], run_id=run)
    [decision] = collected.decisions.values()
    return decision


@pytest.mark.parametrize("kind", ["http_429", "truncated"])
def test_a_day_whose_answer_failed_is_lacking_and_asked_for_again(lived: Nba, kind: Kind) -> None:
    lived.spoil(Fault(kind, endpoint=BOX_SCORES))
    assert collect(lived, 34).action is RetryAction.RUN
    [attempt] = lived.watched.site.ledger.attempts(box_scores.name, FRIDAY)[-1:]
    assert (attempt.state, attempt.content_hash) == (RunState.FAILED, None)
    verdict, lacks = covered(lived)
    assert (verdict, len(lacks)) == (Verdict.BAD, 2)
    lived.spoil()
    assert collect(lived, 35).action is RetryAction.RUN
    assert covered(lived) == (Verdict.OK, [])


def test_a_calendar_that_is_refused_for_days_concludes_nothing(lived: Nba) -> None:
    lived.spoil(Fault("http_429", endpoint="balldontlie/games"))
    assert collect(lived, 43).action is RetryAction.RUN
    assert lived.asked(date=FRIDAY), "it may have games, so it is asked for"
    verdict, [why] = covered(lived)
    assert verdict is Verdict.COULD_NOT_CHECK
    assert why.startswith("basketball/season_games has no records since")


@dataclass
class Listing(Told):
    """A season whose list of games has other dates than the one at hand; it says that a second page
    follows, which cannot be had, if it is `cut`."""

    cut: bool = False

    def balldontlie(self, endpoint: str, params: Params, at: datetime) -> bytes | None:
        if endpoint != "games":
            return super().balldontlie(endpoint, params, at)
        if "cursor" in params:
            raise UnreadParameterError("cursor")
        others = {day: told for day, told in self.games.items() if day != FRIDAY}
        answer = Told(others).balldontlie(endpoint, params, at)
        assert answer
        meta = {"next_cursor": 5} if self.cut else {}
        return msgspec.json.encode({"data": msgspec.json.decode(answer)["data"], "meta": meta})


def test_a_calendar_of_which_a_page_is_missing_concludes_nothing(tmp_path: Path) -> None:
    listing = Listing(SEASON.games, cut=True)
    with nba(tmp_path, listing, FRIDAY, plan=only("calendar", "box_scores")) as lived:
        morning = Slot.of(calendar.calendar.name, FRIDAY, FRIDAY.start + 6 * HOUR + HOUR / 12)
        lived.watched.run(morning)
        fetched = lived.watched.site.ledger.fetches(morning.raw, FRIDAY)[morning.number]
        assert fetched.outcome is Outcome.PARTIAL
        assert collect(lived, 34).action is RetryAction.RUN
        assert lived.asked(date=FRIDAY), "its games may stand on the other page"
        assert covered(lived)[0] is Verdict.COULD_NOT_CHECK


def test_a_calendar_that_does_not_reach_the_day_concludes_nothing(tmp_path: Path) -> None:
    listing = Listing({FRIDAY.shifted(-9): games(1, 50), FRIDAY: games(2)})
    with nba(tmp_path, listing, FRIDAY, plan=only("calendar", "box_scores")) as lived:
        lived.watched.live_until(FRIDAY.start + 33.5 * HOUR)
        assert lived.asked(date=FRIDAY)
        verdict, why = covered(lived)
        assert verdict is Verdict.COULD_NOT_CHECK
        assert why == [f"basketball/season_games does not reach {FRIDAY}"]


def test_a_calendar_that_cannot_be_read_concludes_nothing(lived: Nba) -> None:
    assert collect(lived, 34).action is RetryAction.RUN
    assert covered(lived) == (Verdict.OK, [])
    site = lived.watched.site
    faulty = FaultyStore(site.store)
    site.store = faulty
    faulty.plan = when(lambda request: "/season_games/" in request.key, refused())
    site._days.clear()  # They hold the store.
    verdict, [why] = covered(lived)
    assert verdict is Verdict.COULD_NOT_CHECK
    assert why.startswith("basketball/season_games cannot be read")
    assert collect(lived, 35).reason in (
        RetryReason.CALENDAR_UNKNOWN,
        RetryReason.IDENTICAL_CONTENT,
    )
