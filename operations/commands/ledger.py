"""The command `ledger` and those below it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operations import ledger as books
from operations.arguments import From, Json, Prefix, To, refuse_inverted
from operations.console import progress
from operations.errors import BAD, UNKNOWN
from operations.opened import opened_to_read, opened_to_rebuild, settings_for
from resources.settings import Settings
from touchline.accounting import Verdict

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def ledger() -> None:
    """The ledger: made anew, copied, put back."""


@app.command()
def rebuild(
    first: From = None,
    last: To = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Make every row anew that the ledger has lost, from the store and from Dagster's events, and
    verify what it then says. A damaged ledger is put aside first."""
    refuse_inverted(first, last)
    console = Console(stderr=True)
    status = console.status("Rebuilding")
    told = status.update if console.is_terminal else progress
    aside = books.put_damaged_aside(settings_for(prefix), datetime.now(UTC))
    if aside:
        typer.echo(f"the damaged ledger is kept at {aside}", err=True)
    with opened_to_rebuild(prefix) as site, status:
        report = books.rebuild(site, first, last, told)
    report.aside = aside
    if as_json:
        typer.echo(json.dumps(report.as_dict()))
    else:
        books.show(report, Console())
    codes = {Verdict.OK: 0, Verdict.BAD: BAD, Verdict.COULD_NOT_CHECK: UNKNOWN}
    raise typer.Exit(codes[report.verdict])


@app.command()
def runs(
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show the newest runs: what they were for, how they ended and why."""
    with opened_to_read(prefix) as site:
        found = site.ledger.newest_runs(count)
    if as_json:
        typer.echo(json.dumps({"runs": [books.run_as_dict(row) for row in found]}))
    else:
        books.show_runs(found, Console())


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write, which must not exist.")],
    as_json: Json = False,
) -> None:
    """Copy the ledger to a file, while Touchline goes on."""
    size = books.backup(Settings.load(), file)
    typer.echo(json.dumps({"file": str(file), "bytes": size}) if as_json else f"{file}: {size:,} B")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="File that `touchline ledger backup` wrote.")],
    as_json: Json = False,
) -> None:
    """Put a backup in the ledger's place; what came after it `touchline ledger rebuild` brings."""
    kept = books.restore(Settings.load(), file, datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps({"restored": str(file), "kept": kept and str(kept)}))
        return
    typer.echo(f"restored from {file}")
    if kept:
        typer.echo(f"the ledger of before is kept at {kept}")
    typer.echo("what came after the backup: touchline ledger rebuild", err=True)
