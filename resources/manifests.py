"""The manifests of sealed raw days: numbered, never written over."""

from __future__ import annotations

from resources.day_layout import AssetKeys
from resources.fetch_object import UnreadableObject
from resources.manifest import Manifest, pack_manifest, unpack_manifest
from resources.store import Corrupted, Store
from touchline.day import Day


def put_manifest(store: Store, manifest: Manifest) -> str:
    """Write a manifest of a number that has none; its ETag. Raises PreconditionFailed."""
    key = AssetKeys(manifest.asset, manifest.asset).log_manifest(manifest.day, manifest.number)
    return store.put_new(key, pack_manifest(manifest))


def read_manifest(store: Store, asset: str, day: Day, number: int) -> Manifest:
    """Raises NotFound, UnreadableObject, StoreError."""
    key = AssetKeys(asset, asset).log_manifest(day, number)
    try:
        found = unpack_manifest(store.get(key).body)
    except (Corrupted, ValueError) as error:
        raise UnreadableObject(f"{key}: {error}") from error
    if (found.asset, found.day, found.number) != (asset, day, number):
        raise UnreadableObject(f"{key}: holds {found.asset} of {found.day}, number {found.number}")
    return found
