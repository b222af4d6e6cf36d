"""When a rotation is asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest
import time_machine

from sensors.rotation import rotation_to_ask_for, rotations
from touchline.day import parse_instant


@pytest.mark.parametrize(
    ("now", "asked", "expected"),
    [
        # Fetch 810 ends at 17:30; a minute later its fate is known.
        ("2025-05-28T17:31:00Z", "2025-05-28T17:26:00Z", "2025-05-28T17:31:00Z"),
        ("2025-05-28T17:31:20Z", "2025-05-28T17:31:00Z", None),
        ("2025-05-28T17:35:59Z", "2025-05-28T17:31:00Z", None),
        # A slow loop, and a pause: one rotation does whatever is due.
        ("2025-05-28T17:33:00Z", "2025-05-28T17:26:00Z", "2025-05-28T17:31:00Z"),
        ("2025-05-28T19:00:00Z", "2025-05-28T17:26:00Z", "2025-05-28T18:56:00Z"),
        ("2025-05-28T17:33:00Z", None, "2025-05-28T17:31:00Z"),
    ],
)
def test_a_rotation_is_asked_for_every_five_minutes(
    now: str, asked: str | None, expected: str | None
) -> None:
    due = rotation_to_ask_for(parse_instant(now), parse_instant(asked) if asked else None)
    assert due == (parse_instant(expected) if expected else None)


def test_the_sensor_asks_once() -> None:
    (sensor,) = rotations
    with time_machine.travel(datetime(2025, 5, 28, 17, 31, 20, tzinfo=UTC), tick=False):
        first = sensor(dg.build_sensor_context())
    assert isinstance(first, dg.SensorResult)
    (request,) = first.run_requests or []
    assert request.run_key == "football:rotation:2025-05-28T17:31:00Z"
    with time_machine.travel(datetime(2025, 5, 28, 17, 32, 0, tzinfo=UTC), tick=False):
        again = sensor(dg.build_sensor_context(cursor=first.cursor))
    assert isinstance(again, dg.SkipReason)
