"""The commands that read: `verify`, `rows`, `fetch`, `quarantine`, `trace`, `lags`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from operations.arguments import DayArgument, DayOption, Feed, Fetch, Json, OptionalDay, Prefix
from operations.console import progress
from operations.errors import EXIT_CODES, Misused
from operations.formats import Format
from touchline.day import Day


def verify(
    date: OptionalDay = None,
    every_day: Annotated[
        bool, typer.Option("--all", help="Every day that the ledger or the store knows.")
    ] = False,
    feed: Feed = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every object back, whatever was read before.")
    ] = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Compare what was recorded with what really landed."""
    if (date is not None) == every_day:
        today = Day.containing(datetime.now(UTC))
        raise Misused(f"say which New York day with --date (today is {today}), or --all")
    from operations.opened import opened_to_read
    from operations.verify import as_json as json_of
    from operations.verify import not_fetched_of, overall, remarks_of, show, verify

    with opened_to_read(prefix) as site:
        found = verify(site, date, feed, deep=deep, progress=progress)
        remarks, not_fetched = remarks_of(site, found), not_fetched_of(site, found)
        below = site.settings.s3_prefix
    if as_json:
        _print_json(json_of(found, remarks, not_fetched, below))
    else:
        show(found, remarks, not_fetched, below, _console())
    raise typer.Exit(EXIT_CODES[overall(found)])


def rows(
    asset: Annotated[str, typer.Option(help="Asset, like football/merged or merged.")],
    date: DayOption,
    fetch: Fetch = None,
    form: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.JSON,
    out: Annotated[Path | None, typer.Option(help="File. [default: stdout]")] = None,
    prefix: Prefix = None,
) -> None:
    """Write the rows of a derived day."""
    from operations.opened import opened_store
    from operations.rows import rows_of_day, write_rows

    with opened_store(prefix) as site:
        table = rows_of_day(site, asset, date, fetch)
    with _destination(out) as file:
        write_rows(table, file, form)
    progress(f"{table.num_rows:,} rows")


def fetch(
    day: DayArgument,
    number: Annotated[int, typer.Argument(metavar="N", help="Fetch number.")],
    pretty: Annotated[
        bool, typer.Option("--pretty", help="Between its book-ends, with indented JSON.")
    ] = False,
    feed: Annotated[str | None, typer.Option(help="Feed. [default: the first]")] = None,
    prefix: Prefix = None,
) -> None:
    """Write one raw fetch as it is stored, byte for byte."""
    from operations.opened import opened_store
    from operations.raw_fetch import pretty as pretty_of
    from operations.raw_fetch import read_fetch
    from operations.verify import plans_of

    with opened_store(prefix) as site:
        envelope = read_fetch(site, plans_of(site, feed)[0].name, day, number)
    with _destination(None) as file:
        file.write(pretty_of(envelope) if pretty else envelope.data)


def quarantine(date: OptionalDay = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """Show what stages have set aside, and why."""
    from operations.opened import opened_to_read
    from operations.quarantined import set_aside, show

    with opened_to_read(prefix) as site:
        found = set_aside(site, date, progress)
    if as_json:
        _print_json({"quarantined": found})
    else:
        show(found, _console())


def trace(
    match: Annotated[
        str, typer.Option(metavar="MATCH", help="Match id, or a part of a team's name.")
    ],
    date: OptionalDay = None,
    fetch: Fetch = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show the fate of one match in every asset: landed where, dropped or set aside why."""
    from operations.match_names import match_meant
    from operations.opened import opened_to_read
    from operations.trace import show, trace

    with opened_to_read(prefix) as site:
        meant = match_meant(site, match, date, progress)
        found = trace(site, meant.match_id, date, fetch, progress)
    if as_json:
        _print_json({"match": meant.match_id, "name": meant.name, "fates": found})
    else:
        show(meant.match_id, meant.name, found, _console())


def lags(date: DayOption, prefix: Prefix = None, as_json: Json = False) -> None:
    """Show which companies move the price before the score text at a goal, and by how much."""
    from operations.lags import lags_of_day, show
    from operations.opened import opened_store

    with opened_store(prefix) as site:
        found = lags_of_day(site, date, progress)
    if as_json:
        _print_json({"date": str(date), "lags": found})
    else:
        show(date, found, _console())


@contextmanager
def _destination(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise Misused(f"cannot write {path}: {error.strerror}") from None
    with file:
        yield file


def _print_json(value: Any) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(value))


def _console() -> Any:
    from rich.console import Console

    return Console()
