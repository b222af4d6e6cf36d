"""Signs of life of Dagster, from what its storage says: its daemon, and each sensor.

Nothing of Dagster is imported here: `touchline status` asks the web server, and need not wait for
what takes a second to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from touchline.health import (
    CODE_SERVER,
    DAEMON,
    LEDGER,
    STORE,
    UP,
    Health,
    Kind,
    Signal,
    of_heartbeat,
    sensor_signal,
)
from touchline.notices import lasted

SENSOR_ORDER = (
    *("minute_tick", "rotation", "seal", "inbox", "ended_days", "failed_minutes"),
    *("check_alerts", "alert_delivery", "heartbeat", "watchdog", "housekeeping"),
)
"""How sensors follow one another when they are shown: names, without the feed before them."""


@dataclass(frozen=True)
class DaemonState:
    """One of the daemons that this instance needs. `beat_at` is when it last gave a sign of life,
    in Unix seconds, None for never; `error` what it said was wrong then."""

    name: str
    beat_at: float | None
    error: str | None


@dataclass(frozen=True)
class SensorState:
    """One sensor of ours. `ticked_at` is when it ticked last, in Unix seconds, None for never;
    `failure` is why that tick failed, None where it did not."""

    name: str
    interval_seconds: int
    is_stopped: bool
    ticked_at: float | None
    failure: str | None


@dataclass(frozen=True)
class DagsterState:
    """What an instance keeps of its daemons, in Dagster's own order, and of our sensors."""

    daemons: Sequence[DaemonState]
    sensors: Sequence[SensorState]


def signals_of(state: DagsterState, now: datetime) -> Iterator[Signal]:
    """One of the daemon and one of each sensor, in `SENSOR_ORDER`."""
    yield _daemon(state.daemons, now)
    for sensor in sorted(state.sensors, key=lambda sensor: _place(sensor.name)):
        yield _sensor(sensor, now)


def _place(sensor: str) -> tuple[int, str]:
    places = (n for n, name in enumerate(SENSOR_ORDER) if sensor.endswith(name))
    return next(places, len(SENSOR_ORDER)), sensor


def _daemon(daemons: Sequence[DaemonState], now: datetime) -> Signal:
    """By the part of it that has been silent for longest; each beats every 30 s."""
    silent = [daemon.name for daemon in daemons if daemon.beat_at is None]
    beats = [(daemon.beat_at, daemon.name) for daemon in daemons if daemon.beat_at is not None]
    if silent or not beats:
        detail = f"{', '.join(silent) or 'no part of it'} has never been at work here"
        return _alive(DAEMON, Health.UNKNOWN, detail, rests_on=(UP,), do="touchline up")
    beat_at, oldest = min(beats, key=lambda beat: beat[0])
    age = now - _instant(now, beat_at)
    errors = [daemon.error for daemon in daemons if daemon.error is not None]
    state = of_heartbeat(age)
    detail = f"{oldest} gave a sign of life {lasted(age)} ago"
    if errors and state.is_good:
        state, detail = Health.WARNING, f"{detail}, and says: {_first_line(errors[0])}"
    do = "touchline down, then touchline up" if state is Health.BAD else ""
    return _alive(DAEMON, state, detail, rests_on=(UP,), do=do, age=age)


def _sensor(sensor: SensorState, now: datetime) -> Signal:
    name = sensor_signal(sensor.name)
    look = f"look at the sensor {sensor.name} in Dagster"
    if sensor.is_stopped:
        turn_on = f"turn the sensor {sensor.name} on in Dagster"
        return _alive(name, Health.BAD, "it is turned off", do=turn_on)
    if sensor.ticked_at is None:
        return _alive(
            name, Health.UNKNOWN, "it has never ticked", rests_on=(CODE_SERVER, DAEMON), do=look
        )
    age = now - _instant(now, sensor.ticked_at)
    # It is silent from when it should have ticked again.
    interval = timedelta(seconds=sensor.interval_seconds)
    health = of_heartbeat(max(age - interval, min(age, timedelta())))
    detail, rests_on = f"ticked {lasted(age)} ago", (CODE_SERVER, DAEMON)
    if sensor.failure is not None and health.is_good:
        # What it works with may be away.
        health, rests_on = Health.WARNING, (*rests_on, STORE, LEDGER)
        detail = f"its last tick failed: {_first_line(sensor.failure)}"
    return _alive(name, health, detail, rests_on=rests_on, do=look, age=age)


def _alive(
    name: str,
    state: Health,
    detail: str,
    *,
    rests_on: tuple[str, ...] = (),
    do: str = "",
    age: timedelta | None = None,
) -> Signal:
    seconds = None if age is None else round(age.total_seconds(), 1)
    return Signal(Kind.LIVENESS, name, state, detail, rests_on, do, age_seconds=seconds)


def _instant(now: datetime, timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, now.tzinfo)


def _first_line(message: str) -> str:
    return next(iter(message.strip().splitlines()), "nothing")[:200]
