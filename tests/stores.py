"""Stores of tests: the same bucket under another prefix, and what stands before a store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from resources.embedded_s3 import S3Access
from resources.store import Requests, Store
from resources.store.faulty import FaultyStore
from resources.store.memory import MemoryStore


def memory(folder: Path) -> tuple[S3Access, Store]:
    """How a site reaches a store in memory, and that store, with its bucket."""
    folder.mkdir(parents=True, exist_ok=True)
    store = MemoryStore(folder, "touchline")
    store.make_bucket()
    return S3Access(store.endpoint), store


def below(store: Store, prefix: str, bucket: str | None = None) -> Any:
    """The same store under another prefix, which counts its own requests."""
    if isinstance(store, FaultyStore):
        return replace(store, inner=below(store.inner, prefix, bucket))
    return replace(
        cast(Any, store), prefix=prefix, bucket=bucket or store.bucket, requests=Requests()
    )
