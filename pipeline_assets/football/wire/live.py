"""The live list and the match detail: named fields for their arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec

from pipeline_assets.football.wire.fields import (
    NULL,
    FieldReader,
    Int64,
    Malformed,
    Reader,
    elements,
    integer,
    known,
    members,
    text,
)

Meta = msgspec.Meta
FIGURES = 7
"""How many figures the vendor gives for a side."""

LIVE_FIELDS = frozenset({"id", "score", "stats", "incidents", "tlive"})
STAT_FIELDS = frozenset({"type", "home", "away"})
TLIVE_FIELDS = frozenset({"time", "data", "position"})
# fmt: off
DETAIL_FIELDS = frozenset({
    "id", "season_id", "competition_id", "home_team_id", "away_team_id", "status_id",
    "match_time", "venue_id", "referee_id", "note", "neutral", "home_scores", "away_scores",
    "home_position", "away_position", "coverage", "round", "environment", "ended",
    "updated_at", "related_id", "agg_score", "tbd", "has_ot", "team_reverse", "loss",
})
# fmt: on


def live_id(entry: msgspec.Raw) -> str | None:
    """The id of an entry of the live list; None where it has none."""
    try:
        return known(text(members(entry, "match").get("id", NULL), "id"))
    except Malformed:
        return None


class SideFigures(msgspec.Struct, frozen=True):
    """What one side has so far; null is unknown."""

    score_regular: Annotated[
        int | None, Meta(description="goals in regular time, stoppage included")
    ]
    score_halftime: Annotated[int | None, Meta(description="goals at half-time")]
    red_cards: int | None
    yellow_cards: int | None
    corners: Annotated[
        int | None, Meta(description="null also where the vendor has no corner data (-1)")
    ]
    overtime_score: Annotated[
        int | None, Meta(description="total after 120 minutes, 0 without overtime")
    ]
    penalty_score: Annotated[int | None, Meta(description="penalty shoot-out score")]

    @classmethod
    def of(cls, figures: Sequence[int | None]) -> SideFigures | None:
        """The vendor's array[7] with names, None where it is shorter. A negative figure is None."""
        if len(figures) < FIGURES:
            return None
        return cls(*(None if one is None or one < 0 else one for one in figures[:FIGURES]))


NO_CORNER_DATA = -1
"""What the vendor sends for corners that it does not count."""


class Side(NamedTuple):
    """The figures of one side: as received, None where one is no whole number, and with names where
    there are seven. `unknown` names those that cannot be read; the side itself where it is no list
    or a shorter one."""

    received: list[int | None]
    detailed: SideFigures | None
    unknown: list[str]


_whole_numbers: Reader[list[int]] = Reader(list[Int64])
_whole_number: Reader[int] = Reader(Int64)


def read_side(raw: msgspec.Raw, name: str) -> Side:
    """The figures of the side `name`, each read by itself."""
    try:
        received: list[int | None] = [*_whole_numbers(raw, name)]
    except Malformed:
        try:
            received = [_figure(one, name) for one in elements(raw, name)]
        except Malformed:
            received = []
    detailed = SideFigures.of(received)
    if detailed is None:
        return Side(received, None, [name])
    unknown = [
        f"{name}.{field}"
        for field, figure in zip(SideFigures.__struct_fields__, received, strict=False)
        if getattr(detailed, field) is None
        and not (field == "corners" and figure == NO_CORNER_DATA)
    ]
    return Side(received, detailed, unknown)


def _figure(raw: msgspec.Raw, name: str) -> int | None:
    try:
        return _whole_number(raw, name)
    except Malformed:
        return None


class ParsedScore(msgspec.Struct, frozen=True):
    """The score array with names; a side shorter than seven figures has no detailed form."""

    match_id: str
    status: Annotated[int | None, Meta(description="match status id by the live list")]
    home_stats: Annotated[
        list[int | None],
        Meta(description="as received: corners are -1 if unknown; null where no whole number"),
    ]
    away_stats: Annotated[
        list[int | None],
        Meta(description="as received: corners are -1 if unknown; null where no whole number"),
    ]
    kickoff_timestamp: Annotated[
        int | None, Meta(description="Unix s of the current period's kick-off, null when unknown")
    ]
    home_detailed: SideFigures | None
    away_detailed: SideFigures | None


class Score(msgspec.Struct, frozen=True):
    """What the score array says. `surplus` names the elements beyond the documented ones, `unknown`
    the figures that cannot be read: `home.corners`, `away` for a whole side, `kick_off`."""

    status: int | None
    parsed: ParsedScore | None
    surplus: list[str]
    unknown: list[str]


def read_score(raw: msgspec.Raw, match_id: str) -> Score:
    """The score array of a live match: id, status, both sides' figures, kick-off, unused.

    A figure that cannot be read costs no other. Raises Malformed for what is no array, for one
    without id or status, and for another match's.
    """
    parts = elements(raw, "score")
    if len(parts) < 2:
        raise Malformed(f"score: {len(parts)} elements")
    named = text(parts[0], "score match id")
    if named != match_id:
        raise Malformed(f"score match id: {named!r} in the entry of {match_id!r}")
    status = integer(parts[1], "score status")
    if len(parts) < 4:
        return Score(status, None, [], ["home", "away"])
    home, away = read_side(parts[2], "home"), read_side(parts[3], "away")
    kickoff = _figure(parts[4], "kick_off") if len(parts) > 4 else None
    is_known = kickoff is not None and kickoff >= 0
    parsed = ParsedScore(
        match_id=match_id,
        status=status,
        home_stats=home.received,
        away_stats=away.received,
        kickoff_timestamp=kickoff if kickoff and is_known else None,
        home_detailed=home.detailed,
        away_detailed=away.detailed,
    )
    surplus = [f"score[{i}]" for i in range(6, len(parts))]
    most = max(len(home.received), len(away.received))
    surplus += [f"figures[{i}]" for i in range(FIGURES, most)]
    unknown = [*home.unknown, *away.unknown, *([] if is_known else ["kick_off"])]
    return Score(status, parsed, surplus, unknown)


class Detail(msgspec.Struct, frozen=True):
    """What is used of a match detail, as received: an empty text is unknown."""

    id: str
    season_id: str | None = None
    competition_id: str | None = None
    home_team_id: str | None = None
    away_team_id: str | None = None
    status_id: Int64 | None = None
    match_time: Int64 | None = None
    venue_id: str | None = None
    referee_id: str | None = None
    neutral: Int64 | None = None
    note: str | None = None


class DetailScore(msgspec.Struct, frozen=True):
    """How a match stands by its detail: a source beside the live list. The figures of both sides
    are text, for `read_side`."""

    id: str
    status_id: Int64 | None = None
    home_scores: msgspec.Raw = NULL
    away_scores: msgspec.Raw = NULL


class Incident(msgspec.Struct, frozen=True):
    """An incident of a match; `time` is the minute of play, stoppage included."""

    type: Int64
    time: Int64
    position: Int64
    second: Int64 | None = None
    add_time: Int64 | None = None
    player_id: str | None = None
    player_name: str | None = None
    assist1_id: str | None = None
    assist1_name: str | None = None
    assist2_id: str | None = None
    assist2_name: str | None = None
    home_score: Int64 | None = None
    away_score: Int64 | None = None
    in_player_id: str | None = None
    in_player_name: str | None = None
    out_player_id: str | None = None
    out_player_name: str | None = None
    var_reason: Int64 | None = None
    var_result: Int64 | None = None
    reason_type: Int64 | None = None


INCIDENT_FIELDS = frozenset(Incident.__struct_fields__)


class _Typed(msgspec.Struct, frozen=True):
    type: Int64


read_detail = FieldReader(Detail)
read_detail_score = FieldReader(DetailScore)
read_incident = FieldReader(Incident)
_read_type: Reader[_Typed] = Reader(_Typed)


def type_of(item: msgspec.Raw) -> int:
    """The type of an incident or statistic, which alone is needed to choose among them. Raises
    Malformed."""
    return _read_type(item, "type").type
