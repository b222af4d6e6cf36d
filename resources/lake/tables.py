"""The Delta tables of one prefix: opening and creating them, their manifests, typed errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from resources.lake.errors import DamagedLake, ManifestGone
from resources.manifest import Manifest, pack_manifest, unpack_manifest
from resources.store import (
    Conflicting,
    Corrupted,
    NotFound,
    PreconditionFailed,
    Store,
    StoreUnavailable,
)
from touchline.day import Day

if TYPE_CHECKING:
    from deltalake import DeltaTable

CHECKPOINT_COMMITS = 10
"""How many commits' files an opening reads at most, besides a checkpoint."""
_COLOURS = re.compile(r"\x1b\[\d+m|↳")
_STORED = re.compile(r"(\d{5,})-(\d{3,})-([0-9a-f]{64})\.parquet")


@dataclass(frozen=True)
class DataFile:
    """A Parquet file of a sealed day. `size` in bytes; `first` and `last` are fetch numbers."""

    key: str
    size: int
    rows: int
    first: int
    last: int

    @property
    def sha256(self) -> str | None:
        """Of the bytes as they were stored; None for a file that others wrote."""
        found = _STORED.fullmatch(self.key.rpartition("/")[2])
        return found[3] if found else None


@dataclass
class Lake:
    """The tables below one prefix of a bucket.

    `keep` is how long replaced files and the log's old entries stay for readers who opened a table
    before; a table takes it on at its next upkeep.
    """

    store: Store
    keep: timedelta = timedelta(days=7)

    def open(self, asset: str) -> DeltaTable | None:
        """The table as it is now; None where there is none. Raises StoreError, DamagedLake."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        with self.speaking_of(asset):
            try:
                return DeltaTable(self.uri(asset), storage_options=self.store.delta_options())
            except TableNotFoundError:
                return None

    def create(self, asset: str, schema: pa.Schema) -> None:
        """Make the table, empty, unless another is just doing so."""
        from deltalake import DeltaTable
        from deltalake.exceptions import CommitFailedError

        with self.speaking_of(asset):
            try:
                DeltaTable.create(
                    self.uri(asset),
                    schema,
                    mode="ignore",
                    partition_by=["date"],
                    configuration=self.properties(),
                    storage_options=self.store.delta_options(),
                )
            except CommitFailedError:
                return

    def properties(self) -> dict[str, str]:
        """No `delta.setTransactionRetentionDuration`: which manifest counts is never forgotten."""
        kept = f"interval {int(self.keep.total_seconds())} seconds"
        return {
            "delta.checkpointInterval": str(CHECKPOINT_COMMITS),
            "delta.enableExpiredLogCleanup": "true",
            "delta.logRetentionDuration": kept,
            "delta.deletedFileRetentionDuration": kept,
        }

    def uri(self, asset: str) -> str:
        return self.store.uri(table_key(asset))

    @contextmanager
    def speaking_of(self, asset: str) -> Iterator[None]:
        """What delta-rs raises, as the errors of the object store; its conflicts pass.

        It tells an outage from a refusal by its text alone, so the store is asked again.
        """
        from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

        try:
            yield
        except (CommitFailedError, TableNotFoundError):
            raise
        except (DeltaError, OSError) as error:
            next(self.store.list(f"{table_key(asset)}/_delta_log/"), None)
            if isinstance(error, DeltaError | FileNotFoundError):
                raise DamagedLake(
                    f"{self.uri(asset)}: its log cannot be read: {_in_a_line(error)}; "
                    "restore it from a second copy, or delete the table and seal its days again"
                ) from error
            raise StoreUnavailable(f"{self.uri(asset)}: {_in_a_line(error)}") from error

    def number(self, table: DeltaTable, asset: str, day: Day) -> int | None:
        """The number of the manifest that counts; None for a day that was never sealed."""
        with self.speaking_of(asset):
            return table.transaction_version(app_id(asset, day))

    def files(self, table: DeltaTable, asset: str, day: Day) -> tuple[DataFile, ...]:
        """The day's files in this state of the table, in the order of their fetches."""
        return self.files_by_day(table, asset).get(day, ())

    def files_by_day(self, table: DeltaTable, asset: str) -> dict[Day, tuple[DataFile, ...]]:
        """The same of every day that has rows."""
        with self.speaking_of(asset):
            actions = pa.table(table.get_add_actions(flatten=True))
        found: dict[Day, list[DataFile]] = {}
        for action in actions.to_pylist():
            file = DataFile(
                f"{table_key(asset)}/{action['path']}",
                action["size_bytes"],
                action["num_records"],
                action["min.fetch_number"],
                action["max.fetch_number"],
            )
            found.setdefault(Day.parse(str(action["partition.date"])), []).append(file)
        return {
            day: tuple(sorted(files, key=lambda file: (file.first, file.key)))
            for day, files in found.items()
        }

    def manifest(self, asset: str, day: Day, number: int) -> Manifest:
        """Raises ManifestGone, DamagedLake, StoreError."""
        key = manifest_key(asset, day, number)
        try:
            read = unpack_manifest(self.store.get(key).body)
        except NotFound as error:
            raise ManifestGone(f"{key} is gone: restore it, or rewrite the sealed day") from error
        except (Corrupted, ValueError) as error:
            raise DamagedLake(f"{key}: {error}") from error
        if (read.asset, read.date, read.number) != (asset, str(day), number):
            raise DamagedLake(f"{key}: is manifest {read.number} of {read.asset} on {read.date}")
        return read

    def put_manifest(self, manifest: Manifest) -> Manifest:
        """Store it under its number, or the next that is free; as it was stored.

        A number is taken where a process died between manifest and commit, or another is on its
        way there. The same content is as good as ours: of two commits with it one is refused.
        """
        while True:
            key = manifest_key(manifest.asset, manifest.day, manifest.number)
            try:
                self.store.put_new(key, pack_manifest(manifest))
                return manifest
            except (PreconditionFailed, Conflicting):
                if self._holds(manifest):
                    return manifest
            manifest = msgspec.structs.replace(manifest, number=manifest.number + 1)

    def _holds(self, manifest: Manifest) -> bool:
        try:
            there = self.manifest(manifest.asset, manifest.day, manifest.number)
        except DamagedLake:
            return False
        return there == manifest


def _in_a_line(error: Exception) -> str:
    """delta-rs draws a coloured tree."""
    return " ".join(_COLOURS.sub("", str(error)).split())


def table_key(asset: str) -> str:
    return f"lake/{asset}"


def manifests_key(asset: str) -> str:
    return f"lake-manifests/{asset}/"


def manifest_key(asset: str, day: Day, number: int) -> str:
    return f"{manifests_key(asset)}date={day}/{number:05d}.json.zst"


def app_id(asset: str, day: Day) -> str:
    return f"{asset}@{day}"
