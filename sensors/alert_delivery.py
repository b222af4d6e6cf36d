"""Tries again to send the alerts about matches that no run has got rid of."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from pipeline_assets.plans import PLANS, WATCHED

SENDING_SECONDS = 2.0
"""Sensors wait for one another."""


@dg.sensor(
    name="alert_delivery",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends alerts about matches whose first delivery failed, or whose run died.",
)
def alert_delivery(_: dg.SensorEvaluationContext) -> dg.SkipReason:
    from pipeline_assets.delivery import deliver_alerts, notifier_of
    from pipeline_assets.settings import AllSettings
    from resources.ledger import Ledger
    from resources.outbox import Outbox

    settings = AllSettings.load()
    with closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger:
        ledger.migrate()
        for feed in WATCHED:
            deliver_alerts(
                Outbox.of(settings, ledger, feed),
                PLANS,
                partial(notifier_of, settings, ledger),
                datetime.now(UTC),
                seconds=SENDING_SECONDS / len(WATCHED),
            )
    return dg.SkipReason("what was due has been tried")


alert_delivery_sensors = [alert_delivery]
