"""Dagster's code server, made fit to live for weeks.

`python -m operations.code_server` takes the arguments of `dagster api grpc`. A run imports this
module again, and so it imports nothing heavy.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def leave_no_alembic_context() -> None:
    """Let a look into Dagster's storage leave nothing behind. Sensors look several times a minute:
    at each look Alembic, told of its scripts as "package:directory", leaves a context for the end
    of the process (util/pyfiles.py); told of a directory it leaves none."""
    from dagster._core.storage import sql

    sql.ALEMBIC_SCRIPTS_LOCATION = str(Path(sql.__file__).with_name("alembic"))
    sql.get_alembic_config.cache_clear()


def main() -> None:
    """Serve the definitions that the arguments name, until the process is told to end."""
    from dagster._cli import cli

    # A run inherits the variables of the code server. It ends within seconds, and Python's own
    # allocator is the faster one.
    os.environ.pop("PYTHONMALLOC", None)
    leave_no_alembic_context()
    cli(["api", "grpc", *sys.argv[1:]], auto_envvar_prefix="DAGSTER_CLI")


if __name__ == "__main__":
    main()
