"""What an S3 client says without asking a server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from resources.embedded_s3 import S3Access
from resources.store import (
    AccessRefused,
    Conflicting,
    Corrupted,
    NoSuchBucket,
    NotFound,
    NotSupported,
    PreconditionFailed,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from resources.store.s3 import S3Connection, S3Store, typed_error
from tests.resources.store.promises import CALLS
from tests.stores import s3_store


@pytest.fixture(scope="module")
def away() -> Iterator[S3Store]:
    """Where connections are refused: somebody has the port and does not listen."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        yield s3_store(S3Access(endpoint, "key", "secret", "us-east-1"), "p")


@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_is_away_is_never_an_empty_one(
    away: S3Store, call: Callable[[S3Store], Any]
) -> None:
    with pytest.raises(StoreUnavailable, match="s3://touchline/p"):
        call(away)


def test_an_endpoint_that_no_client_takes_names_its_setting() -> None:
    store = S3Store(S3Connection(endpoint_url="http://object_store:9000"), "touchline", "p")
    with pytest.raises(StoreUnavailable, match=r"Invalid endpoint: .*TOUCHLINE_S3_ENDPOINT_URL"):
        store.get("a")


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (404, "NoSuchKey", "", NotFound),
        (404, "NoSuchBucket", "", NoSuchBucket),
        (409, "ConditionalRequestConflict", "", Conflicting),
        (416, "InvalidRange", "", Corrupted),
        (412, "PreconditionFailed", "", PreconditionFailed),
        (401, "", "", AccessRefused),
        (403, "AccessDenied", "", AccessRefused),
        (501, "NotImplemented", "", NotSupported),
        (507, "", "", StoreFull),
        (500, "InternalError", "no free volumes left", StoreFull),
        (503, "SlowDown", "", StoreUnavailable),
        (400, "InvalidArgument", "", StoreUnavailable),
    ],
)
def test_errors_are_told_by_status_and_code(
    status: int, code: str, message: str, kind: type[StoreError]
) -> None:
    error = typed_error(status, code, message, "put_object s3://b/k")
    assert type(error) is kind
    assert "s3://b/k" in str(error)
