"""What keeps the cost of a table from growing with the year."""

from __future__ import annotations

import re
from dataclasses import dataclass

from resources.lake.tables import Lake, manifests_key, table_key
from touchline.day import Day

_MANIFEST = re.compile(r"date=(\d{4}-\d{2}-\d{2})/(\d{5,})\.json\.zst")


@dataclass(frozen=True)
class Upkeep:
    """Keys that were deleted: replaced files and files never committed, superseded manifests."""

    files: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()


def maintain(lake: Lake, asset: str) -> Upkeep:
    """Delete what nothing counts any more, and fold the log into a checkpoint.

    Files go once they have been replaced, or were left by a process that died, for longer than
    `Lake.keep`; so do the log's entries before the checkpoint. The transactions, which say which
    manifest counts, are kept in it for good. Of a day's manifests the one that counts, the one
    before it and those above it, which somebody may be committing, stay.

    Raises StoreError, DamagedLake; a commit in between makes it leave the rest to the next time.
    """
    from deltalake.exceptions import CommitFailedError

    with lake.speaking_of(asset):
        try:
            return _maintain(lake, asset)
        except CommitFailedError:
            return Upkeep()


def _maintain(lake: Lake, asset: str) -> Upkeep:
    table = lake.open(asset)
    if table is None:
        return Upkeep()
    wanted = lake.properties()
    if {name: table.metadata().configuration.get(name) for name in wanted} != wanted:
        table.alter.set_table_properties(wanted)
    gone = table.vacuum(dry_run=True, full=True)
    if gone:  # A vacuum is a commit too.
        gone = table.vacuum(dry_run=False, full=True)
    table = lake.open(asset) or table
    table.create_checkpoint()
    table.cleanup_metadata()
    manifests = _superseded_manifests(lake, asset)
    for key in manifests:
        lake.store.delete(key)
    return Upkeep(tuple(f"{table_key(asset)}/{path}" for path in gone), tuple(manifests))


def _superseded_manifests(lake: Lake, asset: str) -> list[str]:
    numbers: dict[Day, dict[int, str]] = {}
    for item in lake.store.list(manifests_key(asset)):
        if found := _MANIFEST.fullmatch(item.key.removeprefix(manifests_key(asset))):
            numbers.setdefault(Day.parse(found[1]), {})[int(found[2])] = item.key
    # Opened after the listing, so that none of what is listed is newer than what counts.
    table = lake.open(asset)
    superseded = []
    for day, keys in numbers.items():
        if table and len(keys) > 2 and (current := lake.number(table, asset, day)) is not None:
            below = sorted(number for number in keys if number < current)
            superseded += [keys[number] for number in below[:-1]]
    return superseded
