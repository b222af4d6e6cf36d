"""The command `status`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from operations.arguments import Json, Prefix
from operations.console import answer, stop_event
from operations.opened import settings_for
from operations.status import EXIT_CODES, look, shown
from pipeline_assets.status import as_json as json_of
from pipeline_assets.status import verdict
from resources.settings import Settings
from touchline.errors import Misuse

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
    if watch and as_json:
        raise Misuse("--watch is for people: leave --json away, or --watch")
    settings = settings_for(prefix)
    if watch:
        _watch(settings)
        return
    now = datetime.now(UTC)
    signals = look(settings, now)
    answer(json_of(signals, now), [shown(signals, now)], as_json=as_json)
    raise typer.Exit(EXIT_CODES[verdict(signals)])


def _watch(settings: Settings) -> None:
    stop = stop_event()
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            now = datetime.now(UTC)
            live.update(shown(look(settings, now), now), refresh=True)
            stop.wait(REFRESHED_SECONDS)
