"""The ledger that lies in a file: copied, put back, and put aside when it is damaged."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from operations.opened import refuse_while_running, sqlite_file
from resources.ledger import Ledger, is_damage
from resources.settings import Settings
from touchline.errors import Misuse

_VERSION = "SELECT version_num FROM ledger_version"


def put_damaged_aside(settings: Settings, now: datetime) -> Path | None:
    """Give a damaged ledger's files another name; where they are now, None where it is sound, is
    not there or does not lie in a file. Raises Misuse while Touchline writes it."""
    file = sqlite_file(settings.ledger_database)
    if file is None or not file.is_file() or not _is_damaged(file):
        return None
    refuse_while_running(settings)
    aside = file.with_name(f"{file.name}.damaged-{now:%Y%m%dT%H%M%SZ}")
    # The ledger's own file last: while it is there, the next call does what this one did not.
    for suffix in ("-shm", "-wal", ""):
        with suppress(FileNotFoundError):
            file.with_name(f"{file.name}{suffix}").rename(f"{aside}{suffix}")
    return aside


def _is_damaged(file: Path) -> bool:
    try:
        return _quick_check(file) != "ok"
    except sqlite3.Error as error:
        return is_damage(error)


def _quick_check(file: Path) -> str:
    """What SQLite says of a file that it reads as a whole: `ok`, or what is wrong."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as found:
        return found.execute("PRAGMA quick_check(1)").fetchone()[0]


def backup(settings: Settings, file: Path) -> int:
    """A copy of the ledger as it is at one moment, while others go on writing it; its bytes.

    Raises Misuse where the file exists or the ledger is none that lies in a file.
    """
    ledger = _own_file(settings, f"pg_dump --format=custom --table='ledger_*' --file={file}")
    if not ledger.is_file():
        raise Misuse(f"there is no ledger at {ledger}")
    if file.exists():
        raise Misuse(f"{file} exists: choose another name, since no backup is written over")
    _copy(ledger, file)
    return file.stat().st_size


def restore(settings: Settings, file: Path, now: datetime) -> Path | None:
    """Put a backup in the ledger's place; where the ledger of before is kept, None without one.

    Raises Misuse for a file that is no ledger, LedgerTooNew for one of a newer version, and
    LedgerUnavailable.
    """
    ledger = _own_file(settings, f"pg_restore --clean --if-exists --dbname=... {file}")
    _refuse_unlike_a_ledger(file)
    refuse_while_running(settings)
    candidate = ledger.with_name(f"{ledger.name}.restored")
    candidate.unlink(missing_ok=True)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    _copy(file, candidate)
    # An older one is brought up to date, and a newer one refused, before it counts.
    checked = Ledger(f"sqlite:///{candidate}", settings.s3_prefix)
    try:
        checked.migrate()
    finally:
        checked.close()
    kept = put_damaged_aside(settings, now)
    if ledger.is_file():
        kept = ledger.with_name(f"{ledger.name}.{now:%Y%m%dT%H%M%S}")
        _copy(ledger, kept)
    with closing(sqlite3.connect(candidate)) as source, closing(sqlite3.connect(ledger)) as target:
        source.backup(target)
    candidate.unlink()
    return kept


def _own_file(settings: Settings, instead: str) -> Path:
    file = sqlite_file(settings.ledger_database)
    if file is None:
        raise Misuse(f"the ledger does not lie in a file: use its database's own tool: {instead}")
    return file


def _refuse_unlike_a_ledger(file: Path) -> None:
    if not file.is_file():
        raise Misuse(f"there is no file {file}")
    try:
        sound = _quick_check(file)
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as found:
            found.execute(_VERSION).fetchone()
    except sqlite3.Error as error:
        raise Misuse(f"{file} is no backup of a ledger: {error}") from None
    if sound != "ok":
        raise Misuse(f"{file} is damaged: {sound}")


def _copy(source: Path, target: Path) -> None:
    """By SQLite's own online backup: whole or not at all."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(part)) as write:
            read.backup(write)
            write.execute("PRAGMA journal_mode = DELETE")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise Misuse(f"cannot copy {source} to {target}: {error}") from None
