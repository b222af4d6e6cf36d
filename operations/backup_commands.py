"""The commands `backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.arguments import Json, Prefix
from operations.console import failure, progress
from operations.errors import BAD


def backup(
    file: Annotated[Path, typer.Argument(help="File to write, which must not exist.")],
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Copy a whole site to a file, while Touchline goes on: ledger, spool, inbox and store."""
    import json

    from rich.console import Console

    from operations.opened import opened_to_read
    from operations.site_backup import back_up

    console = Console(stderr=True)
    with opened_to_read(prefix) as site, console.status("Copying") as status:
        made = back_up(site, file, status.update)
    if as_json:
        typer.echo(json.dumps(made.as_dict()))
    else:
        waits = f"{made.spooled} spooled, {made.inbox} in the inbox"
        typer.echo(f"{file}: {made.objects:,} objects, {waits}, {made.bytes:,} B")
    if not made.ledger:
        progress("the ledger is not in it: copy it with its database's own tool")
    for key, why in made.damaged.items():
        failure(f"{key} is not in it: {why}")
    raise typer.Exit(BAD if made.damaged else 0)


def restore(
    file: Annotated[Path, typer.Argument(help="File that `touchline backup` wrote.")],
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Make the site of a backup where there is none."""
    import json
    from datetime import UTC, datetime

    from rich.console import Console

    from operations.opened import settings_for
    from operations.site_backup import restore

    console = Console(stderr=True)
    with console.status("Restoring") as status:
        made = restore(settings_for(prefix), file, datetime.now(UTC), status.update)
    if as_json:
        typer.echo(json.dumps(made.as_dict()))
        return
    typer.echo(f"restored the site of {made.at}: {made.objects + made.there:,} objects")
    progress("what came while it was copied: touchline ledger rebuild; then touchline verify --all")
