"""What Dagster's own storage tells of its daemon and of our sensors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.errors import SensorExecutionError, user_code_error_boundary
from dagster._core.scheduler.instigation import (
    InstigatorStatus,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import serializable_error_info_from_exc_info
from dagster_shared.error import SerializableErrorInfo

from pipeline_assets.dagster_health import dagster_signals
from resources.ledger import LedgerUnavailable
from sensors import SENSORS
from tests.days.minute_runs import sensor_state
from touchline.health import (
    CODE_SERVER,
    DAEMON,
    STORE,
    Health,
    Kind,
    Signal,
    causes,
    sensor_signal,
    with_causes,
)

NOW = datetime(2025, 5, 28, 16, 0, tzinfo=UTC)
TICK = "football_minute_tick"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def beats(instance: dg.DagsterInstance, ago: float, error: str | None = None) -> None:
    errors = [SerializableErrorInfo(error, [], None)] if error else []
    for daemon in instance.get_required_daemon_types():
        at = NOW.timestamp() - ago
        instance.add_daemon_heartbeat(DaemonHeartbeat(at, daemon, "one", errors))


def ticked(
    instance: dg.DagsterInstance,
    name: str,
    ago: float,
    status: InstigatorStatus = InstigatorStatus.DECLARED_IN_CODE,
    error: str | SerializableErrorInfo | None = None,
) -> None:
    state = sensor_state(name, "", NOW - timedelta(seconds=ago)).with_status(status)
    instance.add_instigator_state(state)
    if error:
        is_whole = isinstance(error, SerializableErrorInfo)
        failure = error if is_whole else SerializableErrorInfo(error, [], None)
        tick = TickData(
            state.instigator_origin_id,
            name,
            InstigatorType.SENSOR,
            TickStatus.FAILURE,
            NOW.timestamp() - ago,
            error=failure,
            selector_id=state.selector_id,
        )
        instance.create_tick(tick)


def look(instance: dg.DagsterInstance) -> dict[str, Signal]:
    signals = with_causes(list(dagster_signals(instance, SENSORS, NOW)))
    return {signal.name: signal for signal in signals}


def test_a_daemon_that_never_ran_is_the_cause_of_every_sensor(
    instance: dg.DagsterInstance,
) -> None:
    signals = look(instance)
    assert set(signals) == {DAEMON, *(sensor_signal(sensor.name) for sensor in SENSORS)}
    assert {each.state for each in signals.values()} == {Health.UNKNOWN}
    assert {each.because for each in signals.values()} == {(), (DAEMON,)}


@pytest.mark.parametrize(
    ("ago", "state"), [(59, Health.OK), (61, Health.WARNING), (121, Health.BAD)]
)
def test_a_daemon_falls_silent_and_its_sensors_with_it(
    instance: dg.DagsterInstance, ago: float, state: Health
) -> None:
    beats(instance, ago)
    ticked(instance, TICK, ago + 1)
    signals = look(instance)
    assert signals[DAEMON].state is signals[sensor_signal(TICK)].state is state
    assert bool(signals[DAEMON].do) is (state is Health.BAD), "what runs is not to be started"
    assert signals[sensor_signal(TICK)].because == (() if state is Health.OK else (DAEMON,))


def test_a_sensor_that_is_turned_off_is_a_cause_of_its_own(instance: dg.DagsterInstance) -> None:
    beats(instance, 200)
    ticked(instance, TICK, 1, InstigatorStatus.STOPPED)
    tick = look(instance)[sensor_signal(TICK)]
    assert (tick.state, tick.because) == (Health.BAD, ())
    assert tick.do == f"turn the sensor {TICK} on in Dagster"


@pytest.mark.parametrize(
    ("ago", "state"), [(110, Health.OK), (130, Health.WARNING), (190, Health.BAD)]
)
def test_a_sensor_is_silent_from_when_it_should_have_ticked_again(
    instance: dg.DagsterInstance, ago: float, state: Health
) -> None:
    beats(instance, 1)
    seal = next(sensor for sensor in SENSORS if sensor.name == "football_seal")
    assert seal.minimum_interval_seconds == timedelta(minutes=1).total_seconds()
    ticked(instance, seal.name, ago)
    assert look(instance)[sensor_signal(seal.name)].state is state


def test_a_tick_that_failed_says_why(instance: dg.DagsterInstance) -> None:
    beats(instance, 1)
    ticked(instance, TICK, 2, error=as_dagster_has_it(LedgerUnavailable("it is locked\nat line 3")))
    tick = look(instance)[sensor_signal(TICK)]
    assert tick.state is Health.WARNING
    assert tick.detail.startswith("its last tick failed: ")
    assert tick.detail.endswith("LedgerUnavailable: it is locked")


def as_dagster_has_it(error: Exception) -> SerializableErrorInfo:
    """What a sensor has raised, as the code server hands it to the daemon."""
    try:
        with user_code_error_boundary(SensorExecutionError, lambda: "Error in a sensor"):
            raise error from OSError("the disk")
    except SensorExecutionError:
        return serializable_error_info_from_exc_info(sys.exc_info())


def test_a_tick_that_failed_follows_from_a_store_that_is_away(instance: dg.DagsterInstance) -> None:
    beats(instance, 1)
    ticked(instance, "heartbeat", 2, error="StoreUnavailable: it did not answer")
    store = Signal(Kind.LIVENESS, STORE, Health.BAD, "it does not answer")
    signals = with_causes([store, *dagster_signals(instance, SENSORS, NOW)])
    tick = next(each for each in signals if each.name == sensor_signal("heartbeat"))
    assert (tick.state, tick.because) == (Health.WARNING, (STORE,))


def test_a_code_server_that_is_down_is_the_cause_of_every_sensor(
    instance: dg.DagsterInstance,
) -> None:
    beats(instance, 1)
    ticked(instance, "heartbeat", 2, error="Unable to reach the user code server")
    ticked(instance, TICK, 500)
    down = Signal(Kind.LIVENESS, CODE_SERVER, Health.BAD, "code-server is down")
    signals = with_causes([down, *dagster_signals(instance, SENSORS, NOW)])
    assert [each.name for each in causes(signals)] == [CODE_SERVER]


def test_an_error_of_the_daemon_is_shown(instance: dg.DagsterInstance) -> None:
    beats(instance, 1, error="no code location")
    daemon = look(instance)[DAEMON]
    assert daemon.state is Health.WARNING
    assert "no code location" in daemon.detail
