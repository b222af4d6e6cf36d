"""The side effects of a process in their order, and the point among them at which it is killed.

Requests to the object store are seen by the proxy that passes them on. What a process does to its
own disk and to the ledger it reports itself: it waits before and after each one for the word to go
on, so that whoever observes it knows exactly how far it has come, and nothing is left to timing.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, PoolProxiedConnection, event
from sqlalchemy.engine.default import DefaultDialect

_FETCH_ID = re.compile(r"(\d{5})\.[A-Za-z0-9]{8,}(?=\.)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"/crash-[0-9a-f]{12}(?=/)")
_WRITTEN = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ledger_)?(\w+)")
_TELLING = ("asset", "name", "key", "tier", "number", "fate", "state")
"""Columns that say what a commit is about."""
LEDGER_FILE = "ledger.sqlite"


class Kind(StrEnum):
    """What kind of side effect it is."""

    S3_REQUEST = "S3 request"
    DELTA_COMMIT = "Delta commit"
    LEDGER_COMMIT = "ledger commit"
    CREATE = "create"
    FSYNC = "fsync"
    RENAME = "rename"
    UNLINK = "unlink"
    MESSAGE = "message"

    @property
    def is_commit(self) -> bool:
        return self in (Kind.DELTA_COMMIT, Kind.LEDGER_COMMIT)


@dataclass(frozen=True)
class Effect:
    """`nth` counts the effects of the same kind and name in one process, from 1."""

    kind: Kind
    name: str
    nth: int

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.nth})" if self.nth > 1 else "")


class Edge(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Point:
    """Where a process is killed: at an edge of an effect, or so many lines of Python after it."""

    effect: Effect
    edge: Edge
    lines: int = 0

    def __str__(self) -> str:
        return (
            f"{self.lines} lines after {self.effect}"
            if self.lines
            else f"{self.edge} {self.effect}"
        )


class Killed(Exception):
    """The process has been killed: nobody waits for an answer."""


@dataclass
class Observer:
    """Notes what one process does, and kills it at the point, if there is one."""

    home: Path
    prefix: str
    point: Point | None = None
    effects: list[Effect] = field(default_factory=list)
    """In the order of their beginning."""
    done: list[Effect] = field(default_factory=list)
    """In the order of their end."""
    pid: int = 0
    _seen: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def around(self, kind: Kind, name: str) -> Iterator[None]:
        """Raises Killed once the process has been killed."""
        with self._lock:
            self._seen[kind, name] += 1
            effect = Effect(kind, name, self._seen[kind, name])
            self.effects.append(effect)
        self._reached(effect, Edge.BEFORE)
        yield
        self.done.append(effect)
        self._reached(effect, Edge.AFTER)

    def _reached(self, effect: Effect, edge: Edge) -> None:
        point = self.point
        if point is None or (effect, edge) != (point.effect, point.edge):
            return
        if point.lines:
            os.kill(self.pid, signal.SIGUSR1)
            return
        self._kill()

    def _kill(self) -> NoReturn:
        os.kill(self.pid, signal.SIGKILL)
        raise Killed

    def serve(self, connection: socket.socket) -> None:
        """Answer a process's reports until it ends or is killed."""
        # A process that dies with an answer unread resets the connection.
        with connection, connection.makefile("r") as reports, suppress(Killed, OSError):
            connection.sendall(b"\n")
            for report in reports:
                kind, _, name = report.rstrip("\n").partition("\t")
                with self.around(Kind(kind), name):
                    connection.sendall(b"\n")
                    if not reports.readline():
                        raise Killed  # In the middle of it.
                connection.sendall(b"\n")


# --- in the process that is observed --------------------------------------------------------------


def observe(connection: socket.socket, home: Path, lines: int) -> Callable[[], None]:
    """From here on, every side effect on files below `home` and on its ledger is reported.

    Called in a forked child, whose every wrapper ends with it. The function that is returned is to
    be called at the process's end: one that was to die within so many lines dies there at the last.
    """
    replies = connection.makefile("rb")
    lock = threading.RLock()

    @contextmanager
    def around(kind: Kind, name: str) -> Iterator[None]:
        with lock:
            connection.sendall(f"{kind}\t{name}\n".encode())
            replies.readline()
            try:
                yield
            finally:
                connection.sendall(b"\n")
                replies.readline()

    replies.readline()
    _observe_files(around, home)
    _observe_ledger(around)
    return _die_within(lines)


Around = Callable[[Kind, str], AbstractContextManager[None]]


def _observe_files(around: Around, home: Path) -> None:
    def shown(path: Any) -> str | None:
        """The path below `home`; None for any other."""
        full = Path(os.fsdecode(path) if not isinstance(path, int) else _path_of(path))
        if not full.is_relative_to(home):
            return None
        return masked(str(full.relative_to(home)))

    def wrapped(kind: Kind, call: Callable[..., Any], counts: Callable[..., bool]) -> Any:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            name = shown(arguments[0]) if counts(*arguments) else None
            if name is None:
                return call(*arguments, **options)
            with around(kind, name):
                return call(*arguments, **options)

        return wrapper

    def always(*arguments: Any) -> bool:
        return True

    def creates(path: Any, flags: int, *more: Any) -> bool:
        return bool(flags & os.O_CREAT)

    os.open = wrapped(Kind.CREATE, os.open, creates)
    os.fsync = wrapped(Kind.FSYNC, os.fsync, always)
    os.rename = wrapped(Kind.RENAME, os.rename, always)
    os.replace = wrapped(Kind.RENAME, os.replace, always)
    os.unlink = wrapped(Kind.UNLINK, os.unlink, always)
    os.remove = wrapped(Kind.UNLINK, os.remove, always)


def _path_of(handle: int) -> str:
    return os.readlink(f"/proc/self/fd/{handle}")


def _observe_ledger(around: Around) -> None:
    committing = threading.local()

    @event.listens_for(Engine, "begin")
    def begins(connection: Connection) -> None:
        connection.info["written"] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def executes(
        connection: Connection, _cursor: Any, statement: str, _sent: Any, context: Any, _many: bool
    ) -> None:
        found = _WRITTEN.match(statement)
        if found is None or found[1] == "sequence":
            return
        values = context.compiled_parameters[0] if context.compiled_parameters else {}
        about = [values.get(name, values.get(f"{name}_1")) for name in _TELLING]
        if values.get("pending"):
            about[-1] = "claimed"
        elif values.get("marked_etag"):
            about[-1] = "verified"
        connection.info["written"].append(" ".join([found[1], *map(str, filter(None, about))]))

    @event.listens_for(Engine, "commit")
    def commits(connection: Connection) -> None:
        if Path(connection.engine.url.database or "").name == LEDGER_FILE:
            # The first table is what it is about; the others follow from it.
            committing.name = masked(next(iter(connection.info["written"]), "nothing new"))

    commit = DefaultDialect.do_commit

    def do_commit(self: DefaultDialect, dbapi_connection: PoolProxiedConnection) -> None:
        name = committing.__dict__.pop("name", None)
        if name is None:
            commit(self, dbapi_connection)
            return
        with around(Kind.LEDGER_COMMIT, name):
            commit(self, dbapi_connection)

    DefaultDialect.do_commit = do_commit


def _die_within(lines: int) -> Callable[[], None]:
    """Once SIGUSR1 has come, count the lines of Python that the main thread begins."""
    left, armed = lines, False

    def trace(frame: FrameType, what: str, argument: Any) -> Any:
        nonlocal left
        if what == "line":
            left -= 1
            if left <= 0:
                die()
        return trace

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def begin(number: int, frame: FrameType | None) -> None:
        nonlocal armed
        armed = True
        sys.settrace(trace)
        while frame is not None:
            frame.f_trace = trace
            frame = frame.f_back

    signal.signal(signal.SIGUSR1, begin)
    return lambda: die() if armed else None


def masked(name: str) -> str:
    """The name without what differs each time that the same is done."""
    for pattern, shown in (
        (_PREFIX, ""),
        (_FETCH_ID, r"\1.<id>"),
        (_UUID, "<uuid>"),
        (_SHA256, "<sha256>"),
    ):
        name = pattern.sub(shown, name)
    return name
