"""`make bench-storage`: what storing costs, beside its limits, in one run and one table.

Exits with 1 when a figure does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.figures import Figure, all_hold, as_json, as_table
from benchmarks.film import opened_film, recorded_poll
from benchmarks.late_minutes import late_minutes
from benchmarks.sealed_size import sealed_size
from benchmarks.stock_io_manager import stock_io_manager
from benchmarks.tier_memory import tier_memory
from benchmarks.watched_day import Watched
from resources.embedded_s3 import running
from simulator.recorded import Recorded


@dataclass(frozen=True)
class Extent:
    """How much is measured. `minutes` of each side; `stock` are fetch numbers, and how often each
    is repeated. The median of few minutes beside other work says less of CPU seconds, so that
    `more_cpu` allows for it."""

    minutes: int
    lived: int
    rows: int
    stock: tuple[int, ...]
    repeated: int
    more_cpu: float


FULL = Extent(
    minutes=20,
    lived=120,
    rows=3_000_000,
    stock=(10, 100, 300),
    repeated=3,
    more_cpu=1.15,
)
SMALL = Extent(
    minutes=3,
    lived=10,
    rows=500_000,
    stock=(10, 20),
    repeated=1,
    more_cpu=1.4,
)


def main() -> int:
    options = _parser().parse_args()
    extent = SMALL if options.small else FULL
    lived = options.hours * 60 if options.hours else extent.lived
    said = Console(stderr=True)

    said.print("the recorded film")
    film = opened_film(options.data)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name, running(Path(name) / "s3") as access:
        folder = Path(name)
        said.print("minutes early and late in a day")
        figures += late_minutes(
            access, folder, Recorded(recorded_poll(options.data)), extent.minutes, extent.more_cpu
        )
        said.print("the stock IO manager")
        figures += stock_io_manager(access, film, extent.stock, extent.repeated)
        said.print("memory of windows and seals")
        watched = Watched(access, folder / "lived", "lived")
        figures += tier_memory(watched, film, lived, extent.rows)
        said.print("size of a sealed day")
        figures += sealed_size(film, options.hours or 1, folder)

    if options.json:
        print(json.dumps(as_json(figures), indent=2))
    else:
        Console().print(as_table(figures))
    return 0 if all_hold(figures) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage", description=__doc__)
    parser.add_argument("--small", action="store_true", help="less of everything, for CI")
    parser.add_argument("--hours", type=int, help="of film to seal, 1 to 24 (default 1)")
    parser.add_argument("--data", type=Path, help="real data (default: TOUCHLINE_REAL_DATA)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
