"""What every store promises, and that a store which breaks a promise is found out.

A store of one's own is tried with `TOUCHLINE_TEST_S3_ENDPOINT_URL`, `TOUCHLINE_TEST_S3_BUCKET` (the
bucket is there, and each test has a prefix of its own in it) and the usual AWS variables.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import pytest

from resources.embedded_s3 import S3Access
from resources.store import Store
from resources.store.faulty import FaultyStore, Request, StaleListing
from resources.store.memory import MemoryStore
from tests.resources.store import promises
from tests.resources.store.promises import PROMISES, Promise
from tests.stores import memory_store, s3_store

ENDPOINT_URL = os.environ.get("TOUCHLINE_TEST_S3_ENDPOINT_URL")


@pytest.fixture(
    params=[
        "memory",
        "passed",
        pytest.param("seaweedfs", marks=pytest.mark.stack),
        pytest.param(
            "named",
            marks=[
                pytest.mark.stack,
                pytest.mark.skipif(not ENDPOINT_URL, reason="TOUCHLINE_TEST_S3_ENDPOINT_URL"),
            ],
        ),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    match request.param:
        case "memory":
            yield memory_store(tmp_path)
        case "passed":
            yield FaultyStore(memory_store(tmp_path))
        case "seaweedfs":
            server: S3Access = request.getfixturevalue("s3_server")
            yield s3_store(server, request.getfixturevalue("s3_prefix"))
        case _:
            bucket = os.environ["TOUCHLINE_TEST_S3_BUCKET"]
            named = s3_store(S3Access(ENDPOINT_URL or ""), f"test-{uuid.uuid4().hex[:12]}", bucket)
            yield named
            for item in list(named.list("")):
                named.delete(item.key)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_store_keeps(store: Store, promise: Promise) -> None:
    promise(store)


class LooksFirst(MemoryStore):
    """Compares first and writes then: whoever has looked meanwhile wins too."""

    looked = threading.Barrier(promises.RACERS)

    def _put(
        self,
        key: str,
        body: bytes | BinaryIO,
        metadata: Mapping[str, str] | None,
        expected: str | None,
    ) -> str:
        path = self._path(key)
        self._expect(key, path, expected)
        if (key, expected is None) in RACES:
            self.looked.wait(timeout=30)
        with self._kept.one_writer:
            there = self._said(path)[0] if path.is_file() else None
            return super()._put(key, body, metadata, there)


RACES = ((promises.RACED_NEW, True), (promises.RACED_REPLACED, False))


class Forgets(MemoryStore):
    """Says that it has deleted what is still there."""

    def delete(self, key: str, etag: str | None = None) -> None:
        path = self._path(key)
        if etag is not None:
            self._expect(key, path, etag)
        self.requests.count("DELETE")


def looks_first(folder: Path) -> Store:
    return LooksFirst(folder, "touchline")


def forgets(folder: Path) -> Store:
    return Forgets(folder, "touchline")


def lists_what_it_knew(folder: Path) -> Store:
    known: defaultdict[str, StaleListing] = defaultdict(StaleListing)

    def plan(request: Request) -> StaleListing | None:
        return known[request.key] if request.operation == "list" else None

    return FaultyStore(MemoryStore(folder, "touchline"), plan)


@pytest.mark.parametrize(
    ("broken", "found_by"),
    [
        (
            looks_first,
            {
                promises.of_many_who_write_a_new_object_one_wins,
                promises.of_many_who_replace_an_object_one_wins,
            },
        ),
        (lists_what_it_knew, {promises.a_write_is_listed_at_once}),
        (forgets, {promises.what_is_deleted_is_gone_at_once}),
    ],
)
def test_exactly_the_promise_that_a_store_breaks_fails(
    tmp_path: Path, broken: Callable[[Path], Store], found_by: set[Promise]
) -> None:
    failed: set[Promise] = set()
    for promise in PROMISES:
        folder = tmp_path / promise.__name__
        (folder / "touchline").mkdir(parents=True)
        try:
            promise(broken(folder))
        except (AssertionError, pytest.fail.Exception):
            failed.add(promise)
    assert failed == found_by
