"""The sealed day: the documented JSON for any tool, one hour's bytes for one fetch."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import pytest
import pyzstd
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.long_window import UnreadableContent
from resources.manifest import Held, Upload
from resources.sealed_log import SealedLog, UnreadableLog, write_sealed_log
from touchline.accounting import Account, Outcome
from touchline.compression import zstd
from touchline.day import Day

DAY = Day.parse("2025-07-08")
ZSTD_MAGIC = bytes.fromhex("28b52ffd")
SPRING, FALL = Day.parse("2025-03-09"), Day.parse("2025-11-02")

ENVELOPES = st.builds(
    lambda matches, value, indent, after: (
        json.dumps(
            {"body": value, "FETCH_FOOTER": {"total_matches": matches}, "index": []},
            indent=indent,
            ensure_ascii=False,
        )
        + after
    ).encode(errors="replace"),
    st.none() | st.integers(0, 200),
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ),
    st.sampled_from([None, 2]),
    st.text(" \r\n", max_size=2),
)


@st.composite
def days(draw: st.DrawFn) -> tuple[Day, dict[int, bytes]]:
    """A day of any length with fetches anywhere in it."""
    day = draw(st.sampled_from([DAY, SPRING, FALL]))
    return day, draw(st.dictionaries(st.integers(1, day.length), ENVELOPES, max_size=25))


def held(number: int, day: Day = DAY) -> Held:
    return Held(
        number=number,
        fetch_id=f"fetch{number:07d}",
        minute=str(day.minute(number)),
        outcome=Outcome.COMPLETE,
        account=Account(3, 3),
        digest="d" * 32,
        sha256="a" * 64,
        etag=f"{number:032x}",
        code_version="v1",
    )


def envelope(number: int, size: int = 60, matches: int | None = 2) -> bytes:
    """A fetch whose body does not compress to nothing and is another one for each number."""
    body = random.Random(number).randbytes(size // 2).hex()
    footer = json.dumps({"total_matches": matches})
    return f'{{"n": {number},\n "body": "{body}", "FETCH_FOOTER": {footer}}}'.encode()


def sealed(
    envelopes: Mapping[int, bytes], day: Day = DAY, uploads: Iterable[Upload] | None = None
) -> tuple[bytes, list[Held]]:
    """The file and what its manifest says it holds."""
    file = io.BytesIO()
    if uploads is None:
        uploads = [Upload(w.first, str(day.minute(w.first).later(15))) for w in day.windows()]
    fetches = ((held(number, day), envelopes[number]) for number in sorted(envelopes))
    manifest = write_sealed_log(file, day, fetches, list(uploads))
    return file.getvalue(), manifest


def opened(packed: bytes) -> SealedLog:
    return SealedLog.of(io.BytesIO(packed))


class Ranges:
    """Serves ranges of a file, as an object store does, and remembers which."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []

    def __call__(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        return self.data[offset : offset + length]


@pytest.fixture(scope="module")
def three_hours() -> dict[int, bytes]:
    """Fetches at the edges of hours and uploads, one missing here and there."""
    return {n: envelope(n) for n in (1, 2, 10, 11, 60, 61, 119, 120, 121)}


@settings(max_examples=40)
@given(days())
def test_every_envelope_comes_back_byte_for_byte(given_day: tuple[Day, dict[int, bytes]]) -> None:
    day, envelopes = given_day
    packed, manifest = sealed(envelopes, day)
    log = opened(packed)
    assert [one.number for one in manifest] == sorted(envelopes)
    assert {one.number: data for one, data in log.envelopes(manifest)} == envelopes
    assert {one.number: log.envelope(one) for one in reversed(manifest)} == envelopes


@settings(max_examples=40)
@given(days())
def test_the_content_is_the_daily_document(given_day: tuple[Day, dict[int, bytes]]) -> None:
    day, envelopes = given_day
    packed, manifest = sealed(envelopes, day)
    content = zstd.decompress(packed)
    document = json.loads(content)
    uploads = document["uploads"]

    assert [e for u in uploads for e in u["fetch_data"]] == [
        json.loads(envelopes[n]) for n in sorted(envelopes)
    ]
    assert [u["upload_sequence"] for u in uploads] == list(range(1, len(uploads) + 1))
    for upload in uploads:
        assert upload["fetches_in_upload"] == len(upload["fetch_data"]) > 0
        counted = [e["FETCH_FOOTER"]["total_matches"] or 0 for e in upload["fetch_data"]]
        assert upload["matches_in_upload"] == sum(counted)
    assert document["daily_metadata"] == {
        "date": str(day),
        "total_uploads_today": len({(n - 1) // 10 for n in envelopes}),
        "total_matches_today": sum(u["matches_in_upload"] for u in uploads),
        "first_upload_today": uploads[0]["upload_timestamp"] if uploads else None,
        "last_upload": uploads[-1]["upload_timestamp"] if uploads else None,
        "matches_in_this_upload": uploads[-1]["matches_in_upload"] if uploads else None,
    }
    for one in manifest:
        assert one.offset is not None
        assert one.length is not None
        assert content[one.offset : one.offset + one.length] == envelopes[one.number]


def test_an_upload_says_when_it_was_stored_in_new_york(three_hours: dict[int, bytes]) -> None:
    uploads = [Upload(n, f"2025-07-08T18:{10 + n // 10}:31.25Z") for n in range(1, 132, 10)]
    document = json.loads(zstd.decompress(sealed(three_hours, uploads=uploads)[0]))
    first, second, *_, last = document["uploads"]
    assert (first["upload_timestamp"], first["fetches_in_upload"]) == (
        "07/08/2025 02:10:31 PM EDT",
        3,
    )
    assert (second["upload_timestamp"], second["fetches_in_upload"]) == (
        "07/08/2025 02:11:31 PM EDT",
        1,
    )
    assert document["daily_metadata"]["first_upload_today"] == first["upload_timestamp"]
    assert document["daily_metadata"]["last_upload"] == last["upload_timestamp"]
    assert document["daily_metadata"]["total_uploads_today"] == len(document["uploads"]) == 6


def test_a_failed_fetch_counts_no_matches() -> None:
    envelopes = {1: envelope(1, matches=5), 2: envelope(2, matches=None)}
    document = json.loads(zstd.decompress(sealed(envelopes)[0]))
    assert document["daily_metadata"]["total_matches_today"] == 5


@pytest.mark.skipif(
    not (shutil.which("zstd") and shutil.which("jq")), reason="no zstd and jq commands"
)
def test_zstd_and_jq_read_it(three_hours: dict[int, bytes]) -> None:
    packed, _ = sealed(three_hours)
    unpacked = subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True)
    numbers = subprocess.run(
        ["jq", "-c", "[.uploads[].fetch_data[].n]"],
        input=unpacked.stdout,
        capture_output=True,
        check=True,
    )
    assert json.loads(numbers.stdout) == list(three_hours)


def test_any_reader_of_the_seekable_format_reads_it(three_hours: dict[int, bytes]) -> None:
    packed, [*_, last] = sealed(three_hours)
    assert last.offset is not None
    assert last.length is not None
    with pyzstd.SeekableZstdFile(io.BytesIO(packed)) as file:
        assert file.seek_table_info is not None
        assert file.seek_table_info[0] == 3
        file.seek(last.offset)
        assert file.read(last.length) == three_hours[121]


def test_equal_fetches_make_equal_bytes(three_hours: dict[int, bytes]) -> None:
    assert sealed(three_hours) == sealed(three_hours)


def test_one_fetch_is_read_from_its_hour_alone() -> None:
    envelopes = {n: envelope(n, size=50_000) for n in range(1, 181)}
    packed, manifest = sealed(envelopes)
    hour = len(packed) / 3
    ranges = Ranges(packed)
    log = SealedLog(ranges, len(packed))
    for number in (1, 60, 61, 120, 121, 180):
        ranges.asked.clear()
        assert log.envelope(manifest[number - 1]) == envelopes[number]
        [(offset, length)] = ranges.asked
        assert length < 1.02 * hour
        assert abs(offset - (number - 1) // 60 * hour) < 0.02 * hour


def test_hours_without_a_wanted_fetch_are_not_read(three_hours: dict[int, bytes]) -> None:
    packed, manifest = sealed(three_hours)
    ranges = Ranges(packed)
    log = SealedLog(ranges, len(packed))
    ranges.asked.clear()
    wanted = [one for one in manifest if one.number in (1, 11, 60, 121)]
    assert [data for _, data in log.envelopes(wanted)] == [three_hours[o.number] for o in wanted]
    assert len(ranges.asked) == 2


def test_a_day_of_huge_hours_has_more_frames_and_reads_the_same() -> None:
    envelopes = {n: envelope(n, size=3000) for n in range(1, 91)}
    packed, manifest = sealed(envelopes)
    for size in (5000, 300):  # With 300 the seek table alone takes more than one look.
        cut = io.BytesIO()
        with pyzstd.SeekableZstdFile(cut, "w", max_frame_content_size=size) as file:
            file.write(zstd.decompress(packed))
        log = SealedLog.of(cut)
        assert {one.number: data for one, data in log.envelopes(manifest)} == envelopes
        assert log.envelope(manifest[50]) == envelopes[51]


def test_a_day_is_written_and_read_one_envelope_at_a_time() -> None:
    size, numbers = 500_000, range(1, 121)
    body = envelope(1, size)

    def fetches() -> Iterator[tuple[Held, bytes]]:
        return ((held(number), body + b" " * number) for number in numbers)

    uploads = [Upload(number, "2025-07-08T18:10:31Z") for number in numbers[::10]]
    file = io.BytesIO()
    tracemalloc.start()
    try:
        manifest = write_sealed_log(file, DAY, fetches(), uploads)
        assert tracemalloc.get_traced_memory()[1] < 10 * size
        tracemalloc.reset_peak()
        assert sum(1 for _ in SealedLog.of(file).envelopes(manifest)) == len(numbers)
        assert tracemalloc.get_traced_memory()[1] < 10 * size
    finally:
        tracemalloc.stop()


def read_each(packed: bytes, manifest: list[Held]) -> dict[int, bytes | str]:
    """By number, the envelope or what was said instead."""
    found: dict[int, bytes | str] = {}
    try:
        log = opened(packed)
    except UnreadableLog as error:
        return {one.number: str(error) for one in manifest}
    for one in manifest:
        try:
            found[one.number] = log.envelope(one)
        except UnreadableLog as error:
            found[one.number] = str(error)
    return found


def test_a_day_cut_off_anywhere_is_found(three_hours: dict[int, bytes]) -> None:
    packed, _ = sealed(three_hours)
    for length in range(len(packed)):
        with pytest.raises(UnreadableLog):
            opened(packed[:length])


def test_a_flipped_bit_is_found_or_harms_nothing(three_hours: dict[int, bytes]) -> None:
    packed, manifest = sealed(three_hours)
    for bit in range(0, 8 * len(packed), 3):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        for number, found in read_each(bytes(flipped), manifest).items():
            assert isinstance(found, str) or found == three_hours[number]


def test_a_damaged_hour_costs_no_other_hour(three_hours: dict[int, bytes]) -> None:
    packed, manifest = sealed(three_hours)
    middle = packed.index(ZSTD_MAGIC, 4) + 200
    damaged = packed[:middle] + bytes(8) + packed[middle + 8 :]
    found = read_each(damaged, manifest)
    assert {n for n, data in found.items() if data != three_hours[n]} <= {61, 119, 120}
    assert str(found[120]).startswith("fetch 120: ")


def test_swapped_hours_are_found(three_hours: dict[int, bytes]) -> None:
    packed, manifest = sealed(three_hours)
    content = zstd.decompress(packed)
    hours = [content[:700], content[700:]]
    swapped = io.BytesIO()
    with pyzstd.SeekableZstdFile(swapped, "w") as file:
        for hour in reversed(hours):
            file.write(hour)
            file.flush(file.FLUSH_FRAME)
    for found in read_each(swapped.getvalue(), manifest).values():
        assert "sha256" in str(found)


def test_the_log_of_another_day_is_found(three_hours: dict[int, bytes]) -> None:
    _, manifest = sealed(three_hours)
    other, _ = sealed({n: envelope(n + 1000) for n in three_hours})
    for number, found in read_each(other, manifest).items():
        assert str(found).startswith(f"fetch {number}: ")


def test_a_file_shorter_than_its_seek_table_says_is_truncated(
    three_hours: dict[int, bytes],
) -> None:
    packed, manifest = sealed(three_hours)
    shrunk = Ranges(packed)
    log = SealedLog(shrunk, len(packed))
    shrunk.data = packed[:100]
    with pytest.raises(UnreadableLog, match="fetch 121: truncated"):
        log.envelope(manifest[-1])


def test_a_fetch_that_no_seal_placed_is_named(three_hours: dict[int, bytes]) -> None:
    packed, _ = sealed(three_hours)
    with pytest.raises(UnreadableLog, match="fetch 5"):
        opened(packed).envelope(held(5))


def refused(fetches: list[tuple[Held, bytes]], uploads: Any, saying: str) -> None:
    with pytest.raises(ValueError, match=saying):
        write_sealed_log(io.BytesIO(), DAY, fetches, uploads)


def test_what_would_make_a_wrong_document_is_refused() -> None:
    uploads = [Upload(n, "2025-07-08T18:10:31Z") for n in range(1, 1500, 10)]
    two = [(held(n), envelope(n)) for n in (2, 1)]
    refused(two, uploads, "fetch 1 comes after fetch 2")
    refused([(held(1), envelope(1))] * 2, uploads, "fetch 1 comes after fetch 1")
    refused([(held(12), envelope(12))], uploads[:1], "window 00011-00020")
    refused([(held(1), b'{"torn":')], uploads, "fetch 1: no envelope")
    refused([(held(1), b"[]")], uploads, "fetch 1: no envelope")
    other = msgspec.structs.replace(held(1), envelope_sha256="0" * 64)
    with pytest.raises(UnreadableContent, match="fetch 1"):
        write_sealed_log(io.BytesIO(), DAY, [(other, envelope(1))], uploads)
