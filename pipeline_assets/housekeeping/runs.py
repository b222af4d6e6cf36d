"""Which of Dagster's runs may go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TROUBLED_FOR = timedelta(days=7)
TROUBLED_AT_MOST = 50
"""Runs that failed, and runs of which a check failed, are looked at longer; so many of each."""


class Why(StrEnum):
    """Why a run stays; where several hold, the first."""

    AT_WORK = "at_work"
    """It has not ended, or belongs to a backfill that has not."""
    NEW = "new"
    """It ended less than TOUCHLINE_KEEP_RUN_HOURS ago."""
    SHOWN = "shown"
    """It is the newest that said something of a partition, or of a partition's check."""
    UNREAD = "unread"
    """The sensor `check_alerts` has not read yet what its checks found."""
    FAILED = "failed"
    """It is one of the newest that failed."""
    CHECK_FAILED = "check_failed"
    """It is one of the newest of which a check failed."""


@dataclass(frozen=True)
class Run:
    """A run that Dagster knows."""

    run_id: str
    ended_at: datetime | None
    """None while it is at work."""
    has_failed: bool = False
    backfill: str | None = None


@dataclass(frozen=True)
class Needed:
    """What is known of runs beyond their own records; all by run id but for the backfills."""

    shown: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    check_failed: frozenset[str] = frozenset()
    backfills: frozenset[str] = frozenset()
    """Those at work."""


def kept(runs: Iterable[Run], needed: Needed, now: datetime, keep: timedelta) -> dict[str, Why]:
    """Why each run that stays does, by its id; every other may go."""
    newest_first = sorted(runs, key=lambda run: run.ended_at or now, reverse=True)
    failed = _newest(newest_first, now, lambda run: run.has_failed)
    check_failed = _newest(newest_first, now, lambda run: run.run_id in needed.check_failed)
    found = {}
    for run in newest_first:
        if run.ended_at is None or run.backfill in needed.backfills:
            found[run.run_id] = Why.AT_WORK
        elif run.ended_at > now - keep:
            found[run.run_id] = Why.NEW
        elif run.run_id in needed.shown:
            found[run.run_id] = Why.SHOWN
        elif run.run_id in needed.unread:
            found[run.run_id] = Why.UNREAD
        elif run.run_id in failed:
            found[run.run_id] = Why.FAILED
        elif run.run_id in check_failed:
            found[run.run_id] = Why.CHECK_FAILED
    return found


def _newest(newest_first: list[Run], now: datetime, which: Callable[[Run], bool]) -> set[str]:
    of_it = (run for run in newest_first if which(run))
    first = [run for run, _ in zip(of_it, range(TROUBLED_AT_MOST), strict=False)]
    return {run.run_id for run in first if run.ended_at and run.ended_at > now - TROUBLED_FOR}
