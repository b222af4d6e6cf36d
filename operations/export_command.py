"""The command `export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from operations.arguments import DayOption, Prefix
from operations.console import progress
from operations.errors import Misused


def export(
    asset: Annotated[str, typer.Option(help="Asset, like football/merged or merged.")],
    date: DayOption,
    out: Annotated[
        Path | None,
        typer.Option(help="File, or folder for the document's own name. [default: stdout]"),
    ] = None,
    prefix: Prefix = None,
) -> None:
    """Write the daily log document of an asset as JSON."""
    from operations.export import asset_to_export, document_name, stored_at, write_document
    from operations.opened import opened_store

    with opened_store(prefix) as site:
        exported = asset_to_export(site, asset)
        if out is not None and out.is_dir():
            out = out / document_name(exported, date)
        with _whole(out) as file:
            written = write_document(
                site,
                exported,
                date,
                file,
                stored_at=stored_at(site, exported, date),
                progress=progress,
            )
    progress(
        f"{written.fetches:,} fetches in {written.uploads} uploads, {written.matches:,} matches"
    )


@contextmanager
def _whole(path: Path | None) -> Iterator[BinaryIO]:
    """A file that takes its place when it is whole: a document that breaks off is none. Raises
    Misused where it cannot be written."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = path.with_name(f"{path.name}.part")
    try:
        file = part.open("wb")
    except OSError as error:
        raise Misused(f"cannot write {part}: {error.strerror}") from None
    try:
        with file:
            yield file
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
