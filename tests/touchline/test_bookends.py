"""The bookended text form is read whatever the payload holds and wherever it tears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from touchline.bookends import Bookended, read_bookended, write_bookended

TIME = "07/08/2025 02:40:00 PM EDT"
ID = "Qx7LmA20bTzK"
START = b"=== FETCH START: #881 | Qx7LmA20bTzK | 07/08/2025 02:40:00 PM EDT ==="
END = START.replace(b"START", b"END")
FOREIGN = b"=== FETCH END: #882 | Qx7LmA20bTzK | 07/08/2025 02:40:00 PM EDT ==="

LINES = [START, END, FOREIGN, START[:-2], b"=== FETCH START: a | b ===", b"{", b"", b"\r", b"\xff"]
payloads = st.one_of(st.binary(), st.lists(st.sampled_from(LINES)).map(b"\n".join))
ids = st.from_regex(r"[A-Za-z0-9]{12}", fullmatch=True)


def own(payload: bytes) -> bool:
    """Whether a line of its own entry stands in it, which no payload can know beforehand."""
    return any(line.rstrip(b"\r") in (START, END) for line in payload.split(b"\n"))


def written(payload: bytes, number: int = 881, fetch_id: str = ID) -> bytes:
    return write_bookended(number, fetch_id, TIME, payload)


@given(payloads)
@example(FOREIGN)
@example(b"x" + END)
@example(END + b"x")
def test_any_payload_comes_back(payload: bytes) -> None:
    assume(not own(payload))
    assert list(read_bookended(written(payload))) == [Bookended(ID, TIME, 881, payload)]


@given(
    st.lists(st.tuples(st.integers(1, 1500), ids, payloads), max_size=4, unique_by=lambda e: e[1])
)
def test_entries_come_back_in_order_whatever_stands_between_them(
    entries: Sequence[tuple[int, str, bytes]],
) -> None:
    assume(not any(b"=== FETCH" in payload for _, _, payload in entries))
    text = b"a line of somebody else\n".join(written(p, n, i) for n, i, p in entries)
    assert list(read_bookended(text)) == [Bookended(i, TIME, n, p) for n, i, p in entries]


@given(payloads, st.data())
def test_a_torn_tail_is_incomplete_and_costs_no_other_entry(
    payload: bytes, data: st.DataObject
) -> None:
    assume(b"=== FETCH" not in payload)
    whole, torn = written(b"whole", 1, "A" * 12), written(payload)
    cut = data.draw(st.integers(len(START) + 1, len(torn) - len(END) - 1))
    first, last = read_bookended(whole + torn[: cut + len(END) - 1][: max(cut, len(START) + 1)])
    assert first == Bookended("A" * 12, TIME, 1, b"whole")
    assert (last.fetch_id, last.fetch_number, last.complete) == (ID, 881, False)
    assert payload.startswith(last.payload.removesuffix(b"\n")) or last.payload.startswith(payload)


def test_a_torn_entry_ends_at_the_next_start() -> None:
    text = written(b"half of")[: -len(END) - 1] + written(b"whole", 882, "B" * 12)
    torn, whole = read_bookended(text)
    assert torn == Bookended(ID, TIME, 881, b"half of\n", complete=False)
    assert whole == Bookended("B" * 12, TIME, 882, b"whole")


def test_an_entry_torn_and_written_again_is_both() -> None:
    text = written(b"half of")[: -len(END) - 1] + written(b"whole")
    torn, whole = read_bookended(text)
    assert torn == replace(whole, payload=b"half of\n", complete=False)
    assert whole == Bookended(ID, TIME, 881, b"whole")


def test_the_older_form_is_read() -> None:
    lines = [f"=== FETCH {edge}: {ID} | {TIME} ===" for edge in ("START", "END")]
    text = f'{lines[0]}\n{{\n  "a": 1\n}}\n{lines[1]}\n'.encode()
    assert list(read_bookended(text)) == [Bookended(ID, TIME, None, b'{\n  "a": 1\n}')]
    assert [e.fetch_number for e in read_bookended(text + written(b""))] == [None, 881]


def test_line_endings_of_windows_are_read() -> None:
    [entry] = read_bookended(written(b'{"a":\n1}').replace(b"\n", b"\r\n"))
    assert (entry.fetch_id, entry.complete) == (ID, True)
    assert entry.payload.split() == [b'{"a":', b"1}"]


@given(st.one_of(st.binary(), st.lists(st.sampled_from([*LINES, b"\n"])).map(b"\n".join)))
@example(b"=== FETCH START: #" + b"9" * 5000 + b" | a | b ===\n")
@example(b"=== FETCH START: \xff | b ===\n")
def test_no_bytes_break_the_reader(text: bytes) -> None:
    for entry in read_bookended(text):
        assert entry.payload in text


@pytest.mark.parametrize("cut", range(len(START)))
def test_a_torn_start_line_is_no_entry(cut: int) -> None:
    assert list(read_bookended(written(b"x")[:cut])) == []
