"""What a football fetch is: every live match with its detail and odds, as the vendor said it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from touchline.fetch import Envelope, IndexEntry
from touchline.football import IN_PLAY
from touchline.football.fetched import DETAIL, LIVE, ODDS, live_matches
from touchline.football.live import live_id
from touchline.football.wire import Malformed
from touchline.signs import SignsOfLife
from touchline.stage import RawAsset


def match_keys(envelope: Envelope) -> list[str]:
    """One key for each entry of the live list: its id, or its place where it has none."""
    _, entries = live_matches(envelope)
    keys = []
    for place, entry in enumerate(entries):
        try:
            match_id = live_id(entry)
        except Malformed:
            match_id = None
        keys.append(match_id or f"#{place}")
    return keys


class _Playing(msgspec.Struct):
    score: list[Any]

    @property
    def began(self) -> datetime | None:
        """When the period of play began. Raises IndexError, TypeError, ValueError, OverflowError
        where the score is none."""
        status, kick_off = self.score[1], self.score[4]
        return datetime.fromtimestamp(kick_off, UTC) if status in IN_PLAY and kick_off else None


_NO_SCORE = (msgspec.DecodeError, IndexError, TypeError, ValueError, OverflowError, OSError)


def signs_of_life(envelope: Envelope) -> SignsOfLife:
    """Of a fetch that has its live list: what its footer says, and when the last period of play
    began. A score that cannot be read shows nothing: the stages set it aside."""
    began: list[datetime] = []
    for entry in live_matches(envelope)[1]:
        with contextlib.suppress(*_NO_SCORE):
            if at := msgspec.json.decode(entry, type=_Playing).began:
                began.append(at)
    footer = envelope.footer
    return SignsOfLife(
        unchanged=footer.get("live_unchanged_fetches"),
        in_play=footer.get("matches_in_play"),
        skew_seconds=footer.get("clock_skew_seconds"),
        newest=max(began, default=None),
    )


def raw_document(envelope: Envelope) -> dict[str, Any]:
    """The documented JSON of a fetch. Bodies stand in it as they came, but each of a match says
    which match was asked for; the stored form's index says so there, and is left out here."""
    stored = msgspec.json.decode(envelope.data, type=dict[str, msgspec.Raw])
    live = next(envelope.entries(LIVE), None)
    return {
        "FETCH_HEADER": stored["FETCH_HEADER"],
        "REFERENCE_DATA": stored.get("REFERENCE_DATA"),
        "RAW_API_DATA": {
            "live_matches": live and msgspec.Raw(envelope.stored(live)),
            "match_details": [_named(envelope, entry) for entry in envelope.entries(DETAIL)],
            "match_odds": [_named(envelope, entry) for entry in envelope.entries(ODDS)],
        },
        "FETCH_FOOTER": envelope.footer,
    }


class _Query(msgspec.Struct):
    uuid: str


class _Answer(msgspec.Struct):
    query: _Query


def _named(envelope: Envelope, entry: IndexEntry) -> Any:
    """An answer that names the match that was asked for, as odds histories by themselves do not.
    An error record of ours names it in `params`."""
    stored = msgspec.Raw(envelope.stored(entry))
    if entry.sha256 is None or entry.encoding is not None or _names_a_match(stored):
        return stored
    query = {"type": "uuid", "uuid": entry.uuid, "source": "request"}
    try:
        return {**msgspec.json.decode(stored, type=dict[str, msgspec.Raw]), "query": query}
    except msgspec.DecodeError:  # JSON, but no object.
        return {
            "error": entry.error or "not_an_object",
            "endpoint": entry.endpoint,
            "params": entry.params,
            "body": stored,
        }


def _names_a_match(answer: msgspec.Raw) -> bool:
    try:
        return bool(msgspec.json.decode(answer, type=_Answer).query.uuid)
    except msgspec.DecodeError:
        return False


raw_fetches = RawAsset(
    name="football/raw_fetches",
    record_keys=match_keys,
    counts="matches in the live list",
    doc="Everything the vendor says of all live matches in one minute, byte for byte: the live "
    "list, each match's detail and odds history, and the teams, competitions and countries they "
    "refer to.",
    export=raw_document,
    signs=signs_of_life,
)
