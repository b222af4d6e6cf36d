"""The NBA's client: what each raw asset's fetch asks of the two services."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio

from pipeline_assets.basketball.client import sources
from pipeline_assets.basketball.client.answers import (
    Event,
    events_of,
    judge_balldontlie,
    judge_odds_api,
)
from pipeline_assets.basketball.client.credits import HEADERS, REMAINING, Credits
from pipeline_assets.basketball.expected import is_asked
from pipeline_assets.basketball.season import season_of
from resources.vendor.endpoints import fetch_all
from resources.vendor.http import HttpSettings, VendorClient
from touchline.accounting import Outcome
from touchline.clock import Clock
from touchline.day import Day, new_york_text
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.masking import Mask
from touchline.slot import Slot

log = logging.getLogger(__name__)

START_LINE = "=== RAW API DATA START ==="
END_LINE = "=== RAW API DATA END ==="


@dataclass(frozen=True, kw_only=True)
class Balldontlie(HttpSettings):
    """Settings of balldontlie: its URL, which ends in `/v1/`, and its `Authorization` key."""

    key: str = field(repr=False)

    def client(self, clock: Clock) -> VendorClient:
        credentials = {"Authorization": self.key}
        return VendorClient(
            self,
            credentials=credentials,
            mask=Mask(credentials, public=self.url),
            judge=judge_balldontlie,
            clock=clock,
            in_headers=True,
        )


@dataclass(frozen=True, kw_only=True)
class OddsApi(HttpSettings):
    """Settings of The Odds API: its URL, which ends in `/v4/`, its `apiKey`, and how many credits
    are never spent."""

    key: str = field(repr=False)
    reserve: int
    keep_headers: tuple[str, ...] = HEADERS

    def client(self, clock: Clock) -> VendorClient:
        credentials = {"apiKey": self.key}
        return VendorClient(
            self,
            credentials=credentials,
            mask=Mask(credentials, public=self.url),
            judge=judge_odds_api,
            clock=clock,
        )


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought: its envelope, and how it ended."""

    ref: FetchRef
    envelope: bytes
    outcome: Outcome


@dataclass
class _Asked:
    """The calls of a fetch by their place in the envelope. `first` is what the fetch stands or
    falls with: without it nothing is known."""

    sections: Mapping[str, Call | Sequence[Call]]
    first: Call

    def calls(self) -> Iterator[Call]:
        for calls in self.sections.values():
            yield from (calls,) if isinstance(calls, Call) else calls


class BasketballFeed:
    """Fetches a slot of any raw asset of the feed, from the service that has it."""

    def __init__(
        self,
        balldontlie: Balldontlie,
        odds_api: OddsApi,
        *,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._balldontlie = balldontlie
        self._odds_api = odds_api
        self._clock = clock
        self._new_id = new_id
        self._questions: Mapping[str, Callable[[Slot], Awaitable[_Asked]]] = {
            "basketball/box_scores": self._box_scores,
            "basketball/calendar": self._calendar,
            "basketball/rosters": partial(self._list, sources.ACTIVE_PLAYERS, "active_players"),
            "basketball/injuries": partial(self._list, sources.INJURIES, "injuries"),
            "basketball/game_lines": self._game_lines,
            "basketball/player_props": self._player_props,
        }

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> Fetched:
        """Fetch all that this slot's raw asset is made of, now.

        Never raises because of a service: where its first call fails the outcome is `failed`, any
        other call that fails makes it `partial`. A call that would have touched the reserve of
        credits was not made and has failed, with `quota`.
        """
        return anyio.run(self._fetch, slot)

    def probe(self) -> Call:
        """Return one call of each service that failed, or else the last: what comes of addresses
        and keys. Neither costs a credit."""
        return anyio.run(self._probe)

    async def _probe(self) -> Call:
        async with self._balldontlie.client(self._clock) as client:
            call = await client.get("games", {"per_page": "1"})
        if call.error is not None:
            return call
        async with self._odds_api.client(self._clock) as client:
            return (await fetch_all(client, sources.EVENTS))[0]

    async def _fetch(self, slot: Slot) -> Fetched:
        ref = FetchRef.of(slot, self._new_id())
        began = time.monotonic()
        asked = await self._questions[slot.raw](slot)
        errors = Counter(call.error for call in asked.calls() if call.error is not None)
        if asked.first.error is not None:
            outcome, reason = Outcome.FAILED, asked.first.error
        else:
            outcome, reason = Outcome.PARTIAL if errors else Outcome.COMPLETE, None
        footer = {
            "fetch_number": ref.number,
            "random_fetch_id": ref.fetch_id,
            "nyc_timestamp": new_york_text(self._clock.now()),
            "pipeline_completion_time_seconds": round(time.monotonic() - began, 3),
            "fetch_end": END_LINE,
            "outcome": outcome,
            "reason": reason,
            "calls_failed": dict(sorted(errors.items())),
            "credits_remaining": _left(asked),
        }
        log.info("%s: %s, %d calls failed", slot, outcome, errors.total())
        sections = {"RAW_API_DATA": asked.sections}
        return Fetched(ref, write_envelope(ref, sections, footer, start_line=START_LINE), outcome)

    async def _box_scores(self, slot: Slot) -> _Asked:
        async with self._balldontlie.client(self._clock) as client:
            [call] = await fetch_all(client, sources.BOX_SCORES, {"date": str(slot.day)})
        return _Asked({"box_scores": call}, call)

    async def _calendar(self, slot: Slot) -> _Asked:
        """Every game of the season that the day is of."""
        return await self._list(
            sources.GAMES, "games", slot, params={"seasons[]": str(season_of(slot.day))}
        )

    async def _list(
        self,
        endpoint: sources.Endpoint,
        name: str,
        slot: Slot,
        *,
        params: Mapping[str, str] | None = None,
    ) -> _Asked:
        async with self._balldontlie.client(self._clock) as client:
            pages = await fetch_all(client, endpoint, params)
        return _Asked({name: pages}, pages[0])

    async def _game_lines(self, slot: Slot) -> _Asked:
        """The events, which cost nothing and say what is left, then the lines on those of the
        day."""
        credit = Credits(self._odds_api.reserve)
        async with self._odds_api.client(self._clock) as client:
            events, of_day = await self._events(client, credit, slot.day)
            ids = [event.event_id for event in of_day]
            odds: list[Call] = []
            if ids:
                odds = await fetch_all(
                    client,
                    sources.GAME_ODDS,
                    {"eventIds": ",".join(ids)},
                    admission=partial(credit.admit, sources.GAME_ODDS_COST),
                )
        return _Asked({"events": events, "odds": odds}, events)

    async def _player_props(self, slot: Slot) -> _Asked:
        """The events, then the props of those that are to begin: in the morning of all that begin
        on the day, later of those that begin within the hour."""
        credit = Credits(self._odds_api.reserve)
        found: dict[str, list[Call]] = {}
        async with self._odds_api.client(self._clock) as client:
            events, of_day = await self._events(client, credit, slot.day)
            ids = [event.event_id for event in of_day if is_asked(event.starts, slot)]

            async def ask(event_id: str) -> None:
                found[event_id] = await fetch_all(
                    client,
                    sources.EVENT_ODDS,
                    values={"event_id": event_id},
                    admission=partial(credit.admit, sources.EVENT_ODDS_COST),
                )

            async with anyio.create_task_group() as tasks:
                for event_id in ids:
                    tasks.start_soon(ask, event_id)
        props = [call for event_id in ids for call in found[event_id]]
        return _Asked({"events": events, "props": props}, events)

    async def _events(
        self, client: VendorClient, credit: Credits, day: Day
    ) -> tuple[Call, list[Event]]:
        [events] = await fetch_all(client, sources.EVENTS)
        credit.learn(events)
        if events.error is not None or events.body is None:
            return events, []
        return events, list(events_of(events.body, day))


def _left(asked: _Asked) -> int | None:
    """The fewest credits that any answer said are left; None where none said it."""
    said = [call.headers.get(REMAINING, "").partition(".")[0] for call in asked.calls()]
    return min((int(text) for text in said if text.isdecimal()), default=None)
