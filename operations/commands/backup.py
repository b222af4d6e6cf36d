"""The command `backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operations.arguments import Json, Prefix
from operations.console import answer, failure, progress
from operations.errors import BAD
from operations.opened import opened_to_read
from operations.site_backup import back_up


def backup(
    file: Annotated[Path, typer.Argument(help="File to write, which must not exist.")],
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Copy a whole site to a file, while Touchline goes on: ledger, spool, inbox and store."""
    console = Console(stderr=True)
    with opened_to_read(prefix) as site, console.status("Copying") as status:
        made = back_up(site, file, status.update)
    waits = f"{made.spooled} spooled, {made.inbox} in the inbox"
    said = f"{file}: {made.objects:,} objects, {waits}, {made.bytes:,} B"
    answer(made, [said], as_json=as_json)
    if not made.ledger:
        progress("the ledger is not in it: copy it with its database's own tool")
    for key, why in made.damaged.items():
        failure(f"{key} is not in it: {why}")
    raise typer.Exit(BAD if made.damaged else 0)
