"""Long-window zstd: many fetches in one frame, each little more than what is new in it.

One minute's answers hardly differ from those of the minute before, some megabytes earlier: the
window reaches back over several fetches, and long-distance matching finds them there. What is
written can be read by `zstd -d` as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from resources.manifest import Held
from touchline.accounting import sha256_hex
from touchline.compression import zstd
from touchline.errors import Unreadable

SKIPPED_AT_ONCE = 1 << 20


class UnreadableContent(Unreadable):
    """Compressed bytes that do not hold what was written; the message says how they differ."""


def long_window(log: int) -> dict[int, int]:
    """Parameters for a window of 2**log bytes, which the reader needs as memory too.

    27 (128 MB) is the most that `zstd -d` takes unasked. Level 9 makes the hours of the recorded
    film a tenth smaller than level 3 at nearly the same speed, since nearly everything is a long
    match; levels above 12 cost three times as much for 4 %.
    """
    return {
        zstd.CompressionParameter.compression_level: 9,
        zstd.CompressionParameter.window_log: log,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
        zstd.CompressionParameter.checksum_flag: 1,
    }


def placed(held: Held, envelope: bytes, offset: int) -> Held:
    """What is held, with the envelope's sha256 and where it stands.

    Raises UnreadableContent for another envelope than the one that `held` names.
    """
    sha256 = sha256_hex(envelope)
    if held.envelope_sha256 not in (None, sha256):
        raise UnreadableContent(f"fetch {held.number}: the envelope is not the one that was held")
    return msgspec.structs.replace(
        held, envelope_sha256=sha256, offset=offset, length=len(envelope)
    )


class Content:
    """The content of concatenated zstd frames, read forward in bounded memory.

    `compressed` are their bytes in pieces of any size, taken only as they are needed; `position`
    is where in the whole content they begin. All methods raise UnreadableContent.
    """

    def __init__(self, compressed: Iterator[bytes], position: int = 0) -> None:
        self.position = position
        self._compressed = compressed
        self._frame = zstd.ZstdDecompressor()

    def envelope(self, held: Held) -> bytes:
        """The envelope at its offset, with the sha256 that was recorded."""
        if held.offset is None or held.length is None or held.envelope_sha256 is None:
            raise UnreadableContent("nothing says where its envelope stands")
        if held.offset < self.position:
            raise UnreadableContent(f"offset {held.offset} lies within what stands before it")
        while self.position < held.offset:
            self._some(min(held.offset - self.position, SKIPPED_AT_ONCE))
        envelope = self.read(held.length)
        if sha256_hex(envelope) != held.envelope_sha256:
            raise UnreadableContent("its envelope does not have the sha256 that was recorded")
        return envelope

    def read(self, length: int) -> bytes:
        """Exactly so many bytes."""
        end, parts = self.position + length, []
        while self.position < end:
            parts.append(self._some(end - self.position))
        return b"".join(parts)

    def finish(self) -> None:
        """See that the frame is whole, checksum included, and that nothing follows."""
        while not self._frame.eof:
            if self._decompressed(1):
                raise UnreadableContent("there is more than was written")
        if self._frame.unused_data or next(self._compressed, b""):
            raise UnreadableContent("something follows what was written")

    def _some(self, most: int) -> bytes:
        """At least one byte, at most so many."""
        while True:
            if out := self._decompressed(most):
                self.position += len(out)
                return out

    def _decompressed(self, most: int) -> bytes:
        data = b""
        if self._frame.eof:
            data = self._frame.unused_data
            self._frame = zstd.ZstdDecompressor()
        if not data and self._frame.needs_input:
            data = next(self._compressed, b"")
            if not data:
                raise UnreadableContent("truncated: it ends in the middle")
        try:
            return self._frame.decompress(data, most)
        except zstd.ZstdError as error:
            raise UnreadableContent(f"damaged: {error}") from error
