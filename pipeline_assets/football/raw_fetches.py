"""What a football fetch is: every live match with its detail and odds, as the vendor said it."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec

from pipeline_assets.football.wire import IN_PLAY
from pipeline_assets.football.wire.fetched import DETAIL, LIVE, ODDS, live_matches
from pipeline_assets.football.wire.fields import Malformed
from pipeline_assets.football.wire.live import live_id
from touchline.clock import parse_http_date
from touchline.fetch import Envelope, IndexEntry
from touchline.formats import UNREADABLE_JSON
from touchline.signs import ANOTHER_DAY, SignsOfLife
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
    def began(self) -> int | None:
        """When the period of play began, in Unix s; None where it does not say so."""
        if len(self.score) < 5:
            return None
        status, kick_off = self.score[1], self.score[4]
        if type(status) is not int or type(kick_off) is not int or status not in IN_PLAY:
            return None
        return kick_off or None


def signs_of_life(envelope: Envelope) -> SignsOfLife:
    """Of a fetch that has its live list: what its footer says, and which periods of play began on
    another day. A score that cannot be read shows nothing: the stages set it aside."""
    began: dict[str, int] = {}
    for key, entry in zip(match_keys(envelope), live_matches(envelope)[1], strict=True):
        with contextlib.suppress(*UNREADABLE_JSON):
            if at := msgspec.json.decode(entry, type=_Playing).began:
                began[key] = at
    footer, now = envelope.footer, envelope.ref.at.timestamp()
    skew = footer.get("clock_skew_seconds")
    return SignsOfLife(
        unchanged=footer.get("live_unchanged_fetches"),
        in_play=footer.get("matches_in_play"),
        skew_seconds=skew,
        unread_date=_unread_date(envelope) if skew is None else None,
        dated=len(began),
        far={k: at for k, at in began.items() if abs(at - now) > ANOTHER_DAY.total_seconds()},
    )


def _unread_date(envelope: Envelope) -> str | None:
    """The first `Date` header of this fetch's own answers that cannot be read."""
    dates = (each.date_header for each in envelope.index if not each.carried_from)
    return next((date for date in dates if date and parse_http_date(date) is None), None)


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
    if entry.is_error_record or _names_a_match(stored):
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
