"""A second copy: sealed days in another bucket, each of which can be read there by itself.

Per day and asset the order is: data and manifest, the commit that makes them count, the mark. So
whatever dies in between, a day with its mark is whole, and one without is finished by the next
mirroring. Nothing is ever deleted there.

The copy of a Delta table is a table of its own, with the same files: each sealed day is committed
to it under the number that it has here. The table's log is not copied entry by entry, since that
would carry over what is removed here on purpose, and break off in states that never counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.day_layout import AssetKeys
from resources.expired_days import expired_prefix
from resources.fetch_object import UnreadableObject
from resources.lake import Lake, LakeError, adopt_day
from resources.lake.tables import DataFile, app_id, manifest_key, manifests_key, table_key
from resources.ledger import SealRow
from resources.manifests import read_manifest
from resources.mirror_copy import MirrorCopy, MirrorReport, Wanted
from resources.mirror_marker import etags_compare
from resources.remarks import remarks_prefix
from resources.seal_marks import SealMarks, seal_marks
from resources.sealed_days import manifest_of
from resources.store import NotFound, ObjectInfo, PreconditionFailed, Store
from resources.watch_layout import watch_prefix
from resources.watch_record import DamagedWatchRecord, copy_record, is_record
from touchline.day import Day

if TYPE_CHECKING:
    from deltalake import DeltaTable

Progress = Callable[[str, int, int], None]
"""Called with what is at work, how many sealed days of assets are done, and of how many."""
Seals = Mapping[tuple[str, Day], SealRow]
"""What the ledger knows of sealed days, by asset and day."""
_TIERS = ("raw/", "hot/", "expired/", "remarks/", "watch/")

_Files = Mapping[Day, tuple[DataFile, ...]]


def mirror_days(
    source: Store,
    target: Store,
    seals: Seals,
    scratch: Path,
    at: datetime,
    progress: Progress,
    *,
    deep: bool = False,
) -> MirrorReport:
    """Bring the sealed days of one store to a place that was claimed for them, and report on it.

    What `seals` does not know is compared with what the objects say of themselves. `scratch` is a
    folder on a disk. `deep` reads every day back again, and repairs what is damaged there.

    Raises StoreError where one of the two places is away; the next mirroring goes on.
    """
    report = MirrorReport()
    for feed in sorted({name for tier in _TIERS for name in source.folders(tier)}):
        # Marks first and objects last: what a mark stands for is in the list, or was replaced by a
        # later seal.
        marks, marks_there = seal_marks(source, feed), seal_marks(target, feed)
        derived = {keys.asset for _, keys in marks | marks_there if not keys.is_raw}
        tables, tables_there = (_Tables(each, derived, report) for each in (source, target))
        copy = MirrorCopy(
            source,
            target,
            _listed(source, feed, derived),
            _listed(target, feed, derived),
            etags_compare(source, target),
            scratch,
            deep,
            report,
        )
        days = _Days(copy, seals, at, tables, tables_there, marks_there)
        days.bring(feed, marks, progress)
        # What the store says of days that it has no more, what people remarked, who watched when.
        for prefix in (expired_prefix(feed), remarks_prefix(feed)):
            records = [key for key in copy.here if key.startswith(prefix)]
            copy.bring_all(map(Wanted, records), verify=deep)
        for key in filter(is_record, copy.here):
            _bring_watched(copy, key)
    return report


def _listed(store: Store, feed: str, derived: Iterable[str]) -> dict[str, ObjectInfo]:
    below = [f"logs/{feed}/", expired_prefix(feed), remarks_prefix(feed), watch_prefix(feed)]
    for asset in derived:
        below += [f"{table_key(asset)}/date=", manifests_key(asset)]
    return {item.key: item for prefix in below for item in store.list(prefix)}


def _bring_watched(copy: MirrorCopy, key: str) -> None:
    """Which minutes were expected, or missed, as both places know it: the store goes on writing it,
    and what was said once stays said."""
    report, listed, there = copy.report, copy.here[key], copy.there.get(key)
    report.objects += 1
    if there and copy.etags_compare and there.etag == listed.etag and not copy.deep:
        return
    try:
        if copy_record(copy.source, copy.target, key):
            report.count_sent(listed)
        report.verified += 1
    except DamagedWatchRecord as error:
        report.differ(key, f"cannot be read from the store: {error}")


class _Tables:
    """The Delta tables of a store, each in the state in which it was opened, with their files."""

    def __init__(self, store: Store, assets: Iterable[str], report: MirrorReport) -> None:
        self.lake = Lake(store)
        self.opened: dict[str, tuple[DeltaTable, _Files]] = {}
        for asset in sorted(assets):
            try:
                if table := self.lake.open(asset):
                    self.opened[asset] = table, self.lake.files_by_day(table, asset)
            except LakeError as error:
                report.differ(table_key(asset), str(error))

    def of_day(self, asset: str, day: Day) -> tuple[int | None, tuple[DataFile, ...]]:
        """The number that a day was committed under, and its files; None without its table."""
        if asset not in self.opened:
            return None, ()
        table, files = self.opened[asset]
        return self.lake.number(table, asset, day), files.get(day, ())

    def columns(self, asset: str) -> pa.Schema:
        return pa.schema(self.opened[asset][0].schema().to_arrow())


@dataclass
class _Days:
    """The sealed days of one feed."""

    copy: MirrorCopy
    seals: Seals
    at: datetime
    tables: _Tables
    tables_there: _Tables
    marks_there: SealMarks

    def bring(self, feed: str, marks: SealMarks, progress: Progress) -> None:
        only_there = self.marks_there.keys() - marks.keys() if self.copy.deep else set()
        total = len(marks) + len(only_there)
        for done, (day, keys) in enumerate(sorted(marks.keys() | only_there)):
            progress(f"{day} {keys.asset}", done, total)
            if (day, keys) in marks:
                well = self._day(keys, day, marks[day, keys])
            else:
                well = self.copy.keep_all(self._keys_there(keys, day))
            self.copy.report.seen.add(day)
            if not well:
                self.copy.report.incomplete.add(day)
        progress(feed, total, total)

    def _keys_there(self, keys: AssetKeys, day: Day) -> Iterator[str]:
        """What a day consists of that only the copy has."""
        asset, number = keys.asset, self.marks_there[day, keys]
        if keys.is_raw:
            yield from (keys.log_manifest(day, number), keys.log(day))
            return
        yield manifest_key(asset, day, number)
        yield from (file.key for file in self.tables_there.of_day(asset, day)[1])

    def _day(self, keys: AssetKeys, day: Day, number: int) -> bool:
        """Whether it stands there whole, with its mark."""
        asset, is_marked = keys.asset, self.marks_there.get((day, keys)) == number
        verify = self.copy.deep or not is_marked
        seal = self.seals.get((asset, day))
        bring = self._bring_log if keys.is_raw else self._bring_rows
        try:
            if seal is not None and seal.number != number:
                return self._wait(asset, day)
            if not bring(asset, day, number, seal.files if seal else {}, verify=verify):
                return False
        except (LakeError, UnreadableObject, NotFound) as error:
            return self.copy.report.differ(app_id(asset, day), str(error))
        if not is_marked:
            with suppress(PreconditionFailed):
                self.copy.target.put_new(keys.seal(day, number), b"")
        return True

    def _bring_log(
        self, asset: str, day: Day, number: int, etags: Mapping[str, str], *, verify: bool
    ) -> bool:
        keys = AssetKeys(asset, asset)
        key = keys.log(day)
        if manifest_of(self.copy.source.head(key)) != number:
            return self._wait(asset, day)
        if verify:
            read_manifest(self.copy.source, asset, day, number)
        wanted = [Wanted(k, etags.get(k)) for k in (keys.log_manifest(day, number), key)]
        return self.copy.bring_all(wanted, verify=verify)

    def _bring_rows(
        self, asset: str, day: Day, number: int, etags: Mapping[str, str], *, verify: bool
    ) -> bool:
        if asset not in self.tables.opened:
            return self.copy.report.differ(
                table_key(asset), "there is no table that could be mirrored"
            )
        committed, files = self.tables.of_day(asset, day)
        if committed != number:
            return self._wait(asset, day)
        wanted = [Wanted(file.key, etags.get(file.key), file.sha256) for file in files]
        wanted.append(Wanted(manifest_key(asset, day, number)))
        is_there = self.tables_there.of_day(asset, day) == (number, files)
        # Read before anything is sent: a day whose manifest is damaged is not passed on.
        needed = verify or not is_there
        manifest = self.tables.lake.manifest(asset, day, number) if needed else None
        if not self.copy.bring_all(wanted, verify=verify):
            return False
        if manifest and not is_there:
            columns = self.tables.columns(asset)
            adopt_day(self.tables_there.lake, manifest, files, columns, at=self.at)
        return True

    def _wait(self, asset: str, day: Day) -> bool:
        return self.copy.report.wait(f"{asset} of {day} is being sealed")
