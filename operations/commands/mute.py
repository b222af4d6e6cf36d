"""The command `mute`, and what it shares with `acknowledge` and `unmute`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from operations.alerts import hush, hushed_as_json, hushed_text
from operations.arguments import Json, Prefix, duration
from operations.opened import opened_ledger
from touchline.alerting import Alert, Hush, muted

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
    """Mute or acknowledge an alert by `how`, and say how it stands then."""
    now = datetime.now(UTC)
    with opened_ledger(prefix) as ledger:
        after = hush(ledger, " ".join(key), length, why, how, now)
    say(after, now, hushed_text, as_json)


def say(alert: Alert, now: datetime, text: Callable[[Alert, datetime], str], as_json: bool) -> None:
    """Print how an alert stands now: in the words of `text`, or as JSON."""
    typer.echo(json.dumps(hushed_as_json(alert, now)) if as_json else text(alert, now))
