"""What is S3's own: errors, answers that make no sense, memory, pages, certificates, credentials.

Promises that every store keeps are in `test_contract`.
"""

from __future__ import annotations

import io
import re
import shutil
import socket
import ssl
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from resources.embedded_s3 import S3Access
from resources.store import (
    AccessRefused,
    Corrupted,
    StoredObject,
    StoreFull,
    StoreUnavailable,
)
from resources.store.s3 import S3Store
from tests.resources.store.promises import CALLS, READS, asks_for_all, puts
from tests.s3_gate import SLOW_DOWN, Answer, S3Gate
from tests.s3_gate import s3_gate as s3_gate_before
from tests.stores import below, s3_store

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def connected(s3_server: S3Access) -> S3Store:
    """Making a client costs more than all that a test asks of it."""
    return s3_store(s3_server, "")


@pytest.fixture
def store(connected: S3Store, s3_prefix: str) -> S3Store:
    return below(connected, s3_prefix)


@pytest.fixture
def through(s3_gate: S3Gate, s3_prefix: str) -> S3Store:
    """Behind a gate."""
    return s3_store(s3_gate.access, s3_prefix)


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


def test_a_listing_gives_every_page_in_order(store: S3Store) -> None:
    keys = [f"day/{n:05d}.x" for n in range(1005)]
    with ThreadPoolExecutor(4) as writers:
        list(writers.map(lambda key: store.put_new(key, b""), keys))
    listed = list(store.list("day/"))
    assert [item.key for item in listed] == keys
    assert store.requests.by_operation["LIST"] == 2
    assert listed[7].etag == store.head(keys[7]).etag


def test_a_listing_counts_what_it_costs(store: S3Store) -> None:
    store.put_new("a", b"")
    list(store.list(""))
    one = store.requests.bytes_in
    assert one > 0
    store.put_new("b", b"")
    list(store.list(""))
    assert store.requests.bytes_in > 2 * one


def test_a_store_that_errs_is_never_an_empty_one(s3_gate: S3Gate, through: S3Store) -> None:
    s3_gate.refuses = lambda method, path: True
    for call in CALLS:
        with pytest.raises(StoreUnavailable, match="HTTP 500"):
            call(through)


def test_wrong_keys_are_refused(s3_server: S3Access) -> None:
    wrong = S3Access(s3_server.endpoint_url, "AKNOBODY", "wrong", s3_server.region)
    with pytest.raises(AccessRefused):
        s3_store(wrong, "p").put_new("a", b"")


def test_a_put_is_sent_once_though_its_answer_is_lost(s3_gate: S3Gate, through: S3Store) -> None:
    s3_gate.loses_answer = lambda method, path: method == "PUT"
    with pytest.raises(StoreUnavailable):
        through.put_new("a", b"x")
    assert [method for method, _ in s3_gate.passed] == ["PUT"]
    assert through.get("a").body == b"x"


def test_a_server_that_fails_writes_on_a_full_disk_is_full(
    s3_gate: S3Gate, through: S3Store
) -> None:
    room = -5_500_000
    through.room = lambda: room
    through.put_new("a", b"")
    s3_gate.refuses = lambda method, path: True
    with pytest.raises(StoreFull, match=f"{through.prefix}/b: .* full: make 6 MB of room"):
        through.put_new("b", b"")
    with pytest.raises(StoreUnavailable) as of_a_read:
        through.get("a")
    room = 1
    with pytest.raises(StoreUnavailable) as with_room:
        through.put_new("b", b"")
    assert not isinstance(of_a_read.value, StoreFull)
    assert not isinstance(with_room.value, StoreFull)


def test_an_answer_that_breaks_off_is_no_object(s3_gate: S3Gate, through: S3Store) -> None:
    through.put_new("a", b"x" * 1000)
    s3_gate.loses_answer = lambda method, path: method == "GET"
    for read in READS:
        with pytest.raises(StoreUnavailable):
            read(through)


def test_a_bit_that_changed_since_it_was_stored_is_noticed(
    s3_gate: S3Gate, through: S3Store
) -> None:
    through.put_new("a", b"x" * 1000)
    s3_gate.alters = lambda method, path, answer: replace(answer, body=b"y" + answer.body[1:])
    for read in (READS[0], READS[2]):
        with pytest.raises(Corrupted, match=f"{through.prefix}/a"):
            read(through)


@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_asked_twice_of_a_store_that_wants_less(
    s3_gate: S3Gate, through: S3Store, call: Callable[[S3Store], Any]
) -> None:
    asked: list[str] = []

    def slow_down(method: str, path: str) -> Answer:
        asked.append(method)
        return SLOW_DOWN

    s3_gate.answers = slow_down
    with pytest.raises(StoreUnavailable, match="HTTP 503"):
        call(through)
    assert len(asked) == 1


def test_an_answer_that_comes_too_late_is_none(s3_gate: S3Gate, through: S3Store) -> None:
    through.s3 = replace(through.s3, read_timeout_seconds=0.1)
    s3_gate.delay_seconds = 1.0
    with pytest.raises(StoreUnavailable, match="timeout"):
        through.put_new("a", b"x")


def test_one_that_does_not_answer_is_left_alone_for_a_while(
    s3_gate: S3Gate, through: S3Store
) -> None:
    through.s3 = replace(through.s3, read_timeout_seconds=0.1)
    through.rest_seconds, s3_gate.delay_seconds = 0.2, 1.0
    with pytest.raises(StoreUnavailable, match="timeout"):
        through.put_new("a", b"x")
    s3_gate.delay_seconds = 0.0
    with pytest.raises(StoreUnavailable, match="just not answered"):
        through.put_new("b", b"x")
    while True:
        with suppress(StoreUnavailable):
            through.put_new("b", b"x")
            return


@pytest.mark.parametrize(
    "nonsense", ["soon", "Wed, 28 May 99999 17:00:00 GMT", "9" * 30, "9" * 5000, "-1"]
)
def test_headers_that_cannot_be_read_cost_nothing(
    s3_gate: S3Gate, through: S3Store, nonsense: str
) -> None:
    names = ("date", "last-modified", "expires", "x-amz-tagging-count", "x-amz-mp-parts-count")

    def altered(method: str, path: str, answer: Answer) -> Answer:
        return replace(answer, headers=answer.headers | dict.fromkeys(names, nonsense))

    s3_gate.alters = altered
    etag = through.put_new("a", b"0123456789")
    found = through.get("a")
    assert (found.body, found.etag) == (b"0123456789", etag)
    assert (through.head("a").size, through.get_range("a", 3, 4)) == (10, b"3456")
    assert [item.key for item in through.list("")] == ["a"]
    assert through.date_header() == nonsense
    etag = through.replace("a", b"other", etag)
    through.delete("a", etag)


def test_a_length_that_is_no_number_is_not_known(s3_gate: S3Gate, through: S3Store) -> None:
    through.put_new("a", b"0123456789")
    s3_gate.alters = lambda method, path, answer: replace(
        answer, headers=answer.headers | {"content-length": "ten"}
    )
    assert through.head("a").size is None


@pytest.mark.parametrize("call", [*READS, asks_for_all, puts])
def test_an_object_without_an_etag_is_of_no_use(
    s3_gate: S3Gate, through: S3Store, call: Callable[[S3Store], Any]
) -> None:
    def altered(method: str, path: str, answer: Answer) -> Answer:
        headers = {name: value for name, value in answer.headers.items() if name != "etag"}
        body = re.sub(rb"<ETag>.*?</ETag>", b"", answer.body)
        return replace(answer, headers=headers, body=body)

    if call is not puts:
        through.put_new("a", b"0123456789")
    s3_gate.alters = altered
    if call is READS[1]:
        assert call(through) == b"12", "nobody asks for that of a part"
        return
    with pytest.raises(StoreUnavailable, match="without an ETag"):
        call(through)


def test_a_listing_whose_times_cannot_be_read_is_none(s3_gate: S3Gate, through: S3Store) -> None:
    through.put_new("a", b"")
    s3_gate.alters = lambda method, path, answer: replace(
        answer, body=re.sub(rb"(<LastModified>)\d+", rb"\g<1>99999", answer.body)
    )
    with pytest.raises(
        StoreUnavailable, match=f"{through.prefix}/a: listed without a readable time"
    ):
        list(through.list(""))


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
            s3_store(gate.access, s3_prefix).put_new("a", b"x")
        assert gate.passed == []
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        trusting = s3_store(gate.access, s3_prefix)
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
    return s3_store(S3Access(s3_server.endpoint_url, region=s3_server.region), s3_prefix)


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
        s3_store(s3_server, s3_prefix).put_new("a", b"")


def test_a_bucket_is_made_once(connected: S3Store, s3_prefix: str) -> None:
    store = replace(connected, bucket=s3_prefix)
    store.make_bucket()
    store.make_bucket()
    assert list(store.list("")) == []
