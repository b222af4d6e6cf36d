"""A player's row in a box score, and the flat shape in which such rows also come.

Minutes are text, zero-padded: "05", and "00" for who did not play. Percentages are kept as they
came: of no attempts they are 0 or null and mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from pipeline_assets.basketball.wire.fields import (
    Int,
    Malformed,
    Number,
    Player,
    Reader,
    Team,
    date_text,
)

_MINUTES = re.compile(
    r"(?P<minutes>[0-9]{1,3})(?::(?P<seconds>[0-5][0-9])|\.(?P<part>[0-9]{1,9}))?"
)

COUNTS = (
    "fgm",
    "fga",
    "fg3m",
    "fg3a",
    "ftm",
    "fta",
    "oreb",
    "dreb",
    "reb",
    "ast",
    "stl",
    "blk",
    "turnover",
    "pf",
    "pts",
)
"""The counted statistics of a row; `plus_minus` is no count, and stands beside them."""


class Row(msgspec.Struct, frozen=True):
    """A player's row as received. `minutes` says what its `min` means."""

    player: Player
    min: str | Int | Number | None = None
    fgm: Int | None = None
    fga: Int | None = None
    fg_pct: Number | None = None
    fg3m: Int | None = None
    fg3a: Int | None = None
    fg3_pct: Number | None = None
    ftm: Int | None = None
    fta: Int | None = None
    ft_pct: Number | None = None
    oreb: Int | None = None
    dreb: Int | None = None
    reb: Int | None = None
    ast: Int | None = None
    stl: Int | None = None
    blk: Int | None = None
    turnover: Int | None = None
    pf: Int | None = None
    pts: Int | None = None
    plus_minus: Int | None = None

    @property
    def minutes(self) -> int | None:
        """Whole minutes, None where none are told; see `whole_minutes`. Raises Malformed."""
        return whole_minutes(self.min)

    @property
    def points(self) -> int | None:
        """The points of the baskets that are told, None where one of them is not."""
        if self.fgm is None or self.fg3m is None or self.ftm is None:
            return None
        return 2 * self.fgm + self.fg3m + self.ftm

    @property
    def rebounds(self) -> int | None:
        """The sum of both kinds of rebounds, None where one of them is not told."""
        return None if self.oreb is None or self.dreb is None else self.oreb + self.dreb

    @property
    def has_statistics(self) -> bool:
        """Whether any statistic is other than zero."""
        return any(getattr(self, name) for name in (*COUNTS, "plus_minus"))


def whole_minutes(text: str | float | None) -> int | None:
    """Return minutes as received ("37", "05", "36:30", 37, null) as a whole number.

    "" and null are None. Parts of a minute are rounded, half up; whoever was on for less than half
    of one has 1, since 0 means that he did not play. Raises Malformed for anything else.
    """
    if text is None or text == "":
        return None
    match = _MINUTES.fullmatch(str(text).strip())
    if match is None:
        raise Malformed(f"player row.min: {str(text)[:40]!r} are no minutes")
    part = int(match["seconds"] or 0) / 60 + float(f"0.{match['part'] or 0}")
    exact = int(match["minutes"]) + part
    return max(1, int(exact + 0.5)) if exact else 0


class FlatRow(msgspec.Struct, frozen=True):
    """A row of the flat shape: which team it is of, and its game as text."""

    player: Player
    team: Team
    game: msgspec.Raw

    @property
    def game_key(self) -> str:
        """The id of the game, by its date and teams where it has none. Raises Malformed."""
        game = _flat_game(self.game, "player row.game")
        if game.id not in (None, ""):
            return str(game.id)
        date = date_text(game.date, "player row.game.date")
        return f"{date}/{game.home_team_id}/{game.visitor_team_id}"


class _FlatGame(msgspec.Struct, frozen=True):
    date: str
    id: Int | str | None = None
    home_team_id: Int | None = None
    visitor_team_id: Int | None = None


_flat_game: Reader[_FlatGame] = Reader(_FlatGame)
_flat_row: Reader[FlatRow] = Reader(FlatRow)
_row: Reader[Row] = Reader(Row)


def is_flat(members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a record is a player's row by itself, and no game."""
    return "player" in members and "game" in members


def flat_row(raw: msgspec.Raw) -> FlatRow:
    """Read what a row of the flat shape says beside its statistics, which `read_row` reads. Raises
    Malformed."""
    return _flat_row(raw, "player row")


def read_row(raw: msgspec.Raw) -> Row:
    """Read a player's row of either shape. Raises Malformed."""
    row = _row(raw, "player row")
    whole_minutes(row.min)
    return row
