"""The `touchline` command: a table of contents.

Each command stands in a file of its own under `operations/commands/`, or is brought by a feed. It
is loaded when it is called: `touchline --help` reads the docstrings alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from operations.errors import Commands
from pipeline_assets.plans import COMMANDS

NAMES = (
    *("init", "doctor", "up", "down", "status", "replay"),
    *("verify", "report", "board", "seal", "mirror", "backup", "restore", "housekeep"),
    *("losses", "collect", "reprocess", "rebuild", "inbox", "drift"),
    *("rows", "export", "fetch", "quarantine", "trace", *COMMANDS, "s3"),
    *("alerts", "mute", "unmute", "acknowledge", "notify", "ledger"),
)
"""The commands in the order of the help."""
_FOLDER = Path(__file__).parent / "commands"


class _Loaded(Mapping[str, Any]):
    """The commands by name, each loaded when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in NAMES:
            raise KeyError(name)
        if name in COMMANDS:
            from operations.feed_commands import app_of

            app = app_of(name, COMMANDS[name])
        else:
            module = import_module(f"operations.commands.{name}")
            app = getattr(module, "app", None)  # Of one with commands below it.
            if app is None:
                app = typer.Typer(add_completion=False)
                app.command(name)(getattr(module, name))
        command = typer.main.get_command(app)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


class LazyCommands(Commands):
    """The group of all commands, none of them loaded before it is called."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.commands: Any = _Loaded()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(NAMES)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.commands = {name: TyperCommand(name, help=help_of(name)) for name in NAMES}
        super().format_help(ctx, formatter)


def help_of(name: str) -> str:
    """The docstring of a command's function, read without loading what the command works with."""
    if name in COMMANDS:
        return COMMANDS[name].__doc__ or ""
    tree = ast.parse((_FOLDER / f"{name}.py").read_bytes())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return next(ast.get_docstring(each) or "" for each in functions if each.name == name)


app = typer.Typer(
    name="touchline",
    cls=LazyCommands,
    help="Watches live sport every minute and can prove that it lost nothing.",
    no_args_is_help=True,
    add_completion=False,
    # Local variables hold credentials.
    pretty_exceptions_show_locals=False,
)


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"touchline {version('touchline')}")
        raise typer.Exit


@app.callback()
def before_every_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_say_version, help="Say which one this is."
        ),
    ] = False,
) -> None:
    from resources.env_file import take_aws_variables

    take_aws_variables()


if __name__ == "__main__":
    app()
