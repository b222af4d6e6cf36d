"""Answers of every kind that the feed asks for, of three records that have nothing in common: what
is wrong with one of them may cost the others nothing."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_assets.basketball import calendar, injuries, raw_game, raw_player_box, rosters
from pipeline_assets.basketball.box_scores import box_scores
from pipeline_assets.basketball.game_lines import RAW_LINE, game_lines
from pipeline_assets.basketball.player_props import RAW_PROP, player_props
from pipeline_assets.basketball.wire.odds import EVENT_ODDS
from tests.pipeline_assets.basketball import boxes
from tests.pipeline_assets.basketball.odds_fetches import (
    BEFORE,
    START,
    book,
    event,
    fetch,
    market,
    outcome,
)
from tests.pipeline_assets.odd_json import through
from touchline.fetch import Envelope, FetchRef
from touchline.stage import RawAsset, Stage, Staged

DATES = ("2026-01-09", "2026-01-10", "2026-01-11")
GAMES = (18_447_346, 18_447_347, 18_447_348)
PLAYERS = (3_547_238, 3_547_239, 3_547_240)
EVENTS = ("a" * 32, "b" * 32, "c" * 32)
TEAMS = (
    (2, "Boston Celtics", 13, "LA Clippers"),
    (1, "Atlanta Hawks", 3, "Brooklyn Nets"),
    (5, "Chicago Bulls", 8, "Denver Nuggets"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Kind:
    """A raw asset and three records of its answers: by `key` a record of a stage is known to be
    made of one of them, which has this one of `keys`."""

    raw: RawAsset
    stages: tuple[Stage[Any], ...]
    records: tuple[Any, ...]
    fetched: Callable[[Sequence[Any]], Envelope]
    """The fetch of records in a list."""
    answered: Callable[[Any], Envelope]
    """The fetch of any body."""
    key: str
    keys: tuple[Any, ...]

    @property
    def name(self) -> str:
        return self.raw.short_name

    def __repr__(self) -> str:
        return self.name

    def made(self, raw: Envelope) -> Iterator[tuple[Stage[Any], Staged[Any]]]:
        """Each stage and what it makes of this fetch; it has to count what the raw asset does."""
        keys = self.raw.record_keys(raw)
        for stage in self.stages:
            whole_day = [(raw.ref, raw)]
            others = [list(beside(name)) for name in stage.inputs[1:]]
            given = whole_day if stage.holds_days else raw
            staged = through(stage, raw.ref, given, *others)
            if stage.receives_each:
                assert staged.received == len(keys), stage.name
            assert all(each.detail for each in (*staged.quarantined, *staged.findings))
            yield stage, staged

    def of(self, records: Sequence[Any], places: Sequence[int]) -> list[Any]:
        """Those of a stage's records that were made of these of the three."""
        wanted = {self.keys[place] for place in places}
        return [record for record in records if getattr(record, self.key) in wanted]


def games() -> tuple[Any, ...]:
    """A game in three days each, as a box score tells it; a player of each team did not play."""
    made: list[Any] = []
    for game_id, date, (home, home_name, away, away_name) in zip(GAMES, DATES, TEAMS, strict=True):
        game = boxes.game(game_id, boxes.rows(100, 2, 1), boxes.rows(200, 2, 1), date=date)
        game["datetime"] = f"{date[:-2]}{int(date[-2:]) + 1:02}T00:00:00.000Z"
        game["home_team"] |= {"id": home, "full_name": home_name}
        game["visitor_team"] |= {"id": away, "full_name": away_name}
        made.append(game)
    return tuple(made)


def scheduled() -> tuple[Any, ...]:
    """The same games as the calendar tells them before they begin."""
    sides = ("home_team", "visitor_team")
    not_begun = {"status": "7:00 pm ET", "period": 0, "time": None, "postponed": False}
    return tuple(
        {
            **game,
            **not_begun,
            **{side: {k: v for k, v in game[side].items() if k != "players"} for side in sides},
        }
        for game in games()
    )


def active() -> tuple[Any, ...]:
    return tuple(
        {**boxes.row(player_id)["player"], "team": boxes.team(home)}
        for player_id, (home, *_) in zip(PLAYERS, TEAMS, strict=True)
    )


def injured() -> tuple[Any, ...]:
    return tuple(
        {
            "player": {**boxes.row(player_id)["player"], "team_id": home},
            "status": "Out",
            "return_date": "Jan 12",
            "description": "-",
        }
        for player_id, (home, *_) in zip(PLAYERS, TEAMS, strict=True)
    )


def events(*markets: Callable[[str, str], Any]) -> tuple[Any, ...]:
    """An event a game, on which two books quote these markets of both teams."""
    updated = BEFORE.isoformat().replace("+00:00", "Z")
    return tuple(
        event(
            book("fanduel", *(each(home, away) for each in markets), last_update=updated),
            book("betmgm", *(each(home, away) for each in markets)),
            id=event_id,
            start=START.replace(day=START.day + place),
            home_team=home,
            away_team=away.replace("LA ", "Los Angeles "),
        )
        for place, (event_id, (_, home, _, away)) in enumerate(zip(EVENTS, TEAMS, strict=True))
    )


def _moneyline(home: str, away: str) -> Any:
    away = away.replace("LA ", "Los Angeles ")
    return market("h2h", outcome(home, 1.9), outcome(away, 2.0))


def _totals(*_: str) -> Any:
    return market("totals", outcome("Over", 1.91, 220.5), outcome("Under", 1.91, 220.5))


def _points(*_: str) -> Any:
    name = "Example Player"
    quoted = [outcome(side, 1.87, 20.5, name) for side in ("Over", "Under")]
    return market("player_points", *quoted, last_update="2026-01-09T19:00:00Z")


def _pages(raw: str, section: str, endpoint: str) -> Callable[[Any], Envelope]:
    return lambda body: boxes.pages(raw, section, endpoint, body)


def _kind(
    raw: RawAsset,
    stages: tuple[Stage[Any], ...],
    records: tuple[Any, ...],
    answered: Callable[[Any], Envelope],
    key: str,
    keys: tuple[Any, ...],
) -> Kind:
    """One whose records stand in `data`."""
    return Kind(
        raw, stages, records, lambda them: answered({"data": list(them)}), answered, key, keys
    )


def _box_scores(body: Any) -> Envelope:
    return boxes.envelope(json.dumps(body).encode())


def _game_lines(body: Any) -> Envelope:
    return fetch(body)[1]


def _player_props(body: Any) -> Envelope:
    return fetch(body, endpoint=EVENT_ODDS)[1]


GAME_IDS = tuple(map(str, GAMES))
CALENDAR = _kind(
    calendar.calendar,
    (calendar.stage,),
    scheduled(),
    _pages("calendar", "games", "games"),
    "game_id",
    GAME_IDS,
)
ROSTERS = _kind(
    rosters.rosters,
    (rosters.stage,),
    active(),
    _pages("rosters", "active_players", "players/active"),
    "player_id",
    PLAYERS,
)
INJURIES = _kind(
    injuries.injuries,
    (injuries.stage,),
    injured(),
    _pages("injuries", "injuries", "player_injuries"),
    "player_id",
    PLAYERS,
)
BOX_SCORES = _kind(
    box_scores, (raw_game.stage, raw_player_box.stage), games(), _box_scores, "game_id", GAME_IDS
)
GAME_LINES = Kind(
    game_lines,
    (RAW_LINE,),
    events(_moneyline, _totals),
    lambda them: _game_lines(list(them)),
    _game_lines,
    "event_id",
    EVENTS,
)
PLAYER_PROPS = Kind(
    player_props,
    (RAW_PROP,),
    events(_points),
    lambda them: _player_props(list(them)),
    _player_props,
    "event_id",
    EVENTS,
)
KINDS = (CALENDAR, ROSTERS, INJURIES, BOX_SCORES, GAME_LINES, PLAYER_PROPS)


@functools.cache
def beside(asset: str) -> tuple[tuple[FetchRef, Sequence[Any]], ...]:
    """What a stage that reads this one beside its own fetches is given of it."""
    [kind] = [kind for kind in KINDS if asset in [stage.name for stage in kind.stages]]
    raw = kind.fetched(kind.records)
    return ((raw.ref, next(kind.made(raw))[1].records),)
