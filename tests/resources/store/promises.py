"""What landing rests on in a store, a function each: it fails where the store does not keep it.

Each is given an empty store. It lists once, or says beforehand what it needs to find there, so that
one broken promise does not look like another.
"""

from __future__ import annotations

import contextlib
import io
import random
import threading
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from resources.store import (
    Conflicting,
    Corrupted,
    NoSuchBucket,
    NotFound,
    PreconditionFailed,
    Store,
    StoreError,
)
from tests.stores import below
from touchline.clock import parse_http_date

RACERS = 8
RACED_NEW, RACED_REPLACED = "raced/new", "raced/replaced"
OTHER_ETAG = "0" * 32
METADATA = {"Fetch-Id": "Qx7LmA20bTzK", "account": '{"received":0}'}
LOWERED = {"fetch-id": "Qx7LmA20bTzK", "account": '{"received":0}'}

Ask = Callable[[Store], Any]
READS: list[Ask] = [
    lambda store: store.get("a"),
    lambda store: store.get_range("a", 1, 2),
    lambda store: store.download("a", io.BytesIO()),
]


def asks_for_all(store: Store) -> Any:
    return list(store.list(""))


def puts(store: Store) -> Any:
    return store.put_new("a", b"x")


def heads(store: Store) -> Any:
    return store.head("a")


def replaces(store: Store) -> Any:
    return store.replace("a", b"x", OTHER_ETAG)


CALLS: list[Ask] = [
    *READS,
    asks_for_all,
    puts,
    heads,
    replaces,
    lambda store: list(store.folders("")),
    lambda store: store.put_new("a", io.BytesIO(b"x")),
    lambda store: store.delete("a"),
]

Promise = Callable[[Store], None]
PROMISES: list[Promise] = []


def promise(made: Promise) -> Promise:
    PROMISES.append(made)
    return made


def keys(store: Store, prefix: str = "", start_after: str | None = None) -> list[str]:
    return [item.key for item in store.list(prefix, start_after)]


@promise
def an_object_comes_back_with_its_metadata(store: Store) -> None:
    etag = store.put_new("raw/date=2025-05-28/00881.json.zst", b"\x00body", METADATA)
    found = store.get("raw/date=2025-05-28/00881.json.zst")
    assert (found.key, found.body) == ("raw/date=2025-05-28/00881.json.zst", b"\x00body")
    assert (found.etag, found.metadata) == (etag, LOWERED)
    head = store.head(found.key)
    assert (head.etag, head.metadata, head.body, head.size) == (etag, LOWERED, b"", 5)


@promise
def an_object_goes_into_a_file(store: Store) -> None:
    body = random.Random(7).randbytes((2 << 20) + 7)
    etag = store.put_new("a", body, METADATA)
    file = io.BytesIO()
    found = store.download("a", file)
    assert (found.etag, found.metadata, found.body) == (etag, LOWERED, b"")
    assert file.getvalue() == body


@promise
def a_range_is_read_alone(store: Store) -> None:
    store.put_new("a", b"0123456789")
    assert store.get_range("a", 3, 4) == b"3456"
    assert store.get_range("a", 0, 10) == b"0123456789"
    assert store.get_range("a", 10, 0) == b""
    for offset in (9, 10, 100):
        with pytest.raises(Corrupted, match="a"):
            store.get_range("a", offset, 2)


@promise
def what_is_not_there_is_not_found(store: Store) -> None:
    store.put_new("a-not", b"x")
    for ask in (*READS, heads):
        with pytest.raises(NotFound, match=f"{store.prefix}/a"):
            ask(store)


@promise
def a_body_may_be_empty_or_a_file(store: Store) -> None:
    store.put_new("empty", b"")
    file = io.BytesIO(b"0123456789")
    file.seek(7)
    etag = store.put_new("file", file)
    with pytest.raises(PreconditionFailed):
        store.replace("file", file, OTHER_ETAG)
    assert store.get("file").body == b"0123456789"
    file.write(b"and more")
    store.replace("file", file, etag)
    assert store.get("file").body == file.getvalue() == b"0123456789and more"
    assert (store.get("empty").body, store.head("empty").size) == (b"", 0)
    assert [item.size for item in store.list("")] == [0, 18]


@promise
def a_write_is_listed_at_once(store: Store) -> None:
    assert keys(store, "raw/") == []
    first = store.put_new("raw/a", b"first")
    listed = [(item.key, item.size, item.etag) for item in store.list("raw/")]
    assert listed == [("raw/a", 5, first)]
    second = store.replace("raw/a", b"the second", first)
    listed = [(item.key, item.size, item.etag) for item in store.list("raw/")]
    assert listed == [("raw/a", 10, second)]
    assert all(item.last_modified.tzinfo for item in store.list("raw/"))


@promise
def what_is_deleted_is_gone_at_once(store: Store) -> None:
    for key in ("raw/a", "raw/b", "raw/c"):
        store.put_new(key, b"x")
    store.delete("raw/a")
    store.delete("raw/b", store.head("raw/b").etag)
    for key in ("raw/a", "raw/b"):
        with pytest.raises(NotFound):
            store.head(key)
        with pytest.raises(NotFound):
            store.get(key)
    assert keys(store, "raw/") == ["raw/c"]
    store.delete("raw/a")


@promise
def a_listing_is_in_order_within_a_folder(store: Store) -> None:
    names = [f"day/{number:05d}.parquet" for number in range(1, 31)]
    names += ["day/00001-00010.parquet", "day/sealed-00001"]
    for key in random.Random(7).sample(names, len(names)):
        store.put_new(key, b"")
    assert keys(store, "day/") == sorted(names)


@promise
def a_listing_begins_after_a_key(store: Store) -> None:
    for key in ("day/1", "day/2", "day/2x", "day/3", "night/1", "night/2", "other"):
        store.put_new(key, b"")
    assert keys(store, "day/", "day/2") == ["day/2x", "day/3"]
    assert keys(store, "night/", "night/10") == ["night/2"], "no key of its own"
    assert keys(store, "other", "other") == []
    assert keys(store, "day/2") == ["day/2", "day/2x"]


@promise
def a_prefix_means_its_own_letters(store: Store) -> None:
    for name in ("odds_changes", "oddsXchanges", "ODDS_changes"):
        store.put_new(name, b"")
    assert keys(store, "odds_") == ["odds_changes"]


@promise
def folders_are_the_names_below_a_prefix(store: Store) -> None:
    for key in ("raw/f/date=1/a", "raw/f/date=1/b", "raw/f/date=2/x/a", "raw/f/x", "hot/y"):
        store.put_new(key, b"")
    assert sorted(store.folders("raw/f/")) == ["date=1", "date=2"]
    assert list(store.folders("none/")) == []


@promise
def a_prefix_sees_its_own_objects_alone(store: Store) -> None:
    ours, theirs = below(store, f"{store.prefix}/ours"), below(store, f"{store.prefix}/ours-not")
    theirs.put_new("a", b"theirs")
    ours.put_new("a", b"ours")
    ours.put_new("b/c", b"")
    assert keys(ours) == ["a", "b/c"]
    assert (ours.get("a").body, theirs.get("a").body) == (b"ours", b"theirs")


@promise
def a_new_object_never_overwrites(store: Store) -> None:
    etag = store.put_new("a", b"first", METADATA)
    for body in (b"second", b"first", io.BytesIO(b"second")):
        with pytest.raises(PreconditionFailed):
            store.put_new("a", body)
    found = store.get("a")
    assert (found.body, found.etag, found.metadata) == (b"first", etag, LOWERED)


@promise
def an_object_is_replaced_only_as_it_was_read(store: Store) -> None:
    first = store.put_new("a", b"first", {"of": "first"})
    second = store.replace("a", b"second", first, {"of": "second"})
    for etag in (first, OTHER_ETAG):
        with pytest.raises(PreconditionFailed):
            store.replace("a", b"third", etag)
    found = store.get("a")
    assert (found.body, found.etag, found.metadata) == (b"second", second, {"of": "second"})
    assert second != first


@promise
def what_has_another_etag_is_not_deleted(store: Store) -> None:
    before = store.put_new("a", b"x")
    now = store.replace("a", b"y", before)
    for etag in (before, OTHER_ETAG):
        with pytest.raises(PreconditionFailed):
            store.delete("a", etag)
    found = store.get("a")
    assert (found.body, found.etag) == (b"y", now)


@promise
def a_condition_on_nothing_fails(store: Store) -> None:
    with pytest.raises(PreconditionFailed):
        store.replace("a", b"x", OTHER_ETAG)
    with pytest.raises(PreconditionFailed):
        store.delete("a", OTHER_ETAG)
    assert keys(store) == []


@promise
def of_many_who_write_a_new_object_one_wins(store: Store) -> None:
    _race(store, RACED_NEW, lambda body: store.put_new(RACED_NEW, body))


@promise
def of_many_who_replace_an_object_one_wins(store: Store) -> None:
    stood = store.put_new(RACED_REPLACED, b"stood")
    _race(store, RACED_REPLACED, lambda body: store.replace(RACED_REPLACED, body, stood))


def _race(store: Store, key: str, write: Callable[[bytes], str]) -> None:
    won: dict[bytes, str] = {}
    ready = threading.Barrier(RACERS)

    def tried(body: bytes) -> None:
        ready.wait()
        with contextlib.suppress(PreconditionFailed, Conflicting):
            won[body] = write(body)

    racers = [threading.Thread(target=tried, args=(b"%d" % n,)) for n in range(RACERS)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    found = store.get(key)
    assert won == {found.body: found.etag}


@promise
def a_bucket_that_is_not_there_is_never_an_empty_one(store: Store) -> None:
    nowhere = below(store, store.prefix, "no-such-bucket")
    # A HEAD is answered without a reason, and SeaweedFS looks at the condition first.
    also: dict[Ask, type[StoreError]] = {heads: NotFound, replaces: PreconditionFailed}
    for ask in CALLS:
        with pytest.raises((NoSuchBucket, also.get(ask, NoSuchBucket))):
            ask(nowhere)


@promise
def a_bucket_that_is_there_is_not_made_anew(store: Store) -> None:
    store.put_new("a", b"x")
    store.make_bucket()
    store.make_bucket()
    assert store.get("a").body == b"x"


@promise
def its_time_can_be_read(store: Store) -> None:
    header = store.date_header()
    assert header is None or parse_http_date(header) is not None


@promise
def what_is_done_is_counted(store: Store) -> None:
    store.put_new("a", b"0123456789")
    with pytest.raises(PreconditionFailed):
        store.put_new("a", b"refused")
    store.get("a")
    store.get_range("a", 3, 4)
    store.head("a")
    list(store.list(""))
    store.delete("a")
    with pytest.raises(NotFound):
        store.head("nothing")
    assert store.requests.by_operation == {"PUT": 1, "GET": 2, "HEAD": 1, "LIST": 1, "DELETE": 1}
    assert store.requests.bytes_out == 10
    assert store.requests.bytes_in >= 14


@promise
def delta_rs_finds_what_lies_below_a_key(store: Store) -> None:
    uri, options = store.uri("gold/table"), store.delta_options()
    with pytest.raises(TableNotFoundError):
        DeltaTable(uri, storage_options=options)
    schema = pa.schema([("n", pa.int64())])
    DeltaTable.create(uri, schema, storage_options=options)
    with pytest.raises(DeltaError):
        DeltaTable.create(uri, schema, storage_options=options)
    assert DeltaTable(uri, storage_options=options).version() == 0
    log = "gold/table/_delta_log/00000000000000000000.json"
    assert keys(store, "gold/table/_delta_log/") == [log]
    assert b'"metaData"' in store.get(log).body
    with pytest.raises(PreconditionFailed):
        store.put_new(log, b"another first version")
