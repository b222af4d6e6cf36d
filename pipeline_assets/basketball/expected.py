"""What the season's calendar says of a day: whether box scores can exist, when prices are asked
for, and which games a complete day holds.

Days off and breaks follow from the calendar alone, never from months.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol

from pipeline_assets.basketball.outcomes import COVERAGE
from touchline.accounting import LossClass
from touchline.coverage import Lack
from touchline.day import NEW_YORK, Day
from touchline.retries import Calendar
from touchline.slot import Slot
from touchline.zeros import Expected

if TYPE_CHECKING:
    from pipeline_assets.basketball.raw_game import RawGame

SEASON_GAMES = "basketball/season_games"
CALENDAR = Calendar(SEASON_GAMES, fresh_for=timedelta(hours=36))
"""It is loaded daily: an older one has missed a load and half a day, and may miss a postponement.
"""
OFF = ("postponed", "canceled")
FINAL = "final"
COMPLETE_AT = time(8)
"""At this time of the next day, in New York, every game of a date is to be there."""
FIRST_PRICES = time(9, 5)
BEFORE_TIP_OFF = timedelta(minutes=30)


class Game(Protocol):
    """What is read of a game of the calendar; times are in UTC."""

    @property
    def game_id(self) -> str: ...
    @property
    def game_date(self) -> str: ...
    @property
    def home_id(self) -> int: ...
    @property
    def away_id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def scheduled_start(self) -> datetime | None: ...
    @property
    def expected_final_at(self) -> datetime | None: ...


def games_of(day: Day, games: Iterable[Game]) -> list[Game]:
    """Return the games of the day that are to be played or were."""
    return [game for game in games if game.game_date == str(day) and game.status not in OFF]


def calendar_reaches(day: Day, games: Sequence[Game]) -> bool:
    """Return whether the day lies between the calendar's first date and its last."""
    dates = [game.game_date for game in games]
    return bool(dates) and min(dates) <= str(day) <= max(dates)


def box_scores_expected(
    day: Day, now: datetime, games: Sequence[Game]
) -> tuple[Expected, datetime | None]:
    """Return whether box scores of a day can exist, and from when on: once a game is reported final
    or its expected end has passed. A day outside the calendar's first and last date is unknown."""
    if not calendar_reaches(day, games):
        return Expected.UNKNOWN, None
    of_day = games_of(day, games)
    if not of_day:
        return Expected.NONE, None
    ends = [
        game.expected_final_at
        for game in of_day
        if game.expected_final_at is not None and _start_of(game) is not None
    ]
    first = min(ends, default=None)
    if any(game.status == FINAL for game in of_day):
        return Expected.SOME, first
    if first is None:
        return Expected.UNKNOWN, None
    return (Expected.SOME if first <= now else Expected.NOT_YET), first


def when_lines_are_asked(games: Sequence[Game]) -> Mapping[Day, Iterable[datetime]]:
    """Return when the lines of each date are asked for: at 09:05 in New York and hourly from then
    on, up to the last tip-off; a date whose games have no known start has 09:05 alone."""
    times: dict[Day, list[datetime]] = {}
    for day, starts in _starts_by_day(games).items():
        at, last = _first(day), max(starts, default=_first(day))
        times[day] = [at]
        while (at := at + timedelta(hours=1)) < last:
            times[day].append(at)
    return times


def when_props_are_asked(games: Sequence[Game]) -> Mapping[Day, Iterable[datetime]]:
    """Return when the player props of each date are asked for: at 09:05 in New York, and half an
    hour before each start. What `is_asked` then costs credits, event by event."""
    return {
        day: sorted({_first(day), *(start - BEFORE_TIP_OFF for start in starts)})
        for day, starts in _starts_by_day(games).items()
    }


def is_asked(start: datetime | None, slot: Slot) -> bool:
    """Return whether the props of an event with this start are asked for in a slot: in the first of
    the day of every event, later of one that begins within the hour."""
    if slot.at <= _first(slot.day) or start is None:
        return True
    return slot.at < start <= slot.at + timedelta(hours=1)


def _starts_by_day(games: Sequence[Game]) -> dict[Day, list[datetime]]:
    """By date, the starts of its games that are known, in whole minutes."""
    found: dict[Day, list[datetime]] = {}
    for game in games:
        if game.status in OFF:
            continue
        starts = found.setdefault(Day.parse(game.game_date), [])
        if (start := _start_of(game)) is not None:
            starts.append(start.replace(second=0, microsecond=0))
    return found


def _start_of(game: Game) -> datetime | None:
    """Return when a game begins; None where that is not known, or is on another date than its own:
    then one of the two is wrong, and would cost the other games of the date their slots."""
    start = game.scheduled_start
    is_known = start is not None and str(Day.containing(start)) == game.game_date
    return start if is_known else None


def _first(day: Day) -> datetime:
    return NEW_YORK.localize(datetime.combine(day.date, FIRST_PRICES)).astimezone(UTC)


def complete_at(day: Day) -> datetime:
    """Return from when on (UTC) the box scores of a date are to be complete: 08:00 in New York on
    the next day."""
    return NEW_YORK.localize(datetime.combine(day.shifted(1).date, COMPLETE_AT)).astimezone(UTC)


def games_lacking(day: Day, games: Sequence[Game], there: Sequence[RawGame]) -> Iterator[Lack]:
    """Yield each game that the calendar has for the day and box scores do not have whole, and each
    that they have and the calendar does not. A game is known by its teams: older box scores have no
    id."""
    told = {(game.home_id, game.away_id): game for game in games_of(day, games)}
    found = {(game.home_id, game.visitor_id): game for game in there}
    for teams, game in told.items():
        if (why := _lacks(found.get(teams))) is not None:
            yield Lack(game.game_id, why, LossClass.REAL_LOSS)
    for teams, game in found.items():
        if teams not in told and game.played:
            detail = f"{game.played} players of it played, and the calendar does not have it"
            yield Lack(game.game_id, detail, LossClass.UNKNOWN)


def _lacks(game: RawGame | None) -> str | None:
    """What is missing of a game; None where nothing is. The limits are those of the table of
    coverage: they lie below what was measured of complete games."""
    if game is None:
        return "the box scores do not have it"
    if not game.state.is_loaded:
        return f"its box score is {game.state}"
    listed = game.listed_home + game.listed_visitor
    if listed < COVERAGE.listed_at_least:
        return f"{listed} players are listed, and {COVERAGE.listed_at_least} are to be"
    fewest = min(game.with_minutes_home, game.with_minutes_visitor)
    both = game.with_minutes_home + game.with_minutes_visitor
    has_minutes = both or not game.played  # Of a game that has none at all statistics tell.
    if has_minutes and (both < COVERAGE.with_minutes or fewest < COVERAGE.with_minutes_by_team):
        return f"{both} players have minutes, in one team {fewest}"
    return None
