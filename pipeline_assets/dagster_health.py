"""Signs of life of Dagster: its daemon, and each sensor that Touchline has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.errors import SensorExecutionError
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickStatus,
)
from dagster_shared.error import SerializableErrorInfo

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


def dagster_signals(
    instance: dg.DagsterInstance, sensors: Sequence[dg.SensorDefinition], now: datetime
) -> Iterator[Signal]:
    """One of the daemon and one of each sensor. Raises what the instance's database raises."""
    yield _daemon(instance, now)
    known = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    # A code location under another name has left states of its own.
    states = {state.instigator_name: state for state in sorted(known, key=_ticked_at)}
    for sensor in sensors:
        yield _sensor(instance, sensor, states.get(sensor.name), now)


def _daemon(instance: dg.DagsterInstance, now: datetime) -> Signal:
    """By the part of it that has been silent for longest; each beats every 30 s."""
    beats = instance.get_daemon_heartbeats()
    needed = instance.get_required_daemon_types()
    silent = [name for name in needed if name not in beats]
    if silent or not needed:
        detail = f"{', '.join(silent) or 'no part of it'} has never been at work here"
        return _alive(DAEMON, Health.UNKNOWN, detail, rests_on=(UP,), do="touchline up")
    oldest = min(needed, key=lambda name: beats[name].timestamp)
    age = now - _instant(now, beats[oldest].timestamp)
    errors = [error for name in needed for error in beats[name].errors or ()]
    state = of_heartbeat(age)
    detail = f"{oldest} gave a sign of life {lasted(age)} ago"
    if errors and state.is_good:
        state, detail = Health.WARNING, f"{detail}, and says: {_first_line(errors[0].message)}"
    do = "touchline down, then touchline up" if state is Health.BAD else ""
    return _alive(DAEMON, state, detail, rests_on=(UP,), do=do, age=age)


def _sensor(
    instance: dg.DagsterInstance,
    sensor: dg.SensorDefinition,
    state: InstigatorState | None,
    now: datetime,
) -> Signal:
    name = sensor_signal(sensor.name)
    look = f"look at the sensor {sensor.name} in Dagster"
    if state is not None and state.status is InstigatorStatus.STOPPED:
        turn_on = f"turn the sensor {sensor.name} on in Dagster"
        return _alive(name, Health.BAD, "it is turned off", do=turn_on)
    if state is None or not (ticked_at := _ticked_at(state)):
        return _alive(
            name, Health.UNKNOWN, "it has never ticked", rests_on=(CODE_SERVER, DAEMON), do=look
        )
    age = now - _instant(now, ticked_at)
    # It is silent from when it should have ticked again.
    interval = timedelta(seconds=sensor.minimum_interval_seconds or 0)
    health = of_heartbeat(max(age - interval, min(age, timedelta())))
    detail, rests_on = f"ticked {lasted(age)} ago", (CODE_SERVER, DAEMON)
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    if ticks and ticks[0].status is TickStatus.FAILURE and health.is_good:
        error = ticks[0].error
        # What it works with may be away.
        health, rests_on = Health.WARNING, (*rests_on, STORE, LEDGER)
        detail = f"its last tick failed: {_first_line(_raised(error) if error else 'no word')}"
    return _alive(name, health, detail, rests_on=rests_on, do=look, age=age)


def _ticked_at(state: InstigatorState) -> float:
    data = state.instigator_data
    return (data.last_tick_timestamp or 0) if isinstance(data, SensorInstigatorData) else 0


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


def _raised(error: SerializableErrorInfo) -> str:
    """What the sensor raised, out of what Dagster wraps it in."""
    if error.cause and error.cls_name == SensorExecutionError.__name__:
        return error.cause.message
    return error.message


def _first_line(message: str) -> str:
    return next(iter(message.strip().splitlines()), "nothing")[:200]
