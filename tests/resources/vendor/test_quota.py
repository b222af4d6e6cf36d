"""The budget of calls in a sliding window, and what the vendor's own count makes of it."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.vendor.quota import Budget, BudgetSpent, Quota

START = datetime(2025, 5, 28, 17, 0, tzinfo=UTC)
BUDGET = Budget("odds", 3)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def takes(quota: Quota, seconds: float, budget: Budget = BUDGET) -> bool:
    try:
        quota.take(budget, at(seconds))
    except BudgetSpent:
        return False
    return True


@pytest.fixture(params=["file", "memory"])
def quota(request: pytest.FixtureRequest, tmp_path: Path) -> Quota:
    return Quota(tmp_path / "quota.sqlite" if request.param == "file" else None)


def test_a_call_counts_for_exactly_one_window(quota: Quota) -> None:
    assert [takes(quota, second) for second in (0, 10, 20, 30, 59.999)] == [True] * 3 + [False] * 2
    assert [takes(quota, second) for second in (60, 60, 70, 79, 80)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_spent_budget_says_when_it_becomes_free(quota: Quota) -> None:
    for second in (0, 10, 20):
        quota.take(BUDGET, at(second))

    with pytest.raises(BudgetSpent, match="odds: 3 calls in 60 s") as spent:
        quota.take(BUDGET, at(25))

    assert spent.value.wait_seconds == 35


def test_a_call_counts_until_one_window_after_its_end(quota: Quota) -> None:
    tickets = [quota.take(BUDGET, at(0)) for _ in range(3)]
    quota.ended(tickets[0], at(5))

    assert [takes(quota, second) for second in (60, 60, 60, 64.9, 65)] == [
        True,
        True,
        False,
        False,
        True,
    ]


def test_budgets_do_not_share(quota: Quota) -> None:
    assert all(takes(quota, 0) for _ in range(3))
    assert takes(quota, 0, Budget("details", 1))


def test_a_budget_of_nothing_grants_nothing(quota: Quota) -> None:
    assert not takes(quota, 0, Budget("closed", 0))


def test_a_clock_set_back_does_not_block(quota: Quota) -> None:
    assert all(takes(quota, 3600) for _ in range(3))
    assert takes(quota, 0)


def test_processes_share_one_file(tmp_path: Path) -> None:
    script = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from resources.vendor.quota import Budget, BudgetSpent, Quota
quota, granted = Quota(Path(sys.argv[1])), 0
for _ in range(60):
    try:
        quota.take(Budget("odds", 100), datetime(2025, 5, 28, tzinfo=UTC))
        granted += 1
    except BudgetSpent:
        pass
print(granted)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "quota.sqlite")]
    processes = [
        subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    answers = []
    for process in processes:
        granted, errors = process.communicate(timeout=60)
        answers.append((process.returncode, granted, errors))

    assert [(code, errors) for code, _, errors in answers] == [(0, "")] * 3
    assert sum(int(granted) for _, granted, _ in answers) == 100


@pytest.mark.parametrize("content", [None, b"this is no database" * 100])
def test_an_unusable_file_is_named_and_counting_goes_on(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "missing" / "quota.sqlite"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    quota = Quota(path)

    with caplog.at_level(logging.WARNING):
        granted = [takes(quota, 0) for _ in range(4)]

    assert granted == [True] * 3 + [False]
    assert str(path) in caplog.text


@given(
    st.lists(
        st.tuples(
            st.floats(0, 15),  # until the next call is wanted
            st.floats(0, 10),  # until the vendor counts it
            st.floats(0, 10),  # until we have its answer
        ),
        max_size=30,
    )
)
def test_the_vendor_never_counts_more_than_the_budget(
    calls: list[tuple[float, float, float]],
) -> None:
    quota, counted, ends, now = Quota(), [], [], 0.0
    for until_next, until_counted, until_answered in calls:
        now += until_next
        for ticket, end in [pair for pair in ends if pair[1] <= now]:
            quota.ended(ticket, at(end))
            ends.remove((ticket, end))
        try:
            ticket = quota.take(BUDGET, at(now))
        except BudgetSpent:
            continue
        counted.append(now + until_counted)
        ends.append((ticket, now + until_counted + until_answered))

    for moment in counted:
        window = [other for other in counted if moment - BUDGET.seconds + 0.001 < other <= moment]
        assert len(window) <= BUDGET.calls
