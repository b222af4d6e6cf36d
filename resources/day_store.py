"""A stage's day on S3: one immutable object a fetch, claimed first, written under a condition.

The key alone decides who won. A claim goes to the ledger before the object is stored; only then is
it stored; only with the store's answer is it called landed. What a check later reads back is never
taken from the ledger.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec
import pyzstd

from resources.claim_book import ClaimBook
from resources.ledger import Claim
from resources.object_store import (
    Conflicting,
    Corrupted,
    Listed,
    NotFound,
    ObjectStore,
    PreconditionFailed,
    StoredObject,
    StoreError,
)
from touchline.accounting import Account, Outcome, sha256_hex
from touchline.day import Day, FetchNumber, Minute, utc_text
from touchline.fetch import Envelope, FetchRef

log = logging.getLogger(__name__)

FORMAT = 1
READABLE_FORMATS = (1,)
ATTEMPTS = 3
RAW = "raw_fetches"


class UnreadableObject(ValueError):
    """An object whose bytes are not what its key promises; the message names the key."""


class WouldErase(StoreError):
    """What was made holds less than what stands there, and no account explains it."""


class Damaged(StoreError):
    """What stands there cannot be read, and what was made is not what should stand there."""


class Landing(StrEnum):
    """How a product came to stand in the store."""

    LANDED = "landed"
    ALREADY_THERE = "already_there"
    REPLACED = "replaced"
    CONFLICT = "conflict"
    """Another result for the same fetch had landed; it counts, ours is kept beside it."""


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

    @property
    def key(self) -> str:
        return object_key(self.asset, self.ref.day, self.ref.number)

    def envelope(self) -> Envelope:
        """Of a raw object. Raises UnreadableObject, UnreadableFetch."""
        return Envelope(unpack(self.body))

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
            "minute": utc_text(self.ref.minute.utc),
            "sha256": self.sha256,
            "outcome": str(self.outcome),
            "account": msgspec.json.encode(self.account.as_dict()).decode(),
            "digest": self.digest,
            "code-version": self.code_version,
        }
        if self.upstream_sha256:
            said["upstream-sha256"] = self.upstream_sha256
        return said


def is_raw(asset: str) -> bool:
    return asset.rpartition("/")[2] == RAW


def day_prefix(asset: str, day: Day) -> str:
    feed, _, name = asset.partition("/")
    if is_raw(asset):
        return f"raw/{feed}/date={day}/"
    return f"hot/{feed}/date={day}/{name}/"


def object_key(asset: str, day: Day, number: int) -> str:
    ending = "json.zst" if is_raw(asset) else "parquet"
    return f"{day_prefix(asset, day)}{number:05d}.{ending}"


def number_of(key: str) -> FetchNumber | None:
    """The fetch number of a fetch object's key; None for anything else below a day."""
    stem = key.rpartition("/")[2].partition(".")[0]
    return FetchNumber(int(stem)) if len(stem) == 5 and stem.isdigit() else None


def _is_sound(made: FetchObject) -> bool:
    return made.account.conserved and not made.outcome.is_placeholder


def pack(envelope: bytes) -> bytes:
    """A raw fetch as stored: one zstd frame at level 3."""
    return pyzstd.compress(
        envelope, {pyzstd.CParameter.compressionLevel: 3, pyzstd.CParameter.checksumFlag: 1}
    )


def unpack(body: bytes) -> bytes:
    """Raises UnreadableObject for what is not a whole zstd frame."""
    try:
        return pyzstd.decompress(body)
    except pyzstd.ZstdError as error:
        raise UnreadableObject(f"not a whole zstd frame: {error}") from error


@dataclass
class DayStore:
    """Reads and lands the fetch objects of every asset of one feed in one prefix."""

    feed: str
    store: ObjectStore
    claims: ClaimBook
    in_hand: dict[str, FetchObject] = field(default_factory=dict)
    """What this process has just made, by key: the next stage reads it from here, so that an
    object store that is away does not silence the stages behind it."""
    keep_in_hand: int = 32
    _numbers: dict[tuple[str, Day], frozenset[FetchNumber]] = field(default_factory=dict)

    # --- reading ---------------------------------------------------------------------------------

    def listing(self, asset: str, day: Day) -> dict[FetchNumber, Listed]:
        """The fetch objects of a day as the store lists them now."""
        listed = self.store.list(day_prefix(asset, day))
        return {number: item for item in listed if (number := number_of(item.key)) is not None}

    def numbers(self, asset: str, day: Day) -> frozenset[FetchNumber]:
        """What of this day has landed, listed once until `refresh` and kept up with what is landed
        here. For deciding what to work on; a check lists anew."""
        if (asset, day) not in self._numbers:
            self._numbers[asset, day] = frozenset(self.listing(asset, day))
        return self._numbers[asset, day]

    def refresh(self) -> None:
        """Begin another run: look again at what others have landed."""
        self._numbers.clear()

    def read(self, asset: str, day: Day, number: int) -> FetchObject:
        """Raises NotFound, UnreadableObject, StoreError."""
        key = object_key(asset, day, number)
        if key in self.in_hand:
            return self.in_hand[key]
        return self.read_back(asset, day, number)

    def read_back(self, asset: str, day: Day, number: int) -> FetchObject:
        """From the store itself, whatever this process believes to have written."""
        key = object_key(asset, day, number)
        try:
            found = self.store.get(key)
        except Corrupted as error:
            raise UnreadableObject(f"{key}: {error}") from error
        return self._opened(asset, day, number, found)

    def _opened(self, asset: str, day: Day, number: int, found: StoredObject) -> FetchObject:
        said = found.metadata
        try:
            if int(said["format"]) not in READABLE_FORMATS:
                raise UnreadableObject(
                    f"{found.key}: format {said['format']}; this version reads {READABLE_FORMATS}"
                )
            opened = FetchObject(
                asset,
                FetchRef(self.feed, Minute.parse(said["minute"]), said["fetch-id"]),
                Outcome(said["outcome"]),
                Account.from_dict(msgspec.json.decode(said["account"])),
                said["digest"],
                said["sha256"],
                said["code-version"],
                said.get("upstream-sha256"),
                found.etag,
                found.body,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableObject(f"{found.key}: its metadata is damaged: {error}") from error
        if sha256_hex(found.body) != opened.sha256:
            raise UnreadableObject(f"{found.key}: not the bytes it was stored with (sha256)")
        if (opened.ref.day, opened.ref.number) != (day, number):
            raise UnreadableObject(
                f"{found.key}: holds fetch {opened.ref.number} of {opened.ref.day}"
            )
        return opened

    # --- landing ---------------------------------------------------------------------------------

    def land(self, made: FetchObject, *, run_id: str, at: datetime, rebuild: bool) -> Landing:
        """Claim, store under a condition, confirm.

        A placeholder that stands there is replaced under `If-Match`, and so is anything that a
        rebuild makes differently; else what stands there wins and ours is kept beside it. Raises
        StoreError when the store does not take it: the claim then stays pending.
        """
        landing = self._land(made, run_id=run_id, at=at, rebuild=rebuild)
        known = made.asset, made.ref.day
        if known in self._numbers:
            self._numbers[known] |= {made.ref.number}
        return landing

    def _land(self, made: FetchObject, *, run_id: str, at: datetime, rebuild: bool) -> Landing:
        self._hold(made)
        claim = made.claim(run_id)
        self.claims.intend(claim, at)
        metadata = made.metadata()
        for _ in range(ATTEMPTS):
            try:
                etag = self.store.put_new(made.key, made.body, metadata)
                self.claims.landed(claim, etag, len(made.body), at)
                return Landing.LANDED
            except Conflicting:
                continue
            except PreconditionFailed:
                pass
            try:
                return self._meet(made, claim, at, rebuild=rebuild)
            except (PreconditionFailed, NotFound, Conflicting):
                continue
        raise StoreError(f"{made.key}: others kept writing it; nothing was overwritten")

    def _meet(self, made: FetchObject, claim: Claim, at: datetime, *, rebuild: bool) -> Landing:
        """The key is taken: by ours, by a placeholder, by what a rebuild replaces, by another's."""
        try:
            there = self.read_back(made.asset, made.ref.day, made.ref.number)
        except UnreadableObject as error:
            return self._restore(made, claim, at, rebuild=rebuild, damage=str(error))
        assert there.etag is not None
        if there.sha256 == made.sha256 and there.ref == made.ref:
            self.claims.landed(claim, there.etag, len(there.body), at)
            return Landing.ALREADY_THERE
        if rebuild and _is_sound(there) and not _is_sound(made):
            self.in_hand[made.key] = there
            self.claims.withdraw(claim, "a rebuild that failed replaces nothing", at)
            raise WouldErase(f"{made.key}: a rebuild that failed replaces nothing that had landed")
        if rebuild or (there.outcome.is_placeholder and not made.outcome.is_placeholder):
            etag = self.store.replace(made.key, made.body, there.etag, made.metadata())
            self.claims.landed(claim, etag, len(made.body), at)
            return Landing.REPLACED
        beside = f"conflicts/{made.key}.{made.ref.fetch_id}.{made.sha256[:12]}"
        with contextlib.suppress(PreconditionFailed):
            self.store.put_new(beside, made.body, made.metadata())
        log.warning("%s: another result had landed; ours is kept at %s", made.key, beside)
        self.in_hand[made.key] = there
        self.claims.withdraw(claim, f"another result had landed; kept at {beside}", at)
        self.claims.landed(there.claim(run_id=claim.run_id), there.etag, len(there.body), at)
        return Landing.CONFLICT

    def _restore(
        self, made: FetchObject, claim: Claim, at: datetime, *, rebuild: bool, damage: str
    ) -> Landing:
        """Replace an object that cannot be read by what it should be, or by what a rebuild makes
        of it. Raises Damaged for anything else."""
        there = self.store.head(made.key)
        is_the_same = there.metadata.get("sha256") == made.sha256
        if not is_the_same and not (rebuild and _is_sound(made)):
            self.claims.withdraw(claim, damage, at)
            raise Damaged(f"{damage}; nothing was overwritten: reprocess the day")
        etag = self.store.replace(made.key, made.body, there.etag, made.metadata())
        self.claims.landed(claim, etag, len(made.body), at)
        return Landing.REPLACED

    def promote(self, pending: Claim, *, at: datetime) -> bool:
        """Confirm a claim whose object landed while its writer died before it could say so.

        False when the object is not there, or is another one. Raises StoreError.
        """
        try:
            there = self.read_back(pending.asset, pending.ref.day, pending.ref.number)
        except (NotFound, UnreadableObject):
            return False
        if there.sha256 != pending.sha256 or there.etag is None:
            return False
        self.claims.landed(pending, there.etag, len(there.body), at)
        return True

    def _hold(self, made: FetchObject) -> None:
        self.in_hand.pop(made.key, None)
        self.in_hand[made.key] = made
        while len(self.in_hand) > self.keep_in_hand:
            self.in_hand.pop(next(iter(self.in_hand)))
