"""The command `housekeep`."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.arguments import Json
from operations.errors import BAD


def housekeep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Let go of what nobody looks at any more: runs, ticks and logs of Dagster, and the ledger's
    history of what landed as first claimed. A sensor asks for it every hour. What the pages show of
    a partition or a check stays."""
    from datetime import UTC, datetime

    import msgspec
    from rich.console import Console

    from operations import housekeep
    from resources.settings import Settings

    report = housekeep.keep_house(Settings.load(), datetime.now(UTC), is_dry=dry_run)
    if as_json:
        typer.echo(msgspec.json.encode(housekeep.as_json(report)))
    else:
        housekeep.show(report, Console())
    raise typer.Exit(BAD if report.findings else 0)
