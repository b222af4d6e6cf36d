"""The command `lags`."""

from __future__ import annotations

import msgspec
import typer
from rich.console import Console

from operations.arguments import DayOption, Json, Prefix
from operations.console import progress
from operations.lags import lags_of_day, show
from operations.opened import opened_store


def lags(date: DayOption, prefix: Prefix = None, as_json: Json = False) -> None:
    """Show which companies move the price before the score text at a goal, and by how much."""
    with opened_store(prefix) as site:
        found = lags_of_day(site, date, progress)
    if as_json:
        typer.echo(msgspec.json.encode({"date": str(date), "lags": found}))
    else:
        show(date, found, Console())
