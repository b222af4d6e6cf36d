"""Lines on players: how many points, rebounds and the like each makes."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_assets.basketball.expected import SEASON_GAMES, when_props_are_asked
from pipeline_assets.basketball.line_history import LineReason
from pipeline_assets.basketball.line_rows import row_keys
from pipeline_assets.basketball.lines import MISREAD, Line, line_key, lines_of
from pipeline_assets.basketball.player_names import Player
from pipeline_assets.basketball.team_names import Game
from pipeline_assets.basketball.wire.odds import EVENT_ODDS
from touchline.fetch import Envelope, FetchRef
from touchline.schedule import PATIENCE, Planned
from touchline.stage import RawAsset, Span, Stage, Staged


def player_prop_keys(raw: Envelope) -> list[str]:
    """Return a key for each row of two prices, and for each part of an answer that is set aside."""
    return row_keys(raw, EVENT_ODDS)


def raw_props(
    fetch: FetchRef,
    so_far: Sequence[tuple[FetchRef, Envelope]],
    games: Sequence[tuple[FetchRef, Sequence[Game]]],
    rosters: Sequence[tuple[FetchRef, Sequence[Player]]],
) -> Staged[Line]:
    """Return the lines on players that the day's fetches have shown, each of a player in one of the
    two rosters of the game, as far as there is one of that name."""
    return lines_of(
        so_far,
        EVENT_ODDS,
        (game for _, told in games for game in told),
        (player for _, told in rosters for player in told),
    )


player_props = RawAsset(
    name="basketball/player_props",
    record_keys=player_prop_keys,
    counts="rows",
    doc="The lines on players of a date's games, as The Odds API tells them.",
    schedule=Planned(SEASON_GAMES, when_props_are_asked, days_after=0, patience=PATIENCE),
)
RAW_PROP = Stage(
    name="basketball/raw_prop",
    inputs=(player_props.name, SEASON_GAMES, "basketball/raw_roster"),
    makes=Line,
    by=raw_props,
    key=line_key,
    reasons=LineReason,
    counts="lines",
    doc="Lines on players: each price of a book once, from which snapshot and until when.",
    span=Span.DAY,
    misread=MISREAD,
)
