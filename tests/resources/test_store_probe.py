"""The promises of a store: a store that keeps them passes, and of one that breaks one, exactly that
one is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, BinaryIO

import pytest

from resources.store import (
    AccessRefused,
    NoSuchBucket,
    NotSupported,
    ObjectInfo,
    PreconditionFailed,
    Store,
    StoreError,
    StoreUnavailable,
)
from resources.store.faulty import (
    Effect,
    FaultyStore,
    Request,
    StaleListing,
    body_changed,
    refused,
    when,
)
from resources.store.memory import MemoryStore
from resources.store_probe import RACERS, Broken, Promise, broken_promises
from touchline.clock import SystemClock, VirtualClock, parse_http_date

Ask = Callable[[], Any]


def tried(store: Store, racers: int = 2) -> list[Broken]:
    return broken_promises(store, SystemClock(), "scratch", racers=racers)


def test_a_store_that_keeps_them_all_passes_and_nothing_is_left(any_store: Store) -> None:
    any_store.put_new("raw/a", b"")
    assert tried(any_store, RACERS) == []
    assert [item.key for item in any_store.list("")] == ["raw/a"]
    assert sum(any_store.requests.by_operation.values()) < 60


@dataclass
class Unconditional(MemoryStore):
    """Takes a condition of these operations and ignores it."""

    ignores: tuple[str, ...] = ()

    def _put(
        self,
        key: str,
        body: bytes | BinaryIO,
        metadata: Mapping[str, str] | None,
        expected: str | None,
    ) -> str:
        with self._kept.one_writer:
            if ("put_new" if expected is None else "replace") in self.ignores:
                path = self._path(key)
                expected = self._said(path)[0] if path.is_file() else None
            return super()._put(key, body, metadata, expected)

    def delete(self, key: str, etag: str | None = None) -> None:
        super().delete(key, None if "delete" in self.ignores else etag)


def unconditional(store: MemoryStore, *ignores: str) -> MemoryStore:
    return Unconditional(store.folder, store.bucket, store.prefix, ignores=ignores)


def of(*operations: str) -> Callable[[Request], bool]:
    return lambda request: request.operation in operations


def grown(ask: Ask) -> Any:
    return [replace(item, size=7) for item in ask()]


def without_metadata(ask: Ask) -> Any:
    return replace(ask(), metadata={})


def cut_off(body: bytes) -> bytes:
    return body[:-1] + b"?"


def deletes_nothing(ask: Ask) -> None:
    return None


def all_win(ask: Ask) -> Any:
    """As at a gateway that looks first and writes then."""
    try:
        return ask()
    except PreconditionFailed:
        return "0" * 32


def another_stands(ask: Ask) -> Any:
    return replace(ask(), etag="0")


def races(promise: Promise, *operations: str) -> Callable[[Request], bool]:
    return lambda request: (
        request.operation in operations and request.key.endswith(f"{promise}-race")
    )


class PilesUp:
    """Lists for ever what was there once."""

    def __init__(self) -> None:
        self._known: dict[str, ObjectInfo] = {}

    def __call__(self, ask: Ask) -> Any:
        self._known |= {item.key: item for item in ask()}
        return [*self._known.values()]


def unheard_of(promise: Promise) -> Callable[[Request], bool]:
    return lambda r: r.operation in ("put_new", "replace") and r.key.endswith(f"/{promise}")


NOT_IMPLEMENTED = refused(NotSupported("a header implies what is not implemented"))
READS = of("get", "get_range", "download")
P = Promise


def behind(meant: Callable[[Request], bool], effect: Effect) -> Callable[[MemoryStore], Store]:
    return lambda store: FaultyStore(store, when(meant, effect))


def ignores(operation: str) -> Callable[[MemoryStore], Store]:
    return lambda store: unconditional(store, operation)


def piles_up(store: MemoryStore) -> Store:
    return FaultyStore(store, when(of("list"), PilesUp()))


def lists_late(store: MemoryStore) -> Store:
    return FaultyStore(store, when(of("list"), StaleListing()))


@pytest.mark.parametrize(
    ("breaks", "promise", "seen"),
    [
        (behind(READS, body_changed(cut_off, noticed=False)), P.READ_BACK, "not what was written"),
        (behind(of("get", "download"), body_changed(cut_off)), P.READ_BACK, "checksum"),
        (behind(of("get"), without_metadata), P.READ_BACK, "came back as {}"),
        (ignores("put_new"), P.IF_NONE_MATCH, "exists was accepted"),
        (behind(unheard_of(P.IF_NONE_MATCH), NOT_IMPLEMENTED), P.IF_NONE_MATCH, "implemented"),
        (behind(races(P.IF_NONE_MATCH, "put_new"), all_win), P.IF_NONE_MATCH, "2 of 2 PUTs"),
        (ignores("replace"), P.IF_MATCH, "another ETag than the object's was accepted"),
        (behind(unheard_of(P.IF_MATCH), NOT_IMPLEMENTED), P.IF_MATCH, "not implemented"),
        (behind(races(P.IF_MATCH, "replace"), all_win), P.IF_MATCH, "2 of 2 PUTs"),
        (behind(races(P.IF_MATCH, "head"), another_stands), P.IF_MATCH, "another one stands"),
        (lists_late, P.LIST_AFTER_WRITE, "is not listed"),
        (behind(of("list"), grown), P.LIST_AFTER_WRITE, "is listed with 7 bytes"),
        (piles_up, P.GONE_AFTER_DELETE, "still listed"),
        (behind(of("delete"), deletes_nothing), P.GONE_AFTER_DELETE, "can still be read"),
        (ignores("delete"), P.CONDITIONAL_DELETE, "than the object's has removed it"),
    ],
)
def test_exactly_the_promise_that_is_broken_is_named(
    store: MemoryStore, breaks: Callable[[MemoryStore], Store], promise: Promise, seen: str
) -> None:
    [broken] = tried(breaks(store))
    assert (broken.promise, broken.matters) == (promise, promise is not P.CONDITIONAL_DELETE)
    assert seen in broken.seen
    assert str(broken).startswith(f"{promise}: ")
    assert "\n" not in str(broken)


def says(date: str | None) -> Effect:
    return lambda ask: date


@pytest.fixture
def off_by(store: MemoryStore) -> Callable[[float], list[Broken]]:
    """What is broken when the store's clock is so many seconds ahead of ours."""
    ours = parse_http_date(store.date_header() or "")
    assert ours

    def tried(seconds: float) -> list[Broken]:
        theirs = format_datetime(ours + timedelta(seconds=seconds), usegmt=True)
        ahead = behind(of("date_header"), says(theirs))(store)
        return broken_promises(ahead, VirtualClock(ours), "scratch", racers=2)

    return tried


@pytest.mark.parametrize(
    ("seconds", "matters", "said"),
    [
        (5, False, "5 s ahead of ours"),
        # Its time is told in whole seconds.
        (-5, False, "4 s behind ours"),
        (60, False, "60 s ahead"),
        (61, True, "61 s ahead of ours"),
        (-3601, True, "3,600 s behind ours"),
    ],
)
def test_a_clock_that_is_off_warns_and_one_that_is_a_minute_off_matters(
    off_by: Callable[[float], list[Broken]], seconds: float, matters: bool, said: str
) -> None:
    [broken] = off_by(seconds)
    assert (broken.promise, broken.matters) == (Promise.CLOCK, matters)
    assert said in broken.seen
    assert "NTP" in str(broken)


@pytest.mark.parametrize("seconds", [-3, -1, 0, 2])
def test_a_second_or_two_are_nothing(
    off_by: Callable[[float], list[Broken]], seconds: float
) -> None:
    assert off_by(seconds) == []


def test_a_store_that_does_not_tell_the_time_is_believed(store: MemoryStore) -> None:
    assert tried(behind(of("date_header"), says(None))(store)) == []


def test_a_store_whose_time_cannot_be_read_is_named_and_taken(store: MemoryStore) -> None:
    unreadable = "Wed, 28 May 99999 17:00:00 GMT"
    [broken] = tried(behind(of("date_header"), says(unreadable))(store))
    assert (broken.promise, broken.matters) == (Promise.CLOCK, False)
    assert repr(unreadable) in broken.seen
    assert "could not be checked" in str(broken)


@pytest.mark.parametrize("error", [StoreUnavailable, NoSuchBucket, AccessRefused])
def test_what_cannot_be_told_is_no_broken_promise(
    store: MemoryStore, error: type[StoreError]
) -> None:
    breaks = behind(unheard_of(Promise.IF_MATCH), refused(error("nothing can be told")))
    with pytest.raises(error, match="nothing can be told"):
        tried(breaks(store))
    assert list(store.list("")) == []
