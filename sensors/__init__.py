"""What asks for runs."""

from __future__ import annotations

import dagster as dg

from sensors.minute_tick import minute_ticks

defs = dg.Definitions(sensors=minute_ticks)
