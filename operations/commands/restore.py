"""The command `restore`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operations.arguments import Json, Prefix
from operations.console import answer, progress
from operations.opened import settings_for
from operations.site_backup import restore as put_back


def restore(
    file: Annotated[Path, typer.Argument(help="File that `touchline backup` wrote.")],
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Make the site of a backup where there is none."""
    console = Console(stderr=True)
    with console.status("Restoring") as status:
        made = put_back(settings_for(prefix), file, datetime.now(UTC), status.update)
    said = f"restored the site of {made.at}: {made.objects + made.there:,} objects"
    answer(made, [said], as_json=as_json)
    if not as_json:
        progress(
            "what came while it was copied: touchline ledger rebuild; then touchline verify --all"
        )
