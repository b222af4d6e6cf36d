"""The commands `alerts`, `mute` and `acknowledge`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from operations.arguments import Json, OptionalDay, Prefix, duration

Key = Annotated[str, typer.Argument(metavar="KEY", help="As `touchline alerts` shows it.")]
Why = Annotated[str, typer.Option("--why", help="The reason, which is kept.")]


def alerts(date: OptionalDay = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """Show what checks alert about, and what could not be delivered of that and of alerts about
    matches; of a day, also what is over, and every match that was told of."""
    import json
    from datetime import UTC, datetime

    from rich.console import Console

    from operations.alerts import as_json as json_of
    from operations.alerts import code_of, read, show
    from operations.opened import opened_ledger

    with opened_ledger(prefix) as ledger:
        now = datetime.now(UTC)
        found = read(ledger, date, now)
    if as_json:
        typer.echo(json.dumps(json_of(found)))
    else:
        show(found, now, Console())
    raise typer.Exit(code_of(found, now))


def mute(
    key: Key,
    why: Why,
    length: Annotated[
        timedelta,
        typer.Option("--for", parser=duration, metavar="TIME", help="Like 90m, 2h or 3d."),
    ],
    prefix: Prefix = None,
) -> None:
    """Send nothing about an alert for a while, also when it comes back; what is still bad then
    alerts again."""
    from operations.alerts import hush
    from operations.opened import opened_ledger
    from touchline.alerting import muted

    with opened_ledger(prefix) as ledger:
        typer.echo(hush(ledger, key, length, why, muted))


def acknowledge(
    key: Key,
    why: Why,
    length: Annotated[
        timedelta,
        typer.Option("--for", parser=duration, metavar="TIME", help="Like 90m, 2h or 3d."),
    ] = "1d",  # pyright: ignore[reportArgumentType]  # typer parses it
    prefix: Prefix = None,
) -> None:
    """Send nothing about an open alert until it is over, or for so long; and call what could not
    be delivered of it seen."""
    from operations.alerts import hush
    from operations.opened import opened_ledger
    from touchline.alerting import acknowledged

    with opened_ledger(prefix) as ledger:
        typer.echo(hush(ledger, key, length, why, acknowledged))
