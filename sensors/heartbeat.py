"""Writes the heartbeat of each feed, so that an outside watcher notices when nobody looks here."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import dagster as dg

from pipeline_assets.plans import PLANS

BEATS_SECONDS = 30
ANSWERS_WITHIN_SECONDS = 1.0
"""Sensors wait for one another, so that none may wait for a store that is away."""


@dg.sensor(
    name="heartbeat",
    minimum_interval_seconds=BEATS_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes status/heartbeat-<feed>.json, whose age tells outside that all is alive.",
)
def heartbeat(_: dg.SensorEvaluationContext) -> dg.SkipReason:
    write(datetime.now(UTC))
    return dg.SkipReason("it has beaten")


def write(now: datetime) -> None:
    """The heartbeats of all feeds at this moment. Raises SettingsError, LedgerUnavailable,
    StoreError, EmbeddedS3Error."""
    from pipeline_assets.heartbeats import heartbeat_of
    from resources.embedded_s3 import connected
    from resources.heartbeat import beat
    from resources.ledger import Ledger
    from resources.settings import Settings
    from resources.site import store_at

    settings = Settings.load()
    with (
        closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger,
        connected(settings) as access,
    ):
        ledger.migrate()
        store = store_at(settings, access, answers_within=ANSWERS_WITHIN_SECONDS)
        for feed in PLANS:
            beat(store, heartbeat_of(ledger, feed, now))


heartbeats = [heartbeat]
