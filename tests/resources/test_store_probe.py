"""The promises of a store: a real server keeps them all; behind a gate that breaks one, exactly
that one is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from resources.embedded_s3 import S3Access
from resources.store import AccessRefused, NoSuchBucket, StoreUnavailable
from resources.store.s3 import PatientS3, S3Store
from resources.store_probe import RACERS, Broken, Promise, broken_promises
from tests.s3_gate import Answer, S3Gate, is_listing, s3_error
from touchline.clock import SystemClock, VirtualClock, parse_http_date


@pytest.fixture
def store(s3_gate: S3Gate, s3_prefix: str) -> S3Store:
    """Through the gate."""
    return reached(s3_gate.access, s3_prefix)


def reached(access: S3Access, prefix: str) -> S3Store:
    s3 = PatientS3(
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
    )
    return S3Store(s3, "touchline", prefix)


def tried(store: S3Store, racers: int = 2) -> list[Broken]:
    return broken_promises(store, SystemClock(), "scratch", racers=racers)


def test_the_embedded_server_keeps_them_all_and_nothing_is_left(store: S3Store) -> None:
    store.put_new("raw/a", b"")
    assert tried(store, RACERS) == []
    assert [item.key for item in store.list("")] == ["raw/a"]
    assert sum(store.requests.by_operation.values()) < 60


def unconditional(header: str) -> Callable[[S3Gate], None]:
    def breaks(gate: S3Gate) -> None:
        gate.drops_headers = frozenset({header})

    return breaks


def unheard_of(header: str) -> Callable[[S3Gate], None]:
    """A store that says that it does not know such a condition."""

    def breaks(gate: S3Gate) -> None:
        def answers(method: str, path: str) -> Answer | None:
            if method == "PUT" and header in path:
                return s3_error(501, "NotImplemented", "A header implies what is not implemented")
            return None

        gate.answers = answers

    return breaks


def listings_are_stale(gate: S3Gate) -> None:
    first: dict[str, Answer] = {}

    def remember(method: str, path: str, answer: Answer) -> Answer:
        if not is_listing(method, path):
            return answer
        return replace(first.setdefault("", answer), headers=answer.headers)

    gate.alters = remember


def listings_have_other_sizes(gate: S3Gate) -> None:
    def grown(method: str, path: str, answer: Answer) -> Answer:
        if not is_listing(method, path):
            return answer
        return replace(answer, body=re.sub(rb"<Size>\d+", b"<Size>7", answer.body))

    gate.alters = grown


def listings_keep_what_is_deleted(gate: S3Gate) -> None:
    known: list[bytes] = []

    def pile_up(method: str, path: str, answer: Answer) -> Answer:
        if not is_listing(method, path):
            return answer
        for item in re.findall(rb"<Contents>.*?</Contents>", answer.body, re.DOTALL):
            known[:] = [item, *(old for old in known if key_of(old) != key_of(item))]
        body = re.sub(rb"<Contents>.*</Contents>", b"", answer.body, flags=re.DOTALL)
        return replace(
            answer,
            body=body.replace(b"</ListBucketResult>", b"".join(known) + b"</ListBucketResult>"),
        )

    def key_of(item: bytes) -> bytes:
        return item.partition(b"</Key>")[0]

    gate.alters = pile_up


def deletes_nothing(gate: S3Gate) -> None:
    gate.answers = lambda method, path: Answer(204) if method == "DELETE" else None


def bodies_are_spoiled(gate: S3Gate) -> None:
    """Behind a checksum that fits them, as a gateway that stores something else would do it."""

    def spoil(method: str, path: str, answer: Answer) -> Answer:
        if method != "GET" or answer.status not in (200, 206) or is_listing(method, path):
            return answer
        headers = {n: v for n, v in answer.headers.items() if not n.startswith("x-amz-checksum")}
        return replace(answer, headers=headers, body=answer.body[:-1] + b"?")

    gate.alters = spoil


def bodies_are_spoiled_under_their_checksum(gate: S3Gate) -> None:
    gate.spoils = lambda path, body: body if "list-type" in path else body[:-1] + b"?"


def all_win_a_race(promise: Promise) -> Callable[[S3Gate], None]:
    """As at a gateway that looks first and writes then."""

    def breaks(gate: S3Gate) -> None:
        def alter(method: str, path: str, answer: Answer) -> Answer:
            has_lost = method == "PUT" and f"{promise}-race" in path and answer.status == 412
            return Answer(200, {"etag": f'"{"0" * 32}"'}) if has_lost else answer

        gate.alters = alter

    return breaks


def another_wins_than_is_told(gate: S3Gate) -> None:
    def alter(method: str, path: str, answer: Answer) -> Answer:
        is_looked_at = method == "HEAD" and f"{Promise.IF_MATCH}-race" in path
        return replace(answer, headers=answer.headers | {"etag": '"0"'}) if is_looked_at else answer

    gate.alters = alter


def metadata_are_lost(gate: S3Gate) -> None:
    def lose(method: str, path: str, answer: Answer) -> Answer:
        kept = {n: v for n, v in answer.headers.items() if not n.startswith("x-amz-meta")}
        return replace(answer, headers=kept)

    gate.alters = lose


@pytest.mark.parametrize(
    ("breaks", "promise", "seen"),
    [
        (bodies_are_spoiled, Promise.READ_BACK, "not what was written"),
        (bodies_are_spoiled_under_their_checksum, Promise.READ_BACK, "checksum"),
        (metadata_are_lost, Promise.READ_BACK, "came back as {}"),
        (unconditional("if-none-match"), Promise.IF_NONE_MATCH, "exists was accepted"),
        (unheard_of("If-None-Match"), Promise.IF_NONE_MATCH, "HTTP 501 NotImplemented"),
        (
            unconditional("PUT if-match"),
            Promise.IF_MATCH,
            "another ETag than the object's was accepted",
        ),
        (unheard_of("If-Match"), Promise.IF_MATCH, "HTTP 501 NotImplemented"),
        (all_win_a_race(Promise.IF_NONE_MATCH), Promise.IF_NONE_MATCH, "2 of 2 PUTs"),
        (all_win_a_race(Promise.IF_MATCH), Promise.IF_MATCH, "2 of 2 PUTs"),
        (another_wins_than_is_told, Promise.IF_MATCH, "another one stands"),
        (listings_are_stale, Promise.LIST_AFTER_WRITE, "is not listed"),
        (listings_have_other_sizes, Promise.LIST_AFTER_WRITE, "is listed with 7 bytes"),
        (listings_keep_what_is_deleted, Promise.GONE_AFTER_DELETE, "still listed"),
        (deletes_nothing, Promise.GONE_AFTER_DELETE, "can still be read"),
    ],
)
def test_exactly_the_promise_that_is_broken_is_named(
    store: S3Store,
    s3_gate: S3Gate,
    breaks: Callable[[S3Gate], None],
    promise: Promise,
    seen: str,
) -> None:
    breaks(s3_gate)
    [broken] = tried(store)
    assert (broken.promise, broken.matters) == (promise, True)
    assert seen in broken.seen
    assert str(broken).startswith(f"{promise}: ")
    assert "\n" not in str(broken)


def test_a_store_that_removes_whatever_the_condition_warns(store: S3Store, s3_gate: S3Gate) -> None:
    s3_gate.drops_headers = frozenset({"DELETE if-match"})
    [broken] = tried(store)
    assert (broken.promise, broken.matters) == (Promise.CONDITIONAL_DELETE, False)
    assert "another ETag than the object's has removed it" in broken.seen


def test_every_promise_that_is_broken_is_named(store: S3Store, s3_gate: S3Gate) -> None:
    s3_gate.drops_headers = frozenset({"if-match", "if-none-match"})
    deletes_nothing(s3_gate)
    assert [broken.promise for broken in tried(store)] == [
        Promise.IF_NONE_MATCH,
        Promise.IF_MATCH,
        Promise.GONE_AFTER_DELETE,
    ]


@pytest.fixture
def off_by(store: S3Store, s3_gate: S3Gate) -> Callable[[float], list[Broken]]:
    """What is broken when the store's clock is so many seconds ahead of ours."""
    ours = parse_http_date(store.date_header() or "")
    assert ours

    def tried(seconds: float) -> list[Broken]:
        theirs = format_datetime(ours + timedelta(seconds=seconds), usegmt=True)
        s3_gate.alters = lambda method, path, answer: replace(
            answer, headers=answer.headers | {"date": theirs}
        )
        return broken_promises(store, VirtualClock(ours), "scratch", racers=2)

    return tried


@pytest.mark.parametrize(
    ("seconds", "matters", "says"),
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
    off_by: Callable[[float], list[Broken]], seconds: float, matters: bool, says: str
) -> None:
    [broken] = off_by(seconds)
    assert (broken.promise, broken.matters) == (Promise.CLOCK, matters)
    assert says in broken.seen
    assert "NTP" in str(broken)


@pytest.mark.parametrize("seconds", [-3, -1, 0, 2])
def test_a_second_or_two_are_nothing(
    off_by: Callable[[float], list[Broken]], seconds: float
) -> None:
    assert off_by(seconds) == []


def test_a_store_that_does_not_tell_the_time_is_believed(store: S3Store, s3_gate: S3Gate) -> None:
    def timeless(method: str, path: str, answer: Answer) -> Answer:
        return replace(answer, headers={n: v for n, v in answer.headers.items() if n != "date"})

    s3_gate.alters = timeless
    assert tried(store) == []


def test_a_store_whose_time_cannot_be_read_is_named_and_taken(
    store: S3Store, s3_gate: S3Gate
) -> None:
    s3_gate.alters = lambda method, path, answer: replace(
        answer, headers=answer.headers | {"date": "Wed, 28 May 99999 17:00:00 GMT"}
    )
    [broken] = tried(store)
    assert (broken.promise, broken.matters) == (Promise.CLOCK, False)
    assert "'Wed, 28 May 99999 17:00:00 GMT'" in broken.seen
    assert "could not be checked" in str(broken)


def test_what_cannot_be_told_is_no_broken_promise(
    store: S3Store, s3_gate: S3Gate, s3_server: S3Access
) -> None:
    s3_gate.refuses = lambda method, path: path.endswith("If-Match")
    with pytest.raises(StoreUnavailable, match="HTTP 500"):
        tried(store)
    s3_gate.open()
    with pytest.raises(NoSuchBucket):
        tried(replace(store, bucket="no-such-bucket"))
    with pytest.raises(AccessRefused):
        tried(reached(S3Access(s3_server.endpoint_url, "AKNOBODY", "wrong", "us-east-1"), "p"))
    assert list(store.list("")) == []
