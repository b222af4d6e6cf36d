"""The NBA's night as cases of runs that are killed: the feed's own plan, and a client that asks the
simulated services in this process, so that a slot always brings the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from pipeline_assets.basketball.client import sources
from pipeline_assets.basketball.client.answers import events_of
from pipeline_assets.basketball.expected import is_asked
from pipeline_assets.basketball.plan import basketball
from pipeline_assets.basketball.season import season_of
from resources.vendor.endpoints import Endpoint
from tests.feeds.league import Fetched
from tests.feeds.nba import NIGHT, Night
from tests.feeds.watched import HOUR, Case
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.slot import Slot

LAST = 1626
"""The number of the slot at 03:05 on the next day, which brings the final figures."""


@dataclass
class InProcess:
    """The client. It is told of one assist more from 06:05 of the next day on."""

    night: Night = field(default_factory=Night)

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> Fetched:
        ref = FetchRef.of(slot, hashlib.sha256(str(slot).encode()).hexdigest()[:12])
        sections: Mapping[str, Any] = {"RAW_API_DATA": self._calls(slot)}
        return Fetched(write_envelope(ref, sections, {"outcome": "complete"}, start_line=""))

    def probe(self) -> Call:
        return Call("games", {}, b"{}", 200)

    def _calls(self, slot: Slot) -> Mapping[str, Call | list[Call]]:
        match slot.raw.rpartition("/")[2]:
            case "box_scores":
                [call] = self._pages(sources.BOX_SCORES, slot, date=str(slot.day))
                return {"box_scores": self._corrected(call) if slot.number > LAST else call}
            case "calendar":
                season = {"seasons[]": str(season_of(slot.day))}
                return {"games": list(self._pages(sources.GAMES, slot, **season))}
            case "rosters":
                return {"active_players": list(self._pages(sources.ACTIVE_PLAYERS, slot))}
            case "injuries":
                return {"injuries": list(self._pages(sources.INJURIES, slot))}
            case raw:
                return self._prices(slot, is_props=raw == "player_props")

    def _pages(self, endpoint: Endpoint, slot: Slot, **params: str) -> Iterator[Call]:
        page: Mapping[str, str] | None = {}
        while page is not None:
            asked = {**endpoint.params, **params, **page}
            listed = {name: [value] for name, value in asked.items()}
            body = self.night.balldontlie(endpoint.path, listed, slot.at)
            assert body is not None
            yield Call(endpoint.name, asked, body, 200, received_at=slot.at)
            page = endpoint.next_page(body) if endpoint.next_page else None

    def _prices(self, slot: Slot, *, is_props: bool) -> Mapping[str, Call | list[Call]]:
        events = self._priced(sources.EVENTS, slot)
        found = list(events_of(events.body or b"", slot.day))
        if not is_props:
            ids = ",".join(event.event_id for event in found)
            return {"events": events, "odds": [self._priced(sources.GAME_ODDS, slot, eventIds=ids)]}
        asked = [event.event_id for event in found if is_asked(event.starts, slot)]
        props = [self._priced(sources.EVENT_ODDS, slot, event_id=each) for each in asked]
        return {"events": events, "props": props}

    def _priced(self, endpoint: Endpoint, slot: Slot, **values: str) -> Call:
        asked = {**endpoint.params, **values}
        listed = {name: [value] for name, value in asked.items() if name != "event_id"}
        priced = self.night.odds_api(endpoint.path.format(**values), listed, slot.at)
        assert priced is not None
        return Call(endpoint.name, asked, priced.body, 200, received_at=slot.at)

    @staticmethod
    def _corrected(call: Call) -> Call:
        told = msgspec.json.decode(call.body or b"")
        told["data"][0]["home_team"]["players"][0]["ast"] += 1
        return replace(call, body=msgspec.json.encode(told))


def _case(*raws: str, hours: int) -> Case:
    """Of these raw assets alone, until so long after the night's date began: after each death all
    of it is lived through. The calendar of the day before has come: the next run of a calendar that
    was killed is a day away."""
    client = InProcess()
    kept = tuple(raw for raw in basketball.raws if raw.short_name in raws)
    names = {raw.name for raw in kept}
    stages = tuple(stage for stage in basketball.stages if stage.inputs[0] in names)
    plan = replace(basketball, raws=kept, stages=stages, client=lambda *_: client)
    over = NIGHT.start + hours * HOUR
    return Case(
        plan=plan,
        capture=lambda slot: Envelope(client.fetch(slot).envelope),
        day=NIGHT,
        opened=NIGHT.start - 19 * HOUR,
        closed=over,
        over=over,
    )


def of_box_scores() -> Case:
    """The final figures, a correction of them, and the same again."""
    return _case("calendar", "box_scores", hours=34)


def of_prices() -> Case:
    """The calendar, which plans when props are asked for, until it comes again. The line of a
    player needs the rosters."""
    return _case("calendar", "rosters", "player_props", hours=32)
