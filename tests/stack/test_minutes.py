"""Scheduled minutes, one after the other, with nothing in their way.

`make minutes MINUTES=15` shows the figures of more of them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable

import dagster as dg
import pytest

from tests.stack.stack import FEED, PLAN, MinuteRun, Stack, coming_minute, until
from touchline.accounting import FetchFate
from touchline.day import Minute

MINUTES = int(os.environ.get("TOUCHLINE_STACK_MINUTES", "3"))

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(MINUTES * 60 + 900)]


def test_every_minute_is_fetched_once_and_found_good(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    first = coming_minute()
    minutes = [first.later(passed) for passed in range(MINUTES)]

    def ended() -> list[MinuteRun]:
        runs = [run for run in stack.runs() if run.minute in minutes and run.has_ended]
        return runs if len(runs) >= MINUTES else []

    runs = until(f"the runs of {MINUTES} minutes", ended, MINUTES * 60 + 240)
    assert [run.minute for run in runs] == minutes
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
    assert [run.minute for run in runs if not stack.is_green(run)] == []
    asked = [minute for minute, _ in stack.lists_answered() if minute in minutes]
    assert asked == minutes

    fates = stack.fates(minutes)
    assert list(fates) == minutes
    assert {row.fate for row in fates.values()} == {FetchFate.LANDED}
    both_books_agree(stack, minutes)

    with capsys.disabled():
        show("lateness of the fetches", (row.lateness_seconds for row in fates.values()))
        show("durations of the runs", (run.seconds for run in runs))


def both_books_agree(stack: Stack, minutes: list[Minute]) -> None:
    """For every asset: what the ledger says landed is what the store lists, and nothing else."""
    with stack.site() as site:
        for asset in PLAN.assets:
            for day in sorted({minute.day for minute in minutes}):
                numbers = {minute.number for minute in minutes if minute.day == day}
                claims = site.ledger.claims(asset.name, day)
                listed = {p.number: p for p in site.days(FEED).index(asset.name, day).places()}
                confirmed = {n: claims[n].etag for n in numbers & set(claims)}
                assert confirmed == {n: listed[n].etag for n in numbers & set(listed)}
                assert set(confirmed) == numbers, asset.name


def show(what: str, seconds: Iterable[float | None]) -> None:
    known = sorted(each for each in seconds if each is not None)
    p50, p95 = (known[math.ceil(len(known) * share) - 1] for share in (0.5, 0.95))
    print(
        f"\n{what} in s: p50 {p50:.1f}, p95 {p95:.1f}, max {known[-1]:.1f} of {len(known)}", end=""
    )
