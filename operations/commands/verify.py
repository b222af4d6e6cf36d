"""The command `verify`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from operations.arguments import Deep, Feed, Json, OptionalDay, Prefix
from operations.console import progress
from operations.errors import EXIT_CODES
from operations.opened import opened_to_read
from operations.verify import as_json as json_of
from operations.verify import not_fetched_of, overall, remarks_of, show
from operations.verify import verify as compare
from touchline.day import Day
from touchline.errors import Misuse


def verify(
    date: OptionalDay = None,
    every_day: Annotated[
        bool, typer.Option("--all", help="Every day that the ledger or the store knows.")
    ] = False,
    feed: Feed = None,
    deep: Deep = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Compare what was recorded with what really landed."""
    if (date is not None) == every_day:
        today = Day.containing(datetime.now(UTC))
        raise Misuse(f"say which New York day with --date (today is {today}), or --all")

    with opened_to_read(prefix) as site:
        found = compare(site, date, feed, deep=deep, progress=progress)
        remarks, not_fetched = remarks_of(site, found), not_fetched_of(site, found)
        below = site.settings.s3_prefix
    if as_json:
        typer.echo(msgspec.json.encode(json_of(found, remarks, not_fetched, below)))
    else:
        show(found, remarks, not_fetched, below, Console())
    raise typer.Exit(EXIT_CODES[overall(found)])
