"""Notices to people, through whatever Apprise knows: e-mail, Telegram, Slack, a webhook, ...

A target's URL holds its token, so that none of it is ever shown but its scheme.
"""

from __future__ import annotations

import difflib
import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping
from io import StringIO
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from touchline.delivery import clipped
from touchline.errors import TouchlineError
from touchline.masking import MASKED
from touchline.notices import shortened

if TYPE_CHECKING:
    from apprise import NotifyBase

_ERROR_CHARACTERS = 300
_SECRET_FROM = 4
"""A part of a URL that is shorter is a plain word or a number."""
_FORMAT = re.compile(r"(?<=[?&])format=[^&]*", re.IGNORECASE)
"""Names are no markup: each channel takes text in the form that it escapes best."""
_WEBHOOKS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
"""They send to the host that their URL names, and nowhere else."""


class NotDelivered(TouchlineError):
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

    def unknown(self) -> dict[str, str | None]:
        """The targets that Apprise cannot make anything of, by place and scheme, each with the
        scheme that was probably meant; None where that is not known, or the scheme is right."""
        return {
            self._name(place): _nearest_scheme(url.partition(":")[0].lower())
            for place, url in enumerate(self._urls)
            if _plugin(url) is None
        }

    def _name(self, target: int) -> str:
        return f"target {target + 1} ({self._scheme(target)})"

    def masked_url(self, target: int) -> str:
        """The target's URL, of which nothing is shown but its scheme."""
        return f"{self._scheme(target)}://{MASKED}"

    def _scheme(self, target: int) -> str:
        return self._urls[target].partition(":")[0]

    def send(
        self,
        target: int,
        title: str,
        body: str,
        *,
        seconds: float,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Try this target once, for so long at most. What is too long for its channel is shortened.
        A JSON webhook gets the facts as fields beside the text. Raises NotDelivered."""
        import apprise  # a quarter of a second that only a notice pays for
        from apprise.plugins.custom_json import NotifyJSON

        url = self._urls[target]
        name = self._name(target)
        plugin = _plugin(url)
        if plugin is None:
            raise NotDelivered(f"{name} is no URL that Apprise knows: see TOUCHLINE_NOTIFY_URLS")
        _hurry(plugin, seconds)
        plugin.redirects = plugin.redirects and self._is_live
        # Apprise would split by the length of its HTML, in which a space has six characters.
        plugin.overflow_mode = apprise.OverflowMode.UPSTREAM
        if self._scheme(target).lower() in _WEBHOOKS:
            plugin.body_maxlen = sys.maxsize  # Apprise's own default: they have no limit.
        if isinstance(plugin, NotifyJSON):
            plugin.payload_extras = {**(facts or {}), **plugin.payload_extras}

        def send() -> str | None:
            with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
                fitted = _fitted(plugin, title, body)
                return None if _notify(plugin, *fitted) else cast(StringIO, said).getvalue()

        reason = _within(seconds, send)
        if reason is not None:
            raise NotDelivered(f"{name} did not take it: {masked(reason, url) or 'no reason'}")


def _notify(plugin: NotifyBase, title: str, body: str) -> bool:
    """Whether the channel took all of it."""
    import apprise

    channel = apprise.Apprise()
    channel.add(plugin)
    # What is declared as text is escaped for whatever the channel makes of it.
    text = apprise.NotifyFormat.TEXT
    if plugin.resolve_format(text) is apprise.NotifyFormat.HTML:
        # Telegram's plugin makes one line break of the two that Apprise writes for a blank line,
        # and reads carriage returns as line breaks; in HTML elsewhere these are mere spaces.
        body = body.replace("\n\n", "\n\n\r\r")
    warning = apprise.NotifyType.WARNING
    return bool(channel.notify(body, title, notify_type=warning, body_format=text))


def _fitted(plugin: NotifyBase, title: str, body: str) -> tuple[str, str]:
    """Title and body as they fit into one message of the channel."""
    # Without a title of its own the channel puts it above the body: half of that at most.
    title = clipped(title, plugin.title_maxlen or plugin.body_maxlen // 2)
    return title, shortened(body, lambda text: _fits(plugin, title, text))


def _fits(plugin: NotifyBase, title: str, body: str) -> bool:
    """Whether the channel takes it, by what Apprise knows of its limits, in the form in which it
    would be sent: escaped, and with the title where that counts. Sends nothing."""
    lengths = list[int]()

    def measure(body: str, title: str = "", *_: object, **__: object) -> bool:
        beside = len(f"{title}\r\n") if title and plugin.overflow_amalgamate_title else 0
        lengths.append(len(body) + beside)
        return True

    plugin.send = measure
    try:
        _notify(plugin, title, body)
    finally:
        del plugin.send
    # Further lines than these Apprise leaves out without a word.
    lines = plugin.body_max_line_count or sys.maxsize
    return body.count("\n") < lines and lengths != [] and max(lengths) <= plugin.body_maxlen


def _within(seconds: float, send: Callable[[], str | None]) -> str | None:
    """Why it was not sent; None when it was. Time-outs of a connection bound neither the search for
    its host nor an answer that comes byte by byte: whatever takes longer is left to itself."""
    said: list[str | None] = [f"no answer within {seconds:.1f} s"]

    def run() -> None:
        try:
            said.append(send())
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return said[-1]


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
        # Its own time-out keeps a pool of threads, which a process waits for at its end.
        asset = apprise.AppriseAsset(service_timeout=0)
        return apprise.Apprise.instantiate(_FORMAT.sub("format=text", url), asset=asset)
    except Exception:
        return None  # Some of its parsers raise over what they do not understand.
    finally:
        logger.disabled = False


def _nearest_scheme(scheme: str) -> str | None:
    """By Apprise's schemes and the names of its services: Telegram's is tgram."""
    import apprise

    known: dict[str, str] = {}
    for service in apprise.Apprise().details()["schemas"]:
        schemes = [*(service["secure_protocols"] or ()), *(service["protocols"] or ())]
        known |= {str(service["service_name"]).lower().replace(" ", ""): each for each in schemes}
        known |= {each: each for each in schemes}
    near = difflib.get_close_matches(scheme, known, 1, cutoff=0.7)
    return known[near[0]] if near and known[near[0]] != scheme else None


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
