"""What operators leave in the state folder for a feed to take.

    inbox/[<prefix>/]<feed>/<any name>      a captured fetch
    .../taken/                              whole ones, until their minutes and days are right
    .../aside/                              what cannot be taken, each beside a file with its reason
    .../*.jsonl                             see `resources/appended.py`

A captured fetch is known by what it says of itself, never by its file's name or length. It is an
envelope as `touchline fetch` writes it, as the spool holds it between its book-ends, or as the
store holds it, compressed. A file may still be being written: one that cannot be read is left alone
until nothing has changed in it for a minute.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from resources.appended import ANSWERS, ASKING, Appended
from resources.private_json import read_private_json, write_private_json
from resources.settings import Settings
from resources.spool import fsync_directory, write_durably
from touchline.accounting import sha256_hex
from touchline.bookends import read_bookended
from touchline.compression import zstd
from touchline.day import Day
from touchline.errors import Misuse
from touchline.fetch import Envelope, UnreadableFetch
from touchline.slot import Slot, implied_raw

WRITTEN_WITHIN = timedelta(seconds=60)
"""A file in which nothing has changed for so long is not being written any more."""
_ZSTD, _BOOKEND = b"\x28\xb5\x2f\xfd", b"=== FETCH START: "
_TAKEN = re.compile(
    r"(?:([a-z0-9_]+)\.)?(\d{4}-\d{2}-\d{2})\.(\d{8}|\d{5})\.[A-Za-z0-9]+\.[0-9a-f]{12}"
)
_LONGEST_NAME = 200
"""Bytes; a system takes 255, and some of these stand behind it."""
_FETCH_ID = re.compile(r"[A-Za-z0-9]{1,64}")


class NoCapture(Misuse, ValueError):
    """The content of a file is no captured fetch, or not yet; the text says what is wrong."""


@dataclass(frozen=True, order=True)
class Capture:
    """A captured fetch that was whole when it was taken. They sort by day."""

    day: Day
    slot: Slot
    path: Path


def read_capture(data: bytes) -> Envelope:
    """A captured fetch, whole, with every body as it was received. Raises NoCapture."""
    if not data:
        raise NoCapture("the file is empty")
    try:
        if data.startswith(_ZSTD):
            data = zstd.decompress(data)
        if data.startswith(_BOOKEND):
            entries = list(read_bookended(data))
            if len(entries) != 1 or not entries[0].complete:
                raise NoCapture("it is not one fetch from its start line to its end line")
            data = entries[0].payload
        envelope = Envelope(data)
        header = envelope.ref.header(envelope.header["fetch_start"])
    except (zstd.ZstdError, UnreadableFetch) as error:
        raise NoCapture(str(error)) from error
    except OverflowError as error:
        raise NoCapture("its minute is of no day in New York") from error
    if damaged := envelope.damaged():
        raise NoCapture(
            f"{len(damaged)} of its {len(envelope.index)} answers are not what was received "
            "(sha256), as in a copy that was indented"
        )
    if envelope.header != header:
        raise NoCapture(f"its header does not agree with itself about minute {envelope.ref.minute}")
    if not _FETCH_ID.fullmatch(envelope.ref.fetch_id):
        raise NoCapture(f"{envelope.ref.fetch_id!r} is no fetch id: it needs letters and digits")
    return envelope


def is_being_written(path: Path, now: datetime) -> bool:
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return abs(now - changed) < WRITTEN_WITHIN


@dataclass(frozen=True)
class Inbox:
    """The inbox of one feed in one store's prefix."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings, feed: str) -> Inbox:
        return cls(settings.inbox_folder / feed)

    @property
    def feed(self) -> str:
        return self.folder.name

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Whoever else takes from here waits, until this process is done or dead."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def files(self) -> list[Path]:
        """What lies here and was not looked into yet, links among it whose end cannot be looked at.
        Hidden files are somebody's copying."""
        return sorted(
            path
            for path in self.folder.glob("*")
            if _may_be_a_file(path)
            and not path.name.startswith(".")
            and path.name not in (*ASKING, ANSWERS)
        )

    def taken(self) -> list[Capture]:
        """Return the captures that were taken, by day and slot."""
        found = []
        for path in (self.folder / "taken").glob("*"):
            if name := _TAKEN.fullmatch(path.name):
                raw = f"{self.feed}/{name[1]}" if name[1] else implied_raw(self.feed)
                slot = Slot.numbered(raw, Day.parse(name[2]), int(name[3]))
                found.append(Capture(slot.day, slot, path))
        return sorted(found)

    def left(self) -> list[Path]:
        """All that is still to be looked into, put right or answered."""
        appended = Appended(self.folder)
        unanswered = (self.folder / name for name in ASKING if appended.is_left(name))
        return [*self.files(), *(capture.path for capture in self.taken()), *unanswered]

    def aside(self) -> list[Path]:
        """What lies aside, without the reasons."""
        return sorted(p for p in (self.folder / "aside").glob("*") if p.suffix != ".reason")

    def take(self, path: Path, envelope: Envelope) -> Capture:
        """Out of the reach of whoever may write another fetch to this name. One that lies here
        already, byte for byte, becomes the same file."""
        slot = envelope.ref.slot
        which = f"{slot.day}.{slot.number:05d}"
        if slot.raw != implied_raw(self.feed):
            which = f"{slot.raw.rpartition('/')[2]}.{slot.day}.{slot.number:08d}"
        name = f"{which}.{envelope.ref.fetch_id}.{sha256_hex(envelope.data)[:12]}"
        return Capture(slot.day, slot, _moved(path, self.folder / "taken" / name))

    def set_aside(self, path: Path, reason: str) -> Path:
        """With its bytes as they are, and the reason beside it."""
        name = shown_name(path).encode()[:_LONGEST_NAME].decode(errors="ignore")
        name = f"{name}.{sha256_hex(path.read_bytes())[:12]}"
        aside = self.folder / "aside" / name
        aside.parent.mkdir(parents=True, exist_ok=True)
        aside.with_name(f"{name}.reason").write_text(f"{reason}\n")
        return _moved(path, aside)

    # --- days that are being put right -----------------------------------------------------------

    def state_before(self, day: Day, now: dict[str, str]) -> dict[str, str]:
        """What ordered stages carried into the next day before anything of this day was made anew:
        that of `now`, where none was kept yet."""
        path = self._state_file(day)
        if (kept := read_private_json(path)) is not None:
            return kept
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private_json(path, now)
        return now

    def made_from(self, day: Day) -> dict[str, str]:
        """The states of the day before from which stages of this day were last made anew, by their
        names, as digests; empty where none was."""
        return read_private_json(self._made_file(day)) or {}

    def was_made_from(self, day: Day, states: dict[str, str]) -> None:
        write_private_json(self._made_file(day), states)

    def is_right(self, day: Day) -> None:
        """Nothing that follows on this day is left to be made anew."""
        self._made_file(day).unlink(missing_ok=True)
        self._state_file(day).unlink(missing_ok=True)

    def _made_file(self, day: Day) -> Path:
        return self.folder / "taken" / f"{day}.made.json"

    def _state_file(self, day: Day) -> Path:
        return self.folder / "taken" / f"{day}.json"


def _may_be_a_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _moved(path: Path, to: Path) -> Path:
    """What a link leads to is copied: it is somebody else's, and may go."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        to.unlink(missing_ok=True)
        write_durably(to, path.read_bytes())
        path.unlink()
        return to
    path.replace(to)
    fsync_directory(to.parent)
    return to


def shown_name(path: Path) -> str:
    """The name of a file for people, who may have given it bytes that are no text."""
    return os.fsencode(path.name).decode(errors="replace")


def looked_at(paths: Iterable[Path]) -> str:
    """A digest of what lies at these paths now, without reading it: another one says that there is
    something to look into, and nothing else."""
    said = []
    for path in paths:
        try:
            found = os.stat(path)
        except OSError:
            continue  # It was taken meanwhile, or who looks may not look at it.
        said.append(os.fsencode(f"{path.name}:{found.st_size}:{found.st_mtime_ns}"))
    return sha256_hex(b"\n".join(said))
