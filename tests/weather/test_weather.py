"""The object store in bad weather: nothing is lost.

Whatever the store does, a minute is fetched once, and some minutes after the weather has cleared
every asset holds what it would hold had nothing happened.
"""

from __future__ import annotations

import itertools
import random

import pytest

import pipeline_assets.raw_step
import pipeline_assets.stage_step
from pipeline_assets.run import BACKLOG_SECONDS
from resources.store import StoreFull, StoreUnavailable
from resources.store.faulty import Effect, Request, answer_lost, away, refused, slow, when
from tests.chain import verdicts
from tests.s3_gate import FULL, SLOW_DOWN, Answer, S3Gate
from tests.slots import PATIENCE
from tests.weather.conftest import Landed, Weather
from touchline.accounting import Verdict

# Some dozens of minutes, on a machine that may have other work.
pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


def writes(request: Request) -> bool:
    return request.writes


def test_the_store_is_away_for_half_an_hour(weather: Weather, fair: Landed) -> None:
    weather.minutes(2)
    weather.plan = away
    for report in weather.minutes(30):
        assert verdicts(report) == {Verdict.COULD_NOT_CHECK}
    assert weather.chain.waiting() == weather.numbers[2:]
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)
    # The outage outlasted three windows; what lies in the spool is of the one that goes on.
    assert weather.chain.spooled() == weather.numbers[30:]
    report = weather.day_ends()
    assert weather.chain.spooled() == []
    assert (report.waiting, report.sealed) == (
        [],
        [asset.name for asset in weather.chain.plan.assets],
    )
    assert weather.nothing_is_lost(fair)


def test_every_request_takes_two_seconds(
    weather: Weather, fair: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundredth of everything that is timed: requests, and how long a run may work on what
    earlier minutes left. Nothing else waits for real time."""
    scale = 1 / 100
    for module in (pipeline_assets.raw_step, pipeline_assets.stage_step):
        monkeypatch.setattr(module, "BACKLOG_SECONDS", BACKLOG_SECONDS * scale)
    weather.plan = away
    weather.minutes(3)
    late = slow(2 * scale)
    weather.plan = lambda request: late
    weather.minutes(4)
    assert weather.requests * 2 < PATIENCE.max_runtime.total_seconds()
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)


@pytest.mark.parametrize("seed", [1, 2])
def test_one_request_in_five_fails(weather: Weather, fair: Landed, seed: int) -> None:
    """Half of these were not even begun; the others were done, and nobody heard of it."""
    dice = random.Random(seed)

    def fails(request: Request) -> Effect | None:
        drawn = dice.random()
        return away(request) if drawn < 0.1 else answer_lost if drawn < 0.2 else None

    weather.plan = fails
    weather.minutes(10)
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)


def test_one_request_in_five_fails_on_the_wire(
    on_the_wire: Weather, s3_gate: S3Gate, fair: Landed
) -> None:
    dice = random.Random(1)

    def answers(method: str, path: str) -> Answer | None:
        return dice.choice([FULL, SLOW_DOWN]) if dice.random() < 0.1 else None

    s3_gate.answers = answers
    s3_gate.loses_answer = lambda method, path: dice.random() < 1 / 9
    on_the_wire.minutes(10)
    s3_gate.open()
    assert verdicts(on_the_wire.clears()) == {Verdict.OK}
    assert on_the_wire.nothing_is_lost(fair)


def test_every_second_request_is_refused(weather: Weather, fair: Landed) -> None:
    turn = itertools.count()
    weather.minutes(1)
    weather.plan = when(
        lambda request: next(turn) % 2 == 1, refused(StoreUnavailable("asks for less"))
    )
    weather.minutes(3)
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)


def test_the_store_is_full(weather: Weather, fair: Landed) -> None:
    """It lists and reads as ever, and takes nothing."""
    weather.minutes(2)
    weather.plan = when(writes, refused(StoreFull("the store is full")))
    reports = weather.minutes(6)
    for report in reports:
        failures = [str(failure) for step in report.steps.values() for failure in step.failures]
        assert failures
        assert all("is full" in failure for failure in failures)
    assert Verdict.BAD in verdicts(reports[-1])
    assert weather.chain.waiting() == weather.numbers[2:]
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)


def test_what_is_stored_is_answered_too_late(weather: Weather, fair: Landed) -> None:
    weather.minutes(1)
    weather.plan = when(writes, answer_lost)
    for number, report in enumerate(weather.minutes(3), weather.numbers[-1] + 1):
        assert not any(number in step.landed for step in report.steps.values())
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)
