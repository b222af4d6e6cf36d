"""The command `replay`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from operations.arguments import Source
from operations.console import progress
from operations.errors import EXIT_CODES
from operations.replay import ReplayOptions, Totals
from operations.replay import replay as run
from resources.settings import Settings
from touchline.day import Minute


def replay(
    minutes: Annotated[int, typer.Option(min=1, help="How many scheduled minutes.")],
    start: Annotated[
        str, typer.Option(help="The first minute, ISO 8601 with zone.")
    ] = "2025-05-28T17:00:00Z",
    source: Annotated[Source, typer.Option(help="Where matches come from.")] = Source.SIMULATED,
    data: Annotated[
        Path | None, typer.Option(help="Folder of a recorded poll, for --source recorded.")
    ] = None,
    matches: Annotated[
        int | None, typer.Option(min=1, help="Simulated matches in every live list.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the simulated world.")] = 1,
    prefix: Annotated[
        str | None,
        typer.Option(help="Where it is written. [default: replay/<source>-<seed>]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Run scheduled minutes back to back on a virtual clock, all stages and checks included."""
    try:
        first = Minute.parse(start)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--start") from None
    if source is Source.RECORDED and data is None:
        raise typer.BadParameter("--source recorded needs it", param_hint="--data")
    options = ReplayOptions(minutes, first, source.value, data, matches, seed, prefix)
    with progress_shown(source.value, minutes) as tick:
        totals = run(Settings.load(takes_memory=True), options, tick=tick)
    if as_json:
        typer.echo(json.dumps(totals.as_dict()))
    else:
        _show(totals, options.store_prefix)
    for failure in dict.fromkeys(totals.failures):
        typer.secho(failure, err=True, fg=typer.colors.RED)
    raise typer.Exit(EXIT_CODES[totals.verdict])


@contextmanager
def progress_shown(source: str, minutes: int) -> Iterator[Callable[[Totals], None]]:
    """What tells people of each minute on stderr: a bar on a terminal, elsewhere a line for each
    tenth of the minutes."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Progress(console=console, transient=True) as bars:
            bar = bars.add_task(f"Replaying {source} minutes", total=minutes)
            yield lambda so_far: bars.update(bar, completed=so_far.ticks)
        return

    def line(so_far: Totals) -> None:
        ticks = so_far.ticks
        if ticks * 10 // minutes > (ticks - 1) * 10 // minutes:
            progress(f"{ticks} of {minutes} {source} minutes in {so_far.seconds:.0f} s")

    yield line


def _show(totals: Totals, prefix: str) -> None:
    table = Table(title=f"{totals.ticks} minutes from {totals.start} in {totals.seconds:.1f} s")
    table.add_column("asset", min_width=23)
    for column in ("fetches", "received", "emitted", "dropped", "quarantined", "seconds"):
        table.add_column(column, justify="right")
    for asset, account in totals.accounts.items():
        table.add_row(
            asset.rpartition("/")[2],
            str(totals.fetches[asset]),
            f"{account.received:,}",
            f"{account.emitted:,}",
            f"{sum(account.dropped.values()):,}",
            f"{sum(account.quarantined.values()):,}",
            f"{totals.stage_seconds[asset]:.1f}",
        )
    console = Console()
    console.print(table)
    checks = ", ".join(f"{count} {verdict}" for verdict, count in totals.checks.items())
    console.print(f"checks: {checks}; alerts: {len(totals.alerts)}; prefix: {prefix}")
