"""Why a run stays, and that every other goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline_assets.housekeeping.runs import TROUBLED_AT_MOST, Needed, Run, Why, kept

NOW = datetime(2025, 5, 28, 16, 0, tzinfo=UTC)
KEEP = timedelta(hours=2)
NEEDED = Needed(
    shown=frozenset({"shown"}),
    unread=frozenset({"unread", "shown"}),
    check_failed=frozenset({"bad"}),
    backfills=frozenset({"fill"}),
)


def run(run_id: str, hours: float | None = 3, *, failed: bool = False, fill: str = "") -> Run:
    ended = None if hours is None else NOW - timedelta(hours=hours)
    return Run(run_id, ended, failed, fill or None)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (run("any"), None),
        (run("any", None), Why.AT_WORK),
        (run("any", 30, fill="fill"), Why.AT_WORK),
        (run("any", 30, fill="another"), None),
        (run("any", 1.99), Why.NEW),
        (run("any", 2.0), None),
        (run("shown", 9999), Why.SHOWN),
        (run("unread", 9999), Why.UNREAD),
        (run("any", 7 * 24 - 1, failed=True), Why.FAILED),
        (run("any", 7 * 24, failed=True), None),
        (run("bad", 7 * 24 - 1), Why.CHECK_FAILED),
        (run("bad", 7 * 24), None),
    ],
)
def test_why_a_run_stays(one: Run, why: Why | None) -> None:
    assert kept([one], NEEDED, NOW, KEEP) == ({} if why is None else {one.run_id: why})


def test_of_an_endless_row_of_failures_the_newest_stay() -> None:
    runs = [run(str(n), 3 + n / 60, failed=True) for n in range(1440)]
    assert kept(runs, NEEDED, NOW, KEEP).keys() == {str(n) for n in range(TROUBLED_AT_MOST)}
