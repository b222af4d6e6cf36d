"""The command `board`."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.arguments import Prefix
from operations.board_server import serving
from operations.console import failure, stop_event
from operations.opened import opened_store


def board(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 3001,
    prefix: Prefix = None,
) -> None:
    """Serve the live board: every live match on one page that keeps itself up to date, until
    Ctrl-C."""
    stop = stop_event()
    with opened_store(prefix) as site:
        try:
            with serving(site, port) as url:
                typer.echo(f"The live board is at {url}")
                typer.echo("End it with Ctrl-C", err=True)
                stop.wait()
        except OSError as error:
            raise failure(f"port {port}: {error.strerror}; choose another with --port") from None
