"""The command `reprocess`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from operations.arguments import DayOption, Deep, Feed, Json, Prefix
from operations.console import progress
from operations.errors import BAD, UNKNOWN
from operations.opened import opened_to_read
from operations.repairs import repair_day, show_repair
from touchline.errors import Misuse


def reprocess(
    date: DayOption,
    asset: Annotated[
        str | None, typer.Option(help="One asset, with what follows from it. [default: all]")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and change nothing.")
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Why. With --asset: all of its fetches are made anew."),
    ] = None,
    feed: Feed = None,
    deep: Deep = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Repair a day: what is lost, late or made by an older version is made of what is there."""
    if reason is not None and not reason.strip():
        raise Misuse("--reason says nothing: write why")
    with opened_to_read(prefix) as site:
        repair = repair_day(
            site, date, asset, feed, reason, dry_run=dry_run, deep=deep, progress=progress
        )
    if as_json:
        typer.echo(msgspec.json.encode(repair.as_dict()))
    else:
        show_repair(repair, Console())
    if repair.is_bad:
        raise typer.Exit(BAD)
    if repair.is_unchecked:
        raise typer.Exit(UNKNOWN)
