"""`make bench-starts`: what it costs to start, in CPU seconds against `import dagster`.

CPU seconds differ from machine to machine, and on one with what else it does; how many times as
long as `import dagster` something takes differs little. Exits with 1 when a figure does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from benchmarks.figures import Figure, all_hold, as_json, as_table
from operations.stack import DEFINITIONS

ROOT = Path(__file__).parents[1]
TOUCHLINE = (sys.executable, "-m", "operations.cli")
STARTS = {
    "python": (sys.executable, "-c", ""),
    "dagster": (sys.executable, "-c", "import dagster"),
    "definitions": (sys.executable, "-c", f"import dagster, {DEFINITIONS}"),
    "help": (*TOUCHLINE, "--help"),
    "status": (*TOUCHLINE, "status"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="medians of so many (default 7)")
    parser.add_argument("--json", action="store_true", help="one JSON array instead of a table")
    options = parser.parse_args()
    figures = starts(options.rounds)
    if options.json:
        print(json.dumps(as_json(figures), indent=2))
    else:
        Console().print(as_table(figures))
    return 0 if all_hold(figures) else 1


def starts(rounds: int) -> list[Figure]:
    """Each start beside the others, so many times, on a site of three replayed minutes."""
    with tempfile.TemporaryDirectory() as home:
        given = {**os.environ, "PYTHONPATH": str(ROOT), "TOUCHLINE_HOME": home}
        replay = (*TOUCHLINE, "replay", "--minutes", "3", "--matches", "3", "--prefix", "")
        subprocess.run(replay, env=given, check=True, capture_output=True)
        runs = [
            {name: cpu_seconds(command, given) for name, command in STARTS.items()}
            for _ in range(rounds)
        ]
    took = {name: statistics.median(run[name] for run in runs) for name in STARTS}
    dagster = took["dagster"] - took["python"]

    def figure(what: str, seconds: float, most: float) -> Figure:
        times = seconds / dagster
        shown = f"{times:.2f} ({seconds:.2f} of {dagster:.2f} s)"
        return Figure.at_most("CPU, times `import dagster`", what, shown, times, most)

    return [
        figure("definitions, beyond it", took["definitions"] - took["dagster"], 0.4),
        figure("touchline --help", took["help"] - took["python"], 0.3),
        figure("touchline status", took["status"] - took["python"], 1.0),
    ]


def cpu_seconds(command: tuple[str, ...], environment: Mapping[str, str]) -> float:
    """Run a command; return its CPU seconds, user and system, with those of its children. Its
    exit code is ignored, since `status` exits with 1 or 2 where it finds something wrong."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
