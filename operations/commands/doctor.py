"""The command `doctor`."""

from __future__ import annotations

import msgspec
import typer
from rich.console import Console

from operations.arguments import Json
from operations.doctor import as_json as json_of
from operations.doctor import examine, refused, show
from operations.status import EXIT_CODES
from resources.settings import Settings, SettingsError
from touchline.health import Health


def doctor(as_json: Json = False) -> None:
    """Look at the settings, disk, clock, object store, ledger, feed and notifier before the first
    minute, and say what to do: OK and WARNING exit with 0, BAD with 1, UNKNOWN with 2."""
    try:
        settings = Settings.load()
        with Console(stderr=True).status("Looking"):
            found = list(examine(settings))
    except SettingsError as error:
        found = refused(error)
    if as_json:
        typer.echo(msgspec.json.encode(json_of(found)))
    else:
        show(found, Console())
    raise typer.Exit(EXIT_CODES[Health.worst(each.state for each in found)])
