"""The settings of one process, those of every feed among them."""

from __future__ import annotations

from pipeline_assets.plans import FootballSettings
from resources.settings import Settings


class AllSettings(FootballSettings, Settings):
    """What commands, sensors and runs load with `AllSettings.load()`."""
