"""Faults on request: what the NBA services do on their bad days, switched on over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

from simulator.faults import Answer

Kind = Literal[
    "status_500",
    "http_429",
    "truncated",
    "disconnect",
    "html_403",
    "not_json",
    "error_body",
    "empty",
    "roster_only",
    "shrink",
    "malformed_game",
    "both_teams",
    "stat_without_minutes",
    "slow",
    "timeout",
]
_OF_BOX_SCORES = {
    "roster_only",
    "shrink",
    "malformed_game",
    "both_teams",
    "stat_without_minutes",
}
BOX_SCORES = "balldontlie/box_scores"


class Fault(msgspec.Struct, omit_defaults=False, forbid_unknown_fields=True):
    """One fault. `endpoint` is as in the call log and may have `*`; `date` is the parameter's.

    None means any; `times` None means until it is taken away. `seconds` is the delay of slow.
    """

    kind: Kind
    endpoint: str | None = None
    date: str | None = None
    times: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.kind == "slow" and self.seconds is None:
            raise ValueError("a fault of kind slow needs seconds")

    def concerns(self, endpoint: str, date: str | None) -> bool:
        if self.times == 0 or (self.kind in _OF_BOX_SCORES and endpoint != BOX_SCORES):
            return False
        return fnmatchcase(endpoint, self.endpoint or "*") and self.date in (None, date)


class Faults:
    """The faults in force, apart from football's."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def replace(self, faults: list[Fault], now: int = 0) -> None:
        """Put these in the place of all others."""
        self._faults = faults

    def current(self) -> list[Fault]:
        """Those still in force, with the times that are left."""
        return [fault for fault in self._faults if fault.times != 0]

    def spoil(self, answer: Answer, endpoint: str, date: str | None) -> Answer:
        """Apply what this call meets to its answer; each is used up by one time."""
        met = [fault for fault in self._faults if fault.concerns(endpoint, date)]
        # These need an answer that still is JSON, so they come before the others.
        for fault in sorted(met, key=lambda fault: fault.kind not in _OF_BOX_SCORES):
            if fault.times is not None:
                fault.times -= 1
            _SPOILERS[fault.kind](answer, fault)
        return answer


_Spoiler = Callable[[Answer, Fault], None]
_Game = dict[str, Any]


def _in_place(status: int, body: bytes, content_type: str = "application/json") -> _Spoiler:
    def spoil(answer: Answer, fault: Fault) -> None:
        answer.status, answer.body, answer.content_type = status, body, content_type

    return spoil


def _truncated(answer: Answer, fault: Fault) -> None:
    answer.body = answer.body[: len(answer.body) // 2]


def _disconnect(answer: Answer, fault: Fault) -> None:
    answer.stop_after = len(answer.body) // 2


def _empty(answer: Answer, fault: Fault) -> None:
    """A list of The Odds API is bare; where it is in an object, that object stays."""
    document = msgspec.json.decode(answer.body)
    empty = [] if isinstance(document, list) else {**document, "data": []}
    if isinstance(empty, dict) and "timestamp" not in empty:
        empty = {"data": []}
    answer.body = msgspec.json.encode(empty)


def _slow(answer: Answer, fault: Fault) -> None:
    answer.delay_seconds += fault.seconds or 0.0


def _timeout(answer: Answer, fault: Fault) -> None:
    answer.never = True


def _games(change: Callable[[list[_Game]], None]) -> _Spoiler:
    def spoil(answer: Answer, fault: Fault) -> None:
        if answer.status == 200:
            document = msgspec.json.decode(answer.body)
            change(document["data"])
            answer.body = msgspec.json.encode(document)

    return spoil


def _teams(games: list[_Game]) -> list[_Game]:
    return [game[side] for game in games for side in ("home_team", "visitor_team")]


def _not_played(row: _Game) -> _Game:
    nothing = {name: 0 if value is not None else None for name, value in row.items()}
    return {**nothing, "min": "00", "player": row["player"]}


def _roster_only(games: list[_Game]) -> None:
    for team in _teams(games):
        team["players"] = [_not_played(row) for row in team["players"]]


def _shrink(games: list[_Game]) -> None:
    for team in _teams(games):
        del team["players"][len(team["players"]) // 2 :]


def _malformed_game(games: list[_Game]) -> None:
    if games:
        games[0] |= {"period": "four", "home_team": "unknown", "home_team_score": [None]}


def _both_teams(games: list[_Game]) -> None:
    for game in games[:1]:
        listed = game["home_team"]["players"][:1]
        game["visitor_team"]["players"] += [_not_played(row) for row in listed]


def _stat_without_minutes(games: list[_Game]) -> None:
    """Somebody who did not play has assists; where nobody is listed, nothing happens."""
    rows = [row for team in _teams(games) for row in team["players"] if row["min"] == "00"]
    for row in rows[:1]:
        row["ast"] = 3


_SPOILERS: Mapping[str, _Spoiler] = {
    "status_500": _in_place(500, b'{"error":"Internal Server Error"}'),
    "http_429": _in_place(429, b'{"data":[]}'),
    "truncated": _truncated,
    "disconnect": _disconnect,
    "html_403": _in_place(
        403,
        b"<!DOCTYPE html><html><head><title>Access denied</title></head>"
        b"<body>Sorry, you have been blocked</body></html>",
        "text/html; charset=UTF-8",
    ),
    "not_json": _in_place(200, b"upstream request timeout", "text/plain"),
    "error_body": _in_place(200, b'{"error":"Service temporarily unavailable"}'),
    "empty": _empty,
    "roster_only": _games(_roster_only),
    "shrink": _games(_shrink),
    "malformed_game": _games(_malformed_game),
    "both_teams": _games(_both_teams),
    "stat_without_minutes": _games(_stat_without_minutes),
    "slow": _slow,
    "timeout": _timeout,
}
