"""A second copy: sealed days in another bucket, each of which can be read there by itself.

Per day and asset the order is: data and manifest, the commit that makes them count, the mark. So
whatever dies in between, a day with its mark is whole, and one without is finished by the next
mirroring. Nothing is ever deleted there.

The copy of a Delta table is a table of its own, with the same files: each sealed day is committed
to it under the number that it has here. The table's log is not copied entry by entry, since that
would carry over what is removed here on purpose, and break off in states that never counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.day_layout import is_raw, log_key, log_manifest_key, seal_key
from resources.expired_days import expired_prefix
from resources.fetch_object import UnreadableObject
from resources.lake import Lake, LakeError, adopt_day
from resources.lake.tables import DataFile, app_id, manifest_key, manifests_key, table_key
from resources.ledger import SealRow
from resources.manifests import read_manifest
from resources.mirror_copy import Difference, MirrorCopy, MirrorReport, Wanted
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


@dataclass(frozen=True)
class _Table:
    """A table in the state in which it was opened."""

    lake: Lake
    table: DeltaTable
    asset: str
    files: Mapping[Day, tuple[DataFile, ...]]

    @classmethod
    def open(cls, lake: Lake, asset: str) -> _Table | None:
        table = lake.open(asset)
        return table and cls(lake, table, asset, lake.files_by_day(table, asset))

    def number(self, day: Day) -> int | None:
        return self.lake.number(self.table, self.asset, day)

    @property
    def columns(self) -> pa.Schema:
        return pa.schema(self.table.schema().to_arrow())


@dataclass
class Mirror:
    """The sealed days of one store, brought to a place that was claimed for them.

    `seals` is what the ledger knows of them, by asset and day; what it does not know is compared
    with what the objects say of themselves. `scratch` is a folder on a disk.
    """

    source: Store
    target: Store
    seals: Mapping[tuple[str, Day], SealRow]
    scratch: Path
    deep: bool = False
    """Read every day back again, and repair what is damaged there."""
    report: MirrorReport = field(default_factory=MirrorReport)

    def run(self, at: datetime, progress: Progress) -> MirrorReport:
        """Raises StoreError where one of the two places is away; the next mirroring goes on."""
        tiers = ("raw/", "hot/", "expired/", "remarks/", "watch/")
        for feed in sorted({name for tier in tiers for name in self.source.folders(tier)}):
            _Feed(self, feed, at).run(progress)
        return self.report


@dataclass
class _Feed:
    """What both places hold of one feed."""

    mirror: Mirror
    feed: str
    at: datetime
    lake: Lake = field(init=False)
    lake_there: Lake = field(init=False)
    marks: SealMarks = field(init=False)
    marks_there: SealMarks = field(init=False)
    tables: Mapping[str, _Table] = field(init=False)
    tables_there: Mapping[str, _Table] = field(init=False)
    copy: MirrorCopy = field(init=False)

    def __post_init__(self) -> None:
        # Marks first and objects last: what a mark stands for is in the list, or was replaced by a
        # later seal.
        mirror = self.mirror
        self.marks = seal_marks(mirror.source, self.feed)
        self.marks_there = seal_marks(mirror.target, self.feed)
        self.lake, self.lake_there = Lake(mirror.source), Lake(mirror.target)
        self.tables = dict(self._tables(self.lake))
        self.tables_there = dict(self._tables(self.lake_there))
        self.copy = MirrorCopy(
            mirror.source,
            mirror.target,
            self._listed(mirror.source),
            self._listed(mirror.target),
            etags_compare(mirror.source, mirror.target),
            mirror.scratch,
            mirror.deep,
            mirror.report,
        )

    def run(self, progress: Progress) -> None:
        mirror, report = self.mirror, self.mirror.report
        only_there = self.marks_there.keys() - self.marks.keys() if mirror.deep else set()
        total = len(self.marks) + len(only_there)
        for done, (day, asset) in enumerate(sorted(self.marks.keys() | only_there)):
            progress(f"{day} {asset}", done, total)
            if (day, asset) in self.marks:
                well = self._day(asset, day, self.marks[day, asset])
            else:
                keys = self._keys(asset, day, self.marks_there[day, asset])
                well = self.copy.keep_all(keys)
            report.seen.add(day)
            if not well:
                report.incomplete.add(day)
        progress(self.feed, total, total)
        # What the store says of days that it has no more, what people remarked, who watched when.
        for prefix in (expired_prefix(self.feed), remarks_prefix(self.feed)):
            records = [key for key in self.copy.here if key.startswith(prefix)]
            self.copy.bring_all(map(Wanted, records), verify=mirror.deep)
        for key in filter(is_record, self.copy.here):
            self._watched(key)

    # --- what is where ---------------------------------------------------------------------------

    @property
    def derived(self) -> list[str]:
        return sorted({asset for _, asset in self.marks | self.marks_there if not is_raw(asset)})

    def _tables(self, lake: Lake) -> Iterator[tuple[str, _Table]]:
        for asset in self.derived:
            try:
                if table := _Table.open(lake, asset):
                    yield asset, table
            except LakeError as error:
                self._differs(table_key(asset), str(error))

    def _listed(self, store: Store) -> dict[str, ObjectInfo]:
        below = [f"logs/{self.feed}/", expired_prefix(self.feed)]
        below += [remarks_prefix(self.feed), watch_prefix(self.feed)]
        for asset in self.derived:
            below += [f"{table_key(asset)}/date=", manifests_key(asset)]
        return {item.key: item for prefix in below for item in store.list(prefix)}

    def _keys(self, asset: str, day: Day, number: int) -> list[str]:
        """What a day consists of that only the copy has."""
        if is_raw(asset):
            return [log_manifest_key(asset, day, number), log_key(asset, day)]
        table = self.tables_there.get(asset)
        files = table.files.get(day, ()) if table else ()
        return [manifest_key(asset, day, number), *(file.key for file in files)]

    # --- a day -----------------------------------------------------------------------------------

    def _day(self, asset: str, day: Day, number: int) -> bool:
        """Whether it stands there whole, with its mark."""
        is_marked = self.marks_there.get((day, asset)) == number
        verify = self.mirror.deep or not is_marked
        seal = self.mirror.seals.get((asset, day))
        if seal is not None and seal.number != number:
            return self._wait(asset, day)
        etags = seal.files if seal else {}
        bring = self._bring_log if is_raw(asset) else self._bring_rows
        try:
            if not bring(asset, day, number, etags, verify=verify):
                return False
        except (LakeError, UnreadableObject, NotFound) as error:
            return self._differs(app_id(asset, day), str(error))
        if not is_marked:
            with suppress(PreconditionFailed):
                self.mirror.target.put_new(seal_key(asset, day, number), b"")
        return True

    def _bring_log(
        self, asset: str, day: Day, number: int, etags: Mapping[str, str], *, verify: bool
    ) -> bool:
        key = log_key(asset, day)
        if manifest_of(self.mirror.source.head(key)) != number:
            return self._wait(asset, day)
        if verify:
            read_manifest(self.mirror.source, asset, day, number)
        keys = (log_manifest_key(asset, day, number), key)
        return self.copy.bring_all([Wanted(k, etags.get(k)) for k in keys], verify=verify)

    def _bring_rows(
        self, asset: str, day: Day, number: int, etags: Mapping[str, str], *, verify: bool
    ) -> bool:
        table, there = self.tables.get(asset), self.tables_there.get(asset)
        if table is None:
            return self._differs(table_key(asset), "there is no table that could be mirrored")
        if table.number(day) != number:
            return self._wait(asset, day)
        files = table.files.get(day, ())
        wanted = [Wanted(file.key, etags.get(file.key), file.sha256) for file in files]
        wanted.append(Wanted(manifest_key(asset, day, number)))
        manifest = self.lake.manifest(asset, day, number) if verify else None
        if not self.copy.bring_all(wanted, verify=verify):
            return False
        if there and there.number(day) == number and there.files.get(day, ()) == files:
            return True
        manifest = manifest or self.lake.manifest(asset, day, number)
        adopt_day(self.lake_there, manifest, files, table.columns, at=self.at)
        return True

    def _watched(self, key: str) -> None:
        """Which minutes were expected, or missed, as both places know it: the store goes on writing
        it, and what was said once stays said."""
        mirror, report = self.mirror, self.mirror.report
        report.objects += 1
        listed, copy = self.copy.here[key], self.copy.there.get(key)
        if copy and self.copy.etags_compare and copy.etag == listed.etag and not mirror.deep:
            return
        try:
            if copy_record(mirror.source, mirror.target, key):
                report.sent += 1
                report.bytes_sent += listed.size
            report.verified += 1
        except DamagedWatchRecord as error:
            self._differs(key, f"cannot be read from the store: {error}")

    def _wait(self, asset: str, day: Day) -> bool:
        self.mirror.report.waiting.append(f"{asset} of {day} is being sealed")
        return False

    def _differs(self, key: str, detail: str) -> bool:
        self.mirror.report.differs.append(Difference(key, detail))
        return False
