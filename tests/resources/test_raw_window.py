"""The raw window: what goes in comes out byte for byte, or it is said what is wrong."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import tracemalloc
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.long_window import UnreadableContent
from resources.manifest import Held
from resources.raw_window import RawWindow, UnreadableWindow, write_window
from touchline.accounting import Account, Outcome
from touchline.compression import zstd
from touchline.day import Day

DAY = Day.parse("2025-05-28")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
ENVELOPES = st.builds(
    lambda value, indent, ascii_, before, after: (
        before + json.dumps(value, indent=indent, ensure_ascii=ascii_) + after
    ).encode(errors="replace"),
    JSON,
    st.sampled_from([None, 2]),
    st.booleans(),
    *[st.text(" \t\r\n", max_size=3)] * 2,
)
WINDOWS = st.dictionaries(st.integers(871, 880), ENVELOPES, max_size=10)


def held(number: int) -> Held:
    return Held(
        number=number,
        fetch_id=f"fetch{number:07d}",
        minute=str(DAY.minute(number)),
        outcome=Outcome.PARTIAL,
        account=Account(3, 1, {"dull": 1}, {"bad": 1}),
        digest="d" * 32,
        sha256="a" * 64,
        etag=f"{number:032x}",
        code_version="v1",
    )


def window_of(envelopes: dict[int, bytes]) -> bytes:
    return write_window((held(number), envelopes[number]) for number in sorted(envelopes))


def noise(size: int, seed: int) -> bytes:
    """A JSON text that does not compress to nothing."""
    return b'"%s"' % random.Random(seed).randbytes(size // 2).hex().encode()


@pytest.fixture(scope="module")
def small() -> dict[int, bytes]:
    return {number: b'{"n": %d,\n "body": %s}' % (number, noise(60, 1)) for number in (871, 874)}


@settings(max_examples=60)
@given(WINDOWS)
def test_every_envelope_comes_back_byte_for_byte(envelopes: dict[int, bytes]) -> None:
    window = RawWindow.open(window_of(envelopes))
    assert [one.number for one in window.held] == sorted(envelopes)
    assert {one.number: envelope for one, envelope in window.envelopes()} == envelopes
    assert {number: window.envelope(number) for number in envelopes} == envelopes


@settings(max_examples=60)
@given(WINDOWS)
def test_the_content_is_one_json_document_with_the_envelopes_in_place(
    envelopes: dict[int, bytes],
) -> None:
    content = zstd.decompress(window_of(envelopes))
    document = json.loads(content)
    assert document["format"] == 1
    assert document["fetches"] == [json.loads(envelopes[n]) for n in sorted(envelopes)]
    begin = content.index(b'"fetches":[') + len(b'"fetches":[')
    for one in document["held"]:
        offset = begin + one.get("offset", 0)
        assert content[offset : offset + one["length"]] == envelopes[one["number"]]


def test_what_a_fetch_object_said_is_told_again(small: dict[int, bytes]) -> None:
    [first, second] = RawWindow.open(window_of(small)).held
    for told, number in ((first, 871), (second, 874)):
        said = msgspec.structs.replace(told, envelope_sha256=None, offset=None, length=None)
        assert said == held(number)


@pytest.mark.skipif(shutil.which("zstd") is None, reason="no zstd command")
def test_the_zstd_command_unpacks_it(small: dict[int, bytes]) -> None:
    packed = window_of(small)
    unpacked = subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True)
    assert unpacked.stdout == zstd.decompress(packed)


def test_equal_fetches_make_equal_bytes(small: dict[int, bytes]) -> None:
    other_order = msgspec.structs.replace(
        held(871), account=Account(2, 0, {"b": 1, "a": 1}), etag="e"
    )
    one_order = msgspec.structs.replace(other_order, account=Account(2, 0, {"a": 1, "b": 1}))
    assert window_of(small) == window_of(small)
    assert write_window([(one_order, b"{}")]) == write_window([(other_order, b"{}")])


def test_it_costs_little_more_than_its_first_fetch() -> None:
    packed = window_of({number: noise(2_000_000, 1) for number in range(871, 881)})
    assert len(packed) < 1.1 * len(zstd.compress(noise(2_000_000, 1), 9))


def test_what_it_holds_is_told_without_unpacking_it() -> None:
    packed = window_of({number: noise(2_000_000, 1) for number in range(871, 881)})
    assert peak_memory(lambda: RawWindow.open(packed).held) < 3 * len(packed) < 10 * 2_000_000 / 5


def test_envelopes_are_unpacked_one_at_a_time() -> None:
    size = 2_000_000
    packed = window_of({number: noise(size, 1) for number in range(871, 881)})
    assert peak_memory(lambda: [len(e) for _, e in RawWindow.open(packed).envelopes()]) < 5 * size
    assert peak_memory(lambda: RawWindow.open(packed).envelope(880)) < 5 * size


def peak_memory(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def read_all(packed: bytes) -> tuple[dict[int, bytes], str | None]:
    """What was given before the error, and the error."""
    given_out: dict[int, bytes] = {}
    try:
        for one, envelope in RawWindow.open(packed).envelopes():
            given_out[one.number] = envelope
    except UnreadableWindow as error:
        return given_out, str(error)
    return given_out, None


def test_a_window_cut_off_anywhere_is_found(small: dict[int, bytes]) -> None:
    packed = window_of(small)
    for length in range(len(packed)):
        given_out, error = read_all(packed[:length])
        assert error is not None
        assert given_out.items() <= small.items()


def test_a_flipped_bit_is_found_or_harms_nothing(small: dict[int, bytes]) -> None:
    packed = window_of(small)
    unharmed = 0
    for bit in range(8 * len(packed)):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        given_out, error = read_all(bytes(flipped))
        assert given_out.items() <= small.items()
        assert error is not None or given_out == small
        unharmed += error is None
    assert unharmed < 0.02 * 8 * len(packed)  # Bits of frame headers that a reader ignores.


def test_more_after_its_end_is_found(small: dict[int, bytes]) -> None:
    packed = window_of(small)
    for more in (b"x", packed):
        assert read_all(packed + more) == (
            small,
            "after its last fetch: something follows what was written",
        )


def test_the_head_of_one_window_does_not_open_another(small: dict[int, bytes]) -> None:
    other = {number: envelope.replace(b"body", b"BODY") for number, envelope in small.items()}
    packed = window_of(small)
    swapped = packed[: -len(after_head(packed))] + after_head(window_of(other))
    with pytest.raises(UnreadableWindow, match=r"fetch 871: .*sha256"):
        RawWindow.open(swapped).envelope(871)


def after_head(packed: bytes) -> bytes:
    frame = zstd.ZstdDecompressor()
    frame.decompress(packed)
    return frame.unused_data


def test_a_fetch_that_it_does_not_hold_is_named(small: dict[int, bytes]) -> None:
    with pytest.raises(UnreadableWindow, match="fetch 872"):
        RawWindow.open(window_of(small)).envelope(872)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"PAR1",
        zstd.compress(b"{}"),
        zstd.compress(b"not json"),
    ],
    ids=["nothing", "no zstd", "no window", "no json"],
)
def test_anything_else_is_no_window(packed: bytes) -> None:
    with pytest.raises(UnreadableWindow):
        RawWindow.open(packed)


@pytest.mark.parametrize(
    "head", [b'{"format":2,"held":[],"fetches":[', b'{"format":2,"holds":{},"fetches":[']
)
def test_a_format_of_the_future_is_named(head: bytes) -> None:
    with pytest.raises(UnreadableWindow, match="format 2; this version reads 1: use"):
        RawWindow.open(zstd.compress(head))


def test_fetches_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="fetch 871 comes after fetch 872"):
        write_window([(held(872), b"{}"), (held(871), b"{}")])


def test_an_envelope_that_is_not_the_one_held_is_refused() -> None:
    known = msgspec.structs.replace(held(871), envelope_sha256="0" * 64)
    with pytest.raises(UnreadableContent, match="fetch 871"):
        write_window([(known, b"{}")])
