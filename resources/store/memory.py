"""The store that ends with its process: for a newcomer's replay, and for tests.

Bodies are files of a folder, since delta-rs reads and writes the tables' logs by itself and cannot
look into Python's memory; ETags and metadata are kept in memory. One process at a time.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from typing import BinaryIO

from resources.store.protocol import (
    Corrupted,
    NoSuchBucket,
    NotFound,
    ObjectInfo,
    PreconditionFailed,
    Requests,
    StoredObject,
    StoreUnavailable,
    prefixed,
)

_CHUNK_BYTES = 1 << 20


@dataclass
class _Kept:
    """What all stores on one folder share. `said` has ETag and metadata of what was put; what
    delta-rs wrote is not in it."""

    said: dict[Path, tuple[str, dict[str, str]]] = field(default_factory=dict)
    one_writer: threading.RLock = field(default_factory=threading.RLock)
    names: Iterator[int] = field(default_factory=count)


_KEPT: dict[Path, _Kept] = {}


@dataclass
class MemoryStore:
    """The `Store` below a folder that exists; each bucket is a folder in it.

    An ETag is the MD5 of the body, as S3's is. Listings come as from the embedded server: in
    order within one folder, a folder's objects where its name comes.
    """

    folder: Path
    bucket: str
    prefix: str = ""
    requests: Requests = field(default_factory=Requests)

    @property
    def endpoint(self) -> str:
        return f"memory:{self.folder}"

    @property
    def _kept(self) -> _Kept:
        return _KEPT.setdefault(self.folder, _Kept())

    def put_new(
        self, key: str, body: bytes | BinaryIO, metadata: Mapping[str, str] | None = None
    ) -> str:
        return self._put(key, body, metadata, None)

    def replace(
        self,
        key: str,
        body: bytes | BinaryIO,
        etag: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        return self._put(key, body, metadata, etag)

    def _put(
        self,
        key: str,
        body: bytes | BinaryIO,
        metadata: Mapping[str, str] | None,
        expected: str | None,
    ) -> str:
        path = self._path(key)
        if not isinstance(body, bytes):
            body.seek(0)
            body = body.read()
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        with self._kept.one_writer:
            self._expect(key, path, expected)
            # Readers, delta-rs among them, see the old body or the new one.
            written = self.folder / f".{next(self._kept.names)}"
            try:
                written.write_bytes(body)
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(written, path)
            except OSError as error:
                # The disk is full, or the key is the folder of another.
                raise StoreUnavailable(f"{self._name(key)}: {error}") from error
            said = {name.lower(): text for name, text in (metadata or {}).items()}
            self._kept.said[path] = etag, said
        self.requests.count("PUT", bytes_out=len(body))
        return etag

    def _expect(self, key: str, path: Path, expected: str | None) -> None:
        there = self._said(path)[0] if path.is_file() else None
        if there != expected:
            found = "it is not there" if there is None else f"its ETag is {there}"
            raise PreconditionFailed(f"{self._name(key)}: {found}")

    def get(self, key: str) -> StoredObject:
        body, etag, metadata = self._read(key)
        self.requests.count("GET", bytes_in=len(body))
        return StoredObject(key, body, etag, metadata)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        if not length:
            return b""
        body = self._read(key)[0][offset : offset + length]
        self.requests.count("GET", bytes_in=len(body))
        if len(body) != length:
            raise Corrupted(
                f"{self._name(key)}: {len(body):,} bytes arrived of {length:,} from {offset:,} on"
            )
        return body

    def download(self, key: str, file: BinaryIO) -> StoredObject:
        body, etag, metadata = self._read(key)
        self.requests.count("GET", bytes_in=len(body))
        for start in range(0, len(body), _CHUNK_BYTES):
            file.write(body[start : start + _CHUNK_BYTES])
        return StoredObject(key, b"", etag, metadata)

    def _read(self, key: str) -> tuple[bytes, str, dict[str, str]]:
        path = self._path(key)
        with self._kept.one_writer:
            try:
                body = path.read_bytes()
            except OSError:
                raise NotFound(f"{self._name(key)}: there is no such object") from None
            etag, metadata = self._said(path, body)
        if hashlib.md5(body, usedforsecurity=False).hexdigest() != etag:
            raise Corrupted(f"{self._name(key)}: the bytes are not those that were written")
        return body, etag, metadata

    def head(self, key: str) -> StoredObject:
        path = self._path(key)
        with self._kept.one_writer:
            if not path.is_file():
                raise NotFound(f"{self._name(key)}: there is no such object")
            etag, metadata = self._said(path)
            size = path.stat().st_size
        self.requests.count("HEAD")
        return StoredObject(key, b"", etag, metadata, size)

    def delete(self, key: str, etag: str | None = None) -> None:
        path = self._path(key)
        with self._kept.one_writer:
            if etag is not None:
                self._expect(key, path, etag)
            if path.is_file():
                path.unlink()
                self._kept.said.pop(path, None)
        self.requests.count("DELETE")

    def list(self, prefix: str, start_after: str | None = None) -> Iterator[ObjectInfo]:
        root = self._path("")
        with self._kept.one_writer:
            found = [self._info(root, path) for path in _files(root, prefix)]
        self.requests.count("LIST")
        yield from (item for item in found if start_after is None or item.key > start_after)

    def _info(self, root: Path, path: Path) -> ObjectInfo:
        stat = path.stat()
        stored_at = datetime.fromtimestamp(stat.st_mtime, UTC)
        key = path.relative_to(root).as_posix()
        return ObjectInfo(key, stat.st_size, self._said(path)[0], stored_at)

    def folders(self, prefix: str) -> Iterator[str]:
        folder = self._path(prefix)
        self.requests.count("LIST")
        if folder.is_dir():
            for name in sorted(os.listdir(folder)):
                if next(_files(folder, f"{name}/"), None) is not None:
                    yield name

    def make_bucket(self) -> None:
        (self.folder / self.bucket).mkdir(exist_ok=True)

    def date_header(self) -> str | None:
        self._path("")
        self.requests.count("HEAD")
        return format_datetime(datetime.now(UTC), usegmt=True)

    def uri(self, key: str) -> str:
        return self._path(key).absolute().as_uri()

    def delta_options(self) -> dict[str, str]:
        return {}

    def _path(self, key: str) -> Path:
        bucket = self.folder / self.bucket
        if not bucket.is_dir():
            raise NoSuchBucket(f"{self._name(key)}: make the bucket, or set TOUCHLINE_S3_BUCKET")
        return bucket / prefixed(self.prefix, key)

    def _name(self, key: str) -> str:
        return f"memory:{self.bucket}/{prefixed(self.prefix, key)}"

    def _said(self, path: Path, body: bytes | None = None) -> tuple[str, dict[str, str]]:
        """ETag and metadata of a file; those that delta-rs wrote have no metadata."""
        if said := self._kept.said.get(path):
            return said
        body = path.read_bytes() if body is None else body
        return hashlib.md5(body, usedforsecurity=False).hexdigest(), {}


def _files(root: Path, prefix: str) -> Iterator[Path]:
    """Every file whose path below `root` begins so, a folder where its name comes."""
    folder, _, name = prefix.rpartition("/")
    try:
        entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if not entry.name.startswith(name):
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path), "")
        else:
            yield Path(entry.path)
