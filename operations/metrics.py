"""The signals of `status` in the text format that Prometheus reads, version 0.0.4."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from touchline.health import Health, Signal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
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
    """What is unknown is left out."""
    return "".join(f"{line}\n" for line in _lines(signals))


def _lines(signals: Sequence[Signal]) -> Iterator[str]:
    for name, (says, value) in _METRICS.items():
        yield f"# HELP {name} {says}"
        yield f"# TYPE {name} gauge"
        for signal in signals:
            number = value(signal)
            if number is not None:
                yield f'{name}{{kind="{signal.kind}",signal="{_escaped(signal.name)}"}} {number:g}'


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
