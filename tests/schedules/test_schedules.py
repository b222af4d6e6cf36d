"""Whatever overlaps, and however: days end as if one process had run after another."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from resources.day_index import DayIndex
from resources.day_seal import DaySeal
from resources.lake import SealedDay
from tests.schedules.flows import World
from tests.schedules.scenarios import SCENARIOS, Outcome, Scenario
from tests.schedules.turns import Turn

pytestmark = pytest.mark.stack

EXAMPLES = int(os.environ.get("TOUCHLINE_HYPOTHESIS_EXAMPLES", "1"))
"""Of each scenario; one takes some four seconds."""

_turn = st.tuples(st.integers(0, 7), st.one_of(st.integers(0, 3), st.integers(0, 60)))
_turns = st.integers(0, 80).flatmap(lambda n: st.lists(_turn, min_size=n, max_size=n))
_UNCHECKED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
Begun = Callable[[Scenario], World]
"""A scenario's past, anew each time."""


@pytest.fixture(autouse=True)
def processes_share_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Python 3.12 a cached property is worked out under one lock for all threads, and
    some ask the store meanwhile."""
    for kind in (DayIndex, DaySeal, SealedDay):
        for value in vars(kind).values():
            if isinstance(value, cached_property):
                monkeypatch.setattr(value, "lock", nullcontext(), raising=False)


@pytest.fixture(scope="module")
def one_after_another(begun: Begun) -> Callable[[Scenario], Outcome]:
    known: dict[str, Outcome] = {}

    def outcome(scenario: Scenario) -> Outcome:
        if scenario.name not in known:
            known[scenario.name] = scenario.played(begun(scenario), [])
        return known[scenario.name]

    return outcome


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_one_after_another_nothing_is_wrong(
    scenario: Scenario, one_after_another: Callable[[Scenario], Outcome]
) -> None:
    outcome = one_after_another(scenario)
    assert outcome.wrong == []
    every = [number for number, _ in outcome.rows[str(scenario.start.day)]["football/heads"]]
    assert {scenario.start.later(passed).number for passed in (0, 1, 2)} <= set(every)


@pytest.mark.timeout(300 + 60 * EXAMPLES)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@settings(max_examples=EXAMPLES, suppress_health_check=_UNCHECKED)
@given(turns=_turns)
def test_whatever_overlaps_the_rows_are_the_same(
    scenario: Scenario,
    begun: Begun,
    one_after_another: Callable[[Scenario], Outcome],
    turns: list[Turn],
) -> None:
    outcome = scenario.played(begun(scenario), turns)
    note("\n".join(outcome.taken))
    assert outcome.wrong == []
    assert outcome.rows == one_after_another(scenario).rows
