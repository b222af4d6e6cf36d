"""Notices to people, through whatever Apprise knows: e-mail, Telegram, Slack, a webhook, ...

A target's URL holds its token, so that none of it is ever shown but its scheme.
"""

from __future__ import annotations

import logging
import re
from io import StringIO
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

from touchline.masking import MASKED

if TYPE_CHECKING:
    from apprise import NotifyBase

_ERROR_CHARACTERS = 300
_SECRET_FROM = 4
"""A part of a URL that is shorter is a plain word or a number."""
_WEBHOOKS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
"""They send to the host that their URL names, and nowhere else."""


class NotDelivered(Exception):
    """A target did not take a notice; the text says which and why, without its URL."""


class Notifier:
    """Targets in their order, the later ones for escalation."""

    def __init__(self, urls: tuple[str, ...], *, is_live: bool) -> None:
        """Connects to nothing yet. What is not live stays on this machine: it goes to webhooks on
        loopback alone."""
        self._urls = [url for url in urls if is_live or _stays_here(url)]
        self._is_live = is_live

    @property
    def targets(self) -> int:
        return len(self._urls)

    def send(self, target: int, title: str, body: str, *, seconds: float) -> None:
        """Try this target once, for so long at most. Raises NotDelivered."""
        import apprise  # a quarter of a second that only a notice pays for

        url = self._urls[target]
        name = f"target {target + 1} ({url.partition(':')[0]})"
        plugin = _plugin(url)
        if plugin is None:
            raise NotDelivered(f"{name} is no URL that Apprise knows: see TOUCHLINE_NOTIFY_URLS")
        _hurry(plugin, seconds)
        plugin.redirects = plugin.redirects and self._is_live
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
            is_sent = plugin.notify(body=body, title=title, notify_type=apprise.NotifyType.WARNING)
            reason = cast(StringIO, said).getvalue()
        if not is_sent:
            raise NotDelivered(f"{name} did not take it: {masked(reason, url) or 'no reason'}")


def masked(text: str, url: str) -> str:
    """One line of this text without any part of the URL."""
    parts = {part for piece in re.split(r"[/:@?&=,#]", url)[1:] for part in (piece, unquote(piece))}
    line = " ".join(text.split())
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SECRET_FROM:
            line = line.replace(part, MASKED)
    return line[:_ERROR_CHARACTERS]


def _plugin(url: str) -> NotifyBase | None:
    """None for a URL that Apprise does not know, which it would log with all that stands in it."""
    import apprise

    logger = logging.getLogger("apprise")
    logger.disabled = True
    try:
        return apprise.Apprise.instantiate(url)
    finally:
        logger.disabled = False


def _hurry(plugin: NotifyBase, seconds: float) -> None:
    plugin.socket_connect_timeout = plugin.socket_read_timeout = seconds / 2


def _stays_here(url: str) -> bool:
    plugin = _plugin(url)
    if plugin is None or url.partition(":")[0].lower() not in _WEBHOOKS:
        return False
    host = str(plugin.host)
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
