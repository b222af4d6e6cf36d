"""Fetches of The Odds API for tests: by hand from parts, and recorded ones."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline_assets.basketball.lines import Line, lines_of
from pipeline_assets.basketball.wire.odds import EVENT_ODDS, EVENTS, ODDS
from touchline.compression import zstd
from touchline.day import Day
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.slot import Slot
from touchline.stage import Staged

_REAL = Path(os.environ.get("TOUCHLINE_REAL_DATA", "../shared/data")) / "basketball"
GAME_LINES = "odds_api_game_lines_91_snapshots_2026-03-03_to_06-01.csv"
PROPS = "odds_api_player_props_14_days_from_2025-10-21.csv"
IN_PLAY = "odds_api_game_lines_in_play_2022-11-23.json"
POINTS = tuple(f"odds_api_player_points_2024-02-23_{each}.json" for each in "ab")
HISTORICAL = "historical_game_lines.json"

needs_recorded = pytest.mark.skipif(
    not _REAL.is_dir(), reason=f"the recorded answers are not at {_REAL} (TOUCHLINE_REAL_DATA)"
)

START = datetime(2026, 1, 10, 0, 10, tzinfo=UTC)
"""When events of these tests begin, unless they say otherwise: 7:10 pm in New York."""
BEFORE = START - timedelta(hours=5)


class CalendarGame(msgspec.Struct, frozen=True):
    game_id: str
    game_date: str
    home: str
    away: str
    home_id: int
    away_id: int
    status: str = "scheduled"
    scheduled_start: datetime | None = datetime(2026, 1, 10, 0, tzinfo=UTC)
    expected_final_at: datetime | None = None


class RosterPlayer(msgspec.Struct, frozen=True):
    player_id: int
    first_name: str | None
    last_name: str | None
    team_id: int
    team: str


GAME = CalendarGame("15", "2026-01-09", "Boston Celtics", "LA Clippers", 2, 13)


def recorded(name: str) -> bytes:
    return zstd.decompress((_REAL / f"{name}.zst").read_bytes())


def recorded_rows(name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(io.StringIO(recorded(name).decode()))


def outcome(name: str, price: Any, point: Any = None, player: str | None = None) -> dict[str, Any]:
    told = {"name": name, "description": player, "price": price, "point": point}
    return {field: value for field, value in told.items() if value is not None}


def market(key: str, *outcomes: Any, **more: Any) -> dict[str, Any]:
    return {"key": key, "outcomes": list(outcomes), **more}


def book(key: str, *markets: Any, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": key.title(), "markets": list(markets), **more}


def event(*books: Any, start: datetime = START, **more: Any) -> dict[str, Any]:
    """An event of the Clippers at Boston."""
    return {
        "id": "e1",
        "sport_key": "basketball_nba",
        "commence_time": start.isoformat().replace("+00:00", "Z"),
        "home_team": "Boston Celtics",
        "away_team": "Los Angeles Clippers",
        "bookmakers": list(books),
        **more,
    }


def fetch(
    body: Any,
    at: datetime | None = BEFORE,
    *,
    endpoint: str = ODDS,
    events: Any = (),
    params: Mapping[str, str] | None = None,
    error: str | None = None,
) -> tuple[FetchRef, Envelope]:
    """A fetch whose answer of this endpoint was received at that time; bodies as text or JSON."""
    asked = {"regions": "us", "oddsFormat": "decimal"} if params is None else params
    when = at or BEFORE
    # A late or early snapshot does not move the slot: its minute is that of the fetch.
    slot_at = when.replace(second=0, microsecond=0)
    ref = FetchRef.of(Slot.of("basketball/game_lines", Day.containing(slot_at), slot_at), "f" * 12)
    calls = {
        "events": Call(EVENTS, {}, _text(list(events)), 200, received_at=at),
        "odds": Call(endpoint, asked, _text(body), 200, received_at=at, error=error),
    }
    return ref, Envelope(
        write_envelope(ref, {"RAW_API_DATA": calls}, {"outcome": "complete"}, start_line="")
    )


def _text(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def lines(*fetches: tuple[FetchRef, Envelope], endpoint: str = ODDS) -> Staged[Line]:
    """The lines of games in these fetches; every record that they have has its fate."""
    staged = lines_of(fetches, endpoint, [GAME])
    assert staged.account.received == staged.account.explained
    return staged


def props(
    *fetches: tuple[FetchRef, Envelope], players: Sequence[RosterPlayer] = ()
) -> Staged[Line]:
    """The lines on players in these fetches."""
    staged = lines_of(fetches, EVENT_ODDS, [GAME], players)
    assert staged.account.received == staged.account.explained
    return staged


def plain(line: Line) -> dict[str, Any]:
    return msgspec.structs.asdict(line)


def snapshots() -> Iterator[tuple[datetime, list[dict[str, Any]], list[dict[str, str]]]]:
    """The recorded snapshots of game lines: the time of each, its answer, put together again, and
    its rows."""
    by_time: dict[str, list[dict[str, str]]] = {}
    for row in recorded_rows(GAME_LINES):
        by_time.setdefault(row["snapshot_utc"], []).append(row)
    for text, rows in by_time.items():
        at = datetime.strptime(text, "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
        yield at, _answer_of(rows), rows


def _answer_of(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    events: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = events.setdefault(
            row["event_id"],
            {
                "id": row["event_id"],
                "commence_time": row["commence_time"],
                "home_team": row["home_team"],
                "away_team": row["away_team"],
                "bookmakers": [],
            },
        )
        quoted = {"name": row["outcome_name"], "price": float(row["price"])}
        if row["point"]:
            quoted["point"] = float(row["point"])
        _market(one, row["bookmaker"], row["market"], row["last_update"])["outcomes"].append(quoted)
    return list(events.values())


def _market(one: dict[str, Any], key: str, name: str, updated: str | None) -> dict[str, Any]:
    books = one["bookmakers"]
    found = next((each for each in books if each["key"] == key), None)
    if found is None:
        found = book(key)
        books.append(found)
    of = next((each for each in found["markets"] if each["key"] == name), None)
    if of is None:
        of = market(name, **({"last_update": updated} if updated else {}))
        found["markets"].append(of)
    return of


def recorded_props() -> Iterator[tuple[str, list[dict[str, Any]], list[dict[str, str]]]]:
    """The recorded days of player props: their collector's stamp, the answers for each event, put
    together again of the rows that have a price, and these rows."""
    by_stamp: dict[str, list[dict[str, str]]] = {}
    for row in recorded_rows(PROPS):
        if row["over_odds"] or row["under_odds"]:
            by_stamp.setdefault(row["snapshot_stamp"], []).append(row)
    for stamp, rows in by_stamp.items():
        events: dict[str, dict[str, Any]] = {}
        for row in rows:
            away, _, home = row["game"].partition(" @ ")
            one = events.setdefault(
                row["event_id"],
                {
                    "id": row["event_id"],
                    "commence_time": row["game_time"],
                    "home_team": home,
                    "away_team": away,
                    "bookmakers": [],
                },
            )
            quoted = _market(one, row["bookmaker"], row["market"], None)["outcomes"]
            for name, price in (("Over", row["over_odds"]), ("Under", row["under_odds"])):
                if price:
                    quoted.append(outcome(name, float(price), float(row["line"]), row["player"]))
        yield stamp, list(events.values()), rows
