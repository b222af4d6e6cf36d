"""The command `up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operations.arguments import Source
from operations.commands.doctor import misspelt
from operations.console import failure, progress, stop_event
from operations.stack import DEFINITIONS
from operations.up import UpError, UpOptions, up_detached
from operations.up import up as run
from pipeline_assets.settings import AllSettings
from resources.up_record import Up


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the web page.")] = 3000,
    source: Annotated[
        Source | None,
        typer.Option(
            help="Where matches come from. [default: live where TOUCHLINE_FEED_URL is set, "
            "else simulated]",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of a recorded poll, for --source recorded.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when all is ready; go on in the background.")
    ] = False,
    definitions: Annotated[
        str, typer.Option(help="Module of the Dagster definitions.", hidden=True)
    ] = DEFINITIONS,
) -> None:
    """Start Touchline and watch over it, until Ctrl-C or `touchline down`."""
    # On a terminal a line that moves says that it still works; elsewhere it shows nothing.
    waiting = Console(stderr=True).status("Starting, about half a minute")

    def ready(running: Up) -> None:
        waiting.stop()
        typer.echo(f"Touchline runs at {running.url}")
        typer.echo(f"See the minutes come in: {running.url}/runs")
        typer.echo(f"See what they made:      {running.url}/assets")
        typer.echo("The first minute is there within two", err=True)
        typer.echo(f"End it with {'' if detach else 'Ctrl-C or '}`touchline down`", err=True)

    options = UpOptions(port, source.value if source else None, data, definitions)
    settings = AllSettings.load()
    for each in misspelt(settings):
        typer.secho(f"Warning: {each.detail}: {each.do}", err=True, fg=typer.colors.YELLOW)
    try:
        with waiting:
            if detach:
                ready(up_detached(settings, options))
            else:
                run(settings, options, stop=stop_event(), progress=progress, ready=ready)
    except UpError as error:
        raise failure(error) from None
