"""The store on S3: conditional writes, typed errors, nothing of any feed.

Every write says what it expects to find: nothing (`If-None-Match: *`) or one ETag (`If-Match`).
botocore's own retries are off for writes, since a retried PUT that had succeeded answers 412 and
looks like somebody else's object; the caller compares sha256 and knows.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import botocore.exceptions as boto_errors
from boto3.session import Session
from botocore.config import Config

from resources.s3_headers import lenient_session, whole_number
from resources.store.protocol import (
    AccessRefused,
    Conflicting,
    Corrupted,
    NoCredentials,
    NoSuchBucket,
    NotFound,
    NotSupported,
    ObjectInfo,
    PreconditionFailed,
    Requests,
    StoredObject,
    StoreError,
    StoreFull,
    StoreUnavailable,
    prefixed,
)

NO_CREDENTIALS = (
    "no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, in the "
    "environment or in .env"
)
_CHUNK_BYTES = 1 << 20
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TOO_LATE = (boto_errors.ReadTimeoutError, boto_errors.ConnectTimeoutError)


@dataclass(frozen=True)
class S3Connection:
    """How boto3 reaches an S3 endpoint: with time-outs, and without hidden retries.

    What is None comes from the usual `AWS_*` variables and boto3's chain of credentials.
    """

    endpoint_url: str | None = None
    region_name: str | None = None
    profile_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = field(default=None, repr=False)
    connect_timeout_seconds: float = 2.0
    read_timeout_seconds: float = 20.0

    def make_client(self) -> Any:
        """Return a new boto3 client of S3; that takes some 100 ms and megabytes.

        Raises botocore's ProfileNotFound, ValueError for an endpoint that is none.
        """
        session = Session(
            profile_name=self.profile_name, botocore_session=lenient_session(self.profile_name)
        )
        return session.client(
            "s3",
            region_name=self.region_name,
            # With True it would leave out AWS_CA_BUNDLE; there is no way to turn it off.
            verify=None,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            config=Config(
                connect_timeout=self.connect_timeout_seconds,
                read_timeout=self.read_timeout_seconds,
                retries={"total_max_attempts": 1, "mode": "standard"},
                s3={"addressing_style": "path"} if self.endpoint_url else None,
                proxies={} if _on_loopback(self.endpoint_url) else None,
            ),
        )


@dataclass
class OneClient:
    """Made when it is first asked for, and the same for all threads."""

    made: Any = None
    _making: threading.Lock = field(default_factory=threading.Lock, init=False)

    def of(self, s3: S3Connection) -> Any:
        with self._making:
            if self.made is None:
                self.made = s3.make_client()
            return self.made


@dataclass
class S3Store:
    """The `Store` of an S3 endpoint. A file is read once a checksum and once for the request,
    never into memory."""

    s3: S3Connection
    bucket: str
    prefix: str = ""
    requests: Requests = field(default_factory=Requests)
    room: Callable[[], int] | None = None
    """How many bytes still fit, for a store that answers a plain 500 when it is full."""
    rest_seconds: float = 0.0
    """Once it has not answered in time, it is not asked again for so long and counts as away."""
    _rests_until: float = field(default=0.0, init=False, repr=False)
    _one: OneClient = field(default_factory=OneClient, repr=False)

    @property
    def client(self) -> Any:
        return self._one.of(self.s3)

    @property
    def endpoint(self) -> str:
        return self.client.meta.endpoint_url

    def put_new(
        self, key: str, body: bytes | BinaryIO, metadata: Mapping[str, str] | None = None
    ) -> str:
        return self._put(key, body, metadata, IfNoneMatch="*")

    def replace(
        self,
        key: str,
        body: bytes | BinaryIO,
        etag: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        return self._put(key, body, metadata, IfMatch=etag)

    def _put(
        self,
        key: str,
        body: bytes | BinaryIO,
        metadata: Mapping[str, str] | None,
        **condition: str,
    ) -> str:
        if isinstance(body, bytes):
            size = len(body)
        else:
            size = body.seek(0, os.SEEK_END)
            body.seek(0)
        answer = self._call(
            "put_object", key, Body=body, Metadata=dict(metadata or {}), **condition
        )
        self.requests.count("PUT", bytes_out=size)
        return self._etag(answer, key)

    def _etag(self, answer: Mapping[str, Any], key: str) -> str:
        """Raises StoreUnavailable where the answer has none: no later write could name it."""
        if etag := str(answer.get("ETag") or "").strip('"'):
            return etag
        raise StoreUnavailable(f"{self._name(key)}: the store answers without an ETag")

    def get(self, key: str) -> StoredObject:
        answer = self._call("get_object", key)
        with self._reading(key):
            body = answer["Body"].read()
        self.requests.count("GET", bytes_in=len(body))
        return StoredObject(key, body, self._etag(answer, key), answer.get("Metadata", {}))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        if not length:
            return b""
        answer = self._call("get_object", key, Range=f"bytes={offset}-{offset + length - 1}")
        with self._reading(key):
            body = answer["Body"].read()
        self.requests.count("GET", bytes_in=len(body))
        if len(body) != length:
            raise Corrupted(
                f"{self._name(key)}: {len(body):,} bytes arrived of {length:,} from {offset:,} on"
            )
        return body

    def download(self, key: str, file: BinaryIO) -> StoredObject:
        answer = self._call("get_object", key)
        size = 0
        # The checksum is compared when the last, empty chunk is read.
        while chunk := self._next_chunk(key, answer["Body"]):
            size += file.write(chunk)
        self.requests.count("GET", bytes_in=size)
        return StoredObject(key, b"", self._etag(answer, key), answer.get("Metadata", {}))

    def _next_chunk(self, key: str, body: Any) -> bytes:
        with self._reading(key):
            return body.read(_CHUNK_BYTES)

    @contextmanager
    def _reading(self, key: str) -> Iterator[None]:
        """Typed errors of a body that is being read."""
        try:
            yield
        except boto_errors.FlexibleChecksumError as error:
            raise Corrupted(f"{self._name(key)}: {error}") from error
        except (boto_errors.BotoCoreError, OSError) as error:
            raise StoreUnavailable(f"{self._name(key)}: the answer broke off: {error}") from error

    def head(self, key: str) -> StoredObject:
        answer = self._call("head_object", key)
        self.requests.count("HEAD")
        size, said = answer.get("ContentLength"), answer.get("Metadata", {})
        return StoredObject(key, b"", self._etag(answer, key), said, size)

    def delete(self, key: str, etag: str | None = None) -> None:
        condition = {} if etag is None else {"IfMatch": etag}
        self._call("delete_object", key, **condition)
        self.requests.count("DELETE")

    def list(self, prefix: str, start_after: str | None = None) -> Iterator[ObjectInfo]:
        asked = {"Prefix": self._key(prefix)}
        if start_after is not None:
            asked["StartAfter"] = self._key(start_after)
        for page in self._pages(asked):
            for item in page.get("Contents", []):
                key = item["Key"][len(self._key("")) :]
                stored_at = item.get("LastModified")
                if stored_at is None:
                    raise StoreUnavailable(f"{self._name(key)}: listed without a readable time")
                yield ObjectInfo(key, item["Size"], self._etag(item, key), stored_at)

    def folders(self, prefix: str) -> Iterator[str]:
        for page in self._pages({"Prefix": self._key(prefix), "Delimiter": "/"}):
            for item in page.get("CommonPrefixes", []):
                yield item["Prefix"][len(self._key(prefix)) :].rstrip("/")

    def _pages(self, asked: Mapping[str, str]) -> Iterator[Any]:
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", "", **asked, **more)
            # A store that sends a listing in chunks does not say how long it is.
            length = page["ResponseMetadata"]["HTTPHeaders"].get("content-length", "")
            self.requests.count("LIST", bytes_in=whole_number(length) or 0)
            yield page
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def make_bucket(self) -> None:
        try:
            self._call("head_bucket", "")
        except NotFound:
            self._call("create_bucket", "")

    def date_header(self) -> str | None:
        headers = self._call("head_bucket", "")["ResponseMetadata"]["HTTPHeaders"]
        self.requests.count("HEAD")
        return headers.get("date")

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{self._key(key)}"

    def delta_options(self) -> dict[str, str]:
        """See `Store`. Credentials come through boto3, so that profiles, single sign-on and roles
        work as everywhere."""
        try:
            session = self._session
            credentials = session.get_credentials()
        except boto_errors.BotoCoreError as error:
            raise NoCredentials(f"no S3 credentials: {error}") from error
        if credentials is None:
            raise NoCredentials(NO_CREDENTIALS)
        key = credentials.get_frozen_credentials()
        options = {
            "aws_endpoint_url": self.endpoint,
            "aws_region": session.region_name or "us-east-1",
            "aws_access_key_id": key.access_key,
            "aws_secret_access_key": key.secret_key,
            "aws_session_token": key.token,
            # A commit is a PUT with `If-None-Match: *`: of two writers of one version one wins.
            "aws_conditional_put": "etag",
            "aws_allow_http": "true" if self.endpoint.startswith("http://") else None,
            # Else an outage would hold a caller for three minutes.
            "connect_timeout": "2s",
            "timeout": "30s",
            "max_retries": "2",
            "retry_timeout": "20s",
        }
        if _on_loopback(self.endpoint):
            # The one way to have it leave HTTP_PROXY alone is to name a proxy for nobody.
            options |= {"proxy_url": self.endpoint, "proxy_excludes": ",".join(_LOOPBACK)}
        return {name: value for name, value in options.items() if value}

    @cached_property
    def _session(self) -> Session:
        return Session(
            aws_access_key_id=self.s3.aws_access_key_id,
            aws_secret_access_key=self.s3.aws_secret_access_key,
            region_name=self.s3.region_name,
            profile_name=self.s3.profile_name,
        )

    def _key(self, key: str) -> str:
        return prefixed(self.prefix, key)

    def _name(self, key: str) -> str:
        return self.uri(key)

    def _call(self, operation: str, key: str, **arguments: Any) -> Any:
        if key:
            arguments["Key"] = self._key(key)
        if time.monotonic() < self._rests_until:
            raise StoreUnavailable(f"{operation} {self._name(key)}: it has just not answered")
        try:
            return getattr(self.client, operation)(Bucket=self.bucket, **arguments)
        except boto_errors.ClientError as error:
            typed = self._typed(error, operation, key)
            if isinstance(typed, NotFound) and "IfMatch" in arguments:
                raise PreconditionFailed(str(typed)) from error
            raise typed from error
        except boto_errors.NoCredentialsError as error:
            raise NoCredentials(NO_CREDENTIALS) from error
        except (boto_errors.PartialCredentialsError, boto_errors.ProfileNotFound) as error:
            raise NoCredentials(f"no S3 credentials: {error}") from error
        except boto_errors.SSLError as error:
            raise StoreUnavailable(
                f"{operation} {self._name(key)}: {error}: the endpoint's certificate is not one to"
                " trust; if an authority of your own has signed it, name that in AWS_CA_BUNDLE"
            ) from error
        except (boto_errors.BotoCoreError, OSError) as error:
            if isinstance(error, _TOO_LATE):
                self._rests_until = time.monotonic() + self.rest_seconds
            raise StoreUnavailable(f"{operation} {self._name(key)}: {error}") from error
        except ValueError as error:
            # A host with an underscore is one, for instance.
            raise StoreUnavailable(
                f"{operation} {self._name(key)}: the S3 client refuses its settings: {error}:"
                " check TOUCHLINE_S3_ENDPOINT_URL"
            ) from error

    def _typed(self, error: boto_errors.ClientError, operation: str, key: str) -> StoreError:
        said = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        what = f"{operation} {self._name(key)}"
        if operation == "put_object" and status == 500 and self.room is not None:
            room = self.room()
            if room <= 0:
                return StoreFull(
                    f"{what}: HTTP 500, and the disk of the embedded object store is full: make"
                    f" {-room // 1_000_000 + 1:,} MB of room on it"
                )
        return typed_error(status, str(said.get("Code", "")), said.get("Message", ""), what)


def _on_loopback(endpoint: str | None) -> bool:
    return urlsplit(endpoint or "").hostname in _LOOPBACK


def typed_error(status: int, code: str, message: str, what: str) -> StoreError:
    """The error that an answer with this status, code and message stands for."""
    said = f"{what}: HTTP {status} {code} {message}".rstrip()
    match status:
        case 404 if code == "NoSuchBucket":
            return NoSuchBucket(f"{said}: make it, or set TOUCHLINE_S3_BUCKET")
        case 404:
            return NotFound(said)
        case 409:
            return Conflicting(said)
        case 412:
            return PreconditionFailed(said)
        case 416:
            return Corrupted(said)
        case 403 if code == "RequestTimeTooSkewed":
            return AccessRefused(f"{said}: the clocks differ too much, set ours by NTP")
        case 401 | 403:
            return AccessRefused(f"{said}: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        case 501:
            return NotSupported(said)
        case 507:
            return StoreFull(said)
    if "no free volumes" in message.lower() or code in ("StorageFull", "XMinioStorageFull"):
        return StoreFull(said)
    return StoreUnavailable(said)
