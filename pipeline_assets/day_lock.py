"""Sealing and rebuilding an asset's day exclude each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from resources.site import Site
from touchline.day import Day
from touchline.errors import Bad

LOCKED_FOR = timedelta(hours=1)
"""A seal or a rebuild that holds a day for longer has died."""


class DayAtWork(Bad):
    """Another run is sealing or rebuilding this asset's day; says which."""

    kind = "day_at_work"
    advice = "run the command again when the day's work has ended"


@contextmanager
def day_locked(
    site: Site,
    asset: str,
    day: Day,
    holder: str,
    *,
    has_died: Callable[[str], bool] = lambda _: False,
) -> Iterator[None]:
    """Nobody else seals or rebuilds this asset's day meanwhile. The lock of a holder that surely
    `has_died` is taken over before its time. Raises DayAtWork, LedgerUnavailable."""
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
