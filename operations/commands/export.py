"""The command `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.arguments import DayOption, Prefix
from operations.console import progress
from operations.export import asset_to_export, document_name, stored_at, write_document
from operations.opened import opened_store
from operations.whole_file import whole


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
    with opened_store(prefix) as site:
        exported = asset_to_export(site, asset)
        if out is not None and out.is_dir():
            out = out / document_name(exported, date)
        with whole(out) as file:
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
