"""The commands `losses` and `reprocess`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from operations.arguments import DayOption, Feed, From, Json, Prefix, To, refuse_inverted
from operations.console import progress
from operations.errors import BAD, UNKNOWN, Misused

Deep = Annotated[
    bool, typer.Option("--deep", help="Read every object back, whatever was read before.")
]


def losses(
    first: From = None,
    last: To = None,
    feed: Feed = None,
    deep: Deep = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show every loss, what it is, and whether it can be repaired."""
    from operations.opened import opened_to_read
    from operations.repairs import losses_between, next_of_losses, show_losses
    from operations.verify import plans_of
    from pipeline_assets.repair.losses import exit_code

    refuse_inverted(first, last)
    with opened_to_read(prefix) as site:
        plans = plans_of(site, feed)
        found = losses_between(site, plans, first, last, deep=deep, progress=progress)
        below = site.settings.s3_prefix
    if as_json:
        _print_json({"losses": found, "next": next_of_losses(found, below, deep=deep)})
    else:
        show_losses(found, below, _console(), deep=deep)
    raise typer.Exit(exit_code(found))


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
    from operations.opened import opened_to_read
    from operations.repairs import repair_day, show_repair

    if reason is not None and not reason.strip():
        raise Misused("--reason says nothing: write why")
    with opened_to_read(prefix) as site:
        repair = repair_day(
            site, date, asset, feed, reason, dry_run=dry_run, deep=deep, progress=progress
        )
    if as_json:
        _print_json(repair.as_dict())
    else:
        show_repair(repair, _console())
    if repair.is_bad:
        raise typer.Exit(BAD)
    if repair.is_unchecked:
        raise typer.Exit(UNKNOWN)


def _print_json(value: Any) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(value))


def _console() -> Any:
    from rich.console import Console

    return Console()
