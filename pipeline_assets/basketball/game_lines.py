"""Lines of games: who wins, by how many points, and how many points there are."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_assets.basketball.expected import SEASON_GAMES, when_lines_are_asked
from pipeline_assets.basketball.line_history import LineReason
from pipeline_assets.basketball.line_rows import row_keys
from pipeline_assets.basketball.lines import MISREAD, Line, line_key, lines_of
from pipeline_assets.basketball.team_names import Game
from pipeline_assets.basketball.wire.odds import ODDS
from touchline.fetch import Envelope, FetchRef
from touchline.schedule import PATIENCE, Planned
from touchline.stage import RawAsset, Span, Stage, Staged


def game_line_keys(raw: Envelope) -> list[str]:
    """Return a key for each row of two prices, and for each part of an answer that is set aside."""
    return row_keys(raw, ODDS)


def raw_lines(
    fetch: FetchRef,
    so_far: Sequence[tuple[FetchRef, Envelope]],
    games: Sequence[tuple[FetchRef, Sequence[Game]]],
) -> Staged[Line]:
    """Return the lines of games that the day's fetches have shown, each of the calendar's game."""
    return lines_of(so_far, ODDS, (game for _, told in games for game in told))


game_lines = RawAsset(
    name="basketball/game_lines",
    record_keys=game_line_keys,
    counts="rows",
    doc="The lines of a date's games, as The Odds API tells them.",
    schedule=Planned(SEASON_GAMES, when_lines_are_asked, days_after=0, patience=PATIENCE),
)
RAW_LINE = Stage(
    name="basketball/raw_line",
    inputs=(game_lines.name, SEASON_GAMES),
    makes=Line,
    by=raw_lines,
    key=line_key,
    reasons=LineReason,
    counts="lines",
    doc="Lines of games: each price of a book once, with the snapshots from and until it was seen.",
    span=Span.DAY,
    misread=MISREAD,
)
