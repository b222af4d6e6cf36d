"""Which days were made by another version of the code, and which processes still run one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline_assets.code_version import version_of
from resources.ledger import Ledger, RunRow
from touchline.accounting import FetchFate
from touchline.day import Day
from touchline.plan import FeedPlan
from touchline.watch import owed

SEEN_LATELY = timedelta(minutes=10)
"""A run whose last sign of life is older than this says nothing of what runs now."""
_RUNS = 50


@dataclass(frozen=True)
class DriftedDay:
    """A stage's day of which some fetches were made by another version of its code, or landed
    before the stage was added."""

    asset: str
    day: Day
    fetches: int
    """Made by another version."""
    of: int
    """All that stand."""
    versions: tuple[str, ...]
    """The other ones."""
    version: str
    """The version of the code that is installed."""
    unmade: int = 0
    """Fetches of the day that the stage has nothing of, since it was added later."""


def drifted_days(
    ledger: Ledger, plan: FeedPlan, first: Day | None = None, last: Day | None = None
) -> Iterator[DriftedDay]:
    """By day, and then in the order of the chain; between two days, both counted in.

    Raw fetches never drift: the past cannot be fetched again. Nor do days that were removed on
    purpose, or whose input was, which cannot be made again. What is made of a drifted stage is no
    drift of its own; `reprocess` makes it anew with the stage. Raises LedgerUnavailable.
    """
    found = ledger.code_versions(plan.name)
    for day in sorted({day for _, day in found}):
        if (first is not None and day < first) or (last is not None and day > last):
            continue
        for stage in plan.stages:
            made = found.get((stage.name, day), Counter())
            if made and not stage.takes_fetches:
                made = _newest(ledger, stage.name, day)
            fetched = found.get((plan.raw_of(stage.name).name, day), Counter())
            lacks = stage.takes_fetches and fetched.total() > made.total()
            unmade = _unmade(ledger, plan, stage.name, day) if lacks else 0
            if not (made or unmade):
                continue
            if any(ledger.expiries(n, day) for n in (stage.name, *stage.inputs_of_its_day)):
                continue
            version = version_of(stage, plan.stage_modules)
            others = {each: count for each, count in made.items() if each != version}
            if others or unmade:
                yield DriftedDay(
                    stage.name,
                    day,
                    sum(others.values()),
                    made.total(),
                    tuple(sorted(others)),
                    version,
                    unmade,
                )


def _newest(ledger: Ledger, stage: str, day: Day) -> Counter[str]:
    """Count the newest version of an as-of day alone: older ones are never made again."""
    landed = [row.landed for row in ledger.claims(stage, day).values() if row.landed]
    return Counter(claim.code_version for claim in landed[-1:])


def _unmade(ledger: Ledger, plan: FeedPlan, stage: str, day: Day) -> int:
    raw = plan.raw_of(stage).name
    fates, changes = ledger.fates(raw, day), ledger.changes(raw, day)
    landed = {n: changes[n] for n, fate in fates.items() if fate is FetchFate.LANDED}
    taken = ledger.standing(stage, day).keys()
    owes = owed(landed, ledger.since(stage, day), begun=bool(taken))
    return len(landed.keys() - owes - taken)


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
