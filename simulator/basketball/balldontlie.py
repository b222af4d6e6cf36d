"""balldontlie's v1 endpoints: box scores, games, teams, active players, injuries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

from simulator.basketball.asking import Params, UnreadParameterError, a_date, many, one
from simulator.basketball.boxes import Line, corrected, course, lines, partly
from simulator.basketball.course import State, state
from simulator.basketball.people import Player
from simulator.basketball.schedule import ONE_DAY, Game, season_of
from simulator.basketball.season import SEASONS, Season
from simulator.basketball.seeded import number, share
from simulator.basketball.teams import ALL_TEAMS, TEAMS, Team
from touchline.day import Day

Record = dict[str, Any]

_USUAL_PAGE, _LARGEST_PAGE = 25, 100
_CORRECTED = 0.05
# UTC times of the morning after, to be compared with the vendor's usual callers: 3:05 am ET is
# 07:05 or 08:05, 6:05 is 10:05 or 11:05, 9:05 is 13:05 or 14:05.
_CORRECTED_AT = time(9)
_BOTH_TEAMS_UNTIL = time(9, 30)
_SHRUNK = (time(9, 30), time(12, 30))
_EMPTY_UNTIL = time(17)
_ROSTER_ONLY_UNTIL = time(18)
_MINUTES_MISSING_FOR = timedelta(hours=48)
_INJURED = 0.15
_INJURY_DAYS = 20


class Balldontlie:
    """The service over a season. Answers are compact JSON and functions of the time asked at."""

    def __init__(self, season: Season) -> None:
        self._season = season
        self._endpoints: dict[str, Callable[[Params, datetime], Record]] = {
            "box_scores": self._box_scores,
            "games": self._games,
            "teams": lambda params, at: {"data": [_plain(team) for team in ALL_TEAMS]},
            "players/active": self._active_players,
            "player_injuries": self._injuries,
        }

    def body(self, endpoint: str, params: Params, at: datetime) -> bytes | None:
        """The answer, None for an unknown path. Raises UnreadParameterError."""
        answer = self._endpoints.get(endpoint)
        return msgspec.json.encode(answer(params, at)) if answer else None

    def _box_scores(self, params: Params, at: datetime) -> Record:
        day = one(params, "date", a_date)
        if day is None:
            raise UnreadParameterError("date")
        games = self._season.games_on(day, at)
        if not games:
            return {"data": []}
        oddities = self._season.oddities(season_of(day))
        if day == oddities.empty and at < _morning_after(day, _EMPTY_UNTIL):
            games = []
        shrunk = (_morning_after(day, at_time) for at_time in _SHRUNK)
        if day == oddities.shrinking and next(shrunk) <= at < next(shrunk):
            games = games[: len(games) // 2]
        return {"data": [self._box_score(game, day, at) for game in games]}

    def _box_score(self, game: Game, day: date, at: datetime) -> Record:
        now = state(self._season, game, at, of_box=True)
        record = _game(game, now, at)
        del record["ist_stage"]
        for side, of_home in (("home_team", True), ("visitor_team", False)):
            rows = self._rows(game, day, now, at, of_home=of_home) if now.played else []
            record[side] = {**record[side], "players": rows}
        return record

    def _rows(
        self, game: Game, day: date, now: State, at: datetime, *, of_home: bool
    ) -> list[Record]:
        made: Sequence[Line] = lines(self._season, game, of_home=of_home)
        oddities = self._season.oddities(game.season)
        minutes_known = True
        if not now.is_final:
            made = [partly(line, now.played) for line in made]
        elif day == oddities.roster_only and at < _morning_after(day, _ROSTER_ONLY_UNTIL):
            made = [Line(line.player_id) for line in made]
        elif at >= _morning_after(day, _CORRECTED_AT) and of_home and self._is_corrected(game, day):
            made = corrected(self._season, game, made)
        elif game.id == oddities.minutes_missing:
            minutes_known = at >= course(self._season, game).end + _MINUTES_MISSING_FOR
        elif game.id == oddities.in_both_teams and not of_home:
            both = lines(self._season, game, of_home=True)[:1]
            until = _morning_after(day, _BOTH_TEAMS_UNTIL)
            made = [*made, *(Line(line.player_id) for line in both if at < until)]
        return [
            _row(line, self._season.player(line.player_id, at), of_home, minutes_known)
            for line in made
        ]

    def _is_corrected(self, game: Game, day: date) -> bool:
        """One game of every twentieth date."""
        if share(self._season.seed, day.isoformat(), "corrected") >= _CORRECTED:
            return False
        games = self._season.calendar(game.season).played_on(day)
        return game.id == games[number(self._season.seed, day.isoformat()) % len(games)].id

    def _games(self, params: Params, at: datetime) -> Record:
        seasons = many(params, "seasons[]", int)
        dates = many(params, "dates[]", a_date)
        first, last = one(params, "start_date", a_date), one(params, "end_date", a_date)
        team_ids = set(many(params, "team_ids[]", int))
        if not seasons:
            known = {season_of(day) for day in (*dates, first, last) if day}
            seasons = sorted(known) or [season_of(at.date())]
            seasons = list(range(seasons[0], min(seasons[-1], seasons[0] + 3) + 1))
        found = [
            game
            for season in sorted(set(seasons))
            if season in SEASONS
            for game in self._season.calendar(season).games.values()
            if _is_asked_for(game, game.time(at).date, dates, first, last, team_ids)
        ]
        page, meta = _page(found, [game.id for game in found], params)
        return {
            "data": [_game(game, state(self._season, game, at), at) for game in page],
            "meta": meta,
        }

    def _active_players(self, params: Params, at: datetime) -> Record:
        listed = self._season.listed(at)
        page, meta = _page(listed, [player.id for _, player in listed], params)
        data = [{**_plain(player), "team": _plain(TEAMS[team])} for team, player in page]
        return {"data": data, "meta": meta}

    def _injuries(self, params: Params, at: datetime) -> Record:
        """Who is injured changes every twenty days, on a day of the player's own."""
        found = []
        for team, player in {
            player.id: (team, player) for team, player in self._season.listed(at)
        }.values():
            days = at.date().toordinal() + player.id
            if share(self._season.seed, player.id, "injury", days // _INJURY_DAYS) < _INJURED:
                back = at.date() + (_INJURY_DAYS - days % _INJURY_DAYS) * ONE_DAY
                found.append(_injury(player, team, back))
        page, meta = _page(found, [record["player"]["id"] for record in found], params)
        return {"data": page, "meta": meta}


def _is_asked_for(
    game: Game,
    day: date,
    dates: list[date],
    first: date | None,
    last: date | None,
    team_ids: set[int],
) -> bool:
    return (
        (not dates or day in dates)
        and (first is None or day >= first)
        and (last is None or day <= last)
        and (not team_ids or game.home in team_ids or game.visitor in team_ids)
    )


def _page(found: list[Any], ids: list[int], params: Params) -> tuple[list[Any], Record]:
    """The rows after the cursor, the last id of the page before; on the last page no next one.

    `ids` rise. Rows with the same id stand on one page.
    """
    size = one(params, "per_page", int)
    size = _USUAL_PAGE if size is None else size
    if not 1 <= size <= _LARGEST_PAGE:
        raise UnreadParameterError("per_page")
    cursor = one(params, "cursor", int) or 0
    start = next((place for place, id in enumerate(ids) if id > cursor), len(ids))
    end = min(start + size, len(ids))
    while 0 < end < len(ids) and ids[end] == ids[end - 1]:
        end += 1
    meta: Record = {"per_page": size}
    if end < len(ids):
        meta = {"next_cursor": ids[end - 1], **meta}
    return found[start:end], meta


def _game(game: Game, now: State, at: datetime) -> Record:
    when = game.time(at)
    record: Record = {
        "id": game.id,
        "date": when.date.isoformat(),
        "datetime": when.start.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }
    for side, points in (("home", now.home), ("visitor", now.visitor)):
        names = [f"{side}_q{n}" for n in range(1, 5)] + [f"{side}_ot{n}" for n in range(1, 4)]
        record |= dict.fromkeys(names) | dict(zip(names, points, strict=False))
        record[f"{side}_timeouts_remaining"] = 7 - int(5 * now.played) if now.played else None
        record[f"{side}_in_bonus"] = now.played > 0.9 if now.played else None
    return {
        **record,
        "season": game.season,
        "status": now.status,
        "period": now.period,
        "time": now.time,
        "postseason": False,
        "ist_stage": game.ist_stage,
        "home_team_score": sum(now.home),
        "visitor_team_score": sum(now.visitor),
        "home_team": _plain(TEAMS[game.home]),
        "visitor_team": _plain(TEAMS[game.visitor]),
    }


def _row(line: Line, player: Player, of_home: bool, minutes_known: bool) -> Record:
    def share_of(made: int, tried: int) -> float | int | None:
        """Home teams' with three digits, the others' with seven; none of none is either."""
        if not tried:
            return None if of_home else 0
        return round(made / tried, 3 if of_home else 7)

    return {
        "min": f"{line.minutes:02d}" if minutes_known else "00",
        "fgm": line.fgm,
        "fga": line.fga,
        "fg_pct": share_of(line.fgm, line.fga),
        "fg3m": line.fg3m,
        "fg3a": line.fg3a,
        "fg3_pct": share_of(line.fg3m, line.fg3a),
        "ftm": line.ftm,
        "fta": line.fta,
        "ft_pct": share_of(line.ftm, line.fta),
        "oreb": line.oreb,
        "dreb": line.dreb,
        "reb": line.oreb + line.dreb,
        "ast": line.ast,
        "stl": line.stl,
        "blk": line.blk,
        "turnover": line.turnover,
        "pf": line.pf,
        "pts": line.pts,
        "plus_minus": line.plus_minus,
        "player": _plain(player),
    }


def _injury(player: Player, team_id: int, back: date) -> Record:
    return {
        "player": {**_plain(player), "team_id": team_id},
        "return_date": f"{back:%b} {back.day}",
        "description": f"{player.full_name} is out with a sore ankle.",
        "status": ("Out", "Day-To-Day", "Questionable")[player.id % 3],
    }


def _plain(record: Team | Player) -> Record:
    return msgspec.structs.asdict(record)


def _morning_after(day: date, at: time) -> datetime:
    return datetime.combine(Day(day).shifted(1).date, at, UTC)
