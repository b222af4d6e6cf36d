"""The signals of `status` in the text format that Prometheus reads, version 0.0.4."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from touchline.health import Health, Signal

_STATES = list(Health)
_METRICS: dict[str, tuple[str, Callable[[Signal], float | None]]] = {
    "touchline_health": (
        "How a signal stands: 0 OK, 1 WARNING, 2 UNKNOWN, 3 BAD.",
        lambda signal: _STATES.index(signal.state),
    ),
    "touchline_cause": (
        "1 where a signal is wrong in itself, 0 where it is good or follows from another.",
        lambda signal: not signal.state.is_good and not signal.because,
    ),
    "touchline_age_seconds": (
        "How old a sign of life, a newest fetch, or the oldest of what waits is.",
        lambda signal: signal.age_seconds,
    ),
    "touchline_count": ("How many wait, or are at work.", lambda signal: signal.count),
}


def exposition(signals: Sequence[Signal]) -> str:
    """The metrics of these signals, whose labels are their kind and name. What is unknown is left
    out."""
    registry = CollectorRegistry()
    for name, (says, value) in _METRICS.items():
        gauge = Gauge(name, says, ["kind", "signal"], registry=registry)
        for signal in signals:
            number = value(signal)
            if number is not None:
                gauge.labels(signal.kind, signal.name).set(number)
    return generate_latest(registry).decode()
