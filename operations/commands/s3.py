"""The command `s3`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from operations.arguments import Json, Prefix
from operations.opened import refuse_without_store, settings_for
from operations.s3 import as_json as json_of
from operations.s3 import as_text, look


def s3(
    show_keys: Annotated[
        bool,
        typer.Option("--show-keys", help="Also the embedded store's keys; never your own store's."),
    ] = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Print where the object store is, where its keys are, and a DuckDB secret for it. The whole
    output is SQL: `duckdb -init <(touchline s3)`."""
    settings = settings_for(prefix)
    refuse_without_store(settings)
    store = look(settings, show_keys=show_keys)
    typer.echo(json.dumps(json_of(store)) if as_json else as_text(store))
