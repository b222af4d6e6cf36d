"""What a fetch costs when its day is sealed, beside what its text weighs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from benchmarks.figures import Figure
from benchmarks.film import HOUR, Film
from benchmarks.measured import alone, peak_mb
from resources.manifest import Held, Manifest, Upload
from resources.raw_window import RawWindow, write_window
from resources.sealed_log import SealedLog, write_sealed_log
from touchline.accounting import Account, Outcome, sha256_hex
from touchline.day import Day, Window, utc_text
from touchline.fetch import Envelope

T = TypeVar("T")

PART = "sealed raw fetches"
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


def sealed_size(film: Film, hours: int, folder: Path) -> list[Figure]:
    """Hours of film go the way of a real day: windows of ten fetches, then the sealed log."""
    numbers = range(1, hours * HOUR + 1)
    weighed, windows_peak = alone(_with_peak, _write_windows, film, numbers, folder)
    sealed, seal_peak = alone(_with_peak, _seal, folder, folder / "sealed.zst", numbers, True)
    bare = alone(_seal, folder, folder / "bare.zst", numbers, False)
    read = alone(_read_back, film, folder / "sealed.zst", sealed.held)
    return _figures(weighed, sealed, bare, read, max(windows_peak, seal_peak), len(numbers))


def _with_peak(call: Callable[..., T], *arguments: Any) -> tuple[T, float]:
    return call(*arguments), peak_mb()


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


def _figures(
    weighed: Weighed, sealed: Sealed, bare: Sealed, read: ReadBack, peak: float, fetches: int
) -> list[Figure]:
    with_index = sealed.size + sealed.manifest
    shares = (
        ("of bodies", bare.size, weighed.bodies, AT_MOST_OF_BODIES),
        ("with index, of bodies", with_index, weighed.bodies, AT_MOST_OF_BODIES_WITH_INDEX),
        ("with index, of the indented form", with_index, weighed.indented, AT_MOST_OF_INDENTED),
    )
    sizes = {
        "bodies, compact": weighed.bodies,
        "indented by 2": weighed.indented,
        "in a window of ten": weighed.windows,
        "sealed, with index and manifest": with_index,
    }
    return [
        *(
            Figure(PART, f"a fetch {what}, bytes", f"{size / fetches:,.0f}", size / fetches)
            for what, size in sizes.items()
        ),
        *(
            Figure(
                PART,
                f"sealed {what}",
                _ratio(size / of),
                size / of,
                _ratio(most),
                size <= of * most,
            )
            for what, size, of, most in shares
        ),
        Figure.at_most(
            PART,
            "responses that are not byte for byte as they were sent",
            f"{read.damaged} of {read.responses:,}",
            read.damaged,
            0,
        ),
        Figure.at_most(
            PART,
            "bytes to read one fetch, of an average hour's",
            f"{read.asked / read.frame:.3f} ({read.seconds:.2f} s)",
            read.asked / read.frame,
            1.05,
        ),
        Figure.at_most(PART, "peak memory, MB", f"{peak:,.0f}", peak, PEAK_MB),
    ]


def _ratio(share: float) -> str:
    return f"1/{1 / share:,.1f}"
