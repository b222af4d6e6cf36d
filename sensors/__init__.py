"""What asks for runs, and tells people what their checks found."""

from __future__ import annotations

import dagster as dg

from sensors.alert_delivery import alert_delivery_sensors
from sensors.check_alerts import check_alert_sensors
from sensors.checks import check_sensors
from sensors.heartbeat import heartbeats
from sensors.housekeeping import housekeepings
from sensors.inbox import inboxes
from sensors.rotation import rotations
from sensors.seal import seals
from sensors.slot_tick import slot_ticks
from sensors.watchdog import watchdogs

SENSORS: list[dg.SensorDefinition] = [
    *(*slot_ticks, *rotations, *seals, *inboxes),
    *(*check_sensors, *check_alert_sensors, *alert_delivery_sensors, *heartbeats),
    *watchdogs,
    *housekeepings,
]
