"""How Touchline is right now: what is looked at, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from operations.arguments import Json, Prefix
from operations.console import answer, stop_event
from operations.dagster_web import ask_web_server
from operations.opened import refuse_without_ledger, settings_for
from pipeline_assets.dagster_state import signals_of
from pipeline_assets.status import as_json as json_of
from pipeline_assets.status import look_at, verdict
from resources.embedded_s3 import S3Access, Server
from resources.ledger import Ledger
from resources.settings import Settings
from resources.site import store_at
from resources.store import Store
from resources.up_record import Up
from touchline.day import utc_second_text
from touchline.errors import Misuse
from touchline.health import DAEMON, UP, Health, Kind, Signal, causes

REFRESHED_SECONDS = 2.0


def status(
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay, and show it anew every two seconds.")
    ] = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Say whether Touchline lives, gets on, and has nothing left waiting: OK and WARNING exit with
    0, BAD with 1, UNKNOWN with 2."""
    if watch and as_json:
        raise Misuse("--watch is for people: leave --json away, or --watch")
    settings = settings_for(prefix)
    if watch:
        _watch(settings)
        return
    now = datetime.now(UTC)
    signals = look(settings, now)
    answer(json_of(signals, now), [shown(signals, now)], as_json=as_json)
    raise typer.Exit(EXIT_CODES[verdict(signals)])


def _watch(settings: Settings) -> None:
    stop = stop_event()
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            now = datetime.now(UTC)
            live.update(shown(look(settings, now), now), refresh=True)
            stop.wait(REFRESHED_SECONDS)


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
    with closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger:
        return look_at(settings, ledger, _store(settings), dagster_of(settings, now), now)


def dagster_of(settings: Settings, now: datetime) -> Iterator[Signal]:
    """What the Dagster of this state folder tells of itself."""
    if not settings.dagster_home.is_dir():
        detail = f"there is no Dagster home {settings.dagster_home}"
        yield Signal(Kind.LIVENESS, DAEMON, Health.UNKNOWN, detail, (UP,), "touchline up")
        return
    if (running := Up.read(settings)) and running.process.alive:
        answered = ask_web_server(running.url, ANSWERS_WITHIN_SECONDS)
        if answered is not None:
            yield from signals_of(answered, now)
            return
    # With Dagster, which takes a second of CPU to load.
    from operations.dagster_home import opened_dagster
    from pipeline_assets.dagster_health import dagster_signals
    from sensors import SENSORS

    try:
        with opened_dagster(settings) as instance:
            yield from list(dagster_signals(instance, SENSORS, now))
    except Exception as error:  # It answers also when a table that it reads later is gone.
        first = next(iter(str(error).splitlines()), "") or type(error).__name__
        do = "touchline doctor"
        yield Signal(Kind.LIVENESS, "Dagster", Health.UNKNOWN, first, (UP,), do)


def _store(settings: Settings) -> Store | None:
    """None where the embedded server does not run: looking starts nothing."""
    access = S3Access(settings.s3_endpoint_url or "")
    if settings.uses_embedded_s3:
        server = Server(settings.s3_folder)
        if server.process is None:
            return None
        access = server.access
    return store_at(settings, access, answers_within=ANSWERS_WITHIN_SECONDS)


def shown(signals: Sequence[Signal], now: datetime) -> RenderableType:
    """For people: what is wrong in itself and what helps, then every signal."""
    worst = verdict(signals)
    parts: list[RenderableType] = [
        Text.assemble((worst, COLORS[worst]), f" at {utc_second_text(now)}")
    ]
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
