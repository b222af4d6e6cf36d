"""The commands `alerts`, `mute`, `unmute` and `acknowledge`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from operations.arguments import Json, OptionalDay, Prefix, duration
from operations.console import progress

if TYPE_CHECKING:
    from touchline.alerting import Alert, Hush
    from touchline.delivery import AlertDelivery
    from touchline.outcomes import State

Key = Annotated[
    list[str], typer.Argument(metavar="KEY", help="One key, copied from `touchline alerts`.")
]
"""In pieces where a terminal broke it over lines and the shell took them for several arguments."""
Why = Annotated[str, typer.Option("--why", help="The reason, which is kept.")]


def alerts(date: OptionalDay = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """Show what checks alert about, and what could not be delivered of that and of alerts about
    matches; of a day, also what is over, and every match that was told of, with its outcome."""
    import json
    from datetime import UTC

    from rich.console import Console

    from operations.alerts import as_json as json_of
    from operations.alerts import code_of, read, show
    from operations.opened import opened_ledger

    with opened_ledger(prefix) as ledger:
        now = datetime.now(UTC)
        found = read(ledger, date, now)
    if found.matches:
        found = replace(found, outcomes=_outcomes(prefix, found.matches))
    if as_json:
        typer.echo(json.dumps(json_of(found)))
    else:
        show(found, now, Console())
    raise typer.Exit(code_of(found, now))


def _outcomes(prefix: str | None, alerts: Sequence[AlertDelivery]) -> dict[str, State]:
    """As far as the store can be read: all else needs the ledger alone."""
    from operations.match_alerts import read_outcomes
    from operations.opened import NothingThere, opened_store
    from resources.embedded_s3 import EmbeddedS3Error
    from resources.ledger import LedgerUnavailable
    from resources.store import StoreError

    try:
        with opened_store(prefix) as site:
            return read_outcomes(site, alerts)
    except (NothingThere, EmbeddedS3Error, StoreError, LedgerUnavailable) as error:
        progress(f"how they turned out cannot be read: {error}")
        return {}


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
    from touchline.alerting import muted

    _hush(key, why, length, muted, prefix, as_json)


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
    from touchline.alerting import acknowledged

    _hush(key, why, length, acknowledged, prefix, as_json)


def unmute(key: Key, prefix: Prefix = None, as_json: Json = False) -> None:
    """Lift the mute of an alert before its time; what is still bad alerts again, unless it is
    acknowledged."""
    from datetime import UTC

    from operations.alerts import unmute, unmuted_text
    from operations.opened import opened_ledger

    now = datetime.now(UTC)
    with opened_ledger(prefix) as ledger:
        after = unmute(ledger, " ".join(key), now)
    _say(after, now, unmuted_text, as_json)


def _hush(
    key: list[str],
    why: str,
    length: timedelta,
    how: Callable[[Alert, Hush, datetime], Alert],
    prefix: str | None,
    as_json: bool,
) -> None:
    from datetime import UTC

    from operations.alerts import hush, hushed_text
    from operations.opened import opened_ledger

    now = datetime.now(UTC)
    with opened_ledger(prefix) as ledger:
        after = hush(ledger, " ".join(key), length, why, how, now)
    _say(after, now, hushed_text, as_json)


def _say(
    alert: Alert, now: datetime, text: Callable[[Alert, datetime], str], as_json: bool
) -> None:
    import json

    from operations.alerts import hushed_as_json

    typer.echo(json.dumps(hushed_as_json(alert, now)) if as_json else text(alert, now))
