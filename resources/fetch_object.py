"""A fetch object: what one stage made of one fetch, with what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from resources.day_layout import AssetKeys
from resources.ledger import Claim
from resources.manifest import Held
from resources.store import StoredObject
from touchline.accounting import Account, Outcome, sha256_hex
from touchline.compression import CHECKED, zstd
from touchline.day import parse_instant, utc_text
from touchline.errors import Unreadable
from touchline.fetch import Envelope, FetchRef
from touchline.formats import unread
from touchline.slot import Slot
from touchline.stage import VersionRead

FORMAT = 1
READABLE_FORMATS = (1,)


class UnreadableObject(Unreadable):
    """An object whose bytes are not what its key promises; the message names the key."""


@dataclass(frozen=True)
class FetchObject:
    """A fetch object with what it says of itself. `etag` is None before the store has answered."""

    asset: str
    ref: FetchRef
    outcome: Outcome
    account: Account
    digest: str
    sha256: str
    code_version: str
    upstream_sha256: str | None
    etag: str | None
    body: bytes = field(repr=False)
    reads: Sequence[VersionRead] = ()
    """The versions that an as-of stage read to make it. Empty when it was read from the store."""

    @classmethod
    def stored(cls, asset: str, feed: str, found: StoredObject) -> FetchObject:
        """As it was read from the store. Raises UnreadableObject."""
        opened = cls.said(asset, feed, found)
        if sha256_hex(found.body) != opened.sha256:
            raise UnreadableObject(f"{found.key}: not the bytes it was stored with (sha256)")
        return opened

    @classmethod
    def said(cls, asset: str, feed: str, found: StoredObject) -> FetchObject:
        """What an object says of itself, whatever its bytes are, which need not have been read.
        Raises UnreadableObject."""
        said = found.metadata
        try:
            if why := unread(int(said["format"]), READABLE_FORMATS):
                raise UnreadableObject(f"{found.key}: {why}")
            return cls(
                asset,
                FetchRef.of(_slot(feed, said), said["fetch-id"]),
                Outcome(said["outcome"]),
                Account.from_dict(msgspec.json.decode(said["account"])),
                said["digest"],
                said["sha256"],
                said["code-version"],
                said.get("upstream-sha256"),
                found.etag,
                found.body,
            )
        except UnreadableObject:
            raise
        except KeyError as error:
            lacks = f"its metadata is damaged: it has no `{error.args[0]}`"
            raise UnreadableObject(f"{found.key}: {lacks}") from error
        except (TypeError, ValueError) as error:
            raise UnreadableObject(f"{found.key}: its metadata is damaged: {error}") from error

    @classmethod
    def held(cls, asset: str, feed: str, held: Held, body: bytes) -> FetchObject:
        """As a window or a sealed day holds it; `body` is its own bytes again."""
        return cls(
            asset,
            held.ref(feed),
            held.outcome,
            held.account,
            held.digest,
            held.sha256,
            held.code_version,
            held.upstream_sha256,
            held.etag,
            body,
        )

    @property
    def keys(self) -> AssetKeys:
        return AssetKeys(self.asset, self.ref.slot.raw)

    @property
    def is_raw(self) -> bool:
        return self.keys.is_raw

    @property
    def key(self) -> str:
        return self.keys.single(self.ref.day, self.ref.number)

    @property
    def is_sound(self) -> bool:
        return self.account.conserved and not self.outcome.is_placeholder

    def envelope(self) -> Envelope:
        """Of a raw object. Raises UnreadableObject, UnreadableFetch."""
        return Envelope(unpack(self.body))

    def as_held(self) -> Held:
        """For what takes this object's place. Raises ValueError before the store has answered."""
        if self.etag is None:
            raise ValueError(f"{self.key} has not landed")
        beyond = self.ref.slot.beyond_implied
        return Held(
            number=self.ref.number,
            fetch_id=self.ref.fetch_id,
            minute=utc_text(self.ref.at),
            outcome=self.outcome,
            account=self.account,
            digest=self.digest,
            sha256=self.sha256,
            etag=self.etag,
            code_version=self.code_version,
            upstream_sha256=self.upstream_sha256,
            raw_asset=beyond.get("raw_asset"),
            date=beyond.get("date"),
        )

    def claim(self, run_id: str) -> Claim:
        return Claim(
            asset=self.asset,
            ref=self.ref,
            key=self.key,
            sha256=self.sha256,
            account=self.account,
            digest=self.digest,
            outcome=self.outcome,
            code_version=self.code_version,
            upstream_sha256=self.upstream_sha256,
            run_id=run_id,
            format=FORMAT,
        )

    def metadata(self) -> dict[str, str]:
        """The object's user metadata; ASCII only, since it travels in headers."""
        said = {
            "format": str(FORMAT),
            "fetch-id": self.ref.fetch_id,
            "minute": utc_text(self.ref.at),
            **{k.replace("_", "-"): v for k, v in self.ref.slot.beyond_implied.items()},
            "sha256": self.sha256,
            "outcome": str(self.outcome),
            "account": msgspec.json.encode(self.account.as_dict()).decode(),
            "digest": self.digest,
            "code-version": self.code_version,
        }
        if self.upstream_sha256:
            said["upstream-sha256"] = self.upstream_sha256
        return said


def _slot(feed: str, said: Mapping[str, str]) -> Slot:
    at = parse_instant(said["minute"])
    return Slot.told(feed, at, said.get("raw-asset"), said.get("date"))


def pack(envelope: bytes) -> bytes:
    """A raw fetch as stored: one zstd frame at level 3."""
    return zstd.compress(envelope, options=CHECKED)


def unpack(body: bytes) -> bytes:
    """Raises UnreadableObject for what is not a whole zstd frame."""
    try:
        return zstd.decompress(body)
    except zstd.ZstdError as error:
        raise UnreadableObject(f"not a whole zstd frame: {error}") from error
