from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from touchline.clock import SystemClock, VirtualClock

NOON = datetime(2025, 5, 28, 12, 0, tzinfo=UTC)


def test_a_virtual_clock_stands_still_until_it_is_set() -> None:
    clock = VirtualClock(NOON)

    assert clock.now() == clock.now() == NOON
    clock.set(NOON + timedelta(minutes=1))
    assert clock.now() == NOON + timedelta(minutes=1)


def test_every_time_is_given_in_utc() -> None:
    clock = VirtualClock(NOON.astimezone(timezone(timedelta(hours=-4))))

    assert clock.now().tzinfo is UTC
    assert SystemClock().now().tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        VirtualClock(NOON.replace(tzinfo=None))
