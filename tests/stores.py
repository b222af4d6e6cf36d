"""Stores of tests: the same bucket under another prefix, and what stands before a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from resources.embedded_s3 import S3Access
from resources.store import Requests, Store
from resources.store.faulty import FaultyStore
from resources.store.memory import MemoryStore

if TYPE_CHECKING:
    from resources.store.s3 import S3Store


def memory_store(folder: Path, prefix: str = "test") -> MemoryStore:
    """An empty store whose objects lie below a folder: in its bucket `touchline`."""
    folder.mkdir(parents=True, exist_ok=True)
    store = MemoryStore(folder, "touchline", prefix)
    store.make_bucket()
    return store


def memory(folder: Path) -> tuple[S3Access, Store]:
    """How a site reaches a store in memory, and that store, with its bucket."""
    store = memory_store(folder, "")
    return S3Access(store.endpoint), store


IN_MEMORY = "http://127.0.0.1:1"
"""An endpoint at which nothing answers."""


@contextmanager
def in_memory(folder: Path) -> Iterator[S3Access]:
    """Whoever connects to `IN_MEMORY` in this process meanwhile has the store in memory of this
    folder: so commands run on it that refuse `memory:`, as all but `replay` do."""
    memory(folder)
    usual = S3Access.memory.fget
    assert usual is not None

    def found(access: S3Access) -> Path | None:
        return folder if access.endpoint_url == IN_MEMORY else usual(access)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Access, "memory", property(found))
        yield S3Access(IN_MEMORY)


def s3_store(access: S3Access, prefix: str = "", bucket: str = "touchline") -> S3Store:
    """The store of an S3 server, with a client of its own: that takes a tenth of a second."""
    from resources.store.s3 import S3Connection, S3Store

    s3 = S3Connection(
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
    )
    return S3Store(s3, bucket, prefix)


def below(store: Store, prefix: str, bucket: str | None = None) -> Any:
    """The same store under another prefix, which counts its own requests; behind the same plan."""
    if isinstance(store, FaultyStore):
        return replace(store, inner=below(store.inner, prefix, bucket))
    return replace(
        cast(Any, store), prefix=prefix, bucket=bucket or store.bucket, requests=Requests()
    )
