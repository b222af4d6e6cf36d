"""How commands speak: progress and errors on stderr, one line each; results on stdout.

Exit codes: 0 good; 1 something is bad or the work failed; 2 could not check, unknown, or usage.
"""

from __future__ import annotations

import typer


def progress(text: str) -> None:
    typer.secho(text, err=True, dim=True)


def failure(error: Exception | str, code: int = 1) -> typer.Exit:
    """Print why, and give what to raise: `raise failure(error) from None`."""
    typer.secho(f"touchline: {error}", err=True, fg=typer.colors.RED)
    return typer.Exit(code)
