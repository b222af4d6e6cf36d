"""Objects on a real S3 server: conditional writes, typed errors, an outage that looks like one."""

from __future__ import annotations

import io
import re
import shutil
import socket
import ssl
import subprocess
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from resources.embedded_s3 import S3Access
from resources.store import (
    AccessRefused,
    Conflicting,
    Corrupted,
    NoSuchBucket,
    NotFound,
    NotSupported,
    PreconditionFailed,
    Requests,
    StoredObject,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from resources.store.s3 import PatientS3, S3Store, typed_error
from tests.s3_gate import SLOW_DOWN, Answer, S3Gate
from tests.s3_gate import s3_gate as s3_gate_before
from touchline.clock import parse_http_date


def store_at(access: S3Access, prefix: str, bucket: str = "touchline") -> S3Store:
    return S3Store(
        PatientS3(
            endpoint_url=access.endpoint_url,
            region_name=access.region,
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=access.secret_access_key,
        ),
        bucket,
        prefix,
    )


@pytest.fixture(scope="module")
def connected(s3_server: S3Access) -> S3Store:
    """Making a client costs more than all that a test asks of it."""
    return store_at(s3_server, "")


@pytest.fixture
def store(connected: S3Store, s3_prefix: str) -> S3Store:
    return replace(connected, prefix=s3_prefix, requests=Requests())


def test_an_object_comes_back_with_its_metadata(store: S3Store) -> None:
    etag = store.put_new("raw/a", b"\x00body", {"fetch-id": "Qx7LmA20bTzK"})
    found = store.get("raw/a")
    assert (found.key, found.body, found.etag) == ("raw/a", b"\x00body", etag)
    assert found.metadata == {"fetch-id": "Qx7LmA20bTzK"}
    head = store.head("raw/a")
    assert (head.etag, head.metadata, head.body) == (etag, found.metadata, b"")


def test_a_new_object_never_overwrites(store: S3Store) -> None:
    store.put_new("a", b"first")
    with pytest.raises(PreconditionFailed):
        store.put_new("a", b"second")
    assert store.get("a").body == b"first"


@pytest.fixture
def large(tmp_path: Path) -> Iterator[BinaryIO]:
    """A file of 70 MB that is not all the same."""
    with (tmp_path / "large").open("w+b") as file:
        for n in range(70):
            file.write(bytes([n]) * 1_000_000)
        yield file


def memory_of(work: Callable[[], object]) -> int:
    """The most bytes that Python held at once during this, beyond what it held before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_file_goes_there_and_back_without_being_held(
    store: S3Store, large: BinaryIO, tmp_path: Path
) -> None:
    assert store.client, "making one takes as much"
    assert memory_of(lambda: store.put_new("large", large, {"fetch-id": "x"})) < 10_000_000
    with (tmp_path / "back").open("w+b") as back:
        found: list[StoredObject] = []
        assert memory_of(lambda: found.append(store.download("large", back))) < 10_000_000
    assert (tmp_path / "back").read_bytes() == (tmp_path / "large").read_bytes()
    assert found == [StoredObject("large", b"", store.head("large").etag, {"fetch-id": "x"})]
    assert (store.requests.bytes_out, store.requests.bytes_in) == (70_000_000, 70_000_000)


def test_a_file_is_sent_whole_wherever_it_stands(store: S3Store) -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(7)
    etag = store.put_new("a", file)
    with pytest.raises(PreconditionFailed):
        store.replace("a", file, "0" * 32)
    assert store.get("a").body == b"0123456789"
    file.write(b"and more")
    store.replace("a", file, etag)
    assert store.get("a").body == file.getvalue()
    assert store.requests.bytes_out == 10 + len(file.getvalue())


def test_a_range_is_read_alone(store: S3Store) -> None:
    store.put_new("a", b"0123456789")
    assert store.get_range("a", 3, 4) == b"3456"
    assert store.get_range("a", 0, 10) == b"0123456789"
    assert store.get_range("a", 10, 0) == b""
    assert store.requests.by_operation["GET"] == 2
    assert store.requests.bytes_in == 14


@pytest.mark.parametrize("offset", [9, 10, 100])
def test_an_object_that_ends_before_its_range_is_damaged(store: S3Store, offset: int) -> None:
    store.put_new("a", b"0123456789")
    with pytest.raises(Corrupted, match=f"{store.prefix}/a"):
        store.get_range("a", offset, 2)


def test_an_object_is_replaced_only_as_it_was_read(store: S3Store) -> None:
    first = store.put_new("a", b"first")
    second = store.replace("a", b"second", first)
    with pytest.raises(PreconditionFailed):
        store.replace("a", b"third", first)
    assert store.get("a").body == b"second"
    assert store.get("a").etag == second != first


def test_nothing_is_not_replaced(store: S3Store) -> None:
    with pytest.raises((PreconditionFailed, NotFound)):
        store.replace("nothing", b"x", "0" * 32)
    assert list(store.list("")) == []


def test_of_many_writers_of_one_key_one_wins(store: S3Store) -> None:
    outcomes: list[str] = []

    def write(body: bytes) -> None:
        try:
            store.put_new("contested", body)
            outcomes.append(body.decode())
        except (PreconditionFailed, Conflicting):
            outcomes.append("lost")

    threads = [threading.Thread(target=write, args=(b"%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [outcome for outcome in outcomes if outcome != "lost"]
    assert store.get("contested").body == winner.encode()


READS: list[Callable[[S3Store], Any]] = [
    lambda store: store.get("a"),
    lambda store: store.get_range("a", 1, 2),
    lambda store: store.download("a", io.BytesIO()),
]


@pytest.mark.parametrize("ask", [*READS, lambda store: store.head("a")])
def test_what_is_not_there_is_not_found(store: S3Store, ask: Callable[[S3Store], Any]) -> None:
    with pytest.raises(NotFound, match=f"{store.prefix}/a"):
        ask(store)


def test_a_prefix_sees_its_own_objects_alone(store: S3Store) -> None:
    neighbour = replace(store, prefix=f"{store.prefix}-neighbour")
    neighbour.put_new("a", b"theirs")
    store.put_new("a", b"ours")
    store.put_new("b/c", b"ours")
    assert [item.key for item in store.list("")] == ["a", "b/c"]
    assert [(item.key, item.size) for item in store.list("b/")] == [("b/c", 4)]
    assert store.get("a").body == b"ours"


def test_a_listing_gives_every_page_in_order(store: S3Store) -> None:
    keys = [f"day/{n:05d}.x" for n in range(1005)]
    with ThreadPoolExecutor(4) as writers:
        list(writers.map(lambda key: store.put_new(key, b""), keys))
    listed = list(store.list("day/"))
    assert [item.key for item in listed] == keys
    assert store.requests.by_operation["LIST"] == 2
    assert listed[7].etag == store.head(keys[7]).etag


def test_a_listing_begins_after_a_key(store: S3Store) -> None:
    for key in ("day/1", "day/2", "day/2x", "day/3", "other"):
        store.put_new(key, b"")
    listed = [item.key for item in store.list("day/", start_after="day/2")]
    assert listed == ["day/2x", "day/3"]
    assert list(store.list("day/", start_after="day/3")) == []


def test_a_listing_counts_what_it_costs(store: S3Store) -> None:
    store.put_new("a", b"")
    list(store.list(""))
    one = store.requests.bytes_in
    assert one > 0
    store.put_new("b", b"")
    list(store.list(""))
    assert store.requests.bytes_in > 2 * one


def test_folders_are_the_names_below_a_prefix(store: S3Store) -> None:
    for key in ("raw/f/date=1/a", "raw/f/date=1/b", "raw/f/date=2/a", "raw/f/x", "hot/y"):
        store.put_new(key, b"")
    assert list(store.folders("raw/f/")) == ["date=1", "date=2"]
    assert list(store.folders("none/")) == []


def test_a_deleted_object_is_gone(store: S3Store) -> None:
    store.put_new("a", b"")
    store.delete("a")
    with pytest.raises(NotFound):
        store.get("a")


def test_what_has_another_etag_is_not_deleted(store: S3Store) -> None:
    before = store.put_new("a", b"x")
    now = store.replace("a", b"y", before)
    with pytest.raises(PreconditionFailed):
        store.delete("a", before)
    assert store.get("a").body == b"y"
    store.delete("a", now)
    with pytest.raises(NotFound):
        store.head("a")


CALLS: list[Callable[[S3Store], Any]] = [
    lambda store: store.get("a"),
    lambda store: list(store.list("")),
    lambda store: store.put_new("a", b"x"),
    *READS[1:],
    lambda store: store.head("a"),
    lambda store: list(store.folders("")),
    lambda store: store.put_new("a", io.BytesIO(b"x")),
    lambda store: store.replace("a", b"x", "0" * 32),
    lambda store: store.delete("a"),
]


@pytest.fixture(scope="module")
def away() -> Iterator[S3Store]:
    """Where connections are refused: somebody has the port and does not listen."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        yield store_at(S3Access(endpoint, "key", "secret", "us-east-1"), "p")


@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_is_away_is_never_an_empty_one(
    away: S3Store, call: Callable[[S3Store], Any]
) -> None:
    with pytest.raises(StoreUnavailable, match="s3://touchline/p"):
        call(away)


def test_an_endpoint_that_no_client_takes_names_its_setting() -> None:
    store = store_at(S3Access("http://object_store:9000", "key", "secret", "us-east-1"), "p")
    with pytest.raises(StoreUnavailable, match=r"Invalid endpoint: .*TOUCHLINE_S3_ENDPOINT_URL"):
        store.get("a")


def test_a_store_that_errs_is_never_an_empty_one(s3_gate: S3Gate, s3_prefix: str) -> None:
    store = store_at(s3_gate.access, s3_prefix)
    s3_gate.refuses = lambda method, path: True
    for call in CALLS:
        with pytest.raises(StoreUnavailable, match="HTTP 500"):
            call(store)


@pytest.mark.parametrize("call", CALLS[:3])
def test_a_bucket_that_is_not_there_is_not_an_empty_one(
    connected: S3Store, call: Callable[[S3Store], Any]
) -> None:
    with pytest.raises(NoSuchBucket, match="TOUCHLINE_S3_BUCKET"):
        call(replace(connected, bucket="no-such-bucket"))


def test_wrong_keys_are_refused(s3_server: S3Access) -> None:
    wrong = S3Access(s3_server.endpoint_url, "AKNOBODY", "wrong", s3_server.region)
    with pytest.raises(AccessRefused):
        store_at(wrong, "p").put_new("a", b"")


def test_a_put_is_sent_once_though_its_answer_is_lost(s3_gate: S3Gate, s3_prefix: str) -> None:
    store = store_at(s3_gate.access, s3_prefix)
    s3_gate.loses_answer = lambda method, path: method == "PUT"
    with pytest.raises(StoreUnavailable):
        store.put_new("a", b"x")
    assert [method for method, _ in s3_gate.passed] == ["PUT"]
    assert store.get("a").body == b"x"


def test_a_server_that_fails_writes_on_a_full_disk_is_full(s3_gate: S3Gate, s3_prefix: str) -> None:
    room = -5_500_000
    store = replace(store_at(s3_gate.access, s3_prefix), room=lambda: room)
    store.put_new("a", b"")
    s3_gate.refuses = lambda method, path: True
    with pytest.raises(StoreFull, match=f"{s3_prefix}/b: .* full: make 6 MB of room"):
        store.put_new("b", b"")
    with pytest.raises(StoreUnavailable) as of_a_read:
        store.get("a")
    room = 1
    with pytest.raises(StoreUnavailable) as with_room:
        store.put_new("b", b"")
    assert not isinstance(of_a_read.value, StoreFull)
    assert not isinstance(with_room.value, StoreFull)


def test_an_answer_that_breaks_off_is_no_object(s3_gate: S3Gate, s3_prefix: str) -> None:
    store = store_at(s3_gate.access, s3_prefix)
    store.put_new("a", b"x" * 1000)
    s3_gate.loses_answer = lambda method, path: method == "GET"
    for read in READS:
        with pytest.raises(StoreUnavailable):
            read(store)


def test_a_bit_that_changed_since_it_was_stored_is_noticed(s3_gate: S3Gate, s3_prefix: str) -> None:
    store = store_at(s3_gate.access, s3_prefix)
    store.put_new("a", b"x" * 1000)
    s3_gate.spoils = lambda path, body: b"y" + body[1:]
    for read in (READS[0], READS[2]):
        with pytest.raises(Corrupted, match=f"{s3_prefix}/a"):
            read(store)


@pytest.mark.parametrize("call", [*READS, *CALLS[1:]])
def test_nothing_is_asked_twice_of_a_store_that_wants_less(
    s3_gate: S3Gate, s3_prefix: str, call: Callable[[S3Store], Any]
) -> None:
    asked: list[str] = []

    def slow_down(method: str, path: str) -> Answer:
        asked.append(method)
        return SLOW_DOWN

    store = store_at(s3_gate.access, s3_prefix)
    s3_gate.answers = slow_down
    with pytest.raises(StoreUnavailable, match="HTTP 503"):
        call(store)
    assert len(asked) == 1


def test_an_answer_that_comes_too_late_is_none(s3_gate: S3Gate, s3_prefix: str) -> None:
    store = store_at(s3_gate.access, s3_prefix)
    store.s3 = store.s3.model_copy(update={"read_timeout_seconds": 0.1})
    s3_gate.delay_seconds = 1.0
    with pytest.raises(StoreUnavailable, match="timeout"):
        store.put_new("a", b"x")


def test_one_that_does_not_answer_is_left_alone_for_a_while(
    s3_gate: S3Gate, s3_prefix: str
) -> None:
    store = store_at(s3_gate.access, s3_prefix)
    store.s3 = store.s3.model_copy(update={"read_timeout_seconds": 0.1})
    store.rest_seconds, s3_gate.delay_seconds = 0.2, 1.0
    with pytest.raises(StoreUnavailable, match="timeout"):
        store.put_new("a", b"x")
    s3_gate.delay_seconds = 0.0
    with pytest.raises(StoreUnavailable, match="just not answered"):
        store.put_new("b", b"x")
    while True:
        with suppress(StoreUnavailable):
            store.put_new("b", b"x")
            return


@pytest.mark.parametrize(
    "nonsense", ["soon", "Wed, 28 May 99999 17:00:00 GMT", "9" * 30, "9" * 5000, "-1"]
)
def test_headers_that_cannot_be_read_cost_nothing(
    s3_gate: S3Gate, s3_prefix: str, nonsense: str
) -> None:
    names = ("date", "last-modified", "expires", "x-amz-tagging-count", "x-amz-mp-parts-count")

    def altered(method: str, path: str, answer: Answer) -> Answer:
        return replace(answer, headers=answer.headers | dict.fromkeys(names, nonsense))

    store = store_at(s3_gate.access, s3_prefix)
    s3_gate.alters = altered
    etag = store.put_new("a", b"0123456789")
    found = store.get("a")
    assert (found.body, found.etag) == (b"0123456789", etag)
    assert (store.head("a").size, store.get_range("a", 3, 4)) == (10, b"3456")
    assert [item.key for item in store.list("")] == ["a"]
    assert store.date_header() == nonsense
    etag = store.replace("a", b"other", etag)
    store.delete("a", etag)


def test_a_length_that_is_no_number_is_not_known(s3_gate: S3Gate, s3_prefix: str) -> None:
    store = store_at(s3_gate.access, s3_prefix)
    store.put_new("a", b"0123456789")
    s3_gate.alters = lambda method, path, answer: replace(
        answer, headers=answer.headers | {"content-length": "ten"}
    )
    assert store.head("a").size is None


@pytest.mark.parametrize("call", [*READS, *CALLS[1:3]])
def test_an_object_without_an_etag_is_of_no_use(
    s3_gate: S3Gate, s3_prefix: str, call: Callable[[S3Store], Any]
) -> None:
    def altered(method: str, path: str, answer: Answer) -> Answer:
        headers = {name: value for name, value in answer.headers.items() if name != "etag"}
        body = re.sub(rb"<ETag>.*?</ETag>", b"", answer.body)
        return replace(answer, headers=headers, body=body)

    store = store_at(s3_gate.access, s3_prefix)
    if call is not CALLS[2]:
        store.put_new("a", b"0123456789")
    s3_gate.alters = altered
    if call is READS[1]:
        assert call(store) == b"12", "nobody asks for that of a part"
        return
    with pytest.raises(StoreUnavailable, match="without an ETag"):
        call(store)


def test_a_listing_whose_times_cannot_be_read_is_none(s3_gate: S3Gate, s3_prefix: str) -> None:
    store = store_at(s3_gate.access, s3_prefix)
    store.put_new("a", b"")
    s3_gate.alters = lambda method, path, answer: replace(
        answer, body=re.sub(rb"(<LastModified>)\d+", rb"\g<1>99999", answer.body)
    )
    with pytest.raises(StoreUnavailable, match=f"{s3_prefix}/a: listed without a readable time"):
        list(store.list(""))


def test_the_store_tells_the_time(store: S3Store) -> None:
    before, header, after = datetime.now(UTC), store.date_header(), datetime.now(UTC)
    said = parse_http_date(header or "")
    assert said
    assert before - timedelta(seconds=1) <= said <= after


# Whom to trust, and who we are.


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that it has signed itself, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes a certificate with openssl, which is not there")
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
        f" -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {made}".split(),
        check=True,
        capture_output=True,
    )
    with made.open("ab") as file:
        file.write(key.read_bytes())
    return made


def test_an_endpoint_that_nobody_vouches_for_is_refused(
    s3_server: S3Access, s3_prefix: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    with s3_gate_before(s3_server, tls) as gate:
        with pytest.raises(StoreUnavailable, match=r"certificate.* AWS_CA_BUNDLE"):
            store_at(gate.access, s3_prefix).put_new("a", b"x")
        assert gate.passed == []
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        trusting = store_at(gate.access, s3_prefix)
        trusting.put_new("a", io.BytesIO(b"x" * 100_000))
        assert trusting.get("a").body == b"x" * 100_000


@pytest.fixture
def keyless(
    s3_server: S3Access, s3_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> S3Store:
    """Told the endpoint alone, on a machine without any credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return store_at(S3Access(s3_server.endpoint_url, region=s3_server.region), s3_prefix)


def test_no_keys_at_all_say_what_to_set(keyless: S3Store) -> None:
    with pytest.raises(AccessRefused, match="AWS_ACCESS_KEY_ID"):
        keyless.get("a")


def test_half_a_key_says_what_is_missing(keyless: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    with pytest.raises(AccessRefused, match="AWS_SECRET_ACCESS_KEY"):
        keyless.get("a")


def test_keys_come_from_the_environment(
    keyless: S3Store, s3_server: S3Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key_id or "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_access_key or "")
    keyless.put_new("a", b"")


@pytest.mark.parametrize("profile", ["default", "watcher"])
def test_keys_come_from_a_profile_of_the_shared_file(
    keyless: S3Store,
    s3_server: S3Access,
    profile: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "credentials").write_text(
        f"[{profile}]\naws_access_key_id = {s3_server.access_key_id}\n"
        f"aws_secret_access_key = {s3_server.secret_access_key}\n"
    )
    if profile != "default":
        monkeypatch.setenv("AWS_PROFILE", profile)
    keyless.put_new("a", b"")


def test_a_profile_that_is_not_there_is_named(
    keyless: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(AccessRefused, match="nobody"):
        keyless.get("a")


def test_the_own_machine_is_reached_without_a_proxy(
    s3_server: S3Access, s3_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        store_at(s3_server, s3_prefix).put_new("a", b"")


def test_a_bucket_is_made_once(connected: S3Store, s3_prefix: str) -> None:
    store = replace(connected, bucket=s3_prefix)
    store.make_bucket()
    store.make_bucket()
    assert list(store.list("")) == []


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (404, "NoSuchKey", "", NotFound),
        (404, "NoSuchBucket", "", NoSuchBucket),
        (409, "ConditionalRequestConflict", "", Conflicting),
        (416, "InvalidRange", "", Corrupted),
        (412, "PreconditionFailed", "", PreconditionFailed),
        (401, "", "", AccessRefused),
        (403, "AccessDenied", "", AccessRefused),
        (501, "NotImplemented", "", NotSupported),
        (507, "", "", StoreFull),
        (500, "InternalError", "no free volumes left", StoreFull),
        (503, "SlowDown", "", StoreUnavailable),
        (400, "InvalidArgument", "", StoreUnavailable),
    ],
)
def test_errors_are_told_by_status_and_code(
    status: int, code: str, message: str, kind: type[StoreError]
) -> None:
    error = typed_error(status, code, message, "put_object s3://b/k")
    assert type(error) is kind
    assert "s3://b/k" in str(error)
