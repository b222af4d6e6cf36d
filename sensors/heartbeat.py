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
    from resources.object_store import ObjectStore, PatientS3
    from resources.settings import Settings

    settings = Settings.load()
    with (
        closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger,
        connected(settings) as access,
    ):
        ledger.migrate()
        s3 = PatientS3(
            endpoint_url=access.endpoint_url,
            region_name=access.region,
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=access.secret_access_key,
            connect_timeout_seconds=ANSWERS_WITHIN_SECONDS,
            read_timeout_seconds=ANSWERS_WITHIN_SECONDS,
        )
        store = ObjectStore(s3, settings.s3_bucket, settings.s3_prefix)
        for feed in PLANS:
            beat(store, heartbeat_of(ledger, feed, now))


heartbeats = [heartbeat]
