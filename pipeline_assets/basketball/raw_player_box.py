"""The rows of the players of a date's games, each game as the fetch has it that counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from pipeline_assets.basketball.content import games_so_far, player_fields, row_hash
from pipeline_assets.basketball.outcomes import (
    BoxReason,
    Entry,
    GameState,
    Judged,
)
from pipeline_assets.basketball.wire.fields import Unread
from touchline.fetch import Envelope, FetchRef
from touchline.stage import Span, Stage, Staged, Unusable

Meta = msgspec.Meta


class RawPlayerBox(msgspec.Struct, frozen=True, kw_only=True):
    """A player's row in a box score, as received. What is not known is null: a percentage of no
    attempts is null or 0, and means nothing."""

    game_id: str
    game_date: Annotated[str, Meta(description="in New York, by the vendor")]
    season: Annotated[int | None, Meta(description="the year in which it begins")]
    team_id: int
    opponent_id: int
    is_home: bool
    player_id: int
    first_name: str | None
    last_name: str | None
    position: Annotated[str | None, Meta(description="such as G or F-C, may be empty")]
    jersey: Annotated[str | None, Meta(description="0 and 00 are two numbers")]
    minutes: Annotated[int | None, Meta(description="whole minutes, 0 for who did not play")]
    fgm: Annotated[int | None, Meta(description="field goals made, three-pointers among them")]
    fga: int | None
    fg3m: int | None
    fg3a: int | None
    ftm: int | None
    fta: int | None
    oreb: int | None
    dreb: int | None
    reb: int | None
    ast: int | None
    stl: int | None
    blk: int | None
    turnover: int | None
    pf: int | None
    pts: int | None
    plus_minus: Annotated[int | None, Meta(description="null in the older shape")]
    fg_pct: Annotated[float | None, Meta(description="as received")]
    fg3_pct: float | None
    ft_pct: float | None
    played: Annotated[
        bool, Meta(description="has minutes; has statistics, where nobody in the game has minutes")
    ]
    placeholder: Annotated[bool, Meta(description="listed in a game without figures: no data")]
    game_state: GameState
    row_hash: Annotated[str, Meta(description="SHA-256 of what the vendor says of the player")]


def raw_player_boxes(
    fetch: FetchRef, so_far: Sequence[tuple[FetchRef, Envelope]]
) -> Staged[RawPlayerBox]:
    """One record a player and game, from the fetch that counts for the game.

    Rows of games that are not over are emitted as placeholders at most: those of a roster without
    figures, while no fetch has more. What cannot be read is set aside whichever fetch brought it.
    """
    staged = Staged[RawPlayerBox]()
    for key, game, why_not in games_so_far(raw for _, raw in so_far):
        if isinstance(game, Unread):
            with staged.one_record(key, game.raw):
                raise Unusable(BoxReason.MALFORMED, game.why)
            continue
        for entry in sorted(game.entries, key=lambda each: each.key):
            with staged.one_record(entry.key, entry.raw):
                _give_fate(staged, game, entry, why_not)
    return staged


def _give_fate(
    staged: Staged[RawPlayerBox], game: Judged, entry: Entry, why_not: BoxReason | None
) -> None:
    """Raises Unusable for a row that is set aside."""
    if entry.row is None and entry.fault:
        raise Unusable(*entry.fault)
    if why_not is not None:
        staged.drop(why_not, entry.key)
    elif game.state in (GameState.NOT_YET, GameState.UNKNOWN_STATE):
        staged.drop(BoxReason(game.state), entry.key)
    elif entry.fault and entry.fault.reason is BoxReason.DUPLICATE:
        staged.drop(BoxReason.DUPLICATE, entry.key)
    elif entry.fault:
        raise Unusable(*entry.fault)
    else:
        staged.emit(raw_player_box(game, entry))


def raw_player_box(judged: Judged, entry: Entry) -> RawPlayerBox:
    """The record of a row that could be read."""
    assert entry.row is not None
    fields = player_fields(judged.game, entry, entry.row)
    return RawPlayerBox(
        **fields,
        played=judged.played(entry.row),
        placeholder=not judged.state.is_loaded,
        game_state=judged.state,
        row_hash=row_hash(fields),
    )


stage = Stage(
    name="basketball/raw_player_box",
    inputs=("basketball/box_scores",),
    makes=RawPlayerBox,
    by=raw_player_boxes,
    key=lambda row: f"{row.game_id}/{row.player_id}",
    reasons=BoxReason,
    counts="player rows",
    doc="The row of each player in the games of a date, who played and who was listed.",
    span=Span.DAY,
    misread=(BoxReason.MALFORMED,),
)
