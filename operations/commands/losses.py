"""The command `losses`."""

from __future__ import annotations

import msgspec
import typer
from rich.console import Console

from operations.arguments import Deep, Feed, From, Json, Prefix, To, refuse_inverted
from operations.console import progress
from operations.opened import opened_to_read
from operations.repairs import losses_between, next_of_losses, show_losses
from operations.verify import plans_of
from pipeline_assets.repair.losses import exit_code


def losses(
    first: From = None,
    last: To = None,
    feed: Feed = None,
    deep: Deep = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show every loss, what it is, and whether it can be repaired."""
    refuse_inverted(first, last)
    with opened_to_read(prefix) as site:
        plans = plans_of(site, feed)
        found = losses_between(site, plans, first, last, deep=deep, progress=progress)
        below = site.settings.s3_prefix
    if as_json:
        typer.echo(
            msgspec.json.encode({"losses": found, "next": next_of_losses(found, below, deep=deep)})
        )
    else:
        show_losses(found, below, Console(), deep=deep)
    raise typer.Exit(exit_code(found))
