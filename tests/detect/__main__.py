"""`make detect`: every fault is injected alone, and has to be named by the checks.

Exits with 1 where a fault is missed, where anything fires that has no business to, or where a day
without a fault is not well.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from tests.detect import every
from tests.detect.drawn import drawn
from tests.detect.fault import Fault, Seen
from tests.detect.faults import FAULTS, KEYS
from tests.detect.matrix import as_json, as_markdown, as_table, last_line
from tests.detect.night import nights
from tests.detect.runner import Result, runner

ASSETS_A_KIND = 2

CONTROLS = (
    # These come first: what stock checks say of them is no alarm.
    Fault("no fault at all", "raw_fetches", "nothing"),
    Fault("no fault, in depth", "raw_fetches", "nothing", seen=Seen.DEEP),
    Fault("no fault, a sealed day in depth", "raw_fetches", "nothing", seen=Seen.DEEP, sealed=True),
)


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    if options.docs:
        print(as_markdown(FAULTS, KEYS), every.as_markdown(), sep="\n", end="")
        return 0
    logging.disable()  # What is logged of a fault is looked for in verdicts.
    said = Console(stderr=True)
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    faults = [fault for fault in FAULTS if options.only in fault.name]
    if not faults and not any(options.only in name for name in every.NAMES):
        parser.error(f"no fault has {options.only!r} in its name: see docs/faults.md")
    if options.sample is not None:
        faults = random.Random(seed).sample(faults, min(options.sample, len(faults)))
    some = [] if options.only else drawn(seed)
    said.print(f"{len(faults)} faults, and {len(some)} drawn with --seed {seed}")
    started = time.monotonic()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name, runner(Path(name)) as runs:
        controls = [c for c in CONTROLS if not c.sealed or any(fault.sealed for fault in faults)]
        for fault in (*controls, *faults, *some):
            results.append(runs.run(fault))
            _progress(said, results[-1])
    seconds = time.monotonic() - started
    began = time.monotonic()
    of_nba = list(_nba(options, seed, said))
    if options.json:
        print(json.dumps(as_json([*results, *of_nba], seed), indent=2))
    else:
        console = Console(width=max(Console().width, 150))
        console.print(as_table(results))
        console.print(last_line(results, seed, seconds))
        if of_nba:
            console.print(as_table(of_nba))
            console.print(f"NBA: {last_line(of_nba, seed, time.monotonic() - began)}")
    return 1 if any(result.wrong for result in (*results, *of_nba)) else 0


def _nba(options: argparse.Namespace, seed: int, said: Console) -> Iterator[Result]:
    """Each kind of fault at two of the NBA's assets by the seed, or at all that it applies to."""
    if not any(options.only in name for name in every.NAMES):
        return
    with tempfile.TemporaryDirectory() as name, nights(Path(name)) as runs:
        slots = {asset: slot.number for asset, (_, slot) in runs.before.items()}
        there = every.faults_at_every_asset(runs.past.plan, runs.stored, slots, random.Random(seed))
        faults = [fault for fault in there if options.only in fault.name]
        few = (
            ASSETS_A_KIND * len([*every.KINDS, *every.REFUSALS])
            if options.sample is None
            else options.sample
        )
        faults = faults if options.all else faults[:few]
        said.print(f"{len(faults)} faults at assets of the NBA")
        for fault in (*every.CONTROLS, *faults):
            result = runs.run(fault)
            _progress(said, result)
            yield result


def _progress(said: Console, result: Result) -> None:
    if result.wrong:
        said.print(f"[red]{result.fault.asset}: {result.fault.name}")
        for line in result.wrong:
            said.print(f"    {line}", markup=False, highlight=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.detect", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the drawn faults, to draw the same again")
    parser.add_argument("--sample", type=int, help="so many of the listed faults, by the seed")
    parser.add_argument(
        "--all", action="store_true", help="of the NBA, each kind at every asset (minutes)"
    )
    parser.add_argument("--only", default="", help="faults whose name has this in it, none drawn")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--docs", action="store_true", help="print the tables of docs/faults.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
