"""The spool: a fetch lies on disk whole, or is named as torn; nothing is taken twice or deleted."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from resources.spool import (
    Spool,
    Spooled,
    SpoolLimits,
    SpoolState,
    Torn,
    spool_verdict,
    write_durably,
)
from tests.resources.stage_samples import DAY, envelope, ref
from touchline.accounting import Verdict


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "football", "football")


def spooled(spool: Spool, number: int, fetch_id: str = "Qx7LmA20bTzK") -> Spooled:
    return spool.write(ref(number, fetch_id), envelope(number, fetch_id=fetch_id))


def test_a_fetch_comes_back_from_the_spool(spool: Spool) -> None:
    written = spooled(spool, 881)
    [found] = spool.entries()
    assert found == written
    read = spool.read(found)
    assert (read.data, read.ref) == (envelope(881), ref(881))


def test_a_fetch_is_readable_in_an_editor_and_by_nobody_else(spool: Spool) -> None:
    path = spooled(spool, 881).path
    first, _, last = path.read_text().splitlines()
    assert first == "=== FETCH START: #881 | Qx7LmA20bTzK | 05/28/2025 02:40:00 PM EDT ==="
    assert last == first.replace("START", "END")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_waits_is_given_oldest_first_over_days(spool: Spool) -> None:
    later = ref(1, day=DAY.shifted(1))
    spool.write(later, b"{}")
    for number in (1000, 999, 12):
        spooled(spool, number)
    assert [(entry.day, entry.number) for entry in spool.entries()] == [
        (DAY, 12),
        (DAY, 999),
        (DAY, 1000),
        (DAY.shifted(1), 1),
    ]


def test_two_captures_of_one_minute_lie_beside_each_other(spool: Spool) -> None:
    spooled(spool, 881, "A" * 12)
    spooled(spool, 881, "B" * 12)
    assert [entry.fetch_id[0] for entry in spool.entries()] == ["A", "B"]


def test_a_fetch_is_never_written_over(spool: Spool) -> None:
    path = spooled(spool, 881).path
    with pytest.raises(FileExistsError):
        spooled(spool, 881)
    assert envelope(881) in path.read_bytes()


def test_every_torn_file_is_named(spool: Spool) -> None:
    entry = spooled(spool, 881)
    whole = entry.path.read_bytes()
    end = whole.rindex(b"===") + 3  # Without its last newline the file is whole.
    for cut in (0, 1, 40, 75, 100, len(whole) // 2, end - 1):
        entry.path.write_bytes(whole[:cut])
        with pytest.raises(Torn, match=r"00881\.Qx7LmA20bTzK\.txt"):
            spool.read(entry)
    entry.path.write_bytes(whole[:end])
    assert spool.read(entry).data == envelope(881)


def test_a_file_that_holds_no_envelope_is_torn(spool: Spool) -> None:
    with pytest.raises(Torn, match="not a fetch envelope"):
        spool.read(spool.write(ref(881), b'{"format":1}'))


def test_a_torn_file_goes_aside_with_its_bytes(spool: Spool) -> None:
    entry = spooled(spool, 881)
    half = entry.path.read_bytes()[:200]
    entry.path.write_bytes(half)
    aside = spool.set_aside(entry)
    assert aside.read_bytes() == half
    assert (aside.parent.name, aside.name) == ("torn", "2025-05-28.00881.Qx7LmA20bTzK.txt")
    assert list(spool.entries()) == []


def test_what_has_landed_is_forgotten_once_and_for_all(spool: Spool) -> None:
    first, second = spooled(spool, 881), spooled(spool, 882)
    spool.clear(first)
    spool.clear(first)
    assert list(spool.entries()) == [second]
    with pytest.raises(FileNotFoundError):
        spool.read(first)


@pytest.mark.parametrize("name", ["notes.txt", "00881.txt", "a.b.c.txt", "00881.Qx7.txt~"])
def test_what_is_no_fetch_is_left_alone(spool: Spool, name: str) -> None:
    entry = spooled(spool, 881)
    (entry.path.parent / name).write_text("a note")
    (spool.folder / "date=soon").mkdir()
    (spool.folder / "date=soon" / entry.path.name).write_text("a note")
    assert list(spool.entries()) == [entry]


def test_an_empty_spool_is_empty(spool: Spool) -> None:
    assert list(spool.entries()) == []


def test_the_spool_tells_what_it_holds_and_since_when(spool: Spool) -> None:
    now = DAY.minute(1000).utc + timedelta(hours=1)
    empty = spool.state(now)
    assert (empty.fetches, empty.bytes, empty.oldest, empty.age) == (0, 0, None, timedelta())
    entries = [spooled(spool, number) for number in (1000, 940, 999)]
    state = spool.state(now)
    assert (state.at, state.fetches) == (now, 3)
    assert state.bytes == sum(len(entry.path.read_bytes()) for entry in entries)
    assert state.oldest == DAY.minute(940).utc
    assert state.age == timedelta(hours=2)


def test_how_full_the_spool_is_does_not_depend_on_what_can_be_read(spool: Spool) -> None:
    spooled(spool, 1).path.write_bytes(b"torn")
    os.truncate(spooled(spool, 2).path, 10_000_000_000)
    state = spool.state(DAY.end)
    assert (state.fetches, state.bytes) == (2, 10_000_000_004)


LIMITS = SpoolLimits(megabytes=5000, hours=24)


def holding(megabytes: float = 1.0, hours: float = 0.5) -> SpoolState:
    oldest = DAY.minute(1).utc
    at = oldest + timedelta(hours=hours)
    return SpoolState(at, fetches=1234, bytes=int(megabytes * 1e6), oldest=oldest)


@pytest.mark.parametrize(
    ("state", "verdict", "says"),
    [
        (SpoolState(DAY.start, 0, 0, None), Verdict.OK, "0 fetches, 0.0 MB of 5,000"),
        (holding(3999, 19.1), Verdict.OK, "1,234 fetches, 3,999.0 MB of 5,000, the oldest 19.1 h"),
        (holding(megabytes=4000), Verdict.BAD, "is 80% full"),
        (holding(hours=19.5), Verdict.BAD, "is 81% full"),
        (holding(4950, 20), Verdict.BAD, "is 99% full: 1,234 fetches, 4,950.0 MB of 5,000"),
        (holding(megabytes=5000), Verdict.BAD, "is beyond its bound"),
        (holding(hours=30), Verdict.BAD, "the oldest 30.0 h old of 24"),
    ],
)
def test_a_spool_that_fills_is_bad_before_it_is_full(
    state: SpoolState, verdict: Verdict, says: str
) -> None:
    found, text = spool_verdict(state, LIMITS)
    assert found is verdict
    assert says in text
    assert ("nothing is dropped" in text) is (verdict is Verdict.BAD)


def test_beyond_its_bound_the_spool_takes_more(spool: Spool) -> None:
    entries = [spooled(spool, number) for number in (1, 2)]
    state = spool.state(DAY.end)
    assert spool_verdict(state, SpoolLimits(megabytes=1, hours=1))[0] is Verdict.BAD
    assert [*entries, spooled(spool, 3)] == list(spool.entries())


def test_a_disk_that_takes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "football").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="football"):
        spooled(Spool(tmp_path / "football", "football"), 881)


def test_a_file_written_durably_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deeper" / "file"
    write_durably(path, b"x" * 100_000)
    assert path.read_bytes() == b"x" * 100_000
