"""A day of raw fetches made of the one recorded poll, with all that real fetches carry.

The poll is cut into 60 minutes, and each is fetched over HTTP by the feed itself, by a clock that
runs: times of arrival differ by microseconds as they do in life, and they cost what they cost. The
hour is fetched once and kept in a folder; a day is that hour, again and again, with minutes, ids
and times of its own.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline_assets.code_version import code_version
from pipeline_assets.football.client import feed as football
from resources.vendor.quota import Quota
from resources.vendor.reference_cache import MemoryBlob, ReferenceCache
from simulator.clock import Clock
from simulator.recorded import Recorded
from simulator.server import serve
from touchline.accounting import Outcome
from touchline.compression import zstd
from touchline.day import Day, Minute
from touchline.fetch import Call, Envelope, FetchRef, IndexEntry, new_fetch_id, write_envelope
from touchline.slot import Slot

HOUR = 60
FIRST_CUT = Minute(datetime(2025, 5, 28, 16, 31, tzinfo=UTC))
"""The last of the 60 begins 17 s before the poll itself."""
SECTIONS = {
    "REFERENCE_DATA": {
        "countries": football.COUNTRIES,
        "competitions": football.COMPETITION,
        "teams": football.TEAM,
    },
    "RAW_API_DATA": {
        "live_matches": football.LIVE_LIST,
        "match_details": football.MATCH_DETAILS,
        "match_odds": football.ODDS_HISTORY,
    },
}
_USER, _SECRET = "watcher", "film"
_DEADLINE_SECONDS = 600.0


class NoRecordedData(FileNotFoundError):
    """The recorded poll is not where it was looked for."""


class _RunningClock(Clock):
    """Set to a moment, it goes on from there."""

    def set(self, now: datetime | None) -> None:
        super().set(now)
        self._set_at = time.monotonic()

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=time.monotonic() - self._set_at)


@dataclass(frozen=True)
class Film:
    """The recorded hour; `cuts` are its 60 fetches, compressed one by one."""

    cuts: tuple[Path, ...]

    def cut(self, position: int) -> bytes:
        """The envelope as it was fetched; `position` counts from 0 to 59."""
        return zstd.decompress(self.cuts[position].read_bytes())

    def fetch(self, day: Day, number: int) -> bytes:
        """An envelope for this minute: the cut that belongs there, with its times moved along."""
        cut = Envelope(self.cut((number - 1) % HOUR))
        fetch_id = hashlib.sha256(f"{cut.ref.fetch_id} {day} {number}".encode()).hexdigest()[:12]
        return moved(cut, FetchRef(cut.ref.feed, day.minute(number), fetch_id))

    def fetches(self, day: Day, numbers: range) -> Iterator[bytes]:
        return (self.fetch(day, number) for number in numbers)


def opened_film(data: Path | None = None, folder: Path | None = None) -> Film:
    """The film in this folder, recorded now unless it is there.

    `data` is where the real data lies, TOUCHLINE_REAL_DATA by default. A change of the feed, the
    envelope or the poll makes another recording. Raises NoRecordedData.
    """
    poll = recorded_poll(data)
    made_by = " ".join(
        code_version(module)
        for module in (
            football.__name__,
            "pipeline_assets.football.client.references",
            "simulator.recorded",
        )
    )
    name = (
        "touchline-film-" + hashlib.sha256(f"{made_by} {poll.resolve()}".encode()).hexdigest()[:12]
    )
    there = (folder or Path(tempfile.gettempdir())) / name
    if not there.is_dir():
        with tempfile.TemporaryDirectory(dir=there.parent) as scratch:
            recording = Path(scratch) / name
            recording.mkdir()
            for position, envelope in enumerate(_recorded(Recorded(poll))):
                (recording / f"{position:02d}.json.zst").write_bytes(zstd.compress(envelope, 3))
            recording.rename(there)
    return Film(tuple(sorted(there.iterdir())))


def recorded_poll(data: Path | None = None) -> Path:
    """The folder of the poll. Raises NoRecordedData."""
    data = data or Path(os.environ.get("TOUCHLINE_REAL_DATA", "../shared/data"))
    poll = data / "football" / "poll-2025-05-28T1730Z"
    if not poll.is_dir():
        raise NoRecordedData(f"no recorded data in {poll}: set TOUCHLINE_REAL_DATA")
    return poll


def moved(cut: Envelope, ref: FetchRef) -> bytes:
    """The same bodies as another fetch, every time of it later by as much as its minute is."""
    later = ref.at - cut.ref.at
    calls: dict[str, list[Call]] = {}
    for entry in cut.index:
        calls.setdefault(entry.endpoint, []).append(_call(cut, entry, later))
    sections = {
        section: {
            part: calls[endpoint][0] if part == "live_matches" else calls.get(endpoint, [])
            for part, endpoint in parts.items()
        }
        for section, parts in SECTIONS.items()
    }
    footer = {**cut.footer, "fetch_number": ref.number, "random_fetch_id": ref.fetch_id}
    return write_envelope(ref, sections, footer, start_line=football.START_LINE)


def _call(cut: Envelope, entry: IndexEntry, later: timedelta) -> Call:
    received_at = entry.received_at
    if received_at is not None:
        received_at += later
    return Call(
        entry.endpoint,
        entry.params,
        cut.body(entry),
        http_status=entry.http_status,
        date_header=entry.date_header,
        received_at=received_at,
        error=entry.error,
        carried_from=entry.carried_from,
        age_seconds=entry.age_s,
        stale=entry.stale,
        masked=entry.masked,
    )


def _recorded(source: Recorded) -> Iterator[bytes]:
    """The hour's fetches. One before them fills the reference cache, as on any other hour.

    Each has a request budget and a vendor of its own, and all the time it takes: a slow machine's
    calls end late in their minute, and would count in the next one too.
    """
    clock, cache = _RunningClock(), ReferenceCache(MemoryBlob())
    for position in range(-1, HOUR):
        minute = FIRST_CUT.later(position)
        clock.set(minute.utc)
        with serve(source, user=_USER, secret=_SECRET, clock=clock) as served:
            settings = football.FeedSettings(
                url=served.url, user=_USER, secret=_SECRET, deadline_seconds=_DEADLINE_SECONDS
            )
            feed = football.FootballFeed(
                settings, clock=clock, quota=Quota(), cache=cache, new_id=new_fetch_id
            )
            fetched = feed.fetch(Slot.implied("football", minute.utc))
        if fetched.outcome is not Outcome.COMPLETE:
            raise RuntimeError(f"minute {minute} is {fetched.outcome}: {dict(fetched.calls)}")
        if position >= 0:
            yield fetched.envelope
