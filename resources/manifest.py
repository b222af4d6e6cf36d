"""What a window or a sealed day says of the fetches that it holds.

A fetch object speaks for one fetch, in its metadata or its Parquet footer. What takes its place
speaks for many, and says the same of each.
"""

from __future__ import annotations

import msgspec

from touchline.accounting import Account, Outcome
from touchline.compression import CHECKED, zstd
from touchline.day import Day, FetchNumber, parse_instant
from touchline.fetch import FetchRef
from touchline.formats import unread, unread_json
from touchline.slot import Slot
from touchline.stage import Finding, QuarantinedRecord, VersionRead

FORMAT = 1
READABLE_FORMATS = (1,)


class About(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a derived fetch is besides its rows. `dropped` is reason -> record key -> count; `reads`
    and `changes` are those of a version of a day, as in `Staged`."""

    dropped: dict[str, dict[str, int]]
    quarantined: list[QuarantinedRecord]
    findings: list[Finding]
    reads: list[VersionRead] = []
    changes: dict[str, int] = {}


class Held(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One fetch, with what its own object said of itself.

    `etag` and `sha256` are those of the fetch object it was taken from: a fetch object beside it
    with another ETag is newer and counts instead. `envelope_sha256`, `offset` and `length` (bytes
    of the decompressed content) are a raw fetch's, `about` is a derived one's.
    """

    number: int
    fetch_id: str
    minute: str
    """The time of its slot (UTC)."""
    outcome: Outcome
    account: Account
    digest: str
    sha256: str
    etag: str
    code_version: str
    upstream_sha256: str | None = None
    envelope_sha256: str | None = None
    offset: int | None = None
    length: int | None = None
    about: About | None = None
    raw_asset: str | None = None
    """This and `date` where feed and time do not tell the slot."""
    date: str | None = None
    is_kept: bool = True
    """Whether its rows stand in the sealed day: of the versions of a day only the last one's do."""

    @property
    def rows(self) -> int:
        """How many of its rows stand in the sealed day."""
        return self.account.emitted if self.is_kept else 0

    def ref(self, feed: str) -> FetchRef:
        at = parse_instant(self.minute)
        return FetchRef.of(Slot.told(feed, at, self.raw_asset, self.date), self.fetch_id)


class HeldBriefly(msgspec.Struct, frozen=True, gc=False):
    """As much of a `Held` as tells whether its fetch object still counts. A day's windows are gone
    through each minute, and all that they say of 1,440 fetches keeps the garbage collector busy."""

    number: int
    etag: str


class Upload(msgspec.Struct, frozen=True):
    """A ten-minute window of the daily log: its first minute's number, and when it was stored
    (UTC)."""

    first: int
    stored_at: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The fetches of a sealed day. `number` grows by one with every seal of the same day."""

    asset: str
    date: str
    number: int
    held: list[Held]
    uploads: list[Upload]
    carried: str = ""
    """The state that an ordered stage carries out of the day, as in a fetch object's footer."""
    format: int = FORMAT

    @property
    def day(self) -> Day:
        return Day.parse(self.date)

    def by_number(self) -> dict[FetchNumber, Held]:
        return {FetchNumber(held.number): held for held in self.held}


_DECODER = msgspec.json.Decoder(Manifest)


def pack_manifest(manifest: Manifest) -> bytes:
    return zstd.compress(msgspec.json.encode(manifest), options=CHECKED)


def unpack_manifest(data: bytes) -> Manifest:
    """Raises ValueError for anything but a manifest of a readable format."""
    text = b""
    try:
        text = zstd.decompress(data)
        manifest = _DECODER.decode(text)
    except (zstd.ZstdError, msgspec.DecodeError, UnicodeDecodeError) as error:
        why = unread_json(text, READABLE_FORMATS)
        raise ValueError(f"not a whole manifest: {why or error}") from error
    if why := unread(manifest.format, READABLE_FORMATS):
        raise ValueError(f"manifest {why}")
    return manifest
