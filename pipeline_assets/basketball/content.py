"""What counts in box scores: which fetch of a game does, and the hash of what it says.

The hash is over business fields alone. When and by whom they were fetched is no part of it, and
neither are games that are not over: their texts change from minute to minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from pipeline_assets.basketball.outcomes import BoxReason, Entry, GameState, Judged, judge
from pipeline_assets.basketball.wire.fields import Malformed, Unread
from pipeline_assets.basketball.wire.games import Game, Side, box_scores_of
from pipeline_assets.basketball.wire.player_rows import COUNTS, Row
from touchline.accounting import sha256_hex
from touchline.day import utc_text
from touchline.fetch import Envelope
from touchline.retries import Content

PERCENTAGES = ("fg_pct", "fg3_pct", "ft_pct")


def choose(fetched: Sequence[Judged]) -> list[BoxReason | None]:
    """Return why each of a game's fetches, oldest first, does not count; None for the one that
    does.

    A final one counts before a degraded one, and that before any other; among equals the newest
    does, unless fewer played in it than in an earlier one that is over.
    """
    counts = 0
    shrinking: set[int] = set()
    for at, judged in enumerate(fetched):
        best = fetched[counts]
        better = _rank(judged) - _rank(best)
        is_less = judged.state.is_loaded and judged.played_rows < best.played_rows
        if better > 0 or (better == 0 and not is_less):
            counts = at
        elif is_less:
            shrinking.add(at)
    return [_fate(judged, at, counts, shrinking) for at, judged in enumerate(fetched)]


def _rank(judged: Judged) -> int:
    return {GameState.FINAL: 2, GameState.DEGRADED: 1}.get(judged.state, 0)


def _fate(judged: Judged, at: int, counts: int, shrinking: set[int]) -> BoxReason | None:
    if at == counts:
        return None
    if at in shrinking:
        return BoxReason.SHRINKING
    return BoxReason.SUPERSEDED if at < counts else BoxReason(judged.state)


def games_so_far(
    fetches: Iterable[Envelope],
) -> list[tuple[str, Judged | Unread, BoxReason | None]]:
    """Return every game of these fetches, oldest first, with its key and why it does not count;
    None where it does. In the order of their keys."""
    found = _with_ids([each for raw in fetches for each in box_scores_of(raw)])
    games: dict[str, list[Judged]] = {}
    told: list[tuple[str, Judged | Unread, BoxReason | None]] = []
    for each in found:
        if isinstance(each, Unread):
            told.append((each.key, each, None))
        else:
            games.setdefault(each.key, []).append(judge(each))
    for key, fetched in games.items():
        told += zip([key] * len(fetched), fetched, choose(fetched), strict=True)
    return sorted(told, key=lambda each: each[0])


def _with_ids(found: Sequence[Game | Unread]) -> Iterator[Game | Unread]:
    """Give a game that has no id that of the same game of another fetch."""
    ids: dict[str, set[str]] = {}
    for each in found:
        if isinstance(each, Game) and each.key != each.by_teams:
            ids.setdefault(each.by_teams, set()).add(each.key)
    for each in found:
        if isinstance(each, Game) and each.key == each.by_teams:
            known = ids.get(each.key, set())
            yield replace(each, key=next(iter(known))) if len(known) == 1 else each
        else:
            yield each


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
    return utc_text(value) if isinstance(value, datetime) else value


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
