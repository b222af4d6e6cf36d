"""What goes by a calendar: whether data can exist yet, and whether all of a day is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from pipeline_assets.checks.report import Kind
from pipeline_assets.collecting import collect_day
from pipeline_assets.repair.losses import losses_of
from resources.store.faulty import FaultyStore, refused, when
from tests.feeds.conftest import TUESDAY, of_a_cup
from tests.feeds.cup import FIXTURES, GAME_LASTS, SCORES, TABLE, Cup, Fixture, Row, cup, scores
from tests.feeds.league import Fetched
from tests.feeds.watched import HOUR, Case, Watched
from touchline.accounting import LossClass
from touchline.coverage import Coverage, Lack
from touchline.day import Day
from touchline.fetch import Envelope
from touchline.retries import Calendar, Decision
from touchline.slot import Slot
from touchline.zeros import Expected

Watch = Callable[[Case], Watched]
EVENING, LATE = TUESDAY.start + 19 * HOUR, TUESDAY.start + 21 * HOUR
CALENDAR = Calendar(FIXTURES.name, fresh_for=timedelta(hours=36))
CHECK = (TABLE.name, "calendar_is_covered")


@dataclass
class Lagging(Cup):
    """A cup whose scores lack a game that its fixtures have."""

    withheld: str | None = None

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> Fetched:
        told = self.starts
        if slot.raw == scores.name:
            self.starts = {game: at for game, at in told.items() if game != self.withheld}
        try:
            return super().fetch(slot, previous=previous, ask=ask)
        finally:
            self.starts = told


def games_are_over(
    day: Day, now: datetime, fixtures: Sequence[Fixture]
) -> tuple[Expected, datetime | None]:
    ends = [each.start + GAME_LASTS for each in fixtures if Day.containing(each.start) == day]
    if not ends:
        return Expected.NONE, None
    return (Expected.SOME if now >= min(ends) else Expected.NOT_YET), min(ends)


def missing(day: Day, fixtures: Sequence[Fixture], rows: Sequence[Row]) -> Iterator[Lack]:
    told = {each.game_id for each in fixtures if Day.containing(each.start) == day}
    there = {row.game_id for row in rows}
    for game in sorted(told - there):
        yield Lack(game, "it has no score", LossClass.REAL_LOSS)
    for game in sorted(there - told):
        yield Lack(game, "no fixture speaks of it", LossClass.UNKNOWN)


def by_the_calendar(client: Cup) -> Case:
    """A cup whose scores are asked for only when its fixtures say that there can be any, and whose
    table is to have every game from 08:00 of the next day on."""
    assert scores.refetch is not None
    asked = replace(scores.refetch, expects=games_are_over, calendar=CALENDAR)
    covers = Coverage(CALENDAR, lambda day: day.end + 8 * HOUR, missing)
    plan = replace(
        cup(client),
        raws=(cup(client).raws[0], replace(scores, refetch=asked)),
        stages=(FIXTURES, SCORES, replace(TABLE, covers=covers)),
    )
    return replace(of_a_cup(client), plan=plan)


def decided(watched: Watched, at: datetime) -> Decision:
    """Collect the day's scores at this time; what was decided on that."""
    watched.clock.set(at)
    raw = watched.plan.raws[1]
    collected = collect_day(watched.site, watched.plan, TUESDAY, [raw], run_id=f"collect {at}")
    [decision] = collected.decisions.values()
    return decision


def test_nobody_is_asked_before_the_calendar_says_that_data_can_exist(watch: Watch) -> None:
    client = Cup({"early": EVENING, "late": LATE})
    watched = watch(by_the_calendar(client))
    watched.live_until(TUESDAY.start + 6 * HOUR)
    asked = len(client.asked)
    said = decided(watched, TUESDAY.start + 8 * HOUR)
    assert (said.reason, said.until) == ("not_yet", EVENING + GAME_LASTS)
    assert len(client.asked) == asked
    assert decided(watched, EVENING + GAME_LASTS).action == "run"


@pytest.mark.parametrize("later", [timedelta(hours=36, minutes=1), timedelta(days=9)])
def test_an_old_calendar_says_nothing(watch: Watch, later: timedelta) -> None:
    client = Cup({"early": EVENING})
    watched = watch(by_the_calendar(client))
    watched.live_until(TUESDAY.start + 18 * HOUR)
    last = TUESDAY.start + 17 * HOUR
    assert decided(watched, last + later).reason == "calendar_unknown"
    assert watched.findings()[CHECK][0].startswith(f"{FIXTURES.name} has no records since")


def test_a_calendar_that_came_partly_says_nothing_of_what_is_not_in_it(watch: Watch) -> None:
    client = Cup({"early": EVENING})
    watched = watch(by_the_calendar(client))
    watched.live_until(TUESDAY.start + 6 * HOUR)
    client.outcome, client.starts = "partial", {"other": TUESDAY.shifted(1).start + 19 * HOUR}
    watched.live_until(TUESDAY.start + 18 * HOUR)
    assert decided(watched, EVENING + GAME_LASTS).action == "run", "by the one before"
    said = decided(watched, TUESDAY.start + 5 * HOUR + timedelta(hours=36, minutes=1))
    assert said.reason == "calendar_unknown"


def test_a_calendar_that_does_not_reach_the_day_says_nothing_of_it(watch: Watch) -> None:
    case = by_the_calendar(Cup({"early": EVENING}))
    covers = Coverage(CALENDAR, lambda day: day.end + 8 * HOUR, missing, lambda *_: False)
    stages = (*case.plan.stages[:-1], replace(TABLE, covers=covers))
    watched = watch(replace(case, plan=replace(case.plan, stages=stages)))
    watched.live_until(TUESDAY.end + 9 * HOUR)
    assert watched.findings()[CHECK] == [f"{FIXTURES.name} does not reach {TUESDAY}"]


def test_all_games_that_a_day_lacks_are_one_loss(watch: Watch) -> None:
    client = Cup({"early": EVENING, "late": LATE})
    watched = watch(by_the_calendar(client))
    watched.live_until(TUESDAY.start + 18 * HOUR)
    watched.clock.set(TUESDAY.end + 8 * HOUR)
    found = losses_of(watched.site, watched.plan, TUESDAY)
    [lost] = [loss for loss in found if loss.kind == "incomplete"]
    assert lost.evidence == "early: it has no score; late: it has no score"


def test_a_day_without_games_is_complete_and_nobody_is_asked(watch: Watch) -> None:
    watched = watch(by_the_calendar(Cup({"other": TUESDAY.shifted(1).start + 19 * HOUR})))
    watched.live_until(TUESDAY.start + 18 * HOUR)
    assert decided(watched, TUESDAY.end - HOUR).reason == "not_yet"
    watched.clock.set(TUESDAY.end + 9 * HOUR)
    assert CHECK not in watched.findings()


def test_a_game_that_the_calendar_has_and_the_day_does_not_is_a_loss(watch: Watch) -> None:
    client = Lagging({"early": EVENING, "late": LATE}, withheld="late")
    watched = watch(by_the_calendar(client))
    watched.live_until(TUESDAY.end + 7 * HOUR)
    assert CHECK not in watched.findings()
    watched.clock.set(TUESDAY.end + 8 * HOUR)
    assert watched.findings()[CHECK] == ["late: it has no score"]
    [lost] = [
        loss
        for loss in losses_of(watched.site, watched.plan, TUESDAY)
        if loss.kind == Kind.INCOMPLETE
    ]
    assert (lost.loss, lost.fetch_number, lost.is_open) == (LossClass.REAL_LOSS, None, True)
    client.withheld = None
    decided(watched, TUESDAY.end + 9 * HOUR)
    assert CHECK not in watched.findings()


def test_a_game_that_the_calendar_does_not_have_contradicts_it(watch: Watch) -> None:
    client = Cup({"early": EVENING, "odd": LATE})
    watched = watch(by_the_calendar(client))
    watched.live_until(TUESDAY.end + 4 * HOUR)
    del client.starts["odd"]
    watched.live_until(TUESDAY.end + 9 * HOUR)
    assert watched.findings()[CHECK] == ["odd: no fixture speaks of it"]
    lost = losses_of(watched.site, watched.plan, TUESDAY)
    assert [each.loss for each in lost if each.kind == Kind.CONTRADICTED] == [LossClass.UNKNOWN]


def test_a_calendar_that_cannot_be_read_is_none_without_games(watch: Watch) -> None:
    watched = watch(by_the_calendar(Cup({"early": EVENING})))
    watched.live_until(TUESDAY.end + 9 * HOUR)
    faulty = FaultyStore(watched.site.store)
    watched.site.store = faulty
    faulty.plan = when(lambda request: f"/{FIXTURES.short_name}/" in request.key, refused())
    watched.site._days.clear()  # They hold the store.
    assert watched.findings()[CHECK][0].startswith(f"{FIXTURES.name} cannot be read")
    assert decided(watched, TUESDAY.end + 10 * HOUR).reason == "calendar_unknown"
