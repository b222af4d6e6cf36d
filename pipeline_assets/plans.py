"""The feeds, one entry each, with the commands and the settings that they bring.

This is the one module outside a feed's folder that imports it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pipeline_assets.football.commands import COMMANDS as FOOTBALL_COMMANDS
from touchline.errors import Misuse

if TYPE_CHECKING:
    from pipeline_assets.basketball.settings import BasketballSettings as BasketballSettings
    from pipeline_assets.football.settings import FootballSettings as FootballSettings
    from touchline.plan import FeedPlan

PLANS: dict[str, FeedPlan]
"""Every feed, whether it is watched or not. Made when first asked for, as the settings are
imported: the help lists the commands alone, and both take time to load."""
WATCHED: dict[str, FeedPlan]
"""Those that `TOUCHLINE_FEEDS` names: they have assets, jobs and sensors, and `up` watches them."""
COMMANDS = {**FOOTBALL_COMMANDS}
FEEDS = "TOUCHLINE_FEEDS"
FOOTBALL_ALONE = "football"


def watched(names: str | None) -> dict[str, FeedPlan]:
    """Return the feeds that are named, comma-separated; football where none is. Raises Misuse for
    one that is no feed."""
    plans = globals().get("PLANS") or __getattr__("PLANS")
    chosen = [name.strip() for name in (names or FOOTBALL_ALONE).split(",") if name.strip()]
    if unknown := [name for name in chosen if name not in plans]:
        raise Misuse(f"{FEEDS}: {unknown[0]!r} is no feed: there are {', '.join(plans)}")
    return {name: plan for name, plan in plans.items() if name in chosen}


def __getattr__(name: str) -> Any:
    match name:
        case "PLANS":
            from pipeline_assets.basketball.plan import basketball
            from pipeline_assets.football.plan import football

            made = {plan.name: plan for plan in (football, basketball)}
        case "WATCHED":
            made = watched(os.environ.get(FEEDS))
        case "FootballSettings":
            from pipeline_assets.football.settings import FootballSettings as made
        case "BasketballSettings":
            from pipeline_assets.basketball.settings import BasketballSettings as made
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = made
    return made
