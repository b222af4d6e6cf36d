"""The command `drift`."""

from __future__ import annotations

import typer

from operations.arguments import Feed, From, Json, Prefix, To, refuse_inverted
from operations.errors import BAD


def drift(
    first: From = None,
    last: To = None,
    feed: Feed = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show which days were made by another version of the code, which processes, sensors and
    settings are out of date, and the commands that help. Exits with 1 where there is any."""
    from datetime import UTC, datetime

    import msgspec
    from rich.console import Console

    from operations import drift
    from operations.opened import opened_ledger
    from operations.verify import plans_named
    from pipeline_assets.plans import PLANS
    from resources.settings import Settings

    refuse_inverted(first, last)
    with opened_ledger(prefix) as ledger:
        now = datetime.now(UTC)
        plans = plans_named(PLANS, feed)
        found = drift.look(Settings.load(), ledger, plans, first, last, now)
    if as_json:
        typer.echo(msgspec.json.encode(drift.as_json(found)))
    else:
        drift.show(found, Console())
    raise typer.Exit(0 if found.is_none else BAD)
