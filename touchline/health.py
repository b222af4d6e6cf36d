"""Whether all is well right now: three kinds of signal, and which of them is the cause.

A process once wrote fresh status while its loop was stuck, so that being alive, getting on and
having nothing left to do are three things. What is not known is unknown, and unknown is not good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

UP, DAEMON, STORE, LEDGER = "touchline", "daemon", "store", "ledger"
"""Signals that others rest on; UP is that of the process which watches over Dagster's."""
CODE_SERVER = "code-server"
"""The part in which sensors and runs are at work."""
IN_THE_FUTURE = timedelta(seconds=-5)
"""What is said to be still to come by more than this was not written by a clock like ours."""
ALIVE = timedelta(seconds=60)
SILENT = timedelta(seconds=120)
"""From here on silence is bad; between the two it is a warning."""
LATE = timedelta(seconds=120)
STUCK = timedelta(seconds=240)
"""The same for how old the newest result is."""
WAITS = timedelta(seconds=150)
WAITS_TOO_LONG = timedelta(minutes=5)
"""The same for what is still to be done: nothing waits longer without anybody knowing."""


def sensor_signal(name: str) -> str:
    """What a sensor's signal is called."""
    return f"sensor {name}"


def by_sensor(name: str) -> tuple[str, str]:
    """What rests on a sensor, rests on the daemon too: that may be silent for a while before the
    sensor should have ticked."""
    return DAEMON, sensor_signal(name)


class Health(StrEnum):
    """How a signal stands, from best to worst."""

    OK = "OK"
    WARNING = "WARNING"
    UNKNOWN = "UNKNOWN"
    BAD = "BAD"

    @property
    def is_good(self) -> bool:
        return self is Health.OK

    @classmethod
    def worst(cls, states: Iterable[Health]) -> Health:
        """UNKNOWN of none at all."""
        order = list(cls)
        return max(states, key=order.index, default=cls.UNKNOWN)


class Kind(StrEnum):
    LIVENESS = "liveness"
    """It gives a sign of life."""
    PROGRESS = "progress"
    """Its newest result is new."""
    BACKLOG = "backlog"
    """Nothing waits for it for long."""


@dataclass(frozen=True)
class Signal:
    """One thing that is looked at. `rests_on` names the signals without which this one cannot be
    good; `do` is what helps where it is the cause."""

    kind: Kind
    name: str
    state: Health
    detail: str
    rests_on: tuple[str, ...] = ()
    do: str = ""
    age_seconds: float | None = None
    count: int | None = None
    because: tuple[str, ...] = ()
    """The causes that this follows from; empty for a cause."""


def of_heartbeat(age: timedelta | None) -> Health:
    """Of a sign of life so long ago; None where there is none that can be read."""
    if age is None or age < IN_THE_FUTURE:
        return Health.UNKNOWN
    return _by(age, ALIVE, SILENT, is_warned_at_limit=True)


def of_progress(age: timedelta | None) -> Health:
    """Of a newest result so old; None where there is none."""
    if age is None or age < IN_THE_FUTURE:
        return Health.UNKNOWN
    return _by(age, LATE, STUCK)


def of_backlog(oldest: timedelta | None) -> Health:
    """Of things to do, the oldest of which has waited so long; None where there is nothing."""
    return Health.OK if oldest is None else _by(oldest, WAITS, WAITS_TOO_LONG)


def _by(
    age: timedelta, warned: timedelta, bad: timedelta, *, is_warned_at_limit: bool = False
) -> Health:
    if age > bad:
        return Health.BAD
    is_warned = age >= warned if is_warned_at_limit else age > warned
    return Health.WARNING if is_warned else Health.OK


def with_causes(signals: Sequence[Signal]) -> list[Signal]:
    """The same signals, those that are not good with what they follow from.

    A signal follows from those it rests on, directly or through others, that are not good either
    and rest on nothing that is not good.
    """
    by_name = {signal.name: signal for signal in signals}
    return [
        signal if signal.state.is_good else replace(signal, because=tuple(_causes(signal, by_name)))
        for signal in signals
    ]


def _causes(signal: Signal, by_name: Mapping[str, Signal]) -> dict[str, None]:
    found: dict[str, None] = {}
    for name in signal.rests_on:
        below = by_name.get(name)
        if below is not None and not below.state.is_good:
            found |= _causes(below, by_name) or {below.name: None}
    return found


def causes(signals: Iterable[Signal]) -> list[Signal]:
    """What is wrong in itself, worst first; of signals that went through `with_causes`."""
    order = list(Health)
    wrong = [each for each in signals if not each.state.is_good and not each.because]
    return sorted(wrong, key=lambda each: -order.index(each.state))
