"""What landing needs of an object store: the operations, what each promises, and its errors.

Three twins keep these promises: `S3Store`, `MemoryStore`, and `FaultyStore`, which breaks them on
purpose. tests/resources/store/test_contract.py holds every one of them to what is said here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

from touchline.errors import Unavailable


class StoreError(Unavailable):
    """Something about the object store; the message names bucket and key."""

    kind = "store"
    advice = "touchline doctor"


class StoreUnavailable(StoreError):
    """No answer, or an answer that says: not now. What was asked may or may not have happened."""

    kind = "store_unavailable"


class StoreFull(StoreUnavailable):
    """The store has no room left."""

    kind = "store_full"
    advice = "make room in the store"


class AccessRefused(StoreError):
    """The credentials are wrong or may not do this."""

    kind = "access_refused"


class NoCredentials(AccessRefused):
    """There are none here, so that the store was never asked."""

    kind = "no_credentials"


class NotFound(StoreError):
    """The store says, explicitly, that there is no such object."""

    kind = "object_missing"
    advice = "touchline verify --all --deep"


class NoSuchBucket(StoreError):
    """There is no such bucket: a setting is wrong, or it was deleted. Never an empty one."""

    kind = "no_such_bucket"


class Corrupted(StoreError):
    """The bytes that arrived are not those of which the store keeps a checksum, or are fewer than
    its object should hold."""

    kind = "object_corrupted"
    advice = "touchline verify --all --deep"


class Conflicting(StoreError):
    """Somebody else is writing the same key at this moment: ask again."""

    kind = "conflicting_write"
    advice = "run the command again"


class NotSupported(StoreError):
    """The store says that it cannot do what was asked, whatever the object."""

    kind = "store_not_supported"


class PreconditionFailed(StoreError):
    """The object is not as the write expected: it exists, is gone, or has another ETag."""

    kind = "conflicting_write"
    advice = "run the command again"


@dataclass(frozen=True)
class StoredObject:
    """An object as read: its bytes, ETag and user metadata. The body is empty where it was not
    asked for, or went into a file."""

    key: str
    body: bytes
    etag: str
    metadata: Mapping[str, str]
    size: int | None = None
    """In bytes, where the body was not asked for."""


@dataclass(frozen=True)
class ObjectInfo:
    """An object as a listing names it. `size` in bytes; `last_modified` by the store's clock."""

    key: str
    size: int
    etag: str
    last_modified: datetime


@dataclass
class Requests:
    """Counted for benchmarks and for the run's metadata."""

    by_operation: dict[str, int] = field(default_factory=dict)
    bytes_in: int = 0
    bytes_out: int = 0

    def count(self, operation: str, *, bytes_in: int = 0, bytes_out: int = 0) -> None:
        self.by_operation[operation] = self.by_operation.get(operation, 0) + 1
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out


class Store(Protocol):
    """One prefix of one bucket. Keys given and returned are relative to the prefix.

    Every operation raises StoreUnavailable, AccessRefused or NoSuchBucket where nothing can be
    told; a store that is away is never an empty one. What was written is read, listed and gone
    again at once. A key may not be the folder of another: on the embedded server such a key can
    never be written under a condition.
    """

    @property
    def bucket(self) -> str: ...

    @property
    def prefix(self) -> str: ...

    @property
    def requests(self) -> Requests:
        """What was asked through this object so far."""
        ...

    @property
    def endpoint(self) -> str:
        """Where the bucket is: with it, a bucket's name is unique."""
        ...

    def put_new(
        self, key: str, body: bytes | BinaryIO, metadata: Mapping[str, str] | None = None
    ) -> str:
        """Write an object that must not exist; return its ETag. Of several writers at one moment
        exactly one succeeds. Raises PreconditionFailed, Conflicting.

        A body that is a file must be seekable: it is sent whole, from its beginning.
        """
        ...

    def replace(
        self,
        key: str,
        body: bytes | BinaryIO,
        etag: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write over the object that has this ETag; return the new one. Of several writers at one
        moment exactly one succeeds. Raises PreconditionFailed, also where there is no object (S3
        answers 404 then, SeaweedFS 412, even where there is no bucket), and Conflicting."""
        ...

    def get(self, key: str) -> StoredObject:
        """Raises NotFound, Corrupted."""
        ...

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on, without a checksum: stores keep one of the whole.

        Raises NotFound, and Corrupted where the object ends before the range does.
        """
        ...

    def download(self, key: str, file: BinaryIO) -> StoredObject:
        """Write an object's bytes to a file as they arrive, in constant memory.

        Raises NotFound, Corrupted; the file then holds a part, or bytes that are not the object's.
        """
        ...

    def head(self, key: str) -> StoredObject:
        """Return metadata, size and ETag without the body. Raises NotFound, on S3 also where there
        is no bucket: it answers a HEAD without a reason."""
        ...

    def delete(self, key: str, etag: str | None = None) -> None:
        """Remove an object; one that is not there is no error. With an ETag, the object that has
        it and no other: raises PreconditionFailed where it has another or is gone (S3 answers 404
        then, SeaweedFS 412)."""
        ...

    def list(self, prefix: str, start_after: str | None = None) -> Iterator[ObjectInfo]:
        """Return every object below a prefix; those alone whose key comes after `start_after`,
        where it is given. They come in key order within one folder; across folders the order is
        the store's own, so that `start_after` means something within one folder only."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """Return the names right below a prefix that ends with a slash, of which each holds
        objects."""
        ...

    def make_bucket(self) -> None:
        """Make the bucket unless it is there. Raises AccessRefused where it may not be made."""
        ...

    def date_header(self) -> str | None:
        """Return the store's own time as an HTTP date; None where it says none."""
        ...

    def uri(self, key: str) -> str:
        """Return the address under which delta-rs finds what lies below a key."""
        ...

    def delta_options(self) -> dict[str, str]:
        """Return what delta-rs needs to reach it, with the credentials of this moment. Raises
        NoCredentials."""
        ...


def prefixed(prefix: str, key: str) -> str:
    """Return the key within the bucket."""
    return f"{prefix.strip('/')}/{key}" if prefix.strip("/") else key
