"""Football's own settings: its vendor."""

from __future__ import annotations

from pydantic import SecretStr, field_validator

from resources.settings import PREFIX, FeedSettings, HttpUrl, Seconds, SettingsError, required


class FootballSettings(FeedSettings):
    """The football vendor's URL and credentials, and the time limit of a fetch."""

    feed_url: HttpUrl | None = None
    """The football vendor, up to and with /v1/football/, like
    https://vendor.example.com/v1/football/; unset for the simulator."""
    feed_user: SecretStr | None = None
    """The user name that the vendor gave us."""
    feed_secret: SecretStr | None = None
    """The secret that the vendor gave us."""
    feed_deadline_seconds: Seconds = 45.0
    """A fetch that has not ended by then keeps what it has and ends as partial."""

    @field_validator("feed_url")
    @classmethod
    def _last_slash(cls, value: str | None) -> str | None:
        return value and value.rstrip("/") + "/"

    def require_feed_url(self) -> str:
        """Return the vendor's base URL. Raises SettingsError when it is not set."""
        if self.feed_url is None:
            raise SettingsError(f"{PREFIX}FEED_URL is not set: there is nothing to fetch from")
        return self.feed_url

    def feed_credentials(self) -> tuple[str, str]:
        """Return the vendor's user and secret. Raises SettingsError, naming what is missing."""
        return (
            required(self.feed_user, "FEED_USER"),
            required(self.feed_secret, "FEED_SECRET"),
        )
