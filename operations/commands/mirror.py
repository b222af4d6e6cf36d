"""The command `mirror`."""

from __future__ import annotations

import json
import uuid
from typing import Annotated

import typer
from rich.console import Console

from operations.arguments import Json, Prefix
from operations.mirror import as_json as json_of
from operations.mirror import code_of, show, shown
from operations.mirror import mirror as send
from operations.opened import opened_store


def mirror(
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read every copy back again, and repair what is damaged."),
    ] = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Send sealed days to another bucket (TOUCHLINE_MIRROR_BUCKET) and verify them there."""
    with opened_store(prefix) as site, shown(Console(stderr=True)) as told:
        report = send(site, deep=deep, new_name=uuid.uuid4().hex, told=told)
    if as_json:
        typer.echo(json.dumps(json_of(report)))
    else:
        show(report, Console())
    raise typer.Exit(code_of(report))
