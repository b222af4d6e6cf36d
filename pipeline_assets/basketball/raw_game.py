"""The games of a date, each as the fetch has it that counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from pipeline_assets.basketball.content import game_fields, games_so_far, row_hash
from pipeline_assets.basketball.expected import (
    CALENDAR,
    calendar_reaches,
    complete_at,
    games_lacking,
)
from pipeline_assets.basketball.outcomes import (
    BoxReason,
    GameState,
    Judged,
    coverage_of,
)
from pipeline_assets.basketball.wire.fields import Unread
from touchline.coverage import Coverage
from touchline.fetch import Envelope, FetchRef
from touchline.stage import Finding, Span, Stage, Staged, Unusable

Meta = msgspec.Meta

OTHER_DATE = "other_date"
"""The kind of finding of a game that stands in the answer for another date than its own."""
NO_FIGURES = "final_without_figures"
"""The kind of finding of a game that is final, and in which nobody has any figures."""


class RawGame(msgspec.Struct, frozen=True, kw_only=True):
    """A game as the vendor tells it, and what that is worth. What is not known is null."""

    game_id: Annotated[
        str, Meta(description="by the older shape, which has no id: DATE/HOME_ID/VISITOR_ID")
    ]
    game_date: Annotated[str, Meta(description="in New York, by the vendor")]
    season: Annotated[int | None, Meta(description="the year in which it begins")]
    status: Annotated[str | None, Meta(description="Final, a clock text, or a start time")]
    period: Annotated[int | None, Meta(description="0 before the start, 5 for one overtime")]
    scheduled_start: Annotated[datetime | None, Meta(description="UTC")]
    postseason: bool | None
    home_id: int
    home_name: str | None
    home_abbreviation: str | None
    home_score: int | None
    home_quarters: Annotated[list[int | None] | None, Meta(description="points, four of them")]
    home_overtimes: Annotated[list[int | None] | None, Meta(description="points, up to three")]
    visitor_id: int
    visitor_name: str | None
    visitor_abbreviation: str | None
    visitor_score: int | None
    visitor_quarters: Annotated[list[int | None] | None, Meta(description="points, four of them")]
    visitor_overtimes: Annotated[list[int | None] | None, Meta(description="points, up to three")]
    state: GameState
    state_reason: Annotated[
        str | None, Meta(description="why it is degraded, reasons with a comma between them")
    ]
    listed_home: Annotated[int, Meta(description="rows of players, those set aside too")]
    listed_visitor: int
    with_minutes_home: Annotated[int, Meta(description="players who have minutes")]
    with_minutes_visitor: int
    played: Annotated[int, Meta(description="players who played, by statistics if no minutes are")]
    row_hash: Annotated[str, Meta(description="SHA-256 of what the vendor says of it")]


def raw_games(fetch: FetchRef, so_far: Sequence[tuple[FetchRef, Envelope]]) -> Staged[RawGame]:
    """One record a game, from the fetch that counts for it; of the others it is dropped."""
    staged = Staged[RawGame]()
    for key, game, why_not in games_so_far(raw for _, raw in so_far):
        if isinstance(game, Unread):
            with staged.one_record(key, game.raw):
                raise Unusable(BoxReason.MALFORMED, game.why)
            continue
        with staged.one_record(key, game.game.raw):
            if why_not is None:
                staged.emit(raw_game(game))
            else:
                staged.drop(why_not, key)
        if why_not is None:
            staged.findings += findings_of(game, str(fetch.day))
    return staged


def raw_game(judged: Judged) -> RawGame:
    """The record of a game."""
    fields = game_fields(judged.game)
    return RawGame(
        **fields,
        state=judged.state,
        state_reason=", ".join(judged.reasons) or None,
        listed_home=judged.listed(is_home=True),
        listed_visitor=judged.listed(is_home=False),
        with_minutes_home=judged.with_minutes(is_home=True),
        with_minutes_visitor=judged.with_minutes(is_home=False),
        played=judged.played_rows,
        row_hash=row_hash(fields),
    )


def findings_of(judged: Judged, date: str) -> list[Finding]:
    """What is odd about a game: what does not add up, too few rows, another date than asked for."""
    found = [Finding(reason, key, detail) for reason, key, detail in judged.breaks]
    found += coverage_of(judged)
    if judged.game.is_final and not judged.state.is_loaded:
        found.append(Finding(NO_FIGURES, judged.game.key, f"{len(judged.entries)} are listed"))
    if judged.game.date != date:
        found.append(Finding(OTHER_DATE, judged.game.key, f"of {judged.game.date}"))
    return found


stage = Stage(
    name="basketball/raw_game",
    inputs=("basketball/box_scores",),
    makes=RawGame,
    by=raw_games,
    key=lambda game: game.game_id,
    reasons=BoxReason,
    counts="games",
    doc="The games of a date: teams, scores, quarters, and whether their box scores can be used.",
    span=Span.DAY,
    receives_each=False,
    misread=(BoxReason.MALFORMED,),
    covers=Coverage(CALENDAR, complete_at, games_lacking, calendar_reaches),
)
