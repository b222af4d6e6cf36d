"""The side effects of a process in their order, and the point among them at which it is killed.

A process notes its own: requests to the object store by the plan of a `FaultyStore`, what goes past
that store (commits of delta-rs, of the ledger, files below its home) by wrappers. Each is noted in
a file before and after it, and the process kills itself there, so that nothing is left to timing.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from deltalake import DeltaTable
from sqlalchemy import Connection, Engine, PoolProxiedConnection, event
from sqlalchemy.engine.default import DefaultDialect

from resources.store import Store
from resources.store.faulty import Effect as Becomes
from resources.store.faulty import FaultyStore, Request

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


@dataclass
class Observer:
    """Notes what one process does, and kills it at the point, if there is one.

    Made by the parent, installed in a forked child: every wrapper ends with that.
    """

    home: Path
    point: Point | None = None
    _seen: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)
    _dies_at_its_end: bool = False
    _notes: int = -1

    def __post_init__(self) -> None:
        self._noted_in.write_bytes(b"")

    @property
    def _noted_in(self) -> Path:
        """What the child writes there before it dies, the parent reads."""
        return self.home.with_name(f"{self.home.name}.effects")

    @property
    def effects(self) -> list[Effect]:
        """In the order of their beginning."""
        return self._noted(Edge.BEFORE)

    @property
    def done(self) -> list[Effect]:
        """In the order of their end."""
        return self._noted(Edge.AFTER)

    def _noted(self, edge: Edge) -> list[Effect]:
        lines = (line.split("\t") for line in self._noted_in.read_text().splitlines())
        return [Effect(Kind(kind), name, int(nth)) for at, kind, name, nth in lines if at == edge]

    # --- in the process that is observed ---------------------------------------------------------

    def install(self) -> None:
        """From here on, every side effect on files below `home` and on ledgers is noted."""
        self._notes = os.open(self._noted_in, os.O_WRONLY | os.O_APPEND)
        self._observe_files()
        self._observe_ledger()
        for name in ("create", "create_write_transaction"):
            self._observe_delta(name)

    def before(self, store: Store) -> FaultyStore:
        """This store, of which every request that changes something is noted."""

        def plan(request: Request) -> Becomes | None:
            name = masked(f"{request.operation} {request.key}")
            return self._noting(Kind.S3_REQUEST, name) if request.writes else None

        return FaultyStore(store, plan)

    def _noting(self, kind: Kind, name: str) -> Becomes:
        def effect(ask: Callable[[], Any]) -> Any:
            with self.around(kind, name):
                return ask()

        return effect

    @contextmanager
    def around(self, kind: Kind, name: str) -> Iterator[None]:
        with self._one_at_a_time:
            self._seen[kind, name] += 1
            effect = Effect(kind, name, self._seen[kind, name])
            self._reached(effect, Edge.BEFORE)
            try:
                yield
            finally:  # What is refused has been asked.
                self._reached(effect, Edge.AFTER)

    def _reached(self, effect: Effect, edge: Edge) -> None:
        note = f"{edge}\t{effect.kind}\t{effect.name}\t{effect.nth}\n"
        os.write(self._notes, note.encode())
        if self.dies(effect, edge):
            die()

    def dies(self, effect: Effect, edge: Edge) -> bool:
        """Whether the process is to be killed here."""
        point = self.point
        if point is None or (effect, edge) != (point.effect, point.edge):
            return False
        if point.lines:
            self._dies_at_its_end = True
            _die_within(point.lines)
        return not point.lines

    def ends(self) -> None:
        """The process is at its end: one that was to die within so many lines dies here."""
        if self._dies_at_its_end:
            die()

    def _observe_files(self) -> None:
        def shown(path: Any) -> str | None:
            """The path below `home`; None for any other."""
            full = Path(os.fsdecode(path) if not isinstance(path, int) else _path_of(path))
            if not full.is_relative_to(self.home):
                return None
            return masked(str(full.relative_to(self.home)))

        def wrapped(
            kind: Kind, call: Callable[..., Any], counts: Callable[..., bool] = lambda *_: True
        ) -> Any:
            def wrapper(*arguments: Any, **options: Any) -> Any:
                name = shown(arguments[0]) if counts(*arguments) else None
                with self.around(kind, name) if name else nullcontext():
                    return call(*arguments, **options)

            return wrapper

        def creates(path: Any, flags: int, *more: Any) -> bool:
            return bool(flags & os.O_CREAT)

        os.open = wrapped(Kind.CREATE, os.open, creates)
        os.fsync = wrapped(Kind.FSYNC, os.fsync)
        os.rename = wrapped(Kind.RENAME, os.rename)
        os.replace = wrapped(Kind.RENAME, os.replace)
        os.unlink = wrapped(Kind.UNLINK, os.unlink)
        os.remove = wrapped(Kind.UNLINK, os.remove)

    def _observe_ledger(self) -> None:
        committing = threading.local()

        @event.listens_for(Engine, "begin")
        def begins(connection: Connection) -> None:
            connection.info["written"] = []

        @event.listens_for(Engine, "before_cursor_execute")
        def executes(
            connection: Connection,
            _cursor: Any,
            statement: str,
            _sent: Any,
            context: Any,
            _many: bool,
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

        commit, around = DefaultDialect.do_commit, self.around

        def do_commit(self: DefaultDialect, dbapi_connection: PoolProxiedConnection) -> None:
            name = committing.__dict__.pop("name", None)
            with around(Kind.LEDGER_COMMIT, name) if name else nullcontext():
                commit(self, dbapi_connection)

        DefaultDialect.do_commit = do_commit

    def _observe_delta(self, name: str) -> None:
        """delta-rs asks the store by itself: a commit is one PUT."""
        call = getattr(DeltaTable, name)

        def observed(*given: Any, **options: Any) -> Any:
            table = next((each for each in given if isinstance(each, DeltaTable)), None)
            uri = table.table_uri if table else str(given[0])
            with self.around(
                Kind.DELTA_COMMIT, f"{name} {uri.rpartition('/lake/')[2].rstrip('/')}"
            ):
                return call(*given, **options)

        setattr(DeltaTable, name, observed)


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody outlives that")


def _path_of(handle: int) -> str:
    return os.readlink(f"/proc/self/fd/{handle}")


def _die_within(lines: int) -> None:
    """Count the lines of Python that this thread begins from here on."""
    left = lines

    def trace(frame: FrameType, what: str, argument: Any) -> Any:
        nonlocal left
        if what == "line":
            left -= 1
            if left <= 0:
                die()
        return trace

    sys.settrace(trace)
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        frame.f_trace = trace
        frame = frame.f_back


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
