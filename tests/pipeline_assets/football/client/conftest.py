"""A world of a few matches, served by the simulator over HTTP, and a feed that asks it."""

from __future__ import annotations

import itertools
import json
import socket
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline_assets.football.client.feed import FeedSettings, FetchedMinute, FootballFeed
from resources.vendor.quota import Quota
from resources.vendor.reference_cache import MemoryBlob, ReferenceCache
from simulator.history import MarketRows
from simulator.server import Served, serve
from tests.slots import slot_at
from touchline.clock import Clock, VirtualClock
from touchline.day import Minute
from touchline.fetch import Envelope, new_fetch_id

FIRST_DAY = datetime(2025, 3, 10, 17, 0, tzinfo=UTC)
"""01:00 PM in New York. Each test has a day of its own: the simulator's quota is unspent then."""
USER, SECRET = "watcher-77", "s3cr3t/+value"
SOON = 1.0
"""Seconds after which a call that is never answered has timed out; a busy machine answers the
others within them."""


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class SmallWorld:
    """Matches by id with their status; each has two teams of its own, all one competition."""

    statuses: dict[str, int]
    odds_version: int = 0
    teams_named: bool = True
    """Without names a match costs two calls, so that a world of many is quick to ask."""
    left: dict[str, int] = field(default_factory=dict)
    """Matches that are answered for by their id and are not in the live list."""

    def become(self, statuses: dict[str, int]) -> None:
        self.statuses, self.odds_version, self.teams_named = statuses, 0, True
        self.left = {}

    def live(self, at: int) -> Sequence[str]:
        return list(self.statuses)

    def live_entry(self, match_id: str, at: int) -> bytes:
        side = [0, 0, 0, 0, 3, 0, 0]
        score = [match_id, self.statuses[match_id], side, side, 0, ""]
        return _json({"id": match_id, "score": score, "stats": [], "incidents": [], "tlive": []})

    def recent(self, at: int, since: int | None = None) -> Sequence[str]:
        return list(self.statuses)

    def detail(self, match_id: str, at: int) -> bytes | None:
        status = self.statuses.get(match_id, self.left.get(match_id))
        if status is None:
            return None
        home, away = (f"home-{match_id}", f"away-{match_id}") if self.teams_named else ("", "")
        return _json(
            {
                "id": match_id,
                "competition_id": "league",
                "home_team_id": home,
                "away_team_id": away,
                "status_id": status,
                "home_scores": [0, 0, 0, 0, 3, 0, 0],
                "away_scores": [0, 0, 0, 0, 3, 0, 0],
            }
        )

    def odds(self, match_id: str, at: int) -> bytes | None:
        row = [at + self.odds_version, "", 0.9, 0.5, 0.9, 1, 0, "0-0"]
        return _json({"2": {"asia": [row]}})

    def odds_rows(self, match_id: str, after: int, until: int) -> Sequence[MarketRows]:
        return []

    def teams(self) -> Sequence[str]:
        return []

    def team(self, team_id: str) -> bytes | None:
        return _json({"id": team_id, "name": f"Ñandú {team_id}"})

    def competitions(self) -> Sequence[str]:
        return ["league"]

    def competition(self, competition_id: str) -> bytes | None:
        return _json({"id": competition_id, "name": "Example League", "country_id": "land"})

    def countries(self) -> bytes:
        return _json([{"id": "land", "name": "Exampleland"}])


@dataclass
class Site:
    """A running simulator, and everything a feed needs to ask it."""

    served: Served
    world: SmallWorld
    start: datetime
    clock: VirtualClock
    blob: MemoryBlob = field(default_factory=MemoryBlob)
    quota: Quota = field(default_factory=Quota)

    def feed(self, *, clock: Clock | None = None, **settings: Any) -> FootballFeed:
        wanted = {
            "url": self.served.url,
            "user": USER,
            "secret": SECRET,
            "backoff_seconds": 0.01,
            "backoff_jitter_seconds": 0.01,
            **settings,
        }
        return FootballFeed(
            FeedSettings(**wanted),
            clock=clock or self.clock,
            quota=self.quota,
            cache=ReferenceCache(self.blob),
            new_id=new_fetch_id,
        )

    def fetch(
        self,
        minutes_later: float = 0,
        *,
        previous: FetchedMinute | None = None,
        ask: Sequence[str] = (),
        **settings: Any,
    ) -> FetchedMinute:
        """Fetch at this time, with a new feed as each minute's process has."""
        self.clock.set(self.start + timedelta(minutes=minutes_later))
        self.served.clock.set(self.clock.now())
        self.served.log.clear()
        return self.feed(**settings).fetch(
            slot_at(Minute.containing(self.clock.now())),
            previous=Envelope(previous.envelope) if previous else None,
            ask=ask,
        )

    def faults(self, *faults: dict[str, Any]) -> None:
        """Put these faults in force over the simulator's control side."""
        url = self.served.control_url + "faults"
        urllib.request.urlopen(urllib.request.Request(url, _json(faults), method="PUT")).close()

    def asked(self) -> list[tuple[str, str | None]]:
        """What the simulator was asked in the last fetch: endpoint and uuid."""
        return [(call.endpoint, call.params.get("uuid")) for call in self.served.log.since(0)[0]]


SiteOf = Callable[[dict[str, int]], Site]


@pytest.fixture(scope="session")
def simulator() -> Iterator[tuple[Served, SmallWorld]]:
    """One simulator for all tests; its world is changed and never replaced."""
    world = SmallWorld({})
    with serve(world, user=USER, secret=SECRET) as served:
        yield served, world


@pytest.fixture(scope="session")
def days() -> Iterator[datetime]:
    return (FIRST_DAY + timedelta(days=day) for day in itertools.count())


@pytest.fixture
def site_of(simulator: tuple[Served, SmallWorld], days: Iterator[datetime]) -> SiteOf:
    """A site for any world; one a test."""
    served, world = simulator

    def started(statuses: dict[str, int]) -> Site:
        world.become(statuses)
        start = next(days)
        site = Site(served, world, start, VirtualClock(start))
        site.faults()
        return site

    return started


@pytest.fixture
def site(site_of: SiteOf) -> Site:
    """Three matches: first half, half-time, ended."""
    return site_of({"m1": 2, "m2": 3, "m3": 8})


@pytest.fixture
def free_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
