"""The commands `doctor` and `init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.arguments import Json
from operations.console import progress
from operations.errors import Misused


def doctor(as_json: Json = False) -> None:
    """Look at the settings, disk, clock, object store, ledger, feed and notifier before the first
    minute, and say what to do: OK and WARNING exit with 0, BAD with 1, UNKNOWN with 2."""
    import msgspec
    from rich.console import Console

    from operations import doctor
    from operations.status import EXIT_CODES
    from resources.settings import Settings, SettingsError
    from touchline.health import Health

    try:
        settings = Settings.load()
        with Console(stderr=True).status("Looking"):
            found = list(doctor.examine(settings))
    except SettingsError as error:
        found = doctor.refused(error)
    if as_json:
        typer.echo(msgspec.json.encode(doctor.as_json(found)))
    else:
        doctor.show(found, Console())
    raise typer.Exit(EXIT_CODES[Health.worst(each.state for each in found)])


def init(
    out: Annotated[Path, typer.Option(help="The file that is written.")] = Path(".env"),
) -> None:
    """Write a `.env` with every setting, what it means and its default, all commented out. What is
    there is never written over."""
    from resources.settings import sample_env

    try:
        with open(out, "x", opener=_for_its_owner) as file:
            file.write(sample_env())
    except FileExistsError:
        raise Misused(f"{out} is there: move it away, or name another file with --out") from None
    except OSError as error:
        raise Misused(f"{out} cannot be written: {error.strerror}") from None
    typer.echo(out)
    progress(f"next: set your feed, bucket and notifications in {out}, then run `touchline doctor`")


def _for_its_owner(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)
