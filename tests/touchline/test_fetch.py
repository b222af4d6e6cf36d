"""The envelope: bodies come back byte for byte, and a changed one is noticed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from touchline.accounting import Outcome, sha256_hex
from touchline.day import Minute
from touchline.fetch import (
    Call,
    Envelope,
    FetchRef,
    UnreadableFetch,
    is_json,
    new_fetch_id,
    write_envelope,
)

REF = FetchRef("football", Minute.parse("2025-07-08T18:40:00Z"), "Qx7LmA20bTzK")
START = "=== RAW API DATA START ==="
FOOTER = {"outcome": "complete", "reason": None}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def spelled(value: Any, indent: int | None, ascii_only: bool) -> bytes:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    return text.encode("utf-8", "replace")


documents = st.builds(spelled, values, st.none() | st.integers(0, 3), st.booleans())
bodies = documents | st.binary() | st.none()


def envelope(bodies: Sequence[bytes | None], footer: Mapping[str, Any] = FOOTER) -> Envelope:
    calls = [Call("odds/history", {"uuid": str(i)}, body) for i, body in enumerate(bodies)]
    sections = {"RAW_API_DATA": {"first": calls[:1], "match_odds": calls[1:]}}
    return Envelope(write_envelope(REF, sections, footer, start_line=START))


@given(st.lists(bodies, max_size=5))
@example([b'{"FETCH_FOOTER":{"outcome":"failed"},"index":[]}', b'"],\\"index\\":["', b" [1 , 2]\n"])
@example([b"", b"null", b"\xef\xbb\xbf{}", b'"\\ud800"', b"NaN", b"<html>", b"\xff", None])
def test_every_body_comes_back_as_it_was_received(bodies: Sequence[bytes | None]) -> None:
    read = envelope(bodies)
    assert [read.body(entry) for entry in read.index] == list(bodies)
    assert [entry.sha256 for entry in read.index] == [
        None if body is None else sha256_hex(body) for body in bodies
    ]
    assert read.damaged() == []
    assert (read.ref, read.outcome) == (REF, Outcome.COMPLETE)


@given(st.lists(documents, min_size=1, max_size=4))
def test_json_stands_in_the_envelope_byte_for_byte(bodies: Sequence[bytes]) -> None:
    read = envelope(bodies)
    for body, entry in zip(bodies, read.index, strict=True):
        if is_json(body):
            assert bytes(read.stored(entry)) == body
            assert (entry.encoding, entry.error) == (None, None)
    json.loads(read.data)  # One document for any reader.


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"a":', b"\xff", b"[1]]", b"1 2"])
def test_what_is_not_json_stands_as_an_error_record_in_base64(body: bytes) -> None:
    call = Call("odds/history", {"uuid": "x"}, body, 200, detail="no JSON")
    data = write_envelope(REF, {"RAW": {"odds": [call]}}, FOOTER, start_line=START)
    assert json.loads(data)["RAW"]["odds"] == [
        {
            "error": "no JSON",
            "endpoint": "odds/history",
            "params": {"uuid": "x"},
            "body_base64": base64.b64encode(body).decode(),
        }
    ]
    [entry] = Envelope(data).index
    assert (entry.encoding, entry.error, entry.sha256) == ("base64", "not_json", sha256_hex(body))


def test_a_byte_order_mark_stands_in_the_index_and_not_in_the_document() -> None:
    body = b'\xef\xbb\xbf{"code":0}'
    read = envelope([body, b'{"code":0}', b"\xef\xbb\xbf<html>"])
    json.loads(read.data)
    marked, plain, broken = read.index
    assert bytes(read.stored(marked)) == bytes(read.stored(plain)) == b'{"code":0}'
    assert (marked.encoding, marked.error, marked.is_error_record) == ("utf-8-sig", None, False)
    assert (broken.encoding, broken.error, broken.is_error_record) == ("base64", "not_json", True)
    assert read.body(marked) == body
    assert read.damaged() == []


def test_the_index_says_what_was_asked_and_how_it_was_answered() -> None:
    asked = Call(
        "match/recent/list",
        {"uuid": "m1"},
        b'{"code":0}',
        http_status=200,
        date_header="Tue, 08 Jul 2025 18:40:01 GMT",
        received_at=datetime(2025, 7, 8, 18, 40, 1, 500_000, tzinfo=UTC),
        carried_from="A" * 12,
        age_seconds=61.5,
        stale=True,
        masked=True,
    )
    never = Call("odds/history", {"uuid": "m1"}, None, error="timeout")
    sections = {"RAW_API_DATA": {"details": [asked], "odds": [never]}}
    read = Envelope(write_envelope(REF, sections, FOOTER, start_line=START))

    first, second = read.index
    assert first.received_at_utc == "2025-07-08T18:40:01.500000Z"
    assert (first.http_status, first.date_header) == (200, "Tue, 08 Jul 2025 18:40:01 GMT")
    assert (first.carried_from, first.age_s, first.stale, first.masked) == (
        "A" * 12,
        61.5,
        True,
        True,
    )
    assert (second.error, second.sha256, read.body(second)) == ("timeout", None, None)
    assert list(read.entries("odds/history")) == [second]
    assert second.uuid == "m1"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (Call("a", {}, b'{"err":"who are you"}', error="vendor_error"), '{"err":"who are you"}'),
        (Call("a", {}, b"<html>", error="not_json", detail="no JSON"), "no JSON"),
        (Call("a", {}, None, error="timeout", detail="no answer in 20 s"), "no answer in 20 s"),
    ],
)
def test_a_fetch_that_failed_says_why_in_the_words_that_came(call: Call, said: str) -> None:
    footer = {"outcome": "failed", "reason": call.error}
    section = {"RAW_API_DATA": {"live_matches": call}}
    assert Envelope(write_envelope(REF, section, footer, start_line=START)).failure == (
        f"{call.error}: {said}"
    )


def test_a_fetch_that_failed_before_anything_was_asked_gives_its_reason() -> None:
    assert envelope([], {"outcome": "failed", "reason": "no_quota"}).failure == "no_quota"
    assert envelope([]).failure is None


def test_the_header_is_the_documented_one() -> None:
    document = json.loads(envelope([b"{}"]).data)
    assert document["FETCH_HEADER"] == {
        "fetch_number": 881,
        "random_fetch_id": "Qx7LmA20bTzK",
        "nyc_timestamp": "07/08/2025 02:40:00 PM EDT",
        "scheduled_minute_utc": "2025-07-08T18:40:00Z",
        "fetch_start": "=== RAW API DATA START ===",
    }
    assert document["FETCH_FOOTER"] == FOOTER


@given(st.lists(documents | st.binary(min_size=1), min_size=1, max_size=3), st.data())
def test_a_flipped_bit_in_a_body_is_found(bodies: Sequence[bytes], data: st.DataObject) -> None:
    read = envelope(bodies)
    entry = data.draw(st.sampled_from(read.index))
    start, length = entry.offset, entry.length
    if entry.encoding:
        packed = base64.b64encode(read.body(entry) or b"").rstrip(b"=")
        start += bytes(read.stored(entry)).index(b'"body_base64":"') + len(b'"body_base64":"')
        length = len(packed) - 1  # The last character has bits that stand for nothing.
    at, bit = data.draw(st.integers(0, length - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(read.data)
    changed[start + at] ^= 1 << bit
    # As an envelope that still reads as one: what breaks its JSON is found by reading it.
    read.data = bytes(changed)
    assert read.damaged() == [entry]


@given(st.binary())
@example(b"null")
@example(b'{"format":1}')
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFetch):
        Envelope(data)


@given(st.data())
def test_a_cut_envelope_is_refused(data: st.DataObject) -> None:
    whole = envelope([b'{"code":0,"results":[]}', b"\xff"]).data
    with pytest.raises(UnreadableFetch):
        Envelope(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'{"format":1,', b'{"format":9,', "format 9; this version reads 1: use"),
        (b'{"format":1,"feed"', b'{"format":9,"from"', "format 9; this version reads 1: use"),
        (b"2025-07-08T18:40:00Z", b"2025-07-08T18:40:01Z", "no seconds"),
        (b'"offset":', b'"offset":9', "outside"),
        (b'"offset":', b'"offset":-', "outside"),
        (b'"outcome":"complete"', b'"outcome":"perhaps!"', "perhaps!"),
    ],
)
def test_an_envelope_that_contradicts_itself_is_refused(old: bytes, new: bytes, why: str) -> None:
    data = envelope([b"{}"]).data
    assert old in data
    with pytest.raises(UnreadableFetch, match=why):
        Envelope(data.replace(old, new))


def test_a_footer_needs_an_outcome() -> None:
    with pytest.raises(ValueError, match="perhaps"):
        envelope([], {"outcome": "perhaps"})


@pytest.mark.parametrize("depth", [50, 800, 950, 995, 5_000, 100_000])
def test_a_deeply_nested_body_costs_nothing_but_itself(depth: int) -> None:
    """Readers stand deeper in the stack than the writer did, and still must read the rest."""
    body = b"[" * depth + b"]" * depth
    data = envelope([body, b'{"code":0}']).data

    def deep(frames: int) -> Envelope:
        return deep(frames - 1) if frames else Envelope(data)

    read = deep(200)
    assert [read.body(entry) for entry in read.index] == [body, b'{"code":0}']


def test_fetch_ids_are_twelve_letters_and_digits_and_never_the_same() -> None:
    ids = {new_fetch_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(i) == 12 and i.isascii() and i.isalnum() for i in ids)
