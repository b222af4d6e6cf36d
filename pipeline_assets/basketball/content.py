"""What counts in box scores: two fetches that say the same of it are one.

The hash is over business fields alone. When and by whom they were fetched is no part of it, and
neither are games that are not over: their texts change from minute to minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pipeline_assets.basketball.outcomes import Entry, Judged, games_so_far
from pipeline_assets.basketball.wire.fields import Malformed, Unread
from pipeline_assets.basketball.wire.games import Game, Side
from pipeline_assets.basketball.wire.player_rows import COUNTS, Row
from touchline.accounting import sha256_hex
from touchline.day import utc_text
from touchline.fetch import Envelope
from touchline.retries import Content

PERCENTAGES = ("fg_pct", "fg3_pct", "ft_pct")


def player_fields(game: Game, entry: Entry, row: Row) -> dict[str, Any]:
    """The business fields of a player's row. Percentages are as received."""
    team, other = (game.home, game.visitor) if entry.is_home else (game.visitor, game.home)
    return {
        "game_id": game.key,
        "game_date": game.date,
        "season": game.season,
        "team_id": team.team.id,
        "opponent_id": other.team.id,
        "is_home": entry.is_home,
        "player_id": row.player.id,
        "first_name": row.player.first_name,
        "last_name": row.player.last_name,
        "position": row.player.position,
        "jersey": row.player.jersey,
        "minutes": row.minutes,
        **{name: getattr(row, name) for name in (*COUNTS, "plus_minus", *PERCENTAGES)},
    }


def game_fields(game: Game) -> dict[str, Any]:
    """The business fields of a game."""
    return {
        "game_id": game.key,
        "game_date": game.date,
        "season": game.season,
        "status": game.status,
        "period": game.period,
        "scheduled_start": game.starts_at,
        "postseason": game.postseason,
        **_side_fields("home", game.home),
        **_side_fields("visitor", game.visitor),
    }


def _side_fields(name: str, side: Side) -> dict[str, Any]:
    return {
        f"{name}_id": side.team.id,
        f"{name}_name": side.team.full_name,
        f"{name}_abbreviation": side.team.abbreviation,
        f"{name}_score": side.score,
        f"{name}_quarters": None if side.quarters is None else list(side.quarters),
        f"{name}_overtimes": None if side.overtimes is None else list(side.overtimes),
    }


def row_hash(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON of these fields: sorted keys, UTF-8, and numbers in
    normal form, so that 25 and 25.0 are equal. Null is neither 0 nor ""."""
    normal = {name: _normal(value) for name, value in fields.items()}
    return sha256_hex(msgspec.json.encode(normal, order="sorted"))


def _normal(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_normal(each) for each in value]
    return utc_text(value) if hasattr(value, "astimezone") else value


def partition_hash(rows: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 of rows, in the order of their keys, each a key and a row's hash."""
    return sha256_hex(msgspec.json.encode(sorted(rows)))


def content_of(raw: Envelope) -> Content:
    """Return what counts in a fetch of box scores: its games that are over. Its units are the rows
    of who played in them. All fetches without any such game share one hash.

    Raises Malformed where an answer is no list of games: nobody can tell what is in it.
    """
    rows: list[tuple[str, str]] = []
    units = 0
    for _, each, why_not in games_so_far([raw]):
        if isinstance(each, Unread):
            if each.is_response:
                raise Malformed(each.why)
        elif each.state.is_loaded and why_not is None:
            rows += _rows_of(each)
            units += each.played_rows
    return Content(partition_hash(rows), units)


def _rows_of(judged: Judged) -> Iterable[tuple[str, str]]:
    yield judged.game.key, row_hash(game_fields(judged.game))
    for entry, row in judged.rows:
        yield entry.key, row_hash(player_fields(judged.game, entry, row))
