"""A window of raw fetches: ten minutes in one object, each envelope byte for byte.

The content is one JSON document that `zstd -d` and `jq` read:

    {"format":1,"held":[...],"fetches":[<envelope>,
    <envelope>]}

`held` says of each fetch what its own object said, and where its envelope stands: `offset` counts
bytes from the first envelope's beginning. All up to there is a small zstd frame of its own, so that
what a window holds can be told without unpacking it, by a frame with its own checksum; the
envelopes are one long-window frame after it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from resources.long_window import Content, UnreadableContent, long_window, placed
from resources.manifest import Held
from touchline.compression import zstd
from touchline.errors import Unreadable
from touchline.formats import UNREADABLE_JSON, unread, unread_json

FORMAT = 1
READABLE_FORMATS = (1,)
WINDOW_LOG = 25
"""32 MB, which reader and writer need as memory. The whole window's 80 MB would save 6 % of what
lives for a day, and put a seal over 400 MB."""

_BETWEEN = b",\n"
_END = b"]}"


class UnreadableWindow(Unreadable):
    """Bytes that are no whole window, or not the fetch asked for; the message says which."""


class _Head(msgspec.Struct, frozen=True):
    format: int
    held: list[Held]
    fetches: list[None]


def write_window(fetches: Iterable[tuple[Held, bytes]]) -> bytes:
    """The window's bytes; equal fetches give equal bytes.

    Takes one envelope at a time, in ascending order of number. Envelopes are JSON, and `Held` gets
    their sha256, offset and length here. Raises ValueError for any other order, UnreadableContent
    for an envelope that is not the one its `Held` names.
    """
    held: list[Held] = []
    body = io.BytesIO()
    with zstd.ZstdFile(body, "w", options=long_window(WINDOW_LOG)) as content:
        for one, envelope in fetches:
            if held and one.number <= held[-1].number:
                raise ValueError(f"fetch {one.number} comes after fetch {held[-1].number}")
            if held:
                content.write(_BETWEEN)
            held.append(placed(one, envelope, content.tell()))
            content.write(envelope)
        content.write(_END)
    told = msgspec.json.encode(held, order="deterministic")
    head = b'{"format":%d,"held":%s,"fetches":[' % (FORMAT, told)
    return zstd.compress(head, options=long_window(WINDOW_LOG)) + body.getvalue()


class RawWindow:
    """A window read back. `held` is known at once; envelopes are unpacked as they are asked for."""

    def __init__(self, held: Sequence[Held], body: bytes) -> None:
        self.held = held
        self._body = body

    @classmethod
    def open(cls, data: bytes) -> RawWindow:
        """Unpacks the head alone. Raises UnreadableWindow."""
        frame = zstd.ZstdDecompressor()
        try:
            head = frame.decompress(data)
            if not frame.eof:
                raise UnreadableWindow("truncated: it ends within the list of what it holds")
            told = _told(head + _END)
        except zstd.ZstdError as error:
            raise UnreadableWindow(f"not a window: {error}") from error
        return cls(told.held, frame.unused_data)

    def envelope(self, number: int) -> bytes:
        """One fetch, verified; what stands before it is unpacked and let go.

        Raises UnreadableWindow, also where the window does not hold that number.
        """
        for held in self.held:
            if held.number == number:
                return _envelope(self._content(), held)
        raise UnreadableWindow(f"fetch {number}: the window does not hold it")

    def envelopes(self) -> Iterator[tuple[Held, bytes]]:
        """Every fetch in order, each verified before it is given, and at the end the whole.

        Raises UnreadableWindow at the first that is not what was written.
        """
        content = self._content()
        for held in self.held:
            yield held, _envelope(content, held)
        try:
            if content.read(len(_END)) != _END:
                raise UnreadableContent("there are more fetches than it says it holds")
            content.finish()
        except UnreadableContent as error:
            raise UnreadableWindow(f"after its last fetch: {error}") from error

    def _content(self) -> Content:
        return Content(iter([self._body]))


def _told(head: bytes) -> _Head:
    try:
        told = msgspec.json.decode(head, type=_Head)
    except UNREADABLE_JSON as error:
        why = unread_json(head, READABLE_FORMATS)
        raise UnreadableWindow(f"not a window: {why or error}") from error
    if why := unread(told.format, READABLE_FORMATS):
        raise UnreadableWindow(f"window {why}")
    return told


def _envelope(content: Content, held: Held) -> bytes:
    try:
        return content.envelope(held)
    except UnreadableContent as error:
        raise UnreadableWindow(f"fetch {held.number}: {error}") from error
