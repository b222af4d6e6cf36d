"""What is alive, gets on and has nothing waiting; and which of what is wrong is the cause."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.health import (
    Health,
    Kind,
    Signal,
    causes,
    of_backlog,
    of_heartbeat,
    of_progress,
    with_causes,
)


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (0, Health.OK),
        (59.9, Health.OK),
        (60, Health.WARNING),
        (120, Health.WARNING),
        (120.1, Health.BAD),
        (-4.9, Health.OK),
        (-5.1, Health.UNKNOWN),
        (None, Health.UNKNOWN),
    ],
)
def test_a_heartbeat_is_judged_by_its_age(seconds: float | None, state: Health) -> None:
    assert of_heartbeat(None if seconds is None else timedelta(seconds=seconds)) is state


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (120, Health.OK),
        (121, Health.WARNING),
        (240, Health.WARNING),
        (241, Health.BAD),
        (None, Health.UNKNOWN),
    ],
)
def test_progress_is_judged_by_the_age_of_the_newest(seconds: int | None, state: Health) -> None:
    assert of_progress(None if seconds is None else timedelta(seconds=seconds)) is state


def test_nothing_waits_for_more_than_five_minutes_unseen() -> None:
    assert of_backlog(None) is Health.OK
    assert of_backlog(timedelta(seconds=150)) is Health.OK
    assert of_backlog(timedelta(minutes=5)) is Health.WARNING
    assert of_backlog(timedelta(minutes=5, seconds=1)) is Health.BAD


def signal(name: str, state: Health, *rests_on: str) -> Signal:
    return Signal(Kind.LIVENESS, name, state, "", rests_on)


def test_what_follows_from_something_else_names_it_through_all_between() -> None:
    judged = {
        each.name: each
        for each in with_causes(
            [
                signal("up", Health.BAD),
                signal("daemon", Health.UNKNOWN, "up"),
                signal("sensor", Health.BAD, "daemon", "store"),
                signal("store", Health.OK),
                signal("fetch", Health.WARNING, "sensor", "ledger", "unheard of"),
                signal("ledger", Health.BAD),
                signal("spool", Health.OK, "store"),
                signal("feed", Health.WARNING, "store"),
            ]
        )
    }
    assert judged["daemon"].because == judged["sensor"].because == ("up",)
    assert judged["fetch"].because == ("up", "ledger")
    assert judged["spool"].because == judged["up"].because == judged["feed"].because == ()
    assert [each.name for each in causes(judged.values())] == ["up", "ledger", "feed"]


names = st.sampled_from("abcdef")
signals = st.lists(
    st.builds(
        lambda name, state, on: signal(name, state, *sorted(each for each in on if each < name)),
        names,
        st.sampled_from(Health),
        st.sets(names),
    ),
    unique_by=lambda each: each.name,
)


@given(signals)
def test_where_anything_is_wrong_there_is_a_cause_and_every_consequence_names_one(
    given_signals: list[Signal],
) -> None:
    judged = with_causes(given_signals)
    wrong = [each for each in judged if not each.state.is_good]
    found = {each.name for each in causes(judged)}
    assert bool(found) == bool(wrong)
    assert all(set(each.because) <= found for each in wrong)
    assert [each.because for each in judged if each.state.is_good] == [()] * (
        len(judged) - len(wrong)
    )


def test_the_worst_of_nothing_is_unknown() -> None:
    assert Health.worst([]) is Health.UNKNOWN
    assert Health.worst([Health.OK, Health.UNKNOWN, Health.WARNING]) is Health.UNKNOWN
    assert Health.worst(Health) is Health.BAD
