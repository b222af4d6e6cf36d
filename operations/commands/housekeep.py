"""The command `housekeep`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from operations.arguments import Json
from operations.errors import BAD
from operations.housekeep import as_json as json_of
from operations.housekeep import keep_house, show
from resources.settings import Settings


def housekeep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Let go of what nobody looks at any more: runs, ticks and logs of Dagster, and the ledger's
    history of what landed as first claimed. A sensor asks for it every hour. What the pages show of
    a partition or a check stays."""
    report = keep_house(Settings.load(), datetime.now(UTC), is_dry=dry_run)
    if as_json:
        typer.echo(msgspec.json.encode(json_of(report)))
    else:
        show(report, Console())
    raise typer.Exit(BAD if report.findings else 0)
