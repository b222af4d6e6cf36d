"""The command `status`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from operations.arguments import Json, Prefix

if TYPE_CHECKING:
    from resources.settings import Settings

REFRESHED_SECONDS = 2.0


def status(
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay, and show it anew every two seconds.")
    ] = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Say whether Touchline lives, gets on, and has nothing left waiting: OK and WARNING exit with
    0, BAD with 1, UNKNOWN with 2."""
    import msgspec
    from rich.console import Console

    from operations import status
    from operations.errors import Misused
    from operations.opened import settings_for
    from pipeline_assets.status import as_json as json_of
    from pipeline_assets.status import verdict

    if watch and as_json:
        raise Misused("--watch is for people: leave --json away, or --watch")
    settings = settings_for(prefix)
    if watch:
        _watch(settings)
        return
    now = datetime.now(UTC)
    signals = status.look(settings, now)
    if as_json:
        typer.echo(msgspec.json.encode(json_of(signals, now)))
    else:
        Console().print(status.shown(signals, now), highlight=False)
    raise typer.Exit(status.EXIT_CODES[verdict(signals)])


def _watch(settings: Settings) -> None:
    from rich.console import Console
    from rich.live import Live

    from operations import status
    from operations.console import stop_event

    stop = stop_event()
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            now = datetime.now(UTC)
            live.update(status.shown(status.look(settings, now), now), refresh=True)
            stop.wait(REFRESHED_SECONDS)
