"""The command `quarantine`."""

from __future__ import annotations

import msgspec
import typer
from rich.console import Console

from operations.arguments import Json, OptionalDay, Prefix
from operations.console import progress
from operations.opened import opened_to_read
from operations.quarantined import set_aside, show


def quarantine(date: OptionalDay = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """Show what stages have set aside, and why."""
    with opened_to_read(prefix) as site:
        found = set_aside(site, date, progress)
    if as_json:
        typer.echo(msgspec.json.encode({"quarantined": found}))
    else:
        show(found, Console())
