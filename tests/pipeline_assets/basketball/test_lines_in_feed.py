"""Lines of a morning, watched on a site in memory: what is made of them, and what the checks say.

The calendar and the rosters are raw assets of their own here, as the feed has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline_assets.basketball.game_lines import RAW_LINE, game_lines
from pipeline_assets.basketball.line_history import LineReason
from pipeline_assets.basketball.player_props import RAW_PROP, player_props
from pipeline_assets.load import load_table
from tests.feeds.league import Fetched
from tests.feeds.watched import HOUR, Case, Watched, watched_in
from tests.pipeline_assets.basketball.odds_fetches import (
    GAME,
    CalendarGame,
    RosterPlayer,
    book,
    event,
    market,
    outcome,
)
from touchline.day import Day
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.plan import FeedPlan
from touchline.schedule import PATIENCE, TimesOfDay
from touchline.slot import Slot
from touchline.stage import RawAsset, Stage, Staged

DAY = Day.parse("2026-01-09")
ROSTER = [
    RosterPlayer(1, "Al", "Horford", GAME.home_id, GAME.home),
    RosterPlayer(2, "Ivica", "Zubac", GAME.away_id, GAME.away),
]
TOLD: Mapping[str, list[Any]] = {
    "basketball/calendar": [GAME],
    "basketball/rosters": ROSTER,
}


def told_keys(raw: Envelope) -> list[str]:
    return [str(place) for place, _ in enumerate(told_in(raw))]


def told_in(raw: Envelope) -> list[Any]:
    [entry] = raw.entries("told")
    return msgspec.json.decode(raw.stored(entry))


def staged_as(makes: type[Any]) -> Callable[[FetchRef, Envelope], Staged[Any]]:
    def by(fetch: FetchRef, raw: Envelope) -> Staged[Any]:
        staged = Staged[Any]()
        staged.emit_many(msgspec.convert(told_in(raw), list[makes]))
        return staged

    return by


def told(name: str) -> RawAsset:
    return RawAsset(
        name=name,
        record_keys=told_keys,
        counts="records",
        doc="Records that stand for others.",
        schedule=TimesOfDay(((0, time(6, 5)),), PATIENCE),
    )


def stage_of(name: str, raw: str, makes: type[Any], key: Callable[[Any], str]) -> Stage[Any]:
    return Stage(
        name=name,
        inputs=(raw,),
        makes=makes,
        by=staged_as(makes),
        key=key,
        reasons=LineReason,
        counts="records",
        doc="Records that stand for others.",
    )


class Bookmakers:
    """A vendor whose price changes at 11:05."""

    def fetch(self, slot: Slot, *, previous: Any = None, ask: Any = ()) -> Fetched:
        ref = FetchRef.of(slot, f"n{slot.number:08d}xyz")
        calls: dict[str, Call | list[Call]] = {}
        if slot.raw in TOLD:
            calls["told"] = Call("told", {}, msgspec.json.encode(TOLD[slot.raw]), 200)
        else:
            calls = self._lines(slot)
        sections: Any = {"RAW_API_DATA": calls}
        return Fetched(write_envelope(ref, sections, {"outcome": "complete"}, start_line=""))

    def _lines(self, slot: Slot) -> dict[str, Call | list[Call]]:
        at = slot.at + timedelta(seconds=4)
        price = 2.1 if slot.at >= DAY.start + 11 * HOUR else 2
        names = ("Al Horford", "I. Zubac", "Nobody")
        points = [outcome("Over", price, 9.5, name) for name in names]
        totals = [outcome("Over", price, 220.5), outcome("Under", 1.9, 220.5), outcome("Tie", 2)]
        odds = event(book("a", market("totals", *totals)))
        props = event(book("a", market("player_points", *points)))
        params = {"oddsFormat": "decimal", "markets": "totals,player_points"}

        def call(endpoint: str, body: Any, asked: Mapping[str, str]) -> Call:
            return Call(endpoint, asked, json.dumps(body).encode(), 200, received_at=at)

        events = call("events", [event()], {})
        if slot.raw == game_lines.name:
            return {"events": events, "odds": call("odds", [odds], params)}
        return {"events": events, "props": [call("event_odds", props, params)]}

    def probe(self) -> Call:
        return Call("events", {}, b"[]", 200)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    calendar, rosters = (told(name) for name in TOLD)
    client = Bookmakers()
    plan = FeedPlan(
        raws=(calendar, rosters, game_lines, player_props),
        stages=(
            stage_of("basketball/season_games", calendar.name, CalendarGame, lambda g: g.game_id),
            stage_of(
                "basketball/raw_roster", rosters.name, RosterPlayer, lambda p: str(p.player_id)
            ),
            RAW_LINE,
            RAW_PROP,
        ),
        client=lambda *_: client,
        subject="game_id",
    )
    noon = DAY.start + 12 * HOUR
    case = Case(
        plan, lambda slot: Envelope(client.fetch(slot).envelope), DAY, DAY.start, None, noon
    )
    found = watched_in(tmp_path, case)
    found.site.ledger.open_interval(plan.name, case.opened, "simulated")
    yield found
    found.site.close()


def test_lines_land_with_their_games_and_players(watched: Watched) -> None:
    watched.live_until(DAY.start + 11 * HOUR + timedelta(minutes=10))
    lines = load_table(watched.site, RAW_LINE.name, DAY).to_pylist()
    assert [
        (row["over_price"], row["snapshot_at"].hour, row["seen_until"].hour) for row in lines
    ] == [
        ("2", 14, 15),
        ("2.1", 16, 16),
    ]
    assert {(row["game_id"], row["match_state"]) for row in lines} == {("15", "matched")}
    props = load_table(watched.site, RAW_PROP.name, DAY).to_pylist()
    assert {(row["player_name"], row["player_id"], row["matched_by"]) for row in props} == {
        ("Al Horford", 1, "name"),
        ("I. Zubac", 2, "initial"),
        ("Nobody", None, None),
    }
    assert watched.findings() == {}
