"""Everything that Dagster knows of Touchline: the code location.

It stands here, since sensors are the upper of the two packages that it is made of.
"""

from __future__ import annotations

import dagster as dg

from pipeline_assets import definitions as made
from sensors import SENSORS

defs = dg.Definitions.merge(made.defs, dg.Definitions(sensors=SENSORS))
