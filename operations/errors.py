"""What every command does with an error: it says why on stderr and ends with an exit code.

An error that says itself what is wrong ends a command with its text, in one line. Any other is a
defect of Touchline and keeps its traceback. With `--json` among the arguments, either one is also
told to the caller: one JSON object on stdout, whose kinds docs/errors.md lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from operations.console import failure
from touchline.errors import Ambiguous, Bad, Misuse, TouchlineError, Unavailable

BAD = 1
UNKNOWN = 2
INTERRUPTED = 130
EXIT_CODES = {"OK": 0, "BAD": BAD, "COULD_NOT_CHECK": UNKNOWN}
"""Of a command by the verdict that it tells."""

_WANTS_JSON = "touchline.wants_json"


@dataclass(frozen=True)
class Failure:
    """What a command says of an error, and the exit code that it ends with."""

    kind: str
    """Lower snake case; scripts rely on it."""
    message: str
    advice: str | None = None
    """The command that helps next, or what else to do."""
    code: int = UNKNOWN
    choices: Mapping[str, str] = field(default_factory=dict)
    """The choices of an `Ambiguous` error: what each id stands for."""

    def as_json(self) -> str:
        said = {"kind": self.kind, "message": self.message, "advice": self.advice}
        return json.dumps({"error": said | ({"choices": self.choices} if self.choices else {})})

    def as_text(self) -> str:
        return "\n".join(
            [self.message, *(f"  {say}  {what}" for say, what in self.choices.items())]
        )


class Commands(TyperGroup):
    """The group of all commands: `typer.Typer(cls=Commands)`."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **named: Any) -> Any:
        wants_json = "--json" in args  # Parsing takes them out of the list.
        with _told(wants_json):
            context = super().make_context(info_name, args, *rest, **named)
        context.meta[_WANTS_JSON] = wants_json
        return context

    def invoke(self, ctx: typer.Context) -> Any:
        with _told(ctx.meta[_WANTS_JSON]):
            return super().invoke(ctx)


@contextmanager
def _told(wants_json: bool) -> Iterator[None]:
    """Turn an error into its text and exit code. The result of a command is no error: it has
    written that itself, and ends with `typer.Exit`."""

    def tell(failed: Failure) -> None:
        if wants_json:
            typer.echo(failed.as_json())

    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except TyperException as error:  # Typer says it on stderr, with the usage.
        tell(_misuse(error))
        raise
    except KeyboardInterrupt:
        tell(Failure("interrupted", "the command was interrupted", None, INTERRUPTED))
        raise
    except Exception as error:
        failed = failure_of(error)
        if failed is None:
            said = f"{type(error).__name__}: {_in_one_line(error)}"
            tell(Failure(TouchlineError.kind, said, None, TouchlineError.exit_code))
            raise
        tell(failed)
        raise failure(failed.as_text(), failed.code) from None


def _misuse(error: TyperException) -> Failure:
    """Of an option or argument that Typer refuses."""
    context: typer.Context | None = getattr(error, "ctx", None)
    advice = f"{context.command_path} --help" if context else None
    return Failure(Misuse.kind, " ".join(error.format_message().split()), advice, error.exit_code)


def failure_of(error: Exception) -> Failure | None:
    """What to say of an error, as its class or the error itself says it; None for a defect."""
    if not isinstance(error, Bad | Unavailable | Misuse):
        return None
    choices = error.choices if isinstance(error, Ambiguous) else {}
    return Failure(error.kind, _in_one_line(error), error.advice, error.exit_code, choices)


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
