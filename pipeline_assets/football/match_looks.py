"""How matches stand by one fetch, whoever says so: the live list, or the answer to a match's id."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

import msgspec

from pipeline_assets.football.alerts.settling import Scoreline
from pipeline_assets.football.wire.fetched import (
    DETAIL,
    MISREAD,
    Fetched,
    PartMissing,
    by_uuid,
    live_matches,
)
from pipeline_assets.football.wire.fields import NULL, Malformed, Noticed, Unread, members
from pipeline_assets.football.wire.live import (
    SideFigures,
    live_id,
    read_detail_score,
    read_score,
    read_side,
)
from touchline.fetch import Envelope, FetchRef, IndexEntry

_NO_GOALS = ("_cards", "corners", "overtime_score", "penalty_score")
"""How the names of the figures end that no outcome needs."""


class Source(StrEnum):
    """Who said how a match stands."""

    LIVE_LIST = "live_list"
    RECENT_LIST = "recent_list"


class Look(NamedTuple):
    """What one fetch shows of a match: whether it is in the live list, whether its detail was asked
    for, and how it stands (None where neither says so) at a Unix second, by whom."""

    listed: bool
    asked: bool
    at: int
    shown: Scoreline | None = None
    source: Source | None = None


def looks_at(
    fetch: FetchRef, raw: Envelope, match_ids: Collection[str], noticed: Noticed
) -> dict[str, Look]:
    """What the fetch shows of these matches: of each by the live list, or by its detail where that
    does not have it. The detail also fills in goals that the list does not say, unless the two
    disagree about the rest. What cannot be read of a detail is noted.

    Raises PartMissing, Malformed where there is no live list.
    """
    call, entries = live_matches(raw)
    listed: dict[str, msgspec.Raw] = {}
    for entry in entries:
        if (match_id := live_id(entry)) in match_ids and match_id is not None:
            listed.setdefault(match_id, entry)
    details, fetched = by_uuid(raw, DETAIL), Fetched(raw)
    looks: dict[str, Look] = {}
    for match_id in match_ids:
        asked = details.get(match_id)
        entry = listed.get(match_id)
        shown = None if entry is None else _by_live_list(entry, match_id)
        source, at = Source.LIVE_LIST, _arrived(call, fetch)
        if asked is not None and (shown is None or shown.result is None):
            said = _by_detail(fetched, match_id, noticed)
            if said and (shown is None or (said.result and shown.is_part_of(said))):
                shown, source, at = said, Source.RECENT_LIST, _arrived(asked, fetch)
        looks[match_id] = Look(entry is not None, asked is not None, at, shown, source)
    return looks


def _arrived(entry: IndexEntry, fetch: FetchRef) -> int:
    return int((entry.received_at or fetch.at).timestamp())


def _by_live_list(entry: msgspec.Raw, match_id: str) -> Scoreline | None:
    """What cannot be read of it the merge has noted."""
    try:
        score = read_score(members(entry, "match").get("score", NULL), match_id)
    except Malformed:
        return None
    parsed = score.parsed
    return _scoreline(
        score.status, parsed and parsed.home_detailed, parsed and parsed.away_detailed
    )


def _by_detail(fetched: Fetched, match_id: str, noticed: Noticed) -> Scoreline | None:
    try:
        score, unread = read_detail_score(fetched.detail(match_id).raw, "match detail")
    except Malformed as error:
        noticed.note(Unread.UNREAD_FIELD, "detail", f"{match_id}: {error}")
        return None
    except PartMissing as error:
        if error.reason in MISREAD:
            noticed.note(Unread.UNREAD_FIELD, "detail", f"{match_id}: {error}")
        return None
    noticed.unread("detail", unread, match_id)
    home = read_side(score.home_scores, "home_scores")
    away = read_side(score.away_scores, "away_scores")
    for figure in (*home.unknown, *away.unknown):
        if not figure.endswith(_NO_GOALS):
            noticed.note(Unread.UNKNOWN_FIGURE, f"detail.{figure}", match_id)
    return _scoreline(score.status_id, home.detailed, away.detailed)


def _scoreline(
    status: int | None, home: SideFigures | None, away: SideFigures | None
) -> Scoreline | None:
    """None where there is no status."""
    if status is None:
        return None
    return Scoreline(
        status,
        home and home.score_regular,
        away and away.score_regular,
        home and home.score_halftime,
        away and away.score_halftime,
    )
