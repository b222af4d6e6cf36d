"""How Touchline is right now: what is looked at, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from operations.opened import refuse_without_ledger
from operations.up import Up
from pipeline_assets.dagster_health import DAEMON, UP, dagster_signals, our_sensors
from pipeline_assets.health import Books, book_signals
from pipeline_assets.plans import PLANS
from resources.embedded_s3 import S3Access, Server
from resources.ledger import Ledger
from resources.object_store import ObjectStore
from resources.settings import Settings
from resources.site import store_at
from resources.spool import Spool
from touchline.day import utc_text
from touchline.health import Health, Kind, Signal, causes, with_causes

if TYPE_CHECKING:
    import dagster as dg

ANSWERS_WITHIN_SECONDS = 2.0
EXIT_CODES = {Health.OK: 0, Health.WARNING: 0, Health.BAD: 1, Health.UNKNOWN: 2}
COLORS = {
    Health.OK: "green",
    Health.WARNING: "yellow",
    Health.UNKNOWN: "magenta",
    Health.BAD: "bold red",
}


def look(settings: Settings, now: datetime) -> list[Signal]:
    """Every signal with what it follows from. Nothing is started and nothing made for it.

    Raises NothingThere, LedgerUnavailable for a ledger's URL that is none.
    """
    refuse_without_ledger(settings)
    return with_causes([_up(settings), *dagster_of(settings, now), *_books(settings, now)])


def verdict(signals: Sequence[Signal]) -> Health:
    return Health.worst(signal.state for signal in signals)


def _up(settings: Settings) -> Signal:
    found = Up.read(settings)
    if found is None:
        detail = f"no `touchline up` has ever run on {settings.home}"
        return Signal(Kind.LIVENESS, UP, Health.UNKNOWN, detail, do="touchline up")
    if not found.process.alive:
        detail = f"pid {found.process.pid} does not run any more"
        return Signal(Kind.LIVENESS, UP, Health.BAD, detail, do="touchline up")
    fallen = {name: state for name, state in found.children.items() if state != "running"}
    if not fallen:
        detail = f"pid {found.process.pid}, {len(found.children)} parts run"
        return Signal(Kind.LIVENESS, UP, Health.OK, detail)
    is_down = "down" in fallen.values()
    detail = ", ".join(f"{name} is {state}" for name, state in fallen.items())
    do = f"see {settings.logs_folder}, then `touchline down` and `touchline up`" if is_down else ""
    state = Health.BAD if is_down else Health.WARNING
    return Signal(Kind.LIVENESS, UP, state, detail, do=do)


def dagster_of(settings: Settings, now: datetime) -> Iterator[Signal]:
    """What the Dagster of this state folder tells of itself."""
    import dagster as dg
    from sqlalchemy.exc import SQLAlchemyError

    if not settings.dagster_home.is_dir():
        detail = f"there is no Dagster home {settings.dagster_home}"
        yield Signal(Kind.LIVENESS, DAEMON, Health.UNKNOWN, detail, (UP,), "touchline up")
        return
    try:
        with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
            yield from _of_instance(instance, now)
    except (dg.DagsterError, SQLAlchemyError, OSError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        detail = f"Dagster's storage cannot be read: {first}"
        yield Signal(Kind.LIVENESS, "Dagster", Health.UNKNOWN, detail, (UP,))


def _of_instance(instance: dg.DagsterInstance, now: datetime) -> list[Signal]:
    return list(dagster_signals(instance, our_sensors(), now))


def _books(settings: Settings, now: datetime) -> Iterator[Signal]:
    store = _store(settings)
    spools = {feed: Spool(settings.prefix_folder / feed) for feed in PLANS}
    with closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger:
        yield from book_signals(Books(settings, PLANS, ledger, store, spools, now))


def _store(settings: Settings) -> ObjectStore | None:
    """None where the embedded server does not run: looking starts nothing."""
    access = S3Access(settings.s3_endpoint_url or "")
    if settings.uses_embedded_s3:
        server = Server(settings.s3_folder)
        if server.process is None:
            return None
        access = server.access
    return store_at(settings, access, answers_within=ANSWERS_WITHIN_SECONDS)


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


def shown(signals: Sequence[Signal], now: datetime) -> RenderableType:
    """For people: what is wrong in itself and what helps, then every signal."""
    worst = verdict(signals)
    parts: list[RenderableType] = [Text.assemble((worst, COLORS[worst]), f" at {utc_text(now)}")]
    for cause in causes(signals):
        said = Text.assemble((f"{cause.state} ", COLORS[cause.state]), f"{cause.name}: ")
        said.append(cause.detail)
        if cause.do:
            said.append(f"\n  next: {cause.do}", style="bold")
        parts.append(said)
    for kind in Kind:
        table = Table(title=str(kind), title_justify="left", box=None, pad_edge=False)
        for column in ("", "signal", ""):
            table.add_column(column, overflow="fold")
        for signal in (each for each in signals if each.kind is kind):
            follows = f" (follows from {', '.join(signal.because)})" if signal.because else ""
            state = Text(signal.state, style=COLORS[signal.state])
            table.add_row(state, Text(signal.name), Text(signal.detail + follows))
        parts += [Text(), table]
    return Group(*parts)
