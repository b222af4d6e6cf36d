"""A game as the vendor tells it, in the shapes that were seen of it.

The newer shape has `id`, `datetime`, quarters and overtimes; the older one has none of them. A team
stands in `home_team` itself or, as the vendor's OpenAPI says, in `home_team.team`. Statistics of
players may also come flat, a row each with its `game` and `team`: `wire/player_rows.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from pipeline_assets.basketball.wire.fields import (
    Int,
    Malformed,
    Reader,
    Team,
    Unread,
    data_of,
    date_text,
    instant,
    members,
)
from pipeline_assets.basketball.wire.player_rows import flat_row, is_flat
from touchline.fetch import Envelope

BOX_SCORES = "box_scores"
"""The endpoint, and the section of an envelope."""


@dataclass(frozen=True)
class Side:
    """One team of a game. `quarters` are four, and `overtimes` those that were played; both are
    None where the vendor gives none, and so is each quarter that it does not know."""

    team: Team
    score: int | None
    quarters: Sequence[int | None] | None
    overtimes: Sequence[int | None] | None
    players: Sequence[msgspec.Raw]


@dataclass(frozen=True)
class Game:
    """A game. `key` is its id as text or, in the older shape, `DATE/HOME_ID/VISITOR_ID`:
    abbreviations of teams are not unique. `starts_at` is the scheduled start (UTC), often on the
    next UTC date; `date` is the game date in New York."""

    key: str
    date: str
    starts_at: datetime | None
    season: int | None
    status: str | None
    period: int | None
    clock: str | None
    postseason: bool | None
    ist_stage: str | None
    postponed: bool | None
    home: Side
    visitor: Side
    raw: msgspec.Raw

    @property
    def is_final(self) -> bool:
        return (self.status or "").strip().casefold() == "final"

    @property
    def by_teams(self) -> str:
        """Its key where it has no id; a team plays once a date."""
        return f"{self.date}/{self.home.team.id}/{self.visitor.team.id}"

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.home, self.visitor


class _Told(msgspec.Struct, frozen=True):
    """What a game of any shape has beside its teams."""

    date: str
    id: Int | str | None = None
    datetime: str | None = None
    season: Int | None = None
    status: str | None = None
    period: Int | None = None
    time: str | None = None
    postseason: bool | None = None
    postponed: bool | None = None
    ist_stage: str | None = None
    home_team_score: Int | None = None
    visitor_team_score: Int | None = None
    home_q1: Int | None = None
    home_q2: Int | None = None
    home_q3: Int | None = None
    home_q4: Int | None = None
    home_ot1: Int | None = None
    home_ot2: Int | None = None
    home_ot3: Int | None = None
    visitor_q1: Int | None = None
    visitor_q2: Int | None = None
    visitor_q3: Int | None = None
    visitor_q4: Int | None = None
    visitor_ot1: Int | None = None
    visitor_ot2: Int | None = None
    visitor_ot3: Int | None = None


class _Teams(msgspec.Struct, frozen=True):
    home_team: msgspec.Raw
    visitor_team: msgspec.Raw


_NULL = msgspec.Raw(b"null")


class _Side(msgspec.Struct, frozen=True):
    team: msgspec.Raw = _NULL
    players: list[msgspec.Raw] | None = None


class _FlatTeams(msgspec.Struct, frozen=True):
    """The teams of a game in the flat shape, by id or each as an object."""

    home_team_id: Int | None = None
    visitor_team_id: Int | None = None
    home_team: Team | None = None
    visitor_team: Team | None = None


_told: Reader[_Told] = Reader(_Told)
_teams: Reader[_Teams] = Reader(_Teams)
_side: Reader[_Side] = Reader(_Side)
_team: Reader[Team] = Reader(Team)
_flat_teams: Reader[_FlatTeams] = Reader(_FlatTeams)


def read_game(raw: msgspec.Raw) -> Game:
    """Read a game of the newer or the older shape. Raises Malformed."""
    told = _told(raw, "game")
    teams = _teams(raw, "game")
    home, at_home = _players(teams.home_team, "game.home_team")
    visitor, away = _players(teams.visitor_team, "game.visitor_team")
    return _game(told, home, visitor, at_home, away, raw)


def _players(raw: msgspec.Raw, field: str) -> tuple[Team, Sequence[msgspec.Raw]]:
    side = _side(raw, field)
    if side.team == _NULL:
        return _team(raw, field), side.players or ()
    return _team(side.team, f"{field}.team"), side.players or ()


def _game(
    told: _Told,
    home: Team,
    visitor: Team,
    at_home: Sequence[msgspec.Raw],
    away: Sequence[msgspec.Raw],
    raw: msgspec.Raw,
) -> Game:
    date = date_text(told.date, "game.date")
    if home.id == visitor.id:
        raise Malformed(f"game.visitor_team.id: {home.id}, as that of the home team")
    return Game(
        key=f"{date}/{home.id}/{visitor.id}" if told.id in (None, "") else str(told.id),
        date=date,
        starts_at=_start(told),
        season=told.season,
        status=told.status,
        period=told.period,
        clock=told.time,
        postseason=told.postseason,
        ist_stage=told.ist_stage,
        postponed=told.postponed,
        home=_side_of(told, "home", home, told.home_team_score, at_home),
        visitor=_side_of(told, "visitor", visitor, told.visitor_team_score, away),
        raw=raw,
    )


def _start(told: _Told) -> datetime | None:
    """The scheduled start; of a game that is to come, its status may be that."""
    if told.datetime is not None:
        return instant(told.datetime, "game.datetime")
    try:
        return instant(told.status, "game.status")
    except Malformed:
        return None


def _side_of(
    told: _Told, side: str, team: Team, score: int | None, players: Sequence[msgspec.Raw]
) -> Side:
    quarters = [getattr(told, f"{side}_q{nth}") for nth in (1, 2, 3, 4)]
    overtimes = [getattr(told, f"{side}_ot{nth}") for nth in (1, 2, 3)]
    while overtimes and overtimes[-1] is None:
        overtimes.pop()
    is_given = any(each is not None for each in quarters)
    return Side(
        team, score, quarters if is_given else None, overtimes if is_given else None, players
    )


def games_of(body: msgspec.Raw | bytes | memoryview) -> list[Game | Unread]:
    """Read the games of an answer, in its order, and after them those that rows of the flat shape
    are of, one each. Raises Malformed for a body that holds no list of records."""
    found: list[Game | Unread] = []
    flat: dict[str, list[msgspec.Raw]] = {}
    for place, raw in enumerate(data_of(body), 1):
        try:
            if is_flat(members(raw, "game")):
                flat.setdefault(flat_row(raw).game_key, []).append(raw)
            else:
                found.append(read_game(raw))
        except Malformed as error:
            found.append(Unread(f"#{place}", raw, str(error)))
    for rows in flat.values():
        found += _from_flat(rows)
    return found


def _from_flat(rows: Sequence[msgspec.Raw]) -> list[Game | Unread]:
    """One game of its rows. Where its teams are not told, each row is Unread."""
    first = flat_row(rows[0])
    try:
        told, teams = _told(first.game, "game"), _flat_teams(first.game, "game")
        by_team: dict[int, list[msgspec.Raw]] = {}
        named: dict[int, Team] = {}
        for raw in rows:
            row = flat_row(raw)
            by_team.setdefault(row.team.id, []).append(raw)
            named.setdefault(row.team.id, row.team)
        home, visitor = _flat_side(teams, "home", named), _flat_side(teams, "visitor", named)
        if others := by_team.keys() - {home.id, visitor.id}:
            raise Malformed(f"player row.team.id: {min(others)}, no team of game {first.game_key}")
        at_home, away = by_team.get(home.id, []), by_team.get(visitor.id, [])
        return [_game(told, home, visitor, at_home, away, first.game)]
    except Malformed as error:
        return [Unread(f"{first.game_key}/#{n}", raw, str(error)) for n, raw in enumerate(rows, 1)]


def _flat_side(teams: _FlatTeams, side: str, named: dict[int, Team]) -> Team:
    told: Team | None = getattr(teams, f"{side}_team")
    if told is not None:
        return told
    team_id: int | None = getattr(teams, f"{side}_team_id")
    if team_id is None:
        raise Malformed(f"game.{side}_team_id: it is absent")
    return named.get(team_id, Team(team_id))


def box_scores_of(raw: Envelope) -> list[Game | Unread]:
    """Return the games of a fetch of box scores. A call that failed has none; a body that is no
    list of records is one Unread. Never raises."""
    found: list[Game | Unread] = []
    for entry in raw.entries(BOX_SCORES):
        if entry.error:
            continue
        body = raw.stored(entry)
        try:
            found += games_of(body)
        except Malformed as error:
            found.append(Unread("#1", msgspec.Raw(bytes(body)), str(error), True))
    return found
