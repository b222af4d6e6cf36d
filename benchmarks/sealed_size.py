"""What a fetch costs when its day is sealed, beside what its text weighs: `python -m` this module.

Hours of the recorded film go the way of a real day: windows of ten fetches, then the sealed log
from these windows. Printed with their limits; the exit code is 1 if one of them does not hold.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.film import HOUR, Film, opened_film
from resources.manifest import Held, Manifest, Upload
from resources.raw_window import RawWindow, write_window
from resources.sealed_log import SealedLog, write_sealed_log
from touchline.accounting import Account, Outcome, sha256_hex
from touchline.day import Day, Window, utc_text
from touchline.fetch import Envelope

T = TypeVar("T")

DAY = Day.parse("2025-05-29")
AT_MOST_OF_BODIES = 1 / 150
AT_MOST_OF_BODIES_WITH_INDEX = 1 / 135
AT_MOST_OF_INDENTED = 1 / 600
PEAK_MB = 400


@dataclass(frozen=True)
class Weighed:
    """Bytes of all fetches together; `windows` and `sealed` are what is stored."""

    bodies: int
    indented: int
    windows: int


@dataclass(frozen=True)
class Sealed:
    size: int
    manifest: int
    held: list[Held]


@dataclass(frozen=True)
class ReadBack:
    """`asked` and `frame` are the most that one fetch was read with, and what its hour has."""

    responses: int
    damaged: int
    asked: int
    frame: int
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sealed_size")
    parser.add_argument("--hours", type=int, default=2, help="of film, 1 to 24 (default 2)")
    parser.add_argument("--data", type=Path, help="real data (default: TOUCHLINE_REAL_DATA)")
    options = parser.parse_args()
    film = opened_film(options.data)
    numbers = range(1, options.hours * HOUR + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weighed, windows_peak = _alone(_write_windows, film, numbers, folder)
        sealed, seal_peak = _alone(_seal, folder, folder / "sealed.zst", numbers, True)
        bare, _ = _alone(_seal, folder, folder / "bare.zst", numbers, False)
        read, _ = _alone(_read_back, film, folder / "sealed.zst", sealed.held)
    return _report(weighed, sealed, bare, read, max(windows_peak, seal_peak), len(numbers))


def _alone(call: Callable[..., T], *arguments: Any) -> tuple[T, int]:
    """The result of a call in a new process, and that process's peak memory in MB."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        result = process.submit(call, *arguments).result()
        return result, process.submit(_peak_mb).result()


def _peak_mb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _write_windows(film: Film, numbers: range, folder: Path) -> Weighed:
    bodies = indented = windows = 0

    def fetches(window: Window) -> Iterator[tuple[Held, bytes]]:
        nonlocal bodies, indented
        for number in range(window.first, window.last + 1):
            data = film.fetch(DAY, number)
            bodies += sum(len(msgspec.json.format(body, indent=-1)) for body in _bodies(data))
            indented += len(msgspec.json.format(_without_index(data), indent=2))
            yield _held(number, data), data

    for window in (Window.of(DAY, first) for first in numbers[::10]):
        packed = write_window(fetches(window))
        (folder / f"{window}.json.zst").write_bytes(packed)
        windows += len(packed)
    return Weighed(bodies, indented, windows)


def _seal(folder: Path, path: Path, numbers: range, with_index: bool) -> Sealed:
    uploads = [Upload(n, utc_text(DAY.minute(n).later(15).utc)) for n in numbers[::10]]

    def fetches() -> Iterator[tuple[Held, bytes]]:
        for window in (Window.of(DAY, first) for first in numbers[::10]):
            opened = RawWindow.open((folder / f"{window}.json.zst").read_bytes())
            for held, data in opened.envelopes():
                yield (held, data) if with_index else (_bare(held), _without_index(data))

    with path.open("wb") as file:
        held = write_sealed_log(file, DAY, fetches(), uploads)
    manifest = Manifest(
        asset="football/raw_fetches", date=str(DAY), number=1, held=held, uploads=uploads
    )
    return Sealed(path.stat().st_size, len(msgspec.json.encode(manifest)), held)


def _read_back(film: Film, path: Path, held: list[Held]) -> ReadBack:
    responses = damaged = most = 0
    with path.open("rb") as file:
        size = path.stat().st_size
        for one, data in SealedLog.of(file).envelopes(held):
            recorded = Envelope(film.cut((one.number - 1) % HOUR))
            stored = Envelope(data)
            sent = [sha256_hex(body) for body in _bodies(recorded.data)]
            damaged += sent != [sha256_hex(body) for body in _bodies(stored.data)]
            damaged += len(stored.damaged())
            responses += len(sent)

        asked = 0

        def read_range(offset: int, length: int) -> bytes:
            nonlocal asked
            asked += length
            file.seek(offset)
            return file.read(length)

        log, seconds = SealedLog(read_range, size), 0.0
        table = asked
        for one in (held[HOUR - 1], held[-1], held[0]):
            asked, began = table, time.perf_counter()
            log.envelope(one)
            seconds, most = max(seconds, time.perf_counter() - began), max(most, asked)
    return ReadBack(responses, damaged, most, size * HOUR // len(held), seconds)


def _bodies(data: bytes) -> list[bytes]:
    envelope = Envelope(data)
    return [body for entry in envelope.index if (body := envelope.body(entry)) is not None]


def _without_index(data: bytes) -> bytes:
    return data[: data.rindex(b',"index":[')] + b"}"


def _bare(held: Held) -> Held:
    return msgspec.structs.replace(held, envelope_sha256=None)


def _held(number: int, data: bytes) -> Held:
    """As long as a real one's, and no two alike."""
    ref, sha256 = Envelope(data).ref, sha256_hex(data)
    return Held(
        number=number,
        fetch_id=ref.fetch_id,
        minute=str(ref.minute),
        outcome=Outcome.COMPLETE,
        account=Account(102, 102),
        digest=sha256_hex(sha256[:32].encode())[:32],
        sha256=sha256_hex(sha256.encode()),
        etag=sha256_hex(sha256[32:].encode())[:32],
        code_version=sha256[:16],
    )


def _report(
    weighed: Weighed, sealed: Sealed, bare: Sealed, read: ReadBack, peak_mb: int, fetches: int
) -> int:
    with_index = sealed.size + sealed.manifest
    sizes = Table("a fetch, mean", "bytes", "of bodies", "of indented form")
    for name, size in {
        "bodies, compact": weighed.bodies,
        "fetch, indented by 2": weighed.indented,
        "in a window of ten": weighed.windows,
        "sealed, without index": bare.size,
        "sealed": sealed.size,
        "sealed, with manifest": with_index,
    }.items():
        sizes.add_row(
            name,
            f"{size / fetches:,.0f}",
            _ratio(size / weighed.bodies),
            _ratio(size / weighed.indented),
        )
    limits = {
        f"sealed without index at most 1/{1 / AT_MOST_OF_BODIES:.0f} of the bodies": (
            bare.size <= weighed.bodies * AT_MOST_OF_BODIES
        ),
        f"with index and manifest at most 1/{1 / AT_MOST_OF_BODIES_WITH_INDEX:.0f}": (
            with_index <= weighed.bodies * AT_MOST_OF_BODIES_WITH_INDEX
        ),
        f"with both at most 1/{1 / AT_MOST_OF_INDENTED:.0f} of the indented form": (
            with_index <= weighed.indented * AT_MOST_OF_INDENTED
        ),
        f"{read.responses:,} responses byte for byte as they were sent": not read.damaged,
        f"one fetch read with {read.asked:,} bytes and {read.seconds:.2f} s; an hour has "
        f"{read.frame:,} on average": read.asked <= 1.05 * read.frame,
        f"peak memory {peak_mb} MB, at most {PEAK_MB}": peak_mb <= PEAK_MB,
    }
    kept = Table("limit", "holds")
    for limit, holds in limits.items():
        kept.add_row(limit, "yes" if holds else "NO")
    console = Console()
    console.print(f"{fetches} fetches of the recorded film", sizes, kept)
    return 0 if all(limits.values()) else 1


def _ratio(share: float) -> str:
    return f"1/{1 / share:,.1f}" if share < 1 else f"{share:.2f}"


if __name__ == "__main__":
    sys.exit(main())
