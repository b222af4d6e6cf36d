"""The command `mute`, and what it shares with `acknowledge` and `unmute`."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from operations.arguments import Json, Prefix, duration, said_clearly
from operations.commands.alerts import alert_as_dict, who_hushed
from operations.console import answer
from operations.opened import opened_ledger
from touchline.alerting import Alert, AlertKey, Hush, muted
from touchline.day import utc_text
from touchline.errors import Misuse

Key = Annotated[
    list[str], typer.Argument(metavar="KEY", help="One key, copied from `touchline alerts`.")
]
"""In pieces where a terminal broke it over lines and the shell took them for several arguments."""
Why = Annotated[str, typer.Option("--why", help="The reason, which is kept.")]


def mute(
    key: Key,
    why: Why,
    length: Annotated[
        timedelta,
        typer.Option("--for", parser=duration, metavar="TIME", help="Like 90m, 2h or 3d."),
    ],
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Send nothing about an alert for a while, also when it comes back; what is still bad then
    alerts again. `touchline unmute` ends it earlier."""
    hush_and_say(key, why, length, muted, prefix, as_json)


def hush_and_say(
    key: list[str],
    why: str,
    length: timedelta,
    how: Callable[[Alert, Hush, datetime], Alert],
    prefix: str | None,
    as_json: bool,
) -> None:
    """Mute or acknowledge an alert by `how`, and say how it stands then. Raises Misuse."""
    now = datetime.now(UTC)
    named = key_of(key)
    if not why.strip():
        raise Misuse("--why is empty: say what is known, for whoever looks next")
    hush = Hush((now + length).replace(microsecond=0), getpass.getuser(), why.strip())
    with opened_ledger(prefix) as ledger:
        after = ledger.hush(named, hush, how, now)
    say(named, after, now, _hushed_text, as_json)


def key_of(words: list[str]) -> AlertKey:
    """Raises Misuse."""
    return said_clearly(AlertKey.parse, " ".join(words))


def say(
    key: AlertKey,
    alert: Alert | None,
    now: datetime,
    text: Callable[[Alert, datetime], str],
    as_json: bool,
) -> None:
    """Print how an alert stands now: in the words of `text`, or as JSON. Raises Misuse where there
    is none."""
    if alert is None:
        raise Misuse(f"there is no alert {key}: `touchline alerts --date {key.day}` shows all")
    until = alert.hushed_until(now)
    said = {
        "alert": alert_as_dict(alert),
        "silent_until": None if until == now else utc_text(until),
    }
    answer(said, [text(alert, now)], as_json=as_json)


def _hushed_text(alert: Alert, now: datetime) -> str:
    until = alert.hushed_until(now)
    if until == now:
        return "it is not open; what could not be delivered of it counts as seen"
    return f"nothing is sent until {utc_text(until)}: {who_hushed(alert, now)}"
