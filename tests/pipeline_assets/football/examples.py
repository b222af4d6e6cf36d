"""An invented match, and the stages from one fetch to its display in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from pipeline_assets.football.end_figures import EndedMatches
from pipeline_assets.football.merged import merged
from pipeline_assets.football.merged_match import MergedMatch
from pipeline_assets.football.monitor_central import MonitorRecord, monitor_central
from pipeline_assets.football.pretty_print import ReducedMatch, pretty_print
from pipeline_assets.football.pretty_print_conversion import (
    ConvertedMatch,
    pretty_print_conversion,
)
from resources.parquet import records_of, table_of
from tests.pipeline_assets.football.fetches import ARRIVED, MINUTE, envelope
from touchline.day import Minute
from touchline.fetch import Envelope
from touchline.stage import Content, Staged

State = TypeVar("State", bound=msgspec.Struct)

MATCH = "9gh1mn4xyz7pqr2"
HOME, AWAY = "2pw6yx0jk8lmq3d", "5vn1zr7gd4exho9"
LEAGUE, COUNTRY = "3kx8lm2de5vwjq0", "7oz4rq9hg1nme6y"

OPENED, CLOSED_BOOK, MINUTE_3 = 1748443400, 1748450300, 1748450580
PREMATCH_EU = [OPENED, "", 1.8, 3.6, 4.33, 1, 0, "0-0"]
CLOSING_EU = [CLOSED_BOOK, "", 1.72, 3.4, 4.5, 1, 0, "0-0"]
MARKETS = {
    "asia": [
        [MINUTE_3, "3", 0.95, 0.75, 0.85, 2, 0, "0-0"],
        [1748449800, "", 0.9, 0.75, 0.92, 1, 0, "0-0"],
    ],
    "eu": [[MINUTE_3, "3", 1.72, 3.4, 4.5, 2, 0, "0-0"], CLOSING_EU, PREMATCH_EU],
    "bs": [
        [MINUTE_3, "3", 1.05, 3.25, 0.83, 2, 0, "0-0"],
        [CLOSED_BOOK, "", 0.92, 3.25, 0.97, 1, 0, "0-0"],
    ],
}
VAR = {
    "type": 28,
    "position": 1,
    "time": 35,
    "player_id": "8qk0dm3lp6wjyx1",
    "player_name": "Example Player",
    "var_reason": 1,
    "var_result": 2,
}
ENVIRONMENT = {
    "weather": 1,
    "pressure": "760mmHg",
    "temperature": "19°C",
    "wind": "6.8m/s",
    "humidity": "65%",
}


def live(
    match_id: str = MATCH,
    *,
    status: int | None = 3,
    home: Sequence[Any] = (0, 0, 0, 1, 4, 0, 0),
    away: Sequence[Any] = (0, 0, 0, 0, 2, 0, 0),
    incidents: Sequence[Any] = (VAR,),
) -> dict[str, Any]:
    """An entry of the live list."""
    return {
        "id": match_id,
        "score": [match_id, status, [*home], [*away], 0, ""],
        "stats": [{"type": 21, "home": 3, "away": 1}],
        "incidents": [{"type": 9, "position": 1, "time": 30}, *incidents],
        "tlive": [{"time": "1'", "data": "Kick-off", "position": 0}],
    }


def detail(match_id: str = MATCH, **changes: Any) -> list[dict[str, Any]]:
    """The results of the match's detail call."""
    return [
        {
            "id": match_id,
            "season_id": "",
            "competition_id": LEAGUE,
            "home_team_id": HOME,
            "away_team_id": AWAY,
            "status_id": 3,
            "match_time": 1748450400,
            "venue_id": "",
            "referee_id": "",
            "neutral": 0,
            "note": "",
            "environment": ENVIRONMENT,
        }
        | changes
    ]


def fetched(
    *entries: dict[str, Any],
    odds: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    teams: Mapping[str, Any] | None = None,
    minute: Minute = MINUTE,
) -> Envelope:
    """A fetch of these entries; each has the example's detail and odds unless told otherwise."""
    ids = [entry["id"] for entry in entries]
    return envelope(
        list(entries),
        {match_id: detail(match_id) for match_id in ids} | dict(details or {}),
        {match_id: {"2": MARKETS} for match_id in ids} | dict(odds or {}),
        {
            HOME: [{"id": HOME, "name": "Northfield"}],
            AWAY: [{"id": AWAY, "name": "Southport"}],
        }
        | dict(teams or {}),
        {LEAGUE: [{"id": LEAGUE, "name": "Example League", "country_id": COUNTRY}]},
        [{"id": COUNTRY, "name": "Exampleland"}],
        minute=minute,
        arrived=minute.utc + (ARRIVED - MINUTE.utc),
    )


@dataclass(frozen=True)
class Chain:
    """What each stage made of one fetch."""

    merged: Staged[MergedMatch]
    reduced: Staged[ReducedMatch]
    converted: Staged[ConvertedMatch]
    monitor: Staged[MonitorRecord]


def chain(raw: Envelope, carried: EndedMatches | None = None) -> Chain:
    """`carried` is what the display knew before this fetch."""
    joined = merged(raw.ref, raw)
    reduced = pretty_print(raw.ref, joined.records, raw)
    converted = pretty_print_conversion(raw.ref, reduced.records)
    monitor = monitor_central(raw.ref, converted.records, carried=carried)
    return Chain(joined, reduced, converted, monitor)


def displayed(*entries: dict[str, Any], **parts: Any) -> MonitorRecord:
    """The monitor record of the first of these matches."""
    return chain(fetched(*entries, **parts)).monitor.records[0]


def as_json(document: Any) -> Any:
    """A document as its readers see it, numbers and all."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    return msgspec.json.decode(encoder.encode(document))


def survive_columns(records: Sequence[msgspec.Struct]) -> bool:
    """Whether these records come back from their columns as they were."""
    kind = type(records[0])
    back = records_of(table_of(records, kind), kind)
    return msgspec.json.encode(back) == msgspec.json.encode(records)


def through_storage(carried: State) -> State:
    """What a stage carries, as it comes back from where it was stored."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(carried), type=type(carried))


def content(staged: Staged[Any], **known: Any) -> Content[Any]:
    """What landed of a fetch, as a stage's export sees it."""
    return Content(staged.records, staged.quarantined, staged.account, **known)
