from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from touchline.clock import CatchingUp, SystemClock, VirtualClock, parse_http_date

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


@pytest.mark.parametrize(
    "header",
    ["Wed, 28 May 2025 12:00:00 GMT", "28 May 2025 14:00:00 +0200", "28 May 2025 12:00:00"],
)
def test_the_time_of_a_header_has_a_zone(header: str) -> None:
    assert parse_http_date(header) == NOON


UNREADABLE_DATES = [
    "",
    "yesterday",
    "Wed, 28 May 99999 12:00:00 GMT",
    f"Wed, 28 May {10**30} 12:00:00 GMT",
    "Wed, 30 Feb 2025 12:00:00 GMT",
    "Wed, 28 May 2025 12:00:00 +9999999999999999999999",
    "9" * 5000,
]


@pytest.mark.parametrize("header", UNREADABLE_DATES)
def test_a_header_that_cannot_be_read_tells_no_time(header: str) -> None:
    assert parse_http_date(header) is None


@pytest.mark.parametrize("speedup", [1, 2, 360])
def test_a_clock_that_catches_up_is_the_machines_from_then_on(speedup: float) -> None:
    machine = VirtualClock(NOON)
    clock = CatchingUp(NOON + timedelta(minutes=12), speedup, machine)
    assert NOON + timedelta(minutes=12) - clock.now() == timedelta(minutes=12) * speedup
    earlier = clock.now()
    machine.set(NOON + timedelta(minutes=1))
    assert clock.now() - earlier == timedelta(minutes=1) * speedup
    for later in (timedelta(minutes=12), timedelta(hours=3)):
        machine.set(NOON + later)
        assert clock.now() == machine.now()


@pytest.mark.parametrize("speedup", [0.5, -1, float("inf")])
def test_a_clock_that_would_fall_behind_is_refused(speedup: float) -> None:
    with pytest.raises(ValueError, match="catches up"):
        CatchingUp(NOON, speedup)
