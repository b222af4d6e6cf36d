"""How commands speak: progress and errors on stderr, one line each; results on stdout.

Exit codes: 0 good; 1 something is bad or the work failed; 2 could not check, unknown, or usage.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
import typer
from rich.console import Console, RenderableType

from touchline.errors import Misuse


def progress(text: str) -> None:
    typer.secho(text, err=True, dim=True)


def answer(said: object, shown: Iterable[RenderableType], *, as_json: bool) -> None:
    """Print a command's result on stdout: `said` as one JSON object, or what is `shown` to people,
    each text on a line of its own so that it can be copied."""
    if as_json:
        typer.echo(msgspec.json.encode(said))
        return
    console = Console()
    for each in shown:
        if isinstance(each, str):
            console.print(each, markup=False, emoji=False, highlight=False, soft_wrap=True)
        else:
            console.print(each)


@contextmanager
def whole(path: Path | None) -> Iterator[BinaryIO]:
    """A file that takes its place when it is whole; stdout without one. What is no regular file,
    such as a pipe, is written as it is. Raises Misuse where it cannot be written."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    is_special = path.exists() and not path.is_file()
    part = path if is_special else path.with_name(f"{path.name}.part")
    try:
        file = part.open("wb")
    except OSError as error:
        raise Misuse(f"cannot write {part}: {error.strerror}") from None
    try:
        with file:
            yield file
        if not is_special:
            os.replace(part, path)
    except BaseException:
        if not is_special:
            part.unlink(missing_ok=True)
        raise


def failure(error: Exception | str, code: int = 1) -> typer.Exit:
    """Print why, and give what to raise: `raise failure(error) from None`."""
    typer.secho(f"touchline: {error}", err=True, fg=typer.colors.RED)
    return typer.Exit(code)


def span(numbers: Sequence[int]) -> str:
    """Fetch numbers in order, in short: `811`, or first, last and how many: `811-814 (3)`."""
    first, last = numbers[0], numbers[-1]
    return str(first) if first == last else f"{first}-{last} ({len(numbers)})"


def stop_event() -> threading.Event:
    """Set by Ctrl-C, SIGTERM, and the end of the terminal (unless that is ignored, as by nohup).

    A handler of ours also means that children begin with the default: in a shell's background jobs
    SIGINT is ignored, and Dagster's processes would take SIGTERM no better.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: stop.set())
    return stop
