"""Which days were made by code that is not the code of now, and who still runs other code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline_assets.code_version import version_of
from resources.ledger import Ledger, RunRow
from touchline.day import Day
from touchline.plan import FeedPlan

SEEN_LATELY = timedelta(minutes=10)
"""A run whose last sign of life is older than this says nothing of what runs now."""
_RUNS = 50


@dataclass(frozen=True)
class DriftedDay:
    """A stage's day of which some fetches were made by other code than the stage has now."""

    asset: str
    day: Day
    fetches: int
    """Made by other code."""
    of: int
    """All that stand."""
    versions: tuple[str, ...]
    """Of the other code."""
    version: str
    """Of the code now."""


def drifted_days(
    ledger: Ledger, plan: FeedPlan, first: Day | None = None, last: Day | None = None
) -> Iterator[DriftedDay]:
    """By day, and then in the order of the chain; between two days, both counted in.

    Raw fetches are none: what was fetched by other code cannot be fetched again. Nor are days that
    were removed on purpose, or whose input was, which cannot be made again. What is made of a
    drifted stage is no drift of its own; `reprocess` makes it anew with the stage. Raises
    LedgerUnavailable.
    """
    found = ledger.code_versions(plan.name)
    for day in sorted({day for _, day in found}):
        if (first is not None and day < first) or (last is not None and day > last):
            continue
        for stage in plan.stages:
            made = found.get((stage.name, day))
            if made is None or any(ledger.expiries(n, day) for n in (stage.name, *stage.inputs)):
                continue
            version = version_of(stage, plan.stage_modules)
            others = {each: count for each, count in made.items() if each != version}
            if others:
                yield DriftedDay(
                    stage.name,
                    day,
                    sum(others.values()),
                    made.total(),
                    tuple(sorted(others)),
                    version,
                )


def runs_of_other_code(ledger: Ledger, commit: str, lock_hash: str, now: datetime) -> list[RunRow]:
    """The newest run of each kind and host, where it was of another commit or of other
    dependencies: what a run has recorded says what runs there. Raises LedgerUnavailable."""
    newest: dict[tuple[str, str | None], RunRow] = {}
    for run in ledger.newest_runs(_RUNS):
        if now - run.heartbeat_at <= SEEN_LATELY:
            before = newest.setdefault((run.kind, run.host), run)
            if run.started_at > before.started_at:
                newest[run.kind, run.host] = run
    return [run for run in newest.values() if (run.commit, run.lock_hash) != (commit, lock_hash)]
