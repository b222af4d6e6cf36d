"""The command `backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operations.arguments import Json, Prefix, day, refuse_inverted
from operations.backtest import as_json as json_of
from operations.backtest import rule_named, show, try_rule
from operations.backtest_plot import plot as plot_of
from operations.console import progress
from operations.opened import opened_store
from operations.whole_file import whole
from touchline.day import Day


def backtest(
    rule: Annotated[str, typer.Option(help="Rule id, like 3ou_half.")],
    first: Annotated[Day, typer.Option("--from", parser=day, metavar="DAY", help="First day.")],
    last: Annotated[Day, typer.Option("--to", parser=day, metavar="DAY", help="Last day.")],
    plot: Annotated[Path | None, typer.Option(help="SVG file for the profit hit by hit.")] = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Run an alert rule over days that have landed: where it fires, and how that turned out."""
    refuse_inverted(first, last)
    chosen = rule_named(rule)
    with opened_store(prefix) as site:
        tried = try_rule(site, chosen, first, last, progress)
    if plot is not None:
        with whole(plot) as file:
            file.write(plot_of(tried).encode())
    if as_json:
        typer.echo(json_of(tried))
    else:
        show(tried, Console())
