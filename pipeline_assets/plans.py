"""The feeds that are watched, one entry each, with the commands and the settings that they bring.

This is the one module outside a feed's folder that imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_assets.football.commands import COMMANDS as FOOTBALL_COMMANDS

if TYPE_CHECKING:
    from pipeline_assets.football.settings import FootballSettings as FootballSettings
    from touchline.plan import FeedPlan

PLANS: dict[str, FeedPlan]
"""Made when first asked for, as the settings are imported: the help lists the commands alone, and
both take time to load."""
COMMANDS = {**FOOTBALL_COMMANDS}


def __getattr__(name: str) -> Any:
    match name:
        case "PLANS":
            from pipeline_assets.football.plan import football

            made = {plan.name: plan for plan in (football,)}
        case "FootballSettings":
            from pipeline_assets.football.settings import FootballSettings as made
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = made
    return made
