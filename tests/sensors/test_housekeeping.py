"""When a housekeeping is asked for."""

from __future__ import annotations

import dagster as dg
import pytest
import time_machine

from sensors.housekeeping import housekeeping, slot_of
from touchline.day import parse_instant


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2025-05-28T16:27:19Z", "2025-05-28T15:27:20Z"),
        ("2025-05-28T16:27:20Z", "2025-05-28T16:27:20Z"),
        ("2025-05-28T17:00:00Z", "2025-05-28T16:27:20Z"),
        ("2025-05-29T00:00:00Z", "2025-05-28T23:27:20Z"),
    ],
)
def test_it_has_one_moment_an_hour(now: str, slot: str) -> None:
    assert slot_of(parse_instant(now)) == parse_instant(slot)


def asked(now: str, cursor: str | None) -> tuple[list[str | None], str | None]:
    with time_machine.travel(parse_instant(now), tick=False):
        said = housekeeping(dg.build_sensor_context(cursor=cursor))
    if isinstance(said, dg.SkipReason):
        return [], cursor
    assert isinstance(said, dg.SensorResult)
    return [request.run_key for request in said.run_requests or ()], said.cursor


def test_the_sensor_asks_once_an_hour_and_once_after_a_pause() -> None:
    requests, cursor = asked("2025-05-28T16:40:00Z", None)
    assert requests == [], "where nothing has run there is nothing to tidy up"
    assert asked("2025-05-28T17:27:00Z", cursor) == ([], cursor)
    requests, cursor = asked("2025-05-28T17:27:25Z", cursor)
    assert requests == ["housekeeping:2025-05-28T17:27:20+00:00"]
    assert asked("2025-05-28T17:27:40Z", cursor) == ([], cursor)
    requests, _ = asked("2025-05-30T03:00:00Z", cursor)
    assert requests == ["housekeeping:2025-05-30T02:27:20+00:00"]
