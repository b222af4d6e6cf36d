"""The command `drift`."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import typer
from rich.console import Console

from operations.arguments import Feed, From, Json, Prefix, To, refuse_inverted
from operations.drift import as_json as json_of
from operations.drift import look, show
from operations.errors import BAD
from operations.opened import opened_ledger
from operations.verify import plans_named
from pipeline_assets.plans import PLANS
from resources.settings import Settings


def drift(
    first: From = None,
    last: To = None,
    feed: Feed = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show which days were made by another version of the code, which processes, sensors and
    settings are out of date, and the commands that help. Exits with 1 where there is any."""
    refuse_inverted(first, last)
    with opened_ledger(prefix) as ledger:
        now = datetime.now(UTC)
        plans = plans_named(PLANS, feed)
        found = look(Settings.load(), ledger, plans, first, last, now)
    if as_json:
        typer.echo(msgspec.json.encode(json_of(found)))
    else:
        show(found, Console())
    raise typer.Exit(0 if found.is_none else BAD)
