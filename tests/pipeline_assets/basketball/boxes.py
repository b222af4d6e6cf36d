"""Box scores for tests: by hand, game by game and row by row, and the recorded date."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.basketball.box_scores import box_scores
from touchline.compression import zstd
from touchline.day import Day
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.slot import Slot

DATE = "2026-01-09"
DAY = Day.parse(DATE)
MORNING, AFTER = 366, 1626
"""The numbers of 06:05 on the day and of 03:05 on the next."""

_REAL = Path(os.environ.get("TOUCHLINE_REAL_DATA", "../shared/data")) / "basketball"
needs_recording = pytest.mark.skipif(
    not _REAL.is_dir(), reason=f"the recorded answers are not at {_REAL} (TOUCHLINE_REAL_DATA)"
)


@functools.cache
def recorded(name: str) -> bytes:
    return zstd.decompress((_REAL / f"{name}.json.zst").read_bytes())


def recorded_games() -> list[dict[str, Any]]:
    """The ten games of 2026-01-09, anew each time."""
    return json.loads(recorded("box_scores_2026-01-09"))["data"]


def row(player_id: int, *, threes: int = 2, free: int = 4, minutes: Any = "30") -> dict[str, Any]:
    """A row of ten points by default, in which everything adds up."""
    return {
        "min": minutes,
        "fgm": threes,
        "fga": threes + 3,
        "fg_pct": 0.4,
        "fg3m": threes,
        "fg3a": threes + 1,
        "fg3_pct": 0.667,
        "ftm": free,
        "fta": free,
        "ft_pct": 1 if free else None,
        "oreb": 1,
        "dreb": 3,
        "reb": 4,
        "ast": 5,
        "stl": 1,
        "blk": 0,
        "turnover": 2,
        "pf": 3,
        "pts": 3 * threes + free,
        "plus_minus": -4,
        "player": {
            "id": player_id,
            "first_name": "Example",
            "last_name": f"Player {player_id}",
            "position": "",
            "jersey_number": "00",
        },
    }


def unused(player_id: int, minutes: Any = "00") -> dict[str, Any]:
    """The row of a player who did not play."""
    sat = dict.fromkeys(row(player_id), 0)
    return {**sat, "min": minutes, "fg_pct": None, "player": row(player_id)["player"]}


def rows(first: int, count: int = 9, without: int = 8) -> list[dict[str, Any]]:
    """Rows of so many players who played, and then of so many who did not."""
    played = [row(first + nth) for nth in range(count)]
    return played + [unused(first + count + nth) for nth in range(without)]


def team(team_id: int, players: Sequence[Any] | None = None) -> dict[str, Any]:
    told = {"id": team_id, "full_name": f"Town {team_id}s", "abbreviation": f"T{team_id}"}
    return told if players is None else {**told, "players": list(players)}


def game(game_id: int | None = 1, home: Any = None, visitor: Any = None, **told: Any) -> Any:
    """A final game of the newer shape, 17 players a team, in which everything adds up; of the older
    shape without an id."""
    home = rows(100) if home is None else home
    visitor = rows(200) if visitor is None else visitor
    scores = [sum(each["pts"] or 0 for each in side) for side in (home, visitor)]
    made = {
        "id": game_id,
        "date": DATE,
        "datetime": "2026-01-10T00:00:00.000Z",
        "season": 2025,
        "status": "Final",
        "period": 4,
        "time": "Final",
        "postseason": False,
        "home_team_score": scores[0],
        "visitor_team_score": scores[1],
        **{f"home_q{nth}": scores[0] // 4 for nth in (1, 2, 3)},
        "home_q4": scores[0] - 3 * (scores[0] // 4),
        **{f"visitor_q{nth}": 0 for nth in (1, 2, 3)},
        "visitor_q4": scores[1],
        **{f"{side}_ot{nth}": None for side in ("home", "visitor") for nth in (1, 2, 3)},
        "home_team": team(1, home),
        "visitor_team": team(2, visitor),
    }
    if game_id is None:
        newer = ("id", "datetime", *(name for name in made if "_q" in name or "_ot" in name))
        made = {name: value for name, value in made.items() if name not in newer}
    return {**made, **told}


def not_yet(game_id: int = 1, **told: Any) -> Any:
    """A game as it is told before it begins: nobody is listed."""
    start = {"status": "7:00 pm ET", "period": 0, "time": None}
    return game(game_id, [], [], **{**start, **told})


def roster_only(game_id: int = 1, **told: Any) -> Any:
    """A game with who may play in it."""
    home, visitor = ([unused(first + nth) for nth in range(15)] for first in (100, 200))
    return game(game_id, home, visitor, **{"status": "7:00 pm ET", "period": 0, **told})


def answer(games: Any) -> bytes:
    return json.dumps({"data": games}).encode()


def envelope(
    body: bytes | Call, number: int = AFTER, *, outcome: str = "complete", day: Day = DAY
) -> Envelope:
    """A fetch of box scores of the day with this number."""
    params = {"date": str(day)}
    call = body if isinstance(body, Call) else Call("box_scores", params, body, 200)
    ref = FetchRef.of(box_scores.slot(day, number), f"fetch{number:07d}")
    sections: Mapping[str, Any] = {"RAW_API_DATA": {"box_scores": call}}
    return Envelope(write_envelope(ref, sections, {"outcome": outcome}, start_line=""))


def fetched(*answers: Any) -> list[tuple[FetchRef, Envelope]]:
    """A fetch of each of these lists of games, one after the other, as a stage is given them."""
    made = [envelope(answer(games), MORNING + at) for at, games in enumerate(answers)]
    return [(each.ref, each) for each in made]


def pages(raw: str, section: str, endpoint: str, *bodies: Any) -> Envelope:
    """A snapshot of the day in pages; a `Call` in place of a body stands as it is."""
    calls = [
        each
        if isinstance(each, Call)
        else Call(
            endpoint,
            {"cursor": str(nth)} if nth else {},
            each if isinstance(each, bytes) else json.dumps(each).encode(),
            200,
        )
        for nth, each in enumerate(bodies)
    ]
    ref = FetchRef.of(Slot.numbered(f"basketball/{raw}", DAY, MORNING), "snapshot0001")
    return Envelope(
        write_envelope(
            ref, {"RAW_API_DATA": {section: calls}}, {"outcome": "complete"}, start_line=""
        )
    )
