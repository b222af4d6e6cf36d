"""The NBA: its raw assets, its stages in the order of the chain, its client."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline_assets.basketball import calendar, injuries, raw_game, raw_player_box, rosters
from pipeline_assets.basketball.box_scores import box_scores
from pipeline_assets.basketball.game_lines import RAW_LINE, game_lines
from pipeline_assets.basketball.player_props import RAW_PROP, player_props
from touchline.brought import StandIn
from touchline.plan import FeedPlan
from touchline.schedule import Planned, TimesOfDay
from touchline.stage import RawAsset

if TYPE_CHECKING:
    from pydantic import SecretStr

    from pipeline_assets.basketball.client.feed import BasketballFeed
    from pipeline_assets.settings import AllSettings
    from resources.store import Store
    from touchline.clock import Clock


def client(settings: AllSettings, clock: Clock, store: Store) -> BasketballFeed:
    """The client of both services. Raises SettingsError where a URL or key is missing."""
    from pipeline_assets.basketball.client.feed import Balldontlie, BasketballFeed, OddsApi
    from touchline.fetch import new_fetch_id

    url, key = settings.balldontlie()
    odds_url, odds_key = settings.odds_api()
    return BasketballFeed(
        Balldontlie(url=url, key=key),
        OddsApi(url=odds_url, key=odds_key, reserve=settings.odds_api_reserve),
        clock=clock,
        new_id=new_fetch_id,
    )


def stand_in_keys() -> dict[str, SecretStr]:
    """Return fresh keys for the simulator."""
    from pydantic import SecretStr

    return {
        "balldontlie_key": SecretStr(secrets.token_hex(16)),
        "odds_api_key": SecretStr(secrets.token_hex(16)),
    }


_RAWS = (
    calendar.calendar,
    rosters.rosters,
    injuries.injuries,
    box_scores,
    game_lines,
    player_props,
)


def at_speed(raw: RawAsset, speedup: float) -> RawAsset:
    """Return the raw asset with the same patience on a clock that runs so many times as fast."""
    schedule = raw.schedule
    assert isinstance(schedule, TimesOfDay | Planned)
    return replace(raw, schedule=replace(schedule, patience=schedule.patience.times(speedup)))


def speedup() -> float:
    """Return how fast the feed's clock runs, by the environment: a plan is made before settings are
    read, which say what is wrong with it."""
    try:
        return max(1.0, float(os.environ.get("TOUCHLINE_SIMULATED_SPEEDUP") or 1))
    except ValueError:
        return 1.0


basketball = FeedPlan(
    raws=tuple(at_speed(raw, speedup()) for raw in _RAWS),
    stages=(
        calendar.stage,
        rosters.stage,
        injuries.stage,
        raw_game.stage,
        raw_player_box.stage,
        RAW_LINE,
        RAW_PROP,
    ),
    client=client,
    subject="game_id",
    clock=lambda settings: settings.clock,
    stand_in=StandIn(
        stand_in_keys,
        {"balldontlie_url": "/balldontlie/v1/", "odds_api_url": "/odds_api/v4/"},
    ),
)
