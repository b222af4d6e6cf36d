"""The object store in bad weather, each kind before the real server: nothing is lost.

Whatever the store does, a minute is fetched once, and some minutes after the weather has cleared
every asset holds what it would hold had nothing happened.
"""

from __future__ import annotations

import itertools
import random
import time

import pytest

import pipeline_assets.raw_step
import pipeline_assets.stage_step
from pipeline_assets.run import BACKLOG_SECONDS
from resources.store.s3 import OneClient, PatientS3
from tests.chain import verdicts
from tests.s3_gate import FULL, SLOW_DOWN, Answer
from tests.weather.conftest import Landed, Weather
from touchline.accounting import Verdict
from touchline.watch import MAX_RUNTIME

# Some dozens of minutes, on a machine that may have other work.
pytestmark = pytest.mark.timeout(300)


def less_patient(weather: Weather, by: float) -> dict[str, object]:
    """What a client has that waits so much of its time-out."""
    s3 = weather.client.s3
    assert isinstance(s3, PatientS3)
    patience = s3.read_timeout_seconds * by
    return {
        "s3": s3.model_copy(update={"read_timeout_seconds": patience}),
        "_one": OneClient(),
    }


def test_the_store_is_away_for_half_an_hour(weather: Weather, fair: Landed) -> None:
    weather.minutes(2)
    weather.gate.shut = True
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
    """A fiftieth of everything that is timed: requests, time-outs, and how long a run may work on
    what earlier minutes left. Nothing else waits for real time."""
    scale = 1 / 50
    for module in (pipeline_assets.raw_step, pipeline_assets.stage_step):
        monkeypatch.setattr(module, "BACKLOG_SECONDS", BACKLOG_SECONDS * scale)
    weather.gate.shut = True
    weather.minutes(3)
    weather.gate.shut = False
    weather.gate.delay_seconds = 2 * scale
    slow = less_patient(weather, scale)
    weather.minutes(3, **slow)
    weather.gate.passed.clear()
    weather.minutes(1, **slow)
    assert len(weather.gate.passed) * 2 < MAX_RUNTIME.total_seconds()
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)


@pytest.mark.parametrize("seed", [1, 2])
def test_one_request_in_five_fails(weather: Weather, fair: Landed, seed: int) -> None:
    """Half of these were not even begun; the others were done, and nobody heard of it."""
    dice = random.Random(seed)

    def answers(method: str, path: str) -> Answer | None:
        return dice.choice([FULL, SLOW_DOWN]) if dice.random() < 0.1 else None

    weather.gate.answers = answers
    weather.gate.loses_answer = lambda method, path: dice.random() < 1 / 9
    weather.minutes(10)
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)


def test_the_store_asks_for_less(weather: Weather, fair: Landed) -> None:
    weather.minutes(1)
    weather.gate.answers = lambda method, path: SLOW_DOWN
    for report in weather.minutes(3):
        assert verdicts(report) == {Verdict.COULD_NOT_CHECK}
    turn = itertools.count()
    weather.gate.answers = lambda method, path: SLOW_DOWN if next(turn) % 2 else None
    weather.minutes(3)
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)


def test_the_store_is_full(weather: Weather, fair: Landed) -> None:
    """It lists and reads as ever, and answers every PUT as SeaweedFS does."""
    weather.minutes(2)
    weather.gate.answers = lambda method, path: FULL if method == "PUT" else None
    reports = weather.minutes(6, room=lambda: -1)
    for report in reports:
        failures = [str(failure) for step in report.steps.values() for failure in step.failures]
        assert failures
        assert all("is full" in failure for failure in failures)
    assert Verdict.BAD in verdicts(reports[-1])
    assert weather.chain.waiting() == weather.numbers[2:]
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)


def test_what_is_stored_is_answered_too_late(weather: Weather, fair: Landed) -> None:
    """Each PUT is done and its answer takes longer than anybody waits."""

    def late(method: str, path: str, answer: Answer) -> Answer:
        if method == "PUT":
            time.sleep(0.5)
        return answer

    weather.minutes(1)
    weather.gate.alters = late
    impatient = less_patient(weather, 0.01)
    for report in weather.minutes(3, **impatient):
        assert not any(step.landed for step in report.steps.values())
    assert verdicts(weather.clears()) == {Verdict.OK}
    assert weather.nothing_is_lost(fair)
