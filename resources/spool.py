"""The local spool: a fetch is on disk, fsynced, before anything is sent anywhere.

One file a fetch, the envelope between its book-end lines, readable in an editor. A file without
its end line was torn by a crash: it is set aside and named, never taken and never deleted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from touchline.accounting import Verdict
from touchline.bookends import read_bookended, write_bookended
from touchline.day import Day, FetchNumber
from touchline.errors import Unreadable
from touchline.fetch import Envelope, FetchRef, UnreadableFetch
from touchline.slot import Slot, implied_raw

LOUD_FROM = 0.8
_FILE = re.compile(r"(?:([a-z0-9_]+)/)?date=(\d{4}-\d{2}-\d{2})/(\d{8}|\d{5})\.([A-Za-z0-9]+)\.txt")


@dataclass(frozen=True, order=True)
class Spooled:
    """A fetch that lies in the spool. They sort by the times of their slots."""

    at: datetime
    slot: Slot
    fetch_id: str
    path: Path

    @property
    def day(self) -> Day:
        return self.slot.day

    @property
    def number(self) -> FetchNumber:
        return self.slot.number


@dataclass(frozen=True)
class SpoolState:
    """What lies in the spool at a moment; `oldest` is when the minute of its oldest fetch began."""

    at: datetime
    fetches: int
    bytes: int
    oldest: datetime | None

    @property
    def age(self) -> timedelta:
        return self.at - self.oldest if self.oldest else timedelta()


@dataclass(frozen=True)
class SpoolLimits:
    """The bound that the spool should not reach. Nothing is dropped beyond it."""

    megabytes: int
    hours: float


def spool_verdict(state: SpoolState, limits: SpoolLimits) -> tuple[Verdict, str]:
    """BAD from 80 % of either limit on, with what to do; never COULD_NOT_CHECK."""
    megabytes, hours = state.bytes / 1e6, state.age.total_seconds() / 3600
    full = max(megabytes / limits.megabytes, hours / limits.hours)
    holds = (
        f"{state.fetches:,} fetches, {megabytes:,.1f} MB of {limits.megabytes:,}, the oldest"
        f" {hours:.1f} h old of {limits.hours:g}"
    )
    if full < LOUD_FROM:
        return Verdict.OK, holds
    how = f"is {full:.0%} full" if full < 1 else "is beyond its bound"
    return Verdict.BAD, (
        f"the spool {how}: {holds}: bring the object store back; nothing is dropped, and fetching"
        " goes on until the disk of TOUCHLINE_HOME is full"
    )


class Torn(Unreadable):
    """A spool file that ends before its end line, or holds no readable envelope."""


def fsync_directory(path: Path) -> None:
    """Make a file's directory entry durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """With the entries of all folders that are new: a file is as durable as the way to it."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        fsync_directory(made.parent)


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file and its directory entry to disk before returning.

    Raises FileExistsError for a file that is there and OSError (disk full, ...) with the path.
    """
    _make_folder(path.parent)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)
    fsync_directory(path.parent)


@dataclass(frozen=True)
class Spool:
    """The spool of one feed in one store's prefix: `folder/date=D/NNNNN.<fetch id>.txt`.

    A raw asset that is not named `raw_fetches` has a folder of its own, and numbers of eight
    digits: `folder/<asset>/date=D/NNNNNNNN.<fetch id>.txt`.
    """

    folder: Path
    feed: str

    def write(self, ref: FetchRef, envelope: bytes) -> Spooled:
        """Durable on return. Raises OSError when the disk is full or read-only."""
        slot, name = ref.slot, f"{ref.number:08d}.{ref.fetch_id}.txt"
        if slot.raw == implied_raw(self.feed):
            path = self.folder / f"date={slot.day}" / name.removeprefix("000")
        else:
            path = self.folder / slot.raw.rpartition("/")[2] / f"date={slot.day}" / name
        text = write_bookended(ref.number, ref.fetch_id, ref.nyc_timestamp, envelope)
        write_durably(path, text)
        return Spooled(slot.at, slot, ref.fetch_id, path)

    def entries(self, raw: str | None = None) -> Iterator[Spooled]:
        """Yield the fetches in the spool, oldest first; those of one raw asset where it is named.
        Files of other names are not ours."""
        found = []
        for path in (*self.folder.glob("date=*/*.txt"), *self.folder.glob("*/date=*/*.txt")):
            if name := _FILE.fullmatch(path.relative_to(self.folder).as_posix()):
                asset, day, number, fetch_id = name.groups()
                of = f"{self.feed}/{asset}" if asset else implied_raw(self.feed)
                slot = Slot.numbered(of, Day.parse(day), int(number))
                found.append(Spooled(slot.at, slot, fetch_id, path))
        yield from sorted(each for each in found if raw in (None, each.slot.raw))

    def state(self, now: datetime) -> SpoolState:
        """How much lies here and how old it is, without reading any of it."""
        fetches, size, oldest = 0, 0, None
        for entry in self.entries():
            try:
                size += entry.path.stat().st_size
            except FileNotFoundError:
                continue  # Another run has cleared it meanwhile.
            fetches += 1
            oldest = oldest or entry.at
        return SpoolState(now, fetches, size, oldest)

    def read(self, spooled: Spooled) -> Envelope:
        """Raises Torn."""
        entries = list(read_bookended(spooled.path.read_bytes()))
        if len(entries) != 1 or not entries[0].complete:
            raise Torn(f"{spooled.path.name} ends before its end line")
        try:
            return Envelope(entries[0].payload)
        except UnreadableFetch as error:
            raise Torn(f"{spooled.path.name}: {error}") from error

    def clear(self, spooled: Spooled) -> None:
        """Forget a fetch whose landing was verified by reading it back."""
        spooled.path.unlink(missing_ok=True)

    def set_aside(self, spooled: Spooled) -> Path:
        """Move a torn file out of the way with its bytes intact."""
        aside = self.folder / "torn" / f"{spooled.day}.{spooled.path.name}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        spooled.path.rename(aside)
        fsync_directory(aside.parent)
        return aside
