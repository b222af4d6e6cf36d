"""The NBA feed's own settings: its two services."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, SecretStr, field_validator

from resources.settings import PREFIX, FeedSettings, HttpUrl, SettingsError, required
from touchline.clock import CatchingUp, Clock, SystemClock


class BasketballSettings(FeedSettings):
    """Where balldontlie and The Odds API are, their keys, and how many credits are never spent."""

    balldontlie_url: HttpUrl | None = None
    """Box scores, games, rosters and injuries of the NBA: balldontlie, up to and with /v1/, like
    https://api.example.com/v1/; unset for the simulator."""
    balldontlie_key: SecretStr | None = None
    """The key of its Authorization header."""
    odds_api_url: HttpUrl | None = None
    """Lines and player props: The Odds API, up to and with /v4/, like https://odds.example.com/v4/;
    unset for the simulator."""
    odds_api_key: SecretStr | None = None
    """Its apiKey."""
    odds_api_reserve: Annotated[int, Field(ge=0)] = 50
    """Credits of The Odds API that are never spent."""
    simulated_speedup: Annotated[float, Field(ge=1)] = 1.0
    """How fast the clock of the simulated NBA runs, for demonstrations: with 360 it begins three
    days ago and has caught up after 12 minutes."""
    simulated_until: AwareDatetime | None = None
    """When that clock has caught up; `touchline up` sets it."""

    @field_validator("balldontlie_url", "odds_api_url")
    @classmethod
    def _ends_in_slash(cls, value: str | None) -> str | None:
        return value and value.rstrip("/") + "/"

    @property
    def clock(self) -> Clock:
        """The feed's own clock: the machine's, unless it is simulated and has yet to catch up."""
        if self.simulated_until is None:
            return SystemClock()
        return CatchingUp(self.simulated_until, self.simulated_speedup)

    def balldontlie(self) -> tuple[str, str]:
        """Return the URL and the key of balldontlie. Raises SettingsError, naming what is
        missing."""
        return _url(self.balldontlie_url, "BALLDONTLIE_URL"), required(
            self.balldontlie_key, "BALLDONTLIE_KEY"
        )

    def odds_api(self) -> tuple[str, str]:
        """Return the URL and the key of The Odds API. Raises SettingsError, naming what is
        missing."""
        return _url(self.odds_api_url, "ODDS_API_URL"), required(self.odds_api_key, "ODDS_API_KEY")


def _url(value: str | None, name: str) -> str:
    if value is None:
        raise SettingsError(f"{PREFIX}{name} is not set: there is nothing to fetch from")
    return value
