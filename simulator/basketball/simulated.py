"""Both services over one season."""

from __future__ import annotations

from datetime import datetime

from simulator.basketball.asking import Params
from simulator.basketball.balldontlie import Balldontlie
from simulator.basketball.odds_api import OddsApi
from simulator.basketball.season import Season
from simulator.basketball.source import Priced


class Simulated:
    """A season as balldontlie and The Odds API tell it."""

    def __init__(self, season: Season) -> None:
        self._balldontlie = Balldontlie(season)
        self._odds_api = OddsApi(season)

    def balldontlie(self, endpoint: str, params: Params, at: datetime) -> bytes | None:
        return self._balldontlie.body(endpoint, params, at)

    def odds_api(self, endpoint: str, params: Params, at: datetime) -> Priced | None:
        return self._odds_api.answer(endpoint, params, at)
