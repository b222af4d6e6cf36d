"""How commands speak: progress and errors on stderr, one line each; results on stdout.

Exit codes: 0 good; 1 something is bad or the work failed; 2 could not check, unknown, or usage.
"""

from __future__ import annotations

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
