"""The command `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from operations.arguments import DayArgument, Deep, Prefix
from operations.console import progress
from operations.errors import EXIT_CODES
from operations.opened import opened_to_read
from operations.report import file_name, next_of, render
from operations.verify import nothing_known, plans_of
from operations.whole_file import whole
from pipeline_assets.day_state import read_day_state
from resources.known_days import is_known
from touchline.errors import Misuse


def report(
    day: DayArgument,
    out: Annotated[
        Path | None,
        typer.Option(help="File, or folder for the page's own name. [default: this folder]"),
    ] = None,
    feed: Annotated[str | None, typer.Option(help="Feed. [default: the first]")] = None,
    deep: Deep = False,
    prefix: Prefix = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout; a page only with --out.")
    ] = False,
) -> None:
    """Write a day as one HTML page: each minute, where records went, alerts, losses, verdicts."""
    with opened_to_read(prefix) as site:
        plan = plans_of(site, feed)[0]
        if not is_known(site, plan.name, day):
            raise Misuse(nothing_known(site, [plan], day))
        state = read_day_state(site, plan, day, deep=deep, progress=progress)
        page = render(state, prefix=site.settings.s3_prefix)
        command = next_of(state, site.settings.s3_prefix)
    if out is None and not as_json:
        out = Path()
    if out is not None:
        out = out / file_name(state) if out.is_dir() else out
        with whole(out) as file:
            file.write(page.encode())
    if as_json:
        said = state.as_dict() | {"page": out and str(out), "next": command}
        typer.echo(msgspec.json.encode(said))
    else:
        typer.echo(out)
        if command is not None:
            progress(f"next: {command}")
    raise typer.Exit(EXIT_CODES[state.verdict])
