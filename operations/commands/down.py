"""The command `down`."""

from __future__ import annotations

import typer

from operations.console import failure, progress
from operations.up import UpError
from operations.up import down as end
from pipeline_assets.settings import AllSettings


def down() -> None:
    """End the Touchline of this state folder, wherever it was started. Other settings may be wrong
    meanwhile."""
    settings, wrong = AllSettings.load_despite_errors()
    if wrong:
        progress(f"{wrong}; to end it, the state folder {settings.home} is enough")
    try:
        ended = end(settings, progress)
    except UpError as error:
        raise failure(error) from None
    typer.echo("Touchline is down" if ended else "Touchline was not running")
