"""How all of Touchline is right now, for whoever shows or stores it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipeline_assets.clocks import times_of
from pipeline_assets.health import Books, book_signals
from pipeline_assets.plans import watched
from resources.ledger import Ledger
from resources.settings import Settings
from resources.spool import Spool
from resources.store import Store
from resources.up_record import Up
from touchline.day import utc_text
from touchline.health import CODE_SERVER, UP, Health, Kind, Signal, causes, with_causes


def look_at(
    settings: Settings,
    ledger: Ledger,
    store: Store | None,
    of_dagster: Iterable[Signal],
    now: datetime,
) -> list[Signal]:
    """Every signal with what it follows from; `store` is None where the embedded one does not
    run."""
    plans = watched(settings.feeds)
    spools = {feed: Spool(settings.prefix_folder / feed, feed) for feed in plans}
    times = times_of(plans, settings, now)
    of_books = book_signals(Books(settings, plans, ledger, store, spools, now, times))
    return with_causes([*_parts(settings), *of_dagster, *of_books])


def verdict(signals: Sequence[Signal]) -> Health:
    return Health.worst(signal.state for signal in signals)


def _parts(settings: Settings) -> Iterator[Signal]:
    """Of `touchline up` and all its parts, and of the part that others rest on."""
    found = Up.read(settings)
    of_all = _up(settings, found)
    yield of_all
    if found and found.process.alive and found.children.get(CODE_SERVER) == "running":
        yield Signal(Kind.LIVENESS, CODE_SERVER, Health.OK, "runs", (UP,))
    else:
        yield Signal(Kind.LIVENESS, CODE_SERVER, of_all.state, of_all.detail, (UP,))


def _up(settings: Settings, found: Up | None) -> Signal:
    if found is None:
        detail = f"no `touchline up` has ever run on {settings.home}"
        return Signal(Kind.LIVENESS, UP, Health.UNKNOWN, detail, do="touchline up")
    if not found.process.alive or found.state == "failed":
        return Signal(Kind.LIVENESS, UP, Health.BAD, _how_it_ended(found), do="touchline up")
    if found.state == "starting":
        detail = f"pid {found.process.pid} is starting its parts"
        return Signal(Kind.LIVENESS, UP, Health.WARNING, detail)
    fallen = {name: state for name, state in found.children.items() if state != "running"}
    if not fallen:
        detail = f"pid {found.process.pid}, {len(found.children)} parts run"
        return Signal(Kind.LIVENESS, UP, Health.OK, detail)
    is_down = "down" in fallen.values()
    detail = ", ".join(f"{name} is {state}" for name, state in fallen.items())
    do = f"see {settings.logs_folder}, then `touchline down` and `touchline up`" if is_down else ""
    state = Health.BAD if is_down else Health.WARNING
    return Signal(Kind.LIVENESS, UP, state, detail, do=do)


def _how_it_ended(up: Up) -> str:
    match up.state:
        case "ended":
            return "it was ended by Ctrl-C, `touchline down` or SIGTERM"
        case "failed":
            return f"it did not start: {up.error}"
        case _:
            return f"pid {up.process.pid} does not run any more, and nobody has ended it in order"


def as_json(signals: Sequence[Signal], now: datetime) -> dict[str, Any]:
    """By kind and name, what is wrong in itself, and the worst of all."""
    shown: dict[str, dict[str, Any]] = {str(kind): {} for kind in Kind}
    for signal in signals:
        shown[signal.kind][signal.name] = {
            name: value for name, value in asdict(signal).items() if name not in ("kind", "name")
        }
    return {
        "verdict": verdict(signals),
        "at_utc": utc_text(now),
        "causes": [signal.name for signal in causes(signals)],
        "signals": shown,
    }
