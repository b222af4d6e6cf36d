"""The settings of one process, those of every feed among them."""

from __future__ import annotations

from pipeline_assets.plans import BasketballSettings, FootballSettings
from resources.settings import Settings


class AllSettings(FootballSettings, BasketballSettings, Settings):
    """General settings and those of every feed. Commands, sensors and runs load this class."""
