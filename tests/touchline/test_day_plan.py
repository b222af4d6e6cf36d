"""Which slots a day has by its plans."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from touchline.day import Day, FetchNumber
from touchline.day_plan import DayPlan, in_force, postponed

DAY = Day.parse("2026-01-06")


def _plan(minute: int, *numbers: int) -> DayPlan:
    """A plan that was made in the middle of this minute of the day, by number."""
    made_at = DAY.start + timedelta(minutes=minute - 1, seconds=30)
    return DayPlan(made_at, tuple(FetchNumber(number) for number in numbers))


def test_a_later_plan_closes_what_is_ahead_and_leaves_what_was_due() -> None:
    plans = [_plan(1, 100, 200, 300), _plan(150, 300, 400)]
    assert in_force(DAY, plans) == [100, 300, 400]
    assert postponed(DAY, plans) == [200]


def test_what_a_plan_has_of_the_past_is_not_expected_any_more() -> None:
    assert in_force(DAY, [_plan(150, 100, 200)]) == [200]
    assert postponed(DAY, [_plan(150, 100, 200)]) == []


def test_a_slot_that_comes_back_is_not_postponed() -> None:
    plans = [_plan(1, 200), _plan(50), _plan(100, 200)]
    assert (in_force(DAY, plans), postponed(DAY, plans)) == ([200], [])


def test_a_day_without_a_plan_has_no_slot() -> None:
    assert (in_force(DAY, []), postponed(DAY, [])) == ([], [])


_PLANS = st.dictionaries(
    st.integers(1, 40), st.lists(st.integers(1, 40), unique=True).map(sorted), max_size=6
).map(lambda made: [_plan(minute, *numbers) for minute, numbers in sorted(made.items())])


@given(_PLANS, st.lists(st.integers(1, 40), unique=True).map(sorted), st.integers(41, 60))
def test_no_plan_changes_a_slot_whose_time_had_come(
    plans: list[DayPlan], numbers: list[int], minute: int
) -> None:
    later = [*plans, _plan(minute, *numbers)]
    assert in_force(DAY, later) == in_force(DAY, plans)


@given(_PLANS, st.integers(1, 40))
def test_a_slot_s_fate_depends_on_the_plans_before_its_time_alone(
    plans: list[DayPlan], number: int
) -> None:
    at = DAY.start + timedelta(minutes=number - 1)
    before = [plan for plan in plans if plan.made_at < at]
    expected = bool(before) and number in before[-1].numbers
    assert (number in in_force(DAY, plans)) == expected
