"""The NBA: its raw assets, its stages in the order of the chain, its client."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pipeline_assets.basketball import calendar, injuries, raw_game, raw_player_box, rosters
from pipeline_assets.basketball.box_scores import box_scores
from pipeline_assets.basketball.game_lines import RAW_LINE, game_lines
from pipeline_assets.basketball.player_props import RAW_PROP, player_props
from touchline.brought import StandIn
from touchline.plan import FeedPlan

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


basketball = FeedPlan(
    raws=(
        calendar.calendar,
        rosters.rosters,
        injuries.injuries,
        box_scores,
        game_lines,
        player_props,
    ),
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
    stand_in=StandIn(
        stand_in_keys,
        {"balldontlie_url": "/balldontlie/v1/", "odds_api_url": "/odds_api/v4/"},
    ),
)
