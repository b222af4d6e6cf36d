"""Ledgers of tests: migrated once a process, and copied."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from resources.ledger import Ledger


def sqlite_ledger(file: Path, prefix: str = "live") -> Ledger:
    """An empty ledger in a new SQLite file."""
    put_ledger(file)
    return Ledger(f"sqlite:///{file}", prefix)


def put_ledger(file: Path) -> None:
    """Write the SQLite file of an empty ledger, unless there is a file."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.sqlite"
        ledger = Ledger(f"sqlite:///{file}", "live")
        ledger.migrate()
        ledger.close()
        return file.read_bytes()
