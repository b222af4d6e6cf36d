"""Commands that feeds bring, as the command line calls them."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import typer

from operations.arguments import Json, Prefix, day, refuse_inverted
from operations.console import answer, progress, whole
from operations.opened import opened_store
from touchline.brought import Command
from touchline.day import Day


def app_of(name: str, load: Command) -> typer.Typer:
    """The command as an application of its own: `--prefix` and `--json` stand behind its options,
    a day is written as for every command, and `--from` is not after `--to`."""
    prepare = load()

    def command(prefix: Prefix = None, as_json: Json = False, **options: Any) -> None:
        refuse_inverted(options.get("first"), options.get("last"))
        work = prepare(**options)
        with opened_store(prefix) as site:
            told = work(site, progress)
        for path, content in told.files.items():
            with whole(path) as file:
                file.write(content)
        answer(told.said, told.shown, as_json=as_json)

    options = list(inspect.signature(prepare, eval_str=True).parameters.values())
    for option in options:
        kind, *declared = get_args(option.annotation)
        if kind is Day:
            declared[0].parser, declared[0].metavar = day, "DAY"
    ours = list(inspect.signature(command, eval_str=True).parameters.values())[:2]
    command.__signature__ = inspect.Signature([*options, *ours])  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False)
    app.command(name, help=load.__doc__)(command)
    return app
