"""Stores of tests: the same bucket under another prefix, and what stands before a store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from resources.store import Requests, Store
from resources.store.faulty import FaultyStore


def below(store: Store, prefix: str, bucket: str | None = None) -> Any:
    """The same store under another prefix, which counts its own requests."""
    if isinstance(store, FaultyStore):
        return replace(store, inner=below(store.inner, prefix, bucket))
    return replace(
        cast(Any, store), prefix=prefix, bucket=bucket or store.bucket, requests=Requests()
    )
