"""The URL of a database: read, and shown without its secrets."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError


def database_url(text: str) -> URL:
    """Raises ValueError, whose text has nothing of the URL."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(
            "needs a SQLAlchemy URL like postgresql://user@host/touchline, with %40 for an @ "
            "and %3A for a : in its password"
        ) from None
    if "@" in (url.host or ""):  # A part of the password, which would be shown as the host is.
        raise ValueError("needs %40 for each @ in its password")
    return url


def shown(url: URL) -> str:
    """The URL without driver, password and options, for people."""
    return url.set(drivername=url.get_backend_name(), query={}).render_as_string(hide_password=True)


def without_secrets(url: URL, message: str) -> str:
    """What was said about this database, without password and values of options, a host's name
    excepted."""
    options = (value for name, value in url.query.items() if name != "host")
    secrets = [url.password, *(each for each in options if isinstance(each, str))]
    for secret in filter(None, secrets):
        message = message.replace(secret, "***")
    return message
