"""What a football fetch is: every live match with its detail and odds, as the vendor said it."""

from __future__ import annotations

from touchline.fetch import Envelope
from touchline.football.fetched import live_matches
from touchline.football.live import live_id
from touchline.football.wire import Malformed
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


raw_fetches = RawAsset(
    name="football/raw_fetches",
    record_keys=match_keys,
    counts="matches in the live list",
    doc="Everything the vendor says of all live matches in one minute, byte for byte: the live "
    "list, each match's detail and odds history, and the teams, competitions and countries they "
    "refer to.",
)
