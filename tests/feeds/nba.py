"""A night of the NBA: the games of one date of a simulated season, asked for by the real client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from pipeline_assets.basketball.plan import basketball
from pipeline_assets.settings import AllSettings
from pipeline_assets.slot_run import SlotReport
from resources.site import Site
from simulator.basketball.app import Keys
from simulator.basketball.asking import Params
from simulator.basketball.season import Season
from simulator.basketball.simulated import Simulated
from simulator.basketball.source import Priced
from simulator.server import Served, serve
from simulator.source import Source
from tests.feeds.watched import Case, Watched
from tests.ledgers import put_ledger
from tests.stores import memory
from touchline.clock import VirtualClock
from touchline.day import Day
from touchline.fetch import Envelope
from touchline.slot import Slot

FEED = basketball.name
NIGHT = Day.parse("2026-01-13")
"""It has three games."""
BOOKS, MARKETS = 2, 3
FIRST_CALLS = {
    "calendar": "balldontlie/games",
    "rosters": "balldontlie/players/active",
    "injuries": "balldontlie/player_injuries",
    "box_scores": "balldontlie/box_scores",
    "game_lines": "odds_api/*/events",
    "player_props": "odds_api/*/events",
}
"""Of each raw asset, the endpoint that its fetch stands or falls with."""
KEYS = Keys("balldontlie-key", "odds-api-key")


class Night(Simulated):
    """A season of which the calendar tells one date alone, and two books quote three markets: a
    test of all of it would take a minute and more."""

    def __init__(self) -> None:
        super().__init__(Season(1))

    def balldontlie(self, endpoint: str, params: Params, at: datetime) -> bytes | None:
        body = super().balldontlie(endpoint, params, at)
        if endpoint != "games" or body is None:
            return body
        told = msgspec.json.decode(body)
        told["data"] = [game for game in told["data"] if game["date"] == str(NIGHT)]
        return msgspec.json.encode(told)

    def odds_api(self, endpoint: str, params: Params, at: datetime) -> Priced | None:
        priced = super().odds_api(endpoint, params, at)
        if priced is None or not endpoint.endswith("odds"):
            return priced
        told = msgspec.json.decode(priced.body)
        for event in told if isinstance(told, list) else [told]:
            event["bookmakers"] = event["bookmakers"][:BOOKS]
            for book in event["bookmakers"]:
                book["markets"] = book["markets"][:MARKETS]
        return priced._replace(body=msgspec.json.encode(told))


@contextmanager
def nba(football: Source) -> Iterator[Served]:
    """Both services, which tell of the night."""
    with serve(football, user="u", secret="s", basketball=Night(), keys=KEYS) as served:
        yield served


def case_of(until: timedelta) -> Case:
    """The night, which is watched for so long after its date began."""
    return Case(basketball, _nobody, NIGHT, NIGHT.start, None, NIGHT.start + until)


def _nobody(slot: Slot) -> Envelope:
    raise NotImplementedError(f"{slot}: its run asks for it")


@dataclass
class WatchedNight(Watched):
    """The night's own slots alone are run, and the vendor's clock is the site's."""

    vendor: Served

    def run(self, slot: Slot) -> SlotReport:
        self.vendor.clock.set(slot.at)
        return super().run(slot)

    def slots(self, until: datetime) -> Iterator[Slot]:
        return (slot for slot in super().slots(until) if slot.day == NIGHT)


def night_in(folder: Path, vendor: Served, case: Case) -> WatchedNight:
    """Return a site in a folder, on what is there of an earlier one."""
    access, _ = memory(folder / "store")
    put_ledger(folder / "home" / "ledger.sqlite")
    settings = AllSettings.load(
        _env_file=None,
        home=folder / "home",
        s3_prefix="feeds",
        origin="simulated",
        balldontlie_url=vendor.balldontlie_url,
        balldontlie_key=KEYS.balldontlie,
        odds_api_url=vendor.odds_api_url,
        odds_api_key=KEYS.odds_api,
    )
    clock = VirtualClock(case.opened)
    site = Site.open(settings, {FEED: case.plan}, access, clock=clock)
    return WatchedNight(case, site, clock, vendor)
