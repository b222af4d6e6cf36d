"""Writes the heartbeat of each feed and the status of all, so that an outside watcher notices when
nobody looks here, and sees what is wrong."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from pipeline_assets.plans import WATCHED

if TYPE_CHECKING:
    from resources.embedded_s3 import S3Access
    from resources.ledger import Ledger
    from resources.settings import Settings
    from resources.store import Store
    from touchline.health import Signal

BEATS_SECONDS = 30
ANSWERS_WITHIN_SECONDS = 1.0
"""Sensors wait for one another, so that none may wait for a store that is away."""


@dg.sensor(
    name="heartbeat",
    minimum_interval_seconds=BEATS_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes status/heartbeat-<feed>.json, whose age tells outside that all is alive, "
    "and status/status.json.",
)
def heartbeat(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    from pipeline_assets.dagster_health import dagster_signals
    from resources.garbage import give_back_memory
    from sensors import SENSORS

    now = datetime.now(UTC)
    write(now, dagster_signals(context.instance, SENSORS, now))
    give_back_memory()
    return dg.SkipReason("it has beaten")


def write(now: datetime, of_dagster: Iterable[Signal] = ()) -> None:
    """The heartbeats of all feeds at this moment, then the status, with what Dagster tells of
    itself. Raises SettingsError, LedgerUnavailable, StoreError, EmbeddedS3Error."""
    from pipeline_assets.heartbeats import heartbeat_of
    from pipeline_assets.settings import AllSettings
    from pipeline_assets.status import as_json, look_at
    from resources.embedded_s3 import connected
    from resources.heartbeat import beat, write_status

    settings = AllSettings.load()
    ledger = _ledger(settings.ledger_database, settings.s3_prefix)
    # Else SQLite keeps what it has read of the day, up to 2 MB of it.
    with closing(ledger), connected(settings) as access:
        ledger.migrate()
        store = _store(settings, access)  # pyright: ignore[reportArgumentType]  # It is frozen.
        for plan in WATCHED.values():
            beat(store, heartbeat_of(ledger, plan, now))
        signals = look_at(settings, ledger, store, of_dagster, now)
        write_status(store, as_json(signals, now))


@functools.lru_cache(maxsize=1)
def _ledger(url: str, prefix: str) -> Ledger:
    """Kept from beat to beat, without its connections: it remembers which fetches the day's windows
    hold, so that a status late in the day costs what an early one does."""
    from resources.ledger import Ledger

    return Ledger(url, prefix)


@functools.lru_cache(maxsize=1)
def _store(settings: Settings, access: S3Access) -> Store:
    """Kept likewise: a client anew for each beat takes a fifth of its CPU time, and memory that is
    late to come back."""
    from resources.site import store_at

    return store_at(settings, access, answers_within=ANSWERS_WITHIN_SECONDS)


heartbeats = [heartbeat]
