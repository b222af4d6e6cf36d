"""The command `init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from operations.console import progress
from pipeline_assets.settings import AllSettings
from touchline.errors import Misuse


def init(
    out: Annotated[Path, typer.Option(help="The file that is written.")] = Path(".env"),
) -> None:
    """Write a `.env` with every setting, what it means and its default, all commented out. What is
    there is never written over."""
    try:
        with open(out, "x", opener=_for_its_owner) as file:
            file.write(AllSettings.sample_env())
    except FileExistsError:
        raise Misuse(f"{out} is there: move it away, or name another file with --out") from None
    except OSError as error:
        raise Misuse(f"{out} cannot be written: {error.strerror}") from None
    typer.echo(out)
    progress(f"next: set your feed, bucket and notifications in {out}, then run `touchline doctor`")


def _for_its_owner(path: str, flags: int) -> int:

    return os.open(path, flags, 0o600)
