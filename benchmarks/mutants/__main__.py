"""Put small errors into accounting, landing and checks, one at a time, and see whether the tests
notice: those of an older checkout and those of this one.

Only functions that stand unchanged in both are mutated, so that both are asked the same. Each
mutant has the tests that execute its statement, quick ones first, until one fails or a minute is
over. Tests that start the whole stack are left out, and tests that fail without a mutant.

A whole run takes hours. What is known of a tree is kept in `--cache`: a run goes on where another
one ended, and a larger `--count` adds to a smaller one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.mutants.checkout import Checkout, Outcome
from benchmarks.mutants.functions import Mutant, drawn

FILES = (
    "touchline/accounting.py",
    "touchline/bookends.py",
    "touchline/fetch.py",
    "touchline/stage.py",
    "touchline/zeros.py",
    "resources/claim_book.py",
    "resources/day_*.py",
    "resources/fetch_object.py",
    "resources/ledger/claims.py",
    "resources/manifest*.py",
    "resources/stage_codec.py",
    "resources/*_window.py",
    "pipeline_assets/checks/**/*.py",
    "pipeline_assets/*_step.py",
    "pipeline_assets/steps.py",
)
"""Files of the older checkout whose functions are mutated, as glob patterns."""

OUTCOMES = ("killed", "survived", "timeout", "not covered", "error")
MARKS = "not daemon and not crash and not days and not soak and not signals"


def main() -> int:
    options = _parser().parse_args()
    trees = {"before": options.against.resolve(), "now": options.tree.resolve()}
    mutants = drawn(trees["before"], trees["now"], FILES, options.seed)
    print(f"{len(mutants)} mutants of functions that both trees have", file=sys.stderr)
    mutants = mutants[: options.count]

    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        checkouts = []
        for name, tree in trees.items():
            print(f"{name}: {tree}", file=sys.stderr)
            checkout = Checkout(
                tree,
                options.tests,
                options.marks,
                options.jobs,
                scratch=Path(scratch) / name,
                cache=options.cache.resolve(),
            )
            checkout.prepare()
            checkouts.append(checkout)
        before, now = checkouts
        outcomes: list[tuple[Outcome, Outcome]] = []

        def both(mutant: Mutant) -> tuple[Outcome, Outcome]:
            return before.outcome(*mutant.before), now.outcome(*mutant.now)

        with ThreadPoolExecutor(options.jobs) as pool:
            for mutant, pair in zip(mutants, pool.map(both, mutants), strict=True):
                outcomes.append(pair)
                print(f"{len(outcomes)}/{len(mutants)}", *pair, mutant, sep="  ", file=sys.stderr)

    for name, each in zip(trees, zip(*outcomes, strict=True), strict=True):
        counts = Counter(outcome.what for outcome in each)
        shares = (f"{what} {counts[what]} ({counts[what] / len(each):.0%})" for what in OUTCOMES)
        print(f"{name}: {', '.join(shares)}")
    for place, name in enumerate(trees):
        print(f"\nsurvived {name}:")
        for mutant, pair in zip(mutants, outcomes, strict=True):
            if pair[place].what == "survived":
                print(f"  {mutant}  ({pair[place].tests} tests)")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    here = Path(__file__).parents[2]
    parser.add_argument("--against", type=Path, required=True, help="the older checkout")
    parser.add_argument("--tree", type=Path, default=here, help="the newer one (default: this)")
    parser.add_argument("--count", type=int, default=200, help="how many mutants (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="draw those of this seed (default 1)")
    parser.add_argument("--jobs", type=int, default=1, help="so many at a time (default 1)")
    parser.add_argument("--tests", nargs="+", default=["tests"], help="these paths alone")
    parser.add_argument("--marks", default=MARKS, help=f"pytest's -m (default: {MARKS})")
    cache = Path(".mutants_cache")
    parser.add_argument("--cache", type=Path, default=cache, help=f"a folder (default: {cache})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
