"""Which game of the calendar an event of The Odds API is.

By both teams and the New York date of its start: start times differ by minutes, and so are never
compared. The home team of both must be the same: prices of a line are those of its sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from touchline.day import Day


class MatchState(StrEnum):
    """Whether it is known of which game, and which player, a line is."""

    MATCHED = "matched"
    TEAM_UNMATCHED = "team_unmatched"
    """The event names a team that is not in the table."""
    GAME_UNMATCHED = "game_unmatched"
    """The calendar has no such game on the date of the event's start."""
    GAME_AMBIGUOUS = "game_ambiguous"
    """It has more than one."""
    CALENDAR_MISSING = "calendar_missing"
    """No calendar is at hand, which says nothing of games."""
    PLAYER_UNMATCHED = "player_unmatched"
    """Neither roster of the game has a player of that name, or the line names none."""
    PLAYER_AMBIGUOUS = "player_ambiguous"
    """They have more than one."""
    ROSTER_MISSING = "roster_missing"
    """The roster of a team of the game is not at hand."""


class Game(Protocol):
    """A game of the calendar: its New York date as YYYY-MM-DD, and full names of its teams."""

    @property
    def game_id(self) -> Any: ...
    @property
    def game_date(self) -> Any: ...
    @property
    def home(self) -> str: ...
    @property
    def away(self) -> str: ...
    @property
    def home_id(self) -> Any: ...
    @property
    def away_id(self) -> Any: ...


class GameMatch(NamedTuple):
    """The game of an event, None where the state is not `matched`. `unknown` are the names of teams
    that are not in the table."""

    state: MatchState
    game: Game | None = None
    unknown: tuple[str, ...] = ()


FULL_NAMES = {
    "Atlanta Hawks": "Atlanta Hawks",
    "Boston Celtics": "Boston Celtics",
    "Brooklyn Nets": "Brooklyn Nets",
    "Charlotte Hornets": "Charlotte Hornets",
    "Chicago Bulls": "Chicago Bulls",
    "Cleveland Cavaliers": "Cleveland Cavaliers",
    "Dallas Mavericks": "Dallas Mavericks",
    "Denver Nuggets": "Denver Nuggets",
    "Detroit Pistons": "Detroit Pistons",
    "Golden State Warriors": "Golden State Warriors",
    "Houston Rockets": "Houston Rockets",
    "Indiana Pacers": "Indiana Pacers",
    "Los Angeles Clippers": "LA Clippers",
    "LA Clippers": "LA Clippers",
    "Los Angeles Lakers": "Los Angeles Lakers",
    "Memphis Grizzlies": "Memphis Grizzlies",
    "Miami Heat": "Miami Heat",
    "Milwaukee Bucks": "Milwaukee Bucks",
    "Minnesota Timberwolves": "Minnesota Timberwolves",
    "New Orleans Pelicans": "New Orleans Pelicans",
    "New York Knicks": "New York Knicks",
    "Oklahoma City Thunder": "Oklahoma City Thunder",
    "Orlando Magic": "Orlando Magic",
    "Philadelphia 76ers": "Philadelphia 76ers",
    "Phoenix Suns": "Phoenix Suns",
    "Portland Trail Blazers": "Portland Trail Blazers",
    "Sacramento Kings": "Sacramento Kings",
    "San Antonio Spurs": "San Antonio Spurs",
    "Toronto Raptors": "Toronto Raptors",
    "Utah Jazz": "Utah Jazz",
    "Washington Wizards": "Washington Wizards",
}
"""The full names of balldontlie by those of The Odds API. The 30 of the recorded lines of 2026, and
the one team whose name differs also as the other vendor has it."""


class Calendar:
    """Games, of each the newest record: `games` are in the order in which they were told."""

    def __init__(self, games: Iterable[Game]) -> None:
        self._newest = {str(game.game_id): game for game in games}

    def game_of(self, home: str, away: str, starts: Sequence[datetime]) -> GameMatch:
        """Return the game of an event between these teams, as The Odds API names them.

        `starts` (UTC) are its known starts, newest first: of those the first counts on whose date
        there is such a game. A game that begins late may begin on the next date.
        """
        names = (FULL_NAMES.get(home), FULL_NAMES.get(away))
        if None in names:
            told = zip((home, away), names, strict=True)
            unknown = tuple(name for name, full in told if full is None)
            return GameMatch(MatchState.TEAM_UNMATCHED, unknown=unknown)
        if not self._newest:
            return GameMatch(MatchState.CALENDAR_MISSING)
        between = [game for game in self._newest.values() if (game.home, game.away) == names]
        for start in starts:
            date = str(Day.containing(start))
            found = [game for game in between if str(game.game_date) == date]
            if len(found) > 1:
                return GameMatch(MatchState.GAME_AMBIGUOUS)
            if found:
                return GameMatch(MatchState.MATCHED, found[0])
        return GameMatch(MatchState.GAME_UNMATCHED)
