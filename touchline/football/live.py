"""The live list and the match detail: named fields for their arrays."""

from __future__ import annotations

from typing import Annotated

import msgspec

from touchline.football.wire import (
    NULL,
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
    """What one side has so far."""

    score_regular: Annotated[int, Meta(description="goals in regular time, stoppage included")]
    score_halftime: Annotated[int, Meta(description="goals at half-time")]
    red_cards: int
    yellow_cards: int
    corners: Annotated[int | None, Meta(description="null where the vendor has no corner data")]
    overtime_score: Annotated[int, Meta(description="total after 120 minutes, 0 without overtime")]
    penalty_score: Annotated[int, Meta(description="penalty shoot-out score")]

    @classmethod
    def of(cls, figures: list[int]) -> SideFigures | None:
        """The vendor's array[7] with names, None where it is shorter. Corners -1 become None."""
        if len(figures) < FIGURES:
            return None
        goals, half_time, red, yellow, corners, overtime, penalties = figures[:FIGURES]
        known_corners = None if corners == -1 else corners
        return cls(goals, half_time, red, yellow, known_corners, overtime, penalties)


class ParsedScore(msgspec.Struct, frozen=True):
    """The score array with names; a side shorter than seven figures has no detailed form."""

    match_id: str
    status: Annotated[int | None, Meta(description="match status id by the live list")]
    home_stats: Annotated[list[int], Meta(description="as received: corners are -1 if unknown")]
    away_stats: Annotated[list[int], Meta(description="as received: corners are -1 if unknown")]
    kickoff_timestamp: Annotated[
        int | None, Meta(description="Unix s of the current period's kick-off, null when unknown")
    ]
    home_detailed: SideFigures | None
    away_detailed: SideFigures | None


class Score(msgspec.Struct, frozen=True):
    """What the score array says; `surplus` names the elements beyond the documented ones."""

    status: int | None
    parsed: ParsedScore | None
    surplus: list[str]


_figures: Reader[list[int]] = Reader(list[Int64])


def read_score(raw: msgspec.Raw, match_id: str) -> Score:
    """The score array of a live match: id, status, both sides' figures, kick-off, unused.

    Raises Malformed for fewer than two elements, for another match's array and for wrong types.
    """
    parts = elements(raw, "score")
    if len(parts) < 2:
        raise Malformed(f"score: {len(parts)} elements")
    named = text(parts[0], "score match id")
    if named != match_id:
        raise Malformed(f"score match id: {named!r} in the entry of {match_id!r}")
    status = integer(parts[1], "score status")
    if len(parts) < 4:
        return Score(status, None, [])
    home = _figures(parts[2], "score home figures")
    away = _figures(parts[3], "score away figures")
    kickoff = integer(parts[4], "score kick-off") if len(parts) > 4 else None
    parsed = ParsedScore(
        match_id=match_id,
        status=status,
        home_stats=home,
        away_stats=away,
        kickoff_timestamp=kickoff or None,
        home_detailed=SideFigures.of(home),
        away_detailed=SideFigures.of(away),
    )
    surplus = [f"score[{i}]" for i in range(6, len(parts))]
    surplus += [f"figures[{i}]" for i in range(FIGURES, max(len(home), len(away)))]
    return Score(status, parsed, surplus)


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
    """How a match stands by its detail, as received: a source beside the live list."""

    id: str
    status_id: Int64 | None = None
    home_scores: list[Int64] = []
    away_scores: list[Int64] = []


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


class IncidentCodes(msgspec.Struct, frozen=True):
    """The type of an incident or statistic, which alone is needed to choose among them."""

    type: Int64


read_detail: Reader[Detail] = Reader(Detail)
read_detail_score: Reader[DetailScore] = Reader(DetailScore)
read_incident: Reader[Incident] = Reader(Incident)
read_codes: Reader[IncidentCodes] = Reader(IncidentCodes)
