"""How commands speak: progress and errors on stderr, one line each; results on stdout.

Exit codes: 0 good; 1 something is bad or the work failed; 2 could not check, unknown, or usage.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence

import typer


def progress(text: str) -> None:
    typer.secho(text, err=True, dim=True)


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
