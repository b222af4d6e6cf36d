"""The command `rows`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from operations.arguments import DayOption, Fetch, Prefix
from operations.console import progress
from operations.formats import Format
from operations.opened import opened_store
from operations.rows import rows_of_day, write_rows
from touchline.errors import Misuse


def rows(
    asset: Annotated[str, typer.Option(help="Asset, like football/merged or merged.")],
    date: DayOption,
    fetch: Fetch = None,
    form: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.JSON,
    out: Annotated[Path | None, typer.Option(help="File. [default: stdout]")] = None,
    prefix: Prefix = None,
) -> None:
    """Write the rows of a derived day."""
    with opened_store(prefix) as site:
        table = rows_of_day(site, asset, date, fetch)
    with _destination(out) as file:
        write_rows(table, file, form)
    progress(f"{table.num_rows:,} rows")


@contextmanager
def _destination(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise Misuse(f"cannot write {path}: {error.strerror}") from None
    with file:
        yield file
