"""The store that fails on purpose: another store with a plan of failures before it.

For tests and drills. What a plan does not name passes as it is:

    store = FaultyStore(MemoryStore(folder, "touchline"))
    store.plan = away
    store.plan = when(lambda request: request.writes, answer_lost)
    store.plan = None

A plan that raises an exception of its own ends the caller before anything is done, as a kill does.
Let it derive from BaseException: no handler of errors catches it then.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Any, BinaryIO

from resources.store.protocol import (
    Corrupted,
    ObjectInfo,
    Requests,
    Store,
    StoredObject,
    StoreError,
    StoreUnavailable,
)


@dataclass(frozen=True)
class Request:
    """What is asked of the store. `operation` is the name of the method;
    `start_after` the key after which a listing begins."""

    operation: str
    key: str
    start_after: str | None = None

    @property
    def writes(self) -> bool:
        return self.puts() or self.deletes()

    def reads(self, key: str = "") -> bool:
        """Whether it asks for a body: of this key, or of any."""
        return self.operation in ("get", "get_range", "download") and key in ("", self.key)

    def puts(self, key: str = "") -> bool:
        """Whether it writes an object: of this key, or of any."""
        return self.operation in ("put_new", "replace") and key in ("", self.key)

    def deletes(self, key: str = "") -> bool:
        """Whether it removes an object: of this key, or of any."""
        return self.operation == "delete" and key in ("", self.key)


Effect = Callable[[Callable[[], Any]], Any]
"""What becomes of a request: given how to ask the store, what the caller gets."""
Plan = Callable[[Request], Effect | None]
"""Decides request by request; None lets it pass."""


def refused(error: StoreError | None = None) -> Effect:
    """Nothing is done, and the caller is told this error; StoreUnavailable without one."""

    def effect(ask: Callable[[], Any]) -> Any:
        raise error or StoreUnavailable("the store refuses it")

    return effect


def when(meant: Callable[[Request], bool], effect: Effect) -> Plan:
    """Return the plan that has this effect on the requests that are meant, and on no others."""

    def plan(request: Request) -> Effect | None:
        return effect if meant(request) else None

    return plan


def away(request: Request) -> Effect:
    """The plan of a store that cannot be reached: every request raises StoreUnavailable."""
    return refused(StoreUnavailable(f"{request.operation} {request.key}: the store is away"))


def answer_lost(ask: Callable[[], Any]) -> Any:
    """It is done, and nobody hears of it."""
    ask()
    raise StoreUnavailable("the answer was lost")


def slow(seconds: float, sleep: Callable[[float], object] = time.sleep) -> Effect:
    """It is done so much later."""

    def effect(ask: Callable[[], Any]) -> Any:
        sleep(seconds)
        return ask()

    return effect


def body_changed(change: Callable[[bytes], bytes], *, noticed: bool = True) -> Effect:
    """Another body arrives than is stored, as `change` makes it; `noticed` by the store's
    checksum, so that the caller is told Corrupted."""

    def effect(ask: Callable[[], Any]) -> Any:
        found = ask()
        if noticed:
            raise Corrupted("the bytes that arrived are not those of the checksum")
        if isinstance(found, bytes):
            return change(found)
        return changed(found, body=change(found.body))

    return effect


class StaleListing:
    """Each listing says for ever what it said first."""

    def __init__(self) -> None:
        self._first: Any = None

    def __call__(self, ask: Callable[[], Any]) -> Any:
        if self._first is None:
            self._first = ask()
        return self._first


@dataclass
class FaultyStore:
    """The `Store` of `inner` behind a plan, which may be changed at any time."""

    inner: Store
    plan: Plan | None = None
    passed: list[Request] = field(default_factory=list)
    """What reached the store, in its order."""

    @property
    def bucket(self) -> str:
        return self.inner.bucket

    @property
    def prefix(self) -> str:
        return self.inner.prefix

    @property
    def requests(self) -> Requests:
        return self.inner.requests

    @property
    def endpoint(self) -> str:
        return self.inner.endpoint

    def put_new(
        self, key: str, body: bytes | BinaryIO, metadata: Mapping[str, str] | None = None
    ) -> str:
        request = Request("put_new", key)
        return self._asked(request, lambda: self.inner.put_new(key, body, metadata))

    def replace(
        self,
        key: str,
        body: bytes | BinaryIO,
        etag: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        request = Request("replace", key)
        return self._asked(request, lambda: self.inner.replace(key, body, etag, metadata))

    def get(self, key: str) -> StoredObject:
        return self._asked(Request("get", key), lambda: self.inner.get(key))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self._asked(
            Request("get_range", key), lambda: self.inner.get_range(key, offset, length)
        )

    def download(self, key: str, file: BinaryIO) -> StoredObject:
        def ask() -> StoredObject:
            arrived = io.BytesIO()
            return changed(self.inner.download(key, arrived), body=arrived.getvalue())

        found = self._asked(Request("download", key), ask)
        file.write(found.body)
        return changed(found, body=b"")

    def head(self, key: str) -> StoredObject:
        return self._asked(Request("head", key), lambda: self.inner.head(key))

    def delete(self, key: str, etag: str | None = None) -> None:
        self._asked(Request("delete", key), lambda: self.inner.delete(key, etag))

    def list(self, prefix: str, start_after: str | None = None) -> Iterator[ObjectInfo]:
        yield from self._asked(
            Request("list", prefix, start_after=start_after),
            lambda: [*self.inner.list(prefix, start_after)],
        )

    def folders(self, prefix: str) -> Iterator[str]:
        yield from self._asked(Request("folders", prefix), lambda: [*self.inner.folders(prefix)])

    def make_bucket(self) -> None:
        self._asked(Request("make_bucket", ""), self.inner.make_bucket)

    def date_header(self) -> str | None:
        return self._asked(Request("date_header", ""), self.inner.date_header)

    def uri(self, key: str) -> str:
        """The plan decides whether delta-rs finds the table; then delta-rs goes past it."""
        return self._asked(Request("table", key), lambda: self.inner.uri(key))

    def delta_options(self) -> dict[str, str]:
        return self.inner.delta_options()

    def _asked(self, request: Request, ask: Callable[[], Any]) -> Any:
        def passing() -> Any:
            self.passed.append(request)
            return ask()

        effect = self.plan(request) if self.plan else None
        return passing() if effect is None else effect(passing)
