"""A sealed day of raw fetches: the daily log document, compressed, and seekable by the hour.

The content is the documented JSON of a day, `{"uploads": [...], "daily_metadata": {...}}`, each
fetch in it as it was stored, byte for byte; `daily_metadata` and the counts of an upload stand last
because they are known last. Any zstd tool unpacks it. Sixty minutes of the New York day are one
long-window frame, and a seek table ends the file (the Zstandard seekable format), so that one fetch
costs one hour's bytes.
"""

from __future__ import annotations

import io
import itertools
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
import pyzstd

from resources.long_window import Content, UnreadableContent, long_window, placed
from resources.manifest import Held, Upload
from touchline.day import Day, Window, new_york_text, parse_instant
from touchline.errors import Unreadable

FRAME_MINUTES = 60
WINDOW_LOG = 27
READ_AT_ONCE = 4 << 20
"""More than an hour of the reference load takes: one request a frame."""

_TABLE_HEADER = struct.Struct("<II")
_TABLE_ENTRY = struct.Struct("<II")
_TABLE_FOOTER = struct.Struct("<IBI")
_TABLE_MAGIC, _SEEKABLE_MAGIC = 0x184D2A5E, 0x8F92EAB1
_LIKELY_TABLE = 4096
_json = msgspec.json.encode

ReadRange = Callable[[int, int], bytes]
"""So many bytes (second) of a file from an offset on (first)."""


class UnreadableLog(Unreadable):
    """Bytes that are no whole sealed day; the message names the fetch where there is one."""


class _Footer(msgspec.Struct):
    total_matches: int | None = None


class _Envelope(msgspec.Struct):
    footer: _Footer = msgspec.field(name="FETCH_FOOTER")


def write_sealed_log(
    file: BinaryIO, day: Day, fetches: Iterable[tuple[Held, bytes]], uploads: Sequence[Upload]
) -> list[Held]:
    """Write the day, one envelope at a time; what it holds, with offsets into its content.

    `fetches` come in ascending order of number. `uploads` say when each ten-minute window was
    stored; those without fetches are left out. Matches are counted as the footers count them, where
    a failed fetch has none. Raises ValueError for fetches out of order, a window without an upload
    or an envelope without a footer, UnreadableContent for an envelope that is not the one its
    `Held` names. The file is not closed, and worth nothing after an error.
    """
    stored_at = {upload.first: new_york_text(parse_instant(upload.stored_at)) for upload in uploads}
    held: list[Held] = []
    written: list[_Written] = []
    windows = itertools.groupby(_ascending(day, fetches), lambda f: Window.of(day, f[0].number))
    with pyzstd.SeekableZstdFile(file, "w", level_or_option=long_window(WINDOW_LOG)) as log:
        log.write(b'{"uploads":[')
        for window, inside in windows:
            if window.first not in stored_at:
                raise ValueError(f"{day}: window {window} has fetches, and no upload says when")
            if held and _hour(held[-1].number) != _hour(window.first):
                log.flush(log.FLUSH_FRAME)
            log.write(b",\n" if written else b"\n")
            upload = _Written(len(written) + 1, stored_at[window.first])
            held += upload.write(log, inside)
            written.append(upload)
        log.write(b'],"daily_metadata":' + _json(_daily(day, written)) + b"}\n")
    return held


@dataclass
class _Written:
    """An upload of the document as far as it has been written."""

    sequence: int
    timestamp: str
    matches: int = 0

    def write(
        self, log: pyzstd.SeekableZstdFile, fetches: Iterable[tuple[Held, bytes]]
    ) -> list[Held]:
        held: list[Held] = []
        opening = {"upload_sequence": self.sequence, "upload_timestamp": self.timestamp}
        log.write(_json(opening)[:-1] + b',"fetch_data":[')
        for one, envelope in fetches:
            log.write(b",\n" if held else b"\n")
            self.matches += _matches(one, envelope)
            held.append(placed(one, envelope, log.tell()))
            log.write(envelope)
        counts = {"matches_in_upload": self.matches, "fetches_in_upload": len(held)}
        log.write(b"]," + _json(counts)[1:])
        return held


def _daily(day: Day, uploads: Sequence[_Written]) -> dict[str, Any]:
    return {
        "date": str(day),
        "total_uploads_today": len(uploads),
        "total_matches_today": sum(upload.matches for upload in uploads),
        "first_upload_today": uploads[0].timestamp if uploads else None,
        "last_upload": uploads[-1].timestamp if uploads else None,
        "matches_in_this_upload": uploads[-1].matches if uploads else None,
    }


class SealedLog:
    """A sealed day read back, a range of bytes at a time. Opening it reads the seek table."""

    def __init__(self, read_range: ReadRange, size: int) -> None:
        """`size` is the file's, in bytes. Raises UnreadableLog."""
        self._read_range = read_range
        self._frames = _seek_table(read_range, size)
        self._starts = [frame.content for frame in self._frames]

    @classmethod
    def of(cls, file: BinaryIO) -> SealedLog:
        """Of a seekable file. Raises UnreadableLog."""

        def read_range(offset: int, length: int) -> bytes:
            file.seek(offset)
            return file.read(length)

        return cls(read_range, file.seek(0, io.SEEK_END))

    def envelope(self, held: Held) -> bytes:
        """One fetch, verified, read from its hour's frame alone. Raises UnreadableLog."""
        [(_, envelope)] = self.envelopes([held])
        return envelope

    def envelopes(self, held: Iterable[Held]) -> Iterator[tuple[Held, bytes]]:
        """These fetches of the manifest in their order, each verified before it is given.

        In ascending order each hour is read once at most, and hours without any are not read.
        Raises UnreadableLog at the first that is not what was written.
        """
        content: Content | None = None
        for one in held:
            try:
                start = bisect_right(self._starts, one.offset or 0) - 1
                if content is None or not (
                    self._starts[start] <= content.position <= (one.offset or 0)
                ):
                    content = Content(self._compressed(start), self._starts[start])
                envelope = content.envelope(one)
            except UnreadableContent as error:
                raise UnreadableLog(f"fetch {one.number}: {error}") from error
            yield one, envelope

    def _compressed(self, first: int) -> Iterator[bytes]:
        """The frames from this one on. An hour beyond 1 GB has more than one."""
        for frame in self._frames[first:]:
            for offset in range(0, frame.size, READ_AT_ONCE):
                length = min(READ_AT_ONCE, frame.size - offset)
                data = self._read_range(frame.offset + offset, length)
                if len(data) != length:
                    raise UnreadableContent("truncated: the file is shorter than it was")
                yield data


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a frame lies in the file, and where its content begins in the document."""

    offset: int
    size: int
    content: int


def _seek_table(read_range: ReadRange, size: int) -> list[_Frame]:
    """Read here because pyzstd's own reader, made for files on disk, asks for 128 kB at a time:
    over S3 a request each, and beyond the end of the frame."""
    tail = read_range(max(0, size - _LIKELY_TABLE), min(size, _LIKELY_TABLE))
    try:
        count, descriptor, magic = _TABLE_FOOTER.unpack(tail[-_TABLE_FOOTER.size :])
        if magic != _SEEKABLE_MAGIC or descriptor & 0b1111_1100:
            raise UnreadableLog("truncated, or no sealed day: there is no seek table at its end")
        table_size = _TABLE_HEADER.size + count * _TABLE_ENTRY.size + _TABLE_FOOTER.size
        if table_size > size:
            raise UnreadableLog("its seek table is larger than the file")
        if table_size > len(tail):
            tail = read_range(size - table_size, table_size)
        table = tail[-table_size:]
        if _TABLE_HEADER.unpack_from(table) != (_TABLE_MAGIC, table_size - _TABLE_HEADER.size):
            raise UnreadableLog("its seek table does not begin where its end says")
        entries = table[_TABLE_HEADER.size : -_TABLE_FOOTER.size]
    except struct.error as error:
        raise UnreadableLog(f"too short for a sealed day: {size} bytes") from error
    frames, offset, content = [], 0, 0
    for compressed, decompressed in _TABLE_ENTRY.iter_unpack(entries):
        frames.append(_Frame(offset, compressed, content))
        offset, content = offset + compressed, content + decompressed
    if not frames or offset != size - table_size:
        raise UnreadableLog(f"its frames take {offset} bytes and not {size - table_size}")
    return frames


def _ascending(day: Day, fetches: Iterable[tuple[Held, bytes]]) -> Iterator[tuple[Held, bytes]]:
    last = 0
    for held, envelope in fetches:
        if held.number <= last:
            raise ValueError(f"{day}: fetch {held.number} comes after fetch {last}")
        last = held.number
        yield held, envelope


def _hour(number: int) -> int:
    return (number - 1) // FRAME_MINUTES


def _matches(held: Held, envelope: bytes) -> int:
    try:
        return msgspec.json.decode(envelope, type=_Envelope).footer.total_matches or 0
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"fetch {held.number}: no envelope with a footer: {error}") from error
