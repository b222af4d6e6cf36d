"""Runs that hang: which they are, and what is told of one that was ended.

Its process is killed, and what it left is the next minute's. Dagster is not to ask it to end
before that: it asks by an event between processes, waits for ever until the run has heard it, and
starts no other run meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pipeline_assets.jobs import (
    CHECKS_MAX_RUNTIME_SECONDS,
    HOUSEKEEPING_MAX_RUNTIME_SECONDS,
    INBOX_MAX_RUNTIME_SECONDS,
    ROTATION_MAX_RUNTIME_SECONDS,
    SEAL_MAX_RUNTIME_SECONDS,
)
from pipeline_assets.plans import PLANS
from resources.ledger import Ledger, RunRow
from touchline.accounting import RunKind

LONGEST = {
    RunKind.MINUTE: max(raw.patience.at_work for plan in PLANS.values() for raw in plan.raws),
    RunKind.CHECKS: timedelta(seconds=CHECKS_MAX_RUNTIME_SECONDS),
    RunKind.ROTATION: timedelta(seconds=ROTATION_MAX_RUNTIME_SECONDS),
    RunKind.SEAL: timedelta(seconds=SEAL_MAX_RUNTIME_SECONDS),
    RunKind.INBOX: timedelta(seconds=INBOX_MAX_RUNTIME_SECONDS),
    RunKind.HOUSEKEEPING: timedelta(seconds=HOUSEKEEPING_MAX_RUNTIME_SECONDS),
}
"""How long a run of each kind may take. What a person began takes what it takes."""
ALLOWANCE = timedelta(seconds=20)
"""A run that is merely slow may end by itself, and `touchline status` says meanwhile that it hangs.
"""


def hung_runs(running: Iterable[RunRow], now: datetime) -> list[RunRow]:
    """Those that have been at work for longer than their kind may, and some more."""
    longest = {str(kind): time for kind, time in LONGEST.items()}
    return [
        run
        for run in running
        if run.kind in longest and now - run.started_at > longest[run.kind] + ALLOWANCE
    ]


def tell_ended(ledger: Ledger, run: RunRow, now: datetime, what: str) -> None:
    """What became of this run, and that the fetch of its slot will not come from it. Raises
    LedgerUnavailable."""
    ledger.run_failed(run.run_id, now, what)
    if run.slot is not None:
        ledger.fetch_died(run.slot, run.run_id, now)
