"""The bookended text form of a fetch: start line, payload, end line; one writer and one reader.

    === FETCH START: #881 | Qx7LmA20bTzK | 07/08/2025 02:40:00 PM EDT ===
    ...
    === FETCH END: #881 | Qx7LmA20bTzK | 07/08/2025 02:40:00 PM EDT ===

An older form lacks the number; it is read and never written. Records are self-delimiting because a
reader of "the last line" once failed on indented JSON and stopped a pipeline for hours, unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_START = re.compile(
    rb"=== FETCH START: (?:#(?P<number>\d{1,9}) \| )?(?P<id>[ -{}~]+) \| (?P<time>[ -{}~]+) ===\r?"
)


@dataclass(frozen=True)
class Bookended:
    """An entry of a bookended file: who it is and the lines between its book-ends.

    `complete` is False when its end line is missing: torn while being written, to be reported and
    tried again, never skipped silently. `fetch_number` is None in the older form without a number.
    """

    fetch_id: str
    nyc_timestamp: str
    fetch_number: int | None
    payload: bytes
    complete: bool = True


def write_bookended(fetch_number: int, fetch_id: str, nyc_timestamp: str, payload: bytes) -> bytes:
    """Start line, payload, end line; both lines carry the same number, id and time."""
    what = f"#{fetch_number} | {fetch_id} | {nyc_timestamp}".encode()
    return b"=== FETCH START: %s ===\n%s\n=== FETCH END: %s ===\n" % (what, payload, what)


def read_bookended(data: bytes) -> Iterator[Bookended]:
    """Every entry of a file in either form, in order; what lies outside entries is passed over.

    An entry ends at the line that matches its own start, so no payload can end another's entry.
    One without its end line, or written again before it, is given as incomplete, and reading goes
    on at the next start line.
    """
    position = 0
    while found := _next_start(data, position):
        start, payload_start = found
        end_line = b"=== FETCH END: " + start[len(b"=== FETCH START: ") :].rstrip(b"\r")
        match = _START.fullmatch(start)
        assert match is not None
        number = match["number"]
        identity = (match["id"].decode(), match["time"].decode(), int(number) if number else None)
        end = _find_line(data, end_line, payload_start, len(data))
        if end is not None and _find_line(data, start.rstrip(b"\r"), payload_start, end) is None:
            payload = data[payload_start : max(payload_start, end - 1)]
            yield Bookended(*identity, payload)
            position = end + len(end_line)
            continue
        following = _next_start(data, payload_start)
        stop = following[1] - len(following[0]) - 1 if following else len(data)
        yield Bookended(*identity, data[payload_start:stop], complete=False)
        position = payload_start
        if following is None:
            return


def _next_start(data: bytes, position: int) -> tuple[bytes, int] | None:
    """The next whole start line and the offset behind it."""
    while (at := data.find(b"=== FETCH START: ", position)) >= 0:
        newline = data.find(b"\n", at)
        at_line_start = at == 0 or data[at - 1 : at] == b"\n"
        if newline < 0:
            return None
        line = data[at:newline]
        if at_line_start and _START.fullmatch(line):
            return line, newline + 1
        position = at + 1
    return None


def _find_line(data: bytes, line: bytes, position: int, stop: int) -> int | None:
    """The offset of this very line at or after `position` and before `stop`."""
    while (at := data.find(line, position, stop)) >= 0:
        behind = data[at + len(line) : at + len(line) + 2]
        at_line_start = at == 0 or data[at - 1 : at] == b"\n"
        if at_line_start and (behind[:1] in (b"", b"\n") or behind == b"\r\n"):
            return at
        position = at + 1
    return None
