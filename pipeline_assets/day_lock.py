"""Sealing and rebuilding an asset's day exclude each other."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psutil

from resources.site import Site
from touchline.accounting import RunKind
from touchline.day import Day
from touchline.errors import Bad

LOCKED_FOR = timedelta(hours=1)
"""A seal or a rebuild that holds a day for longer has died."""


class DayAtWork(Bad):
    """Another run is sealing or rebuilding this asset's day; says which."""

    kind = "day_at_work"
    advice = "run the command again when the day's work has ended"


@contextmanager
def day_locked(site: Site, asset: str, day: Day, holder: str) -> Iterator[None]:
    """Keep everybody else from sealing or rebuilding this asset's day meanwhile. The lock of a
    command that has died is taken over before its time. Raises DayAtWork, LedgerUnavailable."""
    name, now = f"{asset}@{day}", site.clock.now()
    other = site.ledger.lock(name, holder, now, now + LOCKED_FOR)
    if other is not None and has_died(other):
        site.ledger.unlock(name, other)
        other = site.ledger.lock(name, holder, now, now + LOCKED_FOR)
    if other is not None:
        raise DayAtWork(f"{asset} of {day} is being sealed or rebuilt by run {other}")
    try:
        yield
    finally:
        site.ledger.unlock(name, holder)


def has_died(run_id: str) -> bool:
    """Whether this is the run id of a `reprocess`, `rebuild` or `collect` that was called on this
    machine and is surely not at work. See `new_run_id`."""
    kind, _, rest = run_id.partition("-")
    name, _, process = rest.rpartition("-")[0].rpartition("-")
    is_command = kind in (RunKind.REPROCESS, RunKind.REBUILD, RunKind.COLLECT)
    if not is_command or name.rpartition("@")[2] != socket.gethostname():
        return False
    return process.isdigit() and not psutil.pid_exists(int(process))
