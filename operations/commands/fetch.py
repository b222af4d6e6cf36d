"""The command `fetch`."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.arguments import DayArgument, Prefix
from operations.opened import opened_store
from operations.raw_fetch import pretty as pretty_of
from operations.raw_fetch import read_fetch
from operations.verify import plans_of
from operations.whole_file import whole


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
    with opened_store(prefix) as site:
        envelope = read_fetch(site, plans_of(site, feed)[0].name, day, number)
    with whole(None) as file:
        file.write(pretty_of(envelope) if pretty else envelope.data)
