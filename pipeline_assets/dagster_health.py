"""Signs of life of Dagster, read from its instance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

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

from pipeline_assets.dagster_state import DaemonState, DagsterState, SensorState, signals_of
from touchline.health import Signal


def dagster_signals(
    instance: dg.DagsterInstance, sensors: Sequence[dg.SensorDefinition], now: datetime
) -> Iterator[Signal]:
    """One of the daemon and one of each sensor. Raises what the instance's database raises."""
    return signals_of(state_of(instance, sensors), now)


def state_of(instance: dg.DagsterInstance, sensors: Sequence[dg.SensorDefinition]) -> DagsterState:
    """What the instance keeps of its daemons and of these sensors. Raises what its database
    raises."""
    return DagsterState(_daemons(instance), _sensors(instance, sensors))


def _daemons(instance: dg.DagsterInstance) -> list[DaemonState]:
    beats = instance.get_daemon_heartbeats()
    found = []
    for name in instance.get_required_daemon_types():
        beat = beats.get(name)
        errors = beat.errors if beat and beat.errors else []
        error = errors[0].message if errors else None
        found.append(DaemonState(name, beat.timestamp if beat else None, error))
    return found


def _sensors(
    instance: dg.DagsterInstance, sensors: Sequence[dg.SensorDefinition]
) -> list[SensorState]:
    known = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    # A code location under another name has left states of its own.
    states = {state.instigator_name: state for state in sorted(known, key=_ticked_at)}
    found = []
    for sensor in sensors:
        state = states.get(sensor.name)
        found.append(
            SensorState(
                sensor.name,
                sensor.minimum_interval_seconds or 0,
                state is not None and state.status is InstigatorStatus.STOPPED,
                (state and _ticked_at(state)) or None,
                state and _failure(instance, state),
            )
        )
    return found


def _ticked_at(state: InstigatorState) -> float:
    data = state.instigator_data
    return (data.last_tick_timestamp or 0) if isinstance(data, SensorInstigatorData) else 0


def _failure(instance: dg.DagsterInstance, state: InstigatorState) -> str | None:
    """Why its last tick failed."""
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    if not ticks or ticks[0].status is not TickStatus.FAILURE:
        return None
    error = ticks[0].error
    return _raised(error) if error else "no word"


def _raised(error: SerializableErrorInfo) -> str:
    """What the sensor raised, out of what Dagster wraps it in."""
    if error.cause and error.cls_name == SensorExecutionError.__name__:
        return error.cause.message
    return error.message
