"""One object of a sealed day brought to another bucket, and read back there.

Each copy carries the sha256 of what was sent and the ETag that its source had. So a copy can be
told to be whole without its source, and to be of the object that stands in the store now.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO

from resources.sealed_days import MANIFEST
from resources.store import Corrupted, NotFound, ObjectInfo, PreconditionFailed, Store, StoredObject
from touchline.day import Day
from touchline.errors import TouchlineError

SHA256, SOURCE_ETAG = "mirror-sha256", "mirror-of"
_PROMISES = ("sha256", SHA256)


@dataclass(frozen=True)
class Difference:
    """An object, or a table's day, that is not there as it should be, and why."""

    key: str
    detail: str


@dataclass
class MirrorReport:
    """What one mirroring did. `objects` are those of which the sealed days consist."""

    seen: set[Day] = field(default_factory=set)
    incomplete: set[Day] = field(default_factory=set)
    """Those of them that do not stand there whole."""
    objects: int = 0
    sent: int = 0
    bytes_sent: int = 0
    verified: int = 0
    """Objects read back from there and compared."""
    repaired: list[str] = field(default_factory=list)
    differs: list[Difference] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    """What is being sealed at this moment: the next mirroring takes it."""

    @property
    def days(self) -> set[Day]:
        """Those that stand there whole."""
        return self.seen - self.incomplete

    def count_sent(self, listed: ObjectInfo) -> None:
        self.sent += 1
        self.bytes_sent += listed.size

    def differ(self, key: str, detail: str) -> bool:
        """Note it; False, as nothing stands there as it should."""
        self.differs.append(Difference(key, detail))
        return False

    def wait(self, what: str) -> bool:
        """Note it; False, as with `differ`."""
        self.waiting.append(what)
        return False


@dataclass(frozen=True)
class Wanted:
    """An object to be brought. `sealed_etag` is what it had when its seal was confirmed, `sha256`
    what its name promises, each where that is known."""

    key: str
    sealed_etag: str | None = None
    sha256: str | None = None


class Unsendable(TouchlineError):
    """The store's own object is not what it was: it is never passed on."""


class Moved(TouchlineError):
    """The store's own object was replaced while it was being sent."""


@dataclass
class MirrorCopy:
    """`here` and `there` are listings of what is compared, by key."""

    source: Store
    target: Store
    here: Mapping[str, ObjectInfo]
    there: Mapping[str, ObjectInfo]
    etags_compare: bool
    scratch: Path
    """A folder on a disk for a file as large as the largest object."""
    deep: bool
    report: MirrorReport

    def bring_all(self, wanted: Iterable[Wanted], *, verify: bool) -> bool:
        """All of them, whatever is wrong with some. Raises StoreError."""
        return False not in [self.bring(each, verify=verify) for each in wanted]

    def bring(self, wanted: Wanted, *, verify: bool) -> bool:
        """Whether the object stands there as it stands here, which is read back where it was sent
        now or `verify` asks for it. Raises StoreError."""
        self.report.objects += 1
        try:
            listed = self.here.get(wanted.key)
            if listed is None:
                raise Unsendable("is not in the store")
            if wanted.sealed_etag not in (None, listed.etag):
                raise Unsendable("is not the object that was sealed, and is not sent")
            is_there = wanted.key in self.there
            if is_there and not verify and self._looks_the_same(listed):
                return True
            return self._send(wanted, listed, self._read(wanted.key) if is_there else None)
        except Unsendable as error:
            return self.report.differ(wanted.key, str(error))
        except Moved:
            return self.report.wait(f"{wanted.key} was replaced while it was being sent")

    def keep_all(self, keys: Iterable[str]) -> bool:
        """Whether copies whose sources have gone on purpose are still what was sent. Raises
        StoreError."""
        return False not in [self._keep(key) for key in keys]

    def _keep(self, key: str) -> bool:
        self.report.objects += 1
        copy = self._read(key)
        if copy and copy.is_whole:
            self.report.verified += 1
            return True
        found = "the copy is damaged" if copy else "is not there"
        return self.report.differ(key, f"{found}, and the store does not have it any more")

    def _looks_the_same(self, listed: ObjectInfo) -> bool:
        copy = self.there[listed.key]
        if copy.size != listed.size or self.etags_compare:
            return (copy.size, copy.etag) == (listed.size, listed.etag)
        try:
            said = self.target.head(listed.key).metadata
        except NotFound:
            return False
        return said.get(SOURCE_ETAG) == listed.etag

    def _send(self, wanted: Wanted, listed: ObjectInfo, copy: _Copy | None) -> bool:
        """Put the object there, or over a `copy` that may be replaced, and read it back."""
        if copy and copy.is_whole and copy.metadata[SOURCE_ETAG] == listed.etag:
            self.report.verified += 1
            return True
        with self._fetched(wanted, listed) as (file, found, sha256):
            if copy and copy.sha256 == sha256:
                self.report.verified += 1
                return True
            if copy and copy.is_whole and not _follows(found.metadata, copy.metadata):
                return self.report.differ(wanted.key, "holds other bytes there, which are whole")
            if copy and not copy.is_whole and not self.deep:
                return self.report.differ(wanted.key, "the copy is damaged; `--deep` repairs it")
            said = {**found.metadata, SHA256: sha256, SOURCE_ETAG: found.etag}
            # Another mirroring may have been faster; what stands there is compared in any case.
            with suppress(PreconditionFailed):
                if copy:
                    self.target.replace(wanted.key, file, copy.etag, said)
                else:
                    self.target.put_new(wanted.key, file, said)
                self.report.count_sent(listed)
        sent = self._read(wanted.key)
        if sent is None or sent.sha256 != sha256:
            return self.report.differ(wanted.key, "what stands there is not what was sent")
        self.report.verified += 1
        if copy and not copy.is_whole:
            self.report.repaired.append(wanted.key)
        return True

    @contextmanager
    def _fetched(
        self, wanted: Wanted, listed: ObjectInfo
    ) -> Iterator[tuple[BinaryIO, StoredObject, str]]:
        """The store's object on the disk, with its sha256. Raises Unsendable, Moved, StoreError."""
        with tempfile.TemporaryFile(dir=self.scratch) as file:
            try:
                found, sha256 = _downloaded(self.source, wanted.key, file)
            except (NotFound, Corrupted) as error:
                raise Unsendable(f"cannot be read from the store: {error}") from error
            if found.etag != listed.etag:
                raise Moved(wanted.key)
            promised = {wanted.sha256, *(found.metadata.get(name) for name in _PROMISES)}
            if promised - {None, sha256}:
                raise Unsendable(
                    "is damaged in the store: not the bytes it was stored with (sha256); it is not "
                    "sent"
                )
            yield file, found, sha256

    def _read(self, key: str) -> _Copy | None:
        """What stands there; None where nothing does. Raises StoreError."""
        with tempfile.TemporaryFile(dir=self.scratch) as file:
            try:
                found, sha256 = _downloaded(self.target, key, file)
            except NotFound:
                return None
            except Corrupted:
                head = self.target.head(key)
                return _Copy("", head.etag, head.metadata)
        return _Copy(sha256, found.etag, found.metadata)


def _downloaded(store: Store, key: str, file: BufferedRandom) -> tuple[StoredObject, str]:
    """An object brought into a file, which then stands at its beginning, and its sha256. Raises
    NotFound, Corrupted, StoreError."""
    found = store.download(key, file)
    file.seek(0)
    return found, hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class _Copy:
    """`sha256` is of the bytes as they were read now; empty where they could not be."""

    sha256: str
    etag: str
    metadata: Mapping[str, str]

    @property
    def is_whole(self) -> bool:
        return self.metadata.get(SHA256) == self.sha256 and SOURCE_ETAG in self.metadata


def _follows(metadata: Mapping[str, str], copied: Mapping[str, str]) -> bool:
    """Whether the store's daily log is a later seal than the copied one. Nothing else is ever
    replaced by the store."""
    try:
        return int(metadata[MANIFEST]) > int(copied[MANIFEST])
    except (KeyError, ValueError):
        return False
