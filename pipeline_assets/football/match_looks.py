"""How matches stand by one fetch, whoever says so: the live list, or the answer to a match's id."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from pipeline_assets.football.alerts.settling import Result
from touchline.day import parse_instant
from touchline.fetch import Envelope, FetchRef, IndexEntry
from touchline.football.fetched import DETAIL, Fetched, PartMissing, by_uuid, live_matches
from touchline.football.live import FIGURES, live_id, read_detail_score, read_score
from touchline.football.wire import NULL, Malformed, members


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
    result: Result | None = None
    source: Source | None = None


def looks_at(fetch: FetchRef, raw: Envelope, match_ids: Collection[str]) -> dict[str, Look]:
    """What the fetch shows of these matches: of each by the live list, or by its detail where that
    does not have it. Raises PartMissing, Malformed where there is no live list."""
    call, entries = live_matches(raw)
    listed: dict[str, msgspec.Raw] = {}
    for entry in entries:
        if (match_id := live_id(entry)) in match_ids and match_id is not None:
            listed.setdefault(match_id, entry)
    details, fetched = by_uuid(raw, DETAIL), Fetched(raw)
    looks: dict[str, Look] = {}
    for match_id in match_ids:
        asked = details.get(match_id)
        at = _arrived(call, fetch)
        result = _live_result(listed[match_id], match_id) if match_id in listed else None
        source = Source.LIVE_LIST
        if result is None and asked is not None:
            result, source = _detail_result(fetched, match_id), Source.RECENT_LIST
            at = _arrived(asked, fetch)
        looks[match_id] = Look(match_id in listed, asked is not None, at, result, source)
    return looks


def _arrived(entry: IndexEntry, fetch: FetchRef) -> int:
    received = entry.received_at_utc
    return int((parse_instant(received) if received else fetch.minute.utc).timestamp())


def _live_result(entry: msgspec.Raw, match_id: str) -> Result | None:
    try:
        parsed = read_score(members(entry, "match").get("score", NULL), match_id).parsed
    except Malformed:
        return None
    return parsed and _result(parsed.status, parsed.home_stats, parsed.away_stats)


def _detail_result(fetched: Fetched, match_id: str) -> Result | None:
    try:
        score = read_detail_score(fetched.detail(match_id).raw, "match detail")
    except (Malformed, PartMissing):
        return None
    if score.id != match_id:
        return None
    return _result(score.status_id, score.home_scores, score.away_scores)


def _result(status: int | None, home: Sequence[int], away: Sequence[int]) -> Result | None:
    if status is None or min(len(home), len(away)) < FIGURES:
        return None
    return Result(status, home[0], away[0], home[1], away[1])
