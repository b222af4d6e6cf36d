"""The command `alerts`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import typer
from rich.console import Console

from operations.alerts import as_json as json_of
from operations.alerts import code_of, read, show
from operations.arguments import Json, OptionalDay, Prefix
from operations.console import progress
from operations.match_alerts import read_outcomes
from operations.opened import opened_ledger, opened_store
from touchline.delivery import AlertDelivery
from touchline.errors import Unavailable
from touchline.outcomes import State


def alerts(date: OptionalDay = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """Show what checks alert about, and what could not be delivered of that and of alerts about
    matches; of a day, also what is over, and every match that was told of, with its outcome."""
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
    try:
        with opened_store(prefix) as site:
            return read_outcomes(site, alerts)
    except Unavailable as error:
        progress(f"how they turned out cannot be read: {error}")
        return {}
