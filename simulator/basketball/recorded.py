"""Recorded answers of both services, byte for byte, from a directory of zstd files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from simulator.basketball.asking import Params, UnreadParameterError, a_date, many, one
from simulator.basketball.odds_api import SPORT
from simulator.basketball.source import Priced, RefusedError
from simulator.source import DataDirectoryError
from touchline.compression import zstd

NOTHING = b'{"data":[]}'
_NO_MORE = b'{"data":[],"meta":{"per_page":100}}'
_BOX_SCORES = "box_scores_"
_EMPTY_DAY = "empty_day"
_GAMES = "games"
_LISTS = {_GAMES: "games", "teams": "teams", "players/active": "active_players"}
_COSTS_OF_THE_PAST = 10


class Recorded:
    """The answers in a directory. They are the same at any time, and for any market or book.

    `box_scores_DATE.json.zst` answers for its date, any other date has no games; of the lists the
    first page is there. The games are those of the list and of the recorded dates.
    `odds_api_*.json.zst` and `historical_*.json.zst` answer for the events that they hold. Raises
    DataDirectoryError if a file is missing or unreadable.
    """

    def __init__(self, directory: Path) -> None:
        read = _reader(directory)
        self._box_scores = {
            path.name.removeprefix(_BOX_SCORES).split(".")[0]: read(path.name)
            for path in sorted(directory.glob(f"{_BOX_SCORES}*.json.zst"))
        }
        if not self._box_scores:
            raise DataDirectoryError(directory, f"no {_BOX_SCORES}*.json.zst")
        self._lists = {name: read(f"{file}.json.zst") for name, file in _LISTS.items()}
        self._games = _games([self._lists[_GAMES], *self._box_scores.values()])
        self._scores = read("odds_api_scores.json.zst")
        lines = [read(path.name) for path in directory.glob("odds_api_game_lines_*.json.zst")]
        self._lines = lines[0] if lines else b"[]"
        props = [read(path.name) for path in directory.glob("odds_api_player_*.json.zst")]
        self._props = {_event_id(body): body for body in props}
        past = [read(path.name) for path in directory.glob("historical_*.json.zst")]
        self._past = {_event_id(msgspec.json.decode(body, type=_Past).data): body for body in past}

    def balldontlie(self, endpoint: str, params: Params, at: datetime) -> bytes | None:
        if endpoint == "box_scores":
            day = one(params, "date", a_date)
            if day is None:
                raise UnreadParameterError("date")
            empty = self._box_scores.get(_EMPTY_DAY, NOTHING)
            return self._box_scores.get(day.isoformat(), empty)
        if endpoint == "player_injuries" or (endpoint in self._lists and "cursor" in params):
            return _NO_MORE
        if endpoint == _GAMES:
            seasons = many(params, "seasons[]", int)
            games = [game for game in self._games if not seasons or game["season"] in seasons]
            return msgspec.json.encode({"data": games, "meta": {"per_page": 100}})
        return self._lists.get(endpoint)

    def odds_api(self, endpoint: str, params: Params, at: datetime) -> Priced | None:
        parts = endpoint.split("/")
        match parts:
            case ["sports", sport, "events"] if sport == SPORT:
                return Priced(self._events())
            case ["sports", sport, "odds"] if sport == SPORT:
                return Priced(self._lines, 1)
            case ["sports", sport, "scores"] if sport == SPORT:
                return Priced(self._scores, 1)
            case ["sports", sport, "events", event_id, "odds"] if sport == SPORT:
                return Priced(_of_event(self._props, event_id), 1)
            case ["historical", "sports", sport, "events", event_id, "odds"] if sport == SPORT:
                return Priced(_of_event(self._past, event_id), _COSTS_OF_THE_PAST)
            case _:
                return None

    def _events(self) -> bytes:
        """The events of the recorded lines and props, without their books."""
        told = [*msgspec.json.decode(self._lines), *map(msgspec.json.decode, self._props.values())]
        events: list[dict[str, Any]] = told
        return msgspec.json.encode(
            [{name: of for name, of in each.items() if name != "bookmakers"} for each in events]
        )


def _games(answers: Sequence[bytes]) -> list[dict[str, Any]]:
    """The games of these answers as the list of games has them: without players, each once."""
    told: dict[int, dict[str, Any]] = {}
    for body in answers:
        for game in msgspec.json.decode(body)["data"]:
            sides = {
                side: {name: of for name, of in game[side].items() if name != "players"}
                for side in ("home_team", "visitor_team")
            }
            told.setdefault(game["id"], {**game, **sides})
    return list(told.values())


class _Event(msgspec.Struct):
    id: str


class _Past(msgspec.Struct):
    data: msgspec.Raw


def _event_id(body: bytes | msgspec.Raw) -> str:
    return msgspec.json.decode(body, type=_Event).id


def _of_event(bodies: dict[str, bytes], event_id: str) -> bytes:
    if event_id not in bodies:
        raise RefusedError(404, "EVENT_NOT_FOUND", "Event not found. The event may have ended")
    return bodies[event_id]


def _reader(directory: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        """The file's text, once it is known to be JSON."""
        try:
            body = zstd.decompress((directory / name).read_bytes())
            msgspec.json.decode(body)
        except (OSError, zstd.ZstdError, msgspec.MsgspecError) as error:
            raise DataDirectoryError(directory, f"{name}: {error}") from error
        return body

    return read
