"""The feed on a site in memory, asked over loopback by its own client, on one clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from pipeline_assets.basketball.box_scores import box_scores
from pipeline_assets.basketball.client.feed import Balldontlie, BasketballFeed, OddsApi
from pipeline_assets.basketball.plan import basketball
from simulator.basketball.app import BasketballApi, Keys
from simulator.basketball.asking import Params
from simulator.basketball.faults import Fault
from simulator.basketball.season import Season
from simulator.basketball.source import Basketball, Priced
from simulator.call_log import Call
from simulator.clock import Clock
from simulator.server import Served, serve
from simulator.world import World
from tests.feeds.watched import Case, Watched, watched_in
from tests.pipeline_assets.basketball import boxes
from touchline.clock import VirtualClock
from touchline.day import Day
from touchline.fetch import Envelope, new_fetch_id
from touchline.plan import FeedPlan
from touchline.slot import Slot

KEYS = Keys(balldontlie="key-of-the-boxes", odds_api="key-of-the-odds")
BOX_SCORES = "balldontlie/box_scores"
HOUR = timedelta(hours=1)


class Following(Clock):
    """A clock of the simulator that tells the time of another."""

    leader: VirtualClock | None = None

    @property
    def frozen(self) -> bool:
        return True

    def now(self) -> datetime:
        return self.leader.now() if self.leader else super().now()


@dataclass
class Nba:
    """A watched feed and who answers it."""

    watched: Watched
    served: Served
    client: BasketballFeed

    @property
    def api(self) -> BasketballApi:
        assert self.served.basketball
        return self.served.basketball

    def spoil(self, *faults: Fault) -> None:
        """Put these faults in the place of all others."""
        self.api.faults.replace(list(faults))

    def asked(self, endpoint: str = BOX_SCORES, date: Day | None = None) -> list[Call]:
        """The calls of an endpoint, of one date where it is named."""
        calls, _ = self.api.log.since(0)
        told = [call for call in calls if call.endpoint == endpoint]
        return [call for call in told if date is None or call.params.get("date") == str(date)]

    def capture(self, slot: Slot) -> Envelope:
        """Fetch a slot at its time as another machine would, which lands nowhere."""
        self.watched.clock.set(slot.at)
        return Envelope(self.client.fetch(slot).envelope)


@contextmanager
def nba(
    folder: Path,
    source: Season | Basketball,
    day: Day,
    *,
    opened: datetime | None = None,
    plan: FeedPlan = basketball,
) -> Iterator[Nba]:
    """Watch a day, from `opened` on, its beginning by default."""
    opened = opened or day.start
    clock = Following()
    with serve(
        World(seed=1, matches=1),
        user="tester",
        secret="not-to-be-seen",
        clock=clock,
        basketball=source,
        keys=KEYS,
    ) as served:
        client: list[BasketballFeed] = []
        case = Case(
            plan=replace(plan, client=lambda *_: client[0]),
            capture=lambda slot: Envelope(client[0].fetch(slot).envelope),
            day=day,
            opened=opened,
            closed=None,
            over=day.shifted(1).start + 11 * HOUR,
        )
        watched = watched_in(folder, case)
        clock.leader = watched.clock
        client.append(client_of(served, watched.clock))
        watched.site.ledger.open_interval("basketball", opened, "simulated")
        try:
            yield Nba(watched, served, client[0])
        finally:
            watched.site.close()


def client_of(served: Served, clock: VirtualClock) -> BasketballFeed:
    """The real client, which does not wait before it asks again."""
    soon: Mapping[str, Any] = {"backoff_seconds": 0.001, "backoff_jitter_seconds": 0.0}
    return BasketballFeed(
        Balldontlie(url=served.balldontlie_url, key=KEYS.balldontlie, **soon),
        OddsApi(url=served.odds_api_url, key=KEYS.odds_api, reserve=50, **soon),
        clock=clock,
        new_id=new_fetch_id,
    )


def only(*raws: str) -> FeedPlan:
    """The feed with these raw assets, by the last part of their names, and what needs no other."""
    chosen = tuple(raw for raw in basketball.raws if raw.short_name in raws)
    there = {raw.name for raw in chosen}
    stages = []
    for stage in basketball.stages:
        if there.issuperset(stage.inputs):
            stages.append(stage)
            there.add(stage.name)
    return replace(basketball, raws=chosen, stages=tuple(stages))


@dataclass
class Told:
    """A season by hand: dates with their games, each a final one as `boxes.game` makes it.

    A game begins at 19:00 in New York and is told as to come until it is over, two hours and a half
    later.
    """

    games: Mapping[Day, Sequence[Any]]
    lists: Callable[[str], Sequence[Any]] = field(default=lambda endpoint: ())

    def balldontlie(self, endpoint: str, params: Params, at: datetime) -> bytes | None:
        if endpoint == "box_scores":
            return boxes.answer(self._of(Day.parse(params["date"][0]), at))
        if endpoint == "games":
            return boxes.answer([game for day in self.games for game in self._of(day, at)])
        return boxes.answer(list(self.lists(endpoint)))

    def odds_api(self, endpoint: str, params: Params, at: datetime) -> Priced | None:
        return Priced(b"[]")

    def _of(self, day: Day, at: datetime) -> list[Any]:
        start = day.start + 19 * HOUR
        dated = {"date": str(day), "datetime": f"{start:%Y-%m-%dT%H:%M:%S}.000Z"}
        over = at >= start + 2.5 * HOUR
        return [{**(each if over else _to_come(each)), **dated} for each in self.games.get(day, ())]


def _to_come(game: Any) -> Any:
    sides = {side: {**game[side], "players": []} for side in ("home_team", "visitor_team")}
    return boxes.not_yet(cast(int, game["id"]), **sides)


def games(count: int, first: int = 1) -> list[Any]:
    """Games of 35 rows each, no team in two of them."""
    return [
        boxes.game(
            first + nth,
            home_team=boxes.team(2 * nth + 1, boxes.rows(1000 * nth + 100, 9, 9)),
            visitor_team=boxes.team(2 * nth + 2, boxes.rows(1000 * nth + 200)),
        )
        for nth in range(count)
    ]


def box_slot(day: Day, hours: float) -> Slot:
    """The slot of box scores so many hours after the day began."""
    return Slot.of(box_scores.name, day, day.start + hours * HOUR)
