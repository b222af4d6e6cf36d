"""The calendar of the season: every game of it, as is known on a date.

Days off and breaks follow from it, and so does when a date's box scores can be final: never from
rules about months.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from pipeline_assets.basketball.wire.fields import Malformed, Unread, listed
from pipeline_assets.basketball.wire.games import Game, read_game
from touchline.fetch import Envelope, FetchRef
from touchline.schedule import PATIENCE, TimesOfDay
from touchline.stage import RawAsset, Stage, Staged, Unusable

Meta = msgspec.Meta

GAMES = "games"
"""The endpoint."""
GAME_LASTS = timedelta(hours=3, minutes=30)
"""On 2026-01-09 games began from 19:00 to 22:30 in New York, and all were over at 02:00."""
LEAGUE_TEAMS = range(1, 31)
"""The ids of today's teams. The vendor lists former ones beside them, with the same names."""
CUP_FINAL = ("championship", "final")
"""The values of `ist_stage` that mark the NBA Cup's final. Other Cup games are regular games."""


class GameStatus(StrEnum):
    SCHEDULED = "scheduled"
    """Not final yet, also while it is played."""
    POSTPONED = "postponed"
    CANCELED = "canceled"
    FINAL = "final"


class SeasonType(StrEnum):
    """The part of the season that a game belongs to. The vendor marks only the postseason and the
    Cup: a preseason game between two teams of the league, and a play-in game, read as regular."""

    PRESEASON = "preseason"
    REGULAR = "regular"
    CUP_FINAL = "cup_final"
    """Neither regular nor postseason: it never counts in averages of a season."""
    ALL_STAR = "all-star"
    PLAY_IN = "play-in"
    POSTSEASON = "postseason"


class CalendarReason(StrEnum):
    MALFORMED = "malformed"
    LISTED_AGAIN = "listed_again"
    """The game stands on a later page, or later on its page, once more: that one counts."""


class SeasonGame(msgspec.Struct, frozen=True, kw_only=True):
    """A game of the season, as is known on the date of the snapshot."""

    game_id: str
    game_date: Annotated[str, Meta(description="in New York, by the vendor")]
    scheduled_start: Annotated[datetime | None, Meta(description="UTC, null while unknown")]
    home_id: int
    home: Annotated[str | None, Meta(description="full name, such as LA Clippers")]
    away_id: int
    away: str | None
    status: GameStatus
    season: Annotated[int | None, Meta(description="the year in which it begins")]
    season_type: SeasonType
    postseason: bool | None
    expected_final_at: Annotated[
        datetime | None, Meta(description="UTC: three hours and a half after the scheduled start")
    ]


def game_keys(raw: Envelope) -> list[str]:
    """One key for each game of all pages: its id, or `#PLACE` where it cannot be read. Never
    raises."""
    return [each.key for each in _games(raw)]


def _games(raw: Envelope) -> Iterator[Game | Unread]:
    for place, record in listed(raw, GAMES):
        if isinstance(record, Unread):
            yield record
            continue
        try:
            yield read_game(record)
        except Malformed as error:
            yield Unread(place, record, str(error))


def season_games(fetch: FetchRef, raw: Envelope) -> Staged[SeasonGame]:
    """One record a game. Of a game that is listed twice the later one counts."""
    staged = Staged[SeasonGame]()
    games = list(_games(raw))
    last = {game.key: at for at, game in enumerate(games)}
    for at, game in enumerate(games):
        with staged.one_record(game.key, game.raw):
            if isinstance(game, Unread):
                raise Unusable(CalendarReason.MALFORMED, game.why)
            if last[game.key] == at:
                staged.emit(season_game(game))
            else:
                staged.drop(CalendarReason.LISTED_AGAIN, game.key)
    return staged


def season_game(game: Game) -> SeasonGame:
    """The record of a game."""
    return SeasonGame(
        game_id=game.key,
        game_date=game.date,
        scheduled_start=game.starts_at,
        home_id=game.home.team.id,
        home=game.home.team.full_name,
        away_id=game.visitor.team.id,
        away=game.visitor.team.full_name,
        status=status_of(game),
        season=game.season,
        season_type=season_type_of(game),
        postseason=game.postseason,
        expected_final_at=None if game.starts_at is None else game.starts_at + GAME_LASTS,
    )


def status_of(game: Game) -> GameStatus:
    """Return how the game stands, by its status text and its mark."""
    text = (game.status or "").casefold()
    if game.is_final:
        return GameStatus.FINAL
    if "cancel" in text:
        return GameStatus.CANCELED
    if game.postponed or "postpone" in text or text.strip() == "ppd":
        return GameStatus.POSTPONED
    return GameStatus.SCHEDULED


def season_type_of(game: Game) -> SeasonType:
    """Return what the game counts for. All-star teams and clubs of other leagues are none of
    today's teams: two of them play the all-star game, one of them a game before the season."""
    others = sum(side.team.id not in LEAGUE_TEAMS for side in game.sides)
    if (game.ist_stage or "").strip().casefold() in CUP_FINAL:
        return SeasonType.CUP_FINAL
    if game.postseason:
        return SeasonType.POSTSEASON
    if others:
        return SeasonType.ALL_STAR if others == 2 else SeasonType.PRESEASON
    return SeasonType.REGULAR


calendar = RawAsset(
    name="basketball/calendar",
    record_keys=game_keys,
    counts="games",
    doc="Every game of the season as is known on a date, page by page, byte for byte.",
    schedule=TimesOfDay(((0, time(6, 5)),), PATIENCE),
)
stage = Stage(
    name="basketball/season_games",
    inputs=(calendar.name,),
    makes=SeasonGame,
    by=season_games,
    key=lambda game: game.game_id,
    reasons=CalendarReason,
    counts="games",
    doc="The calendar of the season: when each game begins, how it stands and what it counts for.",
    misread=(CalendarReason.MALFORMED,),
)
