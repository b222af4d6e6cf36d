"""Which minute is asked for, and what the sensor asks Dagster for."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest
import time_machine

from pipeline_assets.partitions import SCHEDULED_MINUTE
from sensors.minute_tick import minute_ticks, minute_to_ask_for
from touchline.day import Minute, parse_instant


@pytest.mark.parametrize(
    ("now", "asked", "expected"),
    [
        # Ten seconds to go, or five: once.
        ("2025-05-28T16:59:50Z", None, "2025-05-28T17:00:00Z"),
        ("2025-05-28T16:59:55Z", "2025-05-28T16:59:00Z", "2025-05-28T17:00:00Z"),
        ("2025-05-28T16:59:55Z", "2025-05-28T17:00:00Z", None),
        # Too early.
        ("2025-05-28T16:59:49Z", "2025-05-28T16:59:00Z", None),
        # A slow loop: the minute that follows on the last one is still asked for, but not for long.
        ("2025-05-28T17:00:04Z", "2025-05-28T16:59:00Z", "2025-05-28T17:00:00Z"),
        ("2025-05-28T17:00:31Z", "2025-05-28T16:59:00Z", None),
        # After a pause nothing follows on anything: the past is not fetched.
        ("2025-05-28T17:00:04Z", "2025-05-28T16:57:00Z", None),
        ("2025-05-28T17:00:04Z", None, None),
        # New York midnight: its partition does not exist before it.
        ("2025-05-29T03:59:55Z", "2025-05-29T03:59:00Z", None),
        ("2025-05-29T04:00:02Z", "2025-05-29T03:59:00Z", "2025-05-29T04:00:00Z"),
        # UTC midnight is a minute like any other, and so is the change to summer time.
        ("2025-05-28T23:59:55Z", None, "2025-05-29T00:00:00Z"),
        ("2025-03-09T06:59:55Z", "2025-03-09T06:59:00Z", "2025-03-09T07:00:00Z"),
    ],
)
def test_the_coming_minute_is_asked_for_once(
    now: str, asked: str | None, expected: str | None
) -> None:
    minute = minute_to_ask_for(parse_instant(now), Minute.parse(asked) if asked else None)

    assert minute == (Minute.parse(expected) if expected else None)


def test_the_sensor_asks_for_a_live_run_of_the_day_s_partition() -> None:
    (sensor,) = minute_ticks
    with time_machine.travel(datetime(2025, 5, 28, 16, 59, 55, tzinfo=UTC), tick=False):
        first = sensor(dg.build_sensor_context())
    assert isinstance(first, dg.SensorResult)
    (request,) = first.run_requests or []
    assert request.run_key == "football:2025-05-28T17:00:00Z"
    assert request.partition_key == "2025-05-28"
    assert request.tags[SCHEDULED_MINUTE] == "2025-05-28T17:00:00Z"
    assert first.cursor == "2025-05-28T17:00:00Z"

    with time_machine.travel(datetime(2025, 5, 28, 16, 59, 58, tzinfo=UTC), tick=False):
        again = sensor(dg.build_sensor_context(cursor=first.cursor))
    assert isinstance(again, dg.SkipReason)
