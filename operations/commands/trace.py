"""The command `trace`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from operations.arguments import Fetch, Json, OptionalDay, Prefix
from operations.console import progress
from operations.match_names import match_meant
from operations.opened import opened_to_read
from operations.trace import show
from operations.trace import trace as fates_of


def trace(
    match: Annotated[
        str, typer.Option(metavar="MATCH", help="Match id, or a part of a team's name.")
    ],
    date: OptionalDay = None,
    fetch: Fetch = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show the fate of one match in every asset: landed where, dropped or set aside why."""
    with opened_to_read(prefix) as site:
        meant = match_meant(site, match, date, progress)
        found = fates_of(site, meant.match_id, date, fetch, progress)
    if as_json:
        typer.echo(
            msgspec.json.encode({"match": meant.match_id, "name": meant.name, "fates": found})
        )
    else:
        show(meant.match_id, meant.name, found, Console())
