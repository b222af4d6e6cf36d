"""Football fetches for tests: by hand from parts, and the recorded poll cut at any second."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.football.wire.fetched import COMPETITION, COUNTRY, DETAIL, LIVE, ODDS, TEAM
from simulator.recorded import Recorded
from touchline.day import Minute
from touchline.fetch import Call, Envelope, FetchRef, write_envelope

POLL = datetime(2025, 5, 28, 17, 30, 17, tzinfo=UTC)
MINUTE = Minute(datetime(2025, 5, 28, 17, 30, tzinfo=UTC))
ARRIVED = datetime(2025, 5, 28, 17, 30, 4, tzinfo=UTC)
_REAL = Path(os.environ.get("TOUCHLINE_REAL_DATA", "../shared/data"))
POLL_DIRECTORY = _REAL / "football" / "poll-2025-05-28T1730Z"

needs_poll = pytest.mark.skipif(
    not POLL_DIRECTORY.is_dir(), reason=f"the recorded poll is not at {POLL_DIRECTORY}"
)


def answer(results: Any) -> bytes:
    """A response of the vendor with these results; bytes are taken as JSON text."""
    text = results if isinstance(results, bytes) else json.dumps(results).encode()
    return b'{"code":0,"results":%s}' % text


def envelope(
    live: Any,
    details: Mapping[str, Any] | None = None,
    odds: Mapping[str, Any] | None = None,
    teams: Mapping[str, Any] | None = None,
    competitions: Mapping[str, Any] | None = None,
    countries: Any = None,
    *,
    minute: Minute = MINUTE,
    fetch_id: str = "Qx7LmA20bTzK",
    arrived: datetime = ARRIVED,
) -> Envelope:
    """A fetch of these `results`, each by the id that was asked for.

    A `Call` in place of results stands as it is, and so a failed or carried call can be told.
    """

    def call(endpoint: str, uuid: str | None, results: Any) -> Call:
        if isinstance(results, Call):
            return results
        params = {} if uuid is None else {"uuid": uuid}
        return Call(endpoint, params, answer(results), 200, received_at=arrived)

    def calls(endpoint: str, results: Mapping[str, Any] | None) -> list[Call]:
        return [call(endpoint, uuid, result) for uuid, result in (results or {}).items()]

    sections = {
        "REFERENCE_DATA": {
            "countries": [] if countries is None else [call(COUNTRY, None, countries)],
            "competitions": calls(COMPETITION, competitions),
            "teams": calls(TEAM, teams),
        },
        "RAW_API_DATA": {
            "live_matches": call(LIVE, None, live),
            "match_details": calls(DETAIL, details),
            "match_odds": calls(ODDS, odds),
        },
    }
    ref = FetchRef("football", minute, fetch_id)
    start = "=== RAW API DATA START ==="
    return Envelope(write_envelope(ref, sections, {"outcome": "complete"}, start_line=start))


def failed(endpoint: str, uuid: str) -> Call:
    """A call that the vendor did not answer in time."""
    return Call(endpoint, {"uuid": uuid}, None, error="timeout", detail="no answer in 20 s")


@functools.cache
def recorded() -> Recorded:
    return Recorded(POLL_DIRECTORY)


def recorded_fetch(minute: Minute = MINUTE, at: int | None = None) -> Envelope:
    """What the vendor answered at `at` (Unix s), by default at the end of the minute."""
    film = recorded()
    at = int(minute.end.timestamp()) if at is None else at
    matches = film.live(at)
    return envelope(
        b"[%s]" % b",".join(film.live_entry(match, at) for match in matches),
        {match: b"[%s]" % (film.detail(match, at) or b"") for match in matches},
        {match: film.odds(match, at) for match in matches},
        {team: b"[%s]" % (film.team(team) or b"") for team in film.teams()},
        {comp: b"[%s]" % (film.competition(comp) or b"") for comp in film.competitions()},
        film.countries(),
        minute=minute,
        fetch_id=f"fetch{minute.number:07d}",
        arrived=datetime.fromtimestamp(at, UTC),
    )
