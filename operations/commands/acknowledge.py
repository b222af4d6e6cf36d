"""The command `acknowledge`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from operations.arguments import Json, Prefix, duration
from operations.commands.mute import Key, Why, hush_and_say
from touchline.alerting import acknowledged


def acknowledge(
    key: Key,
    why: Why,
    length: Annotated[
        timedelta,
        typer.Option("--for", parser=duration, metavar="TIME", help="Like 90m, 2h or 3d."),
    ] = "1d",  # pyright: ignore[reportArgumentType]  # typer parses it
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Send nothing about an open alert until it is over, or for so long; and call what could not
    be delivered of it seen."""
    hush_and_say(key, why, length, acknowledged, prefix, as_json)
