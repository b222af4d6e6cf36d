"""The feeds that are watched, one entry each, and the commands that they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_assets.football.commands import COMMANDS as FOOTBALL_COMMANDS

if TYPE_CHECKING:
    from touchline.plan import FeedPlan

PLANS: dict[str, FeedPlan]
"""Made when first asked for: the help lists the commands alone, and stages take time to load."""
COMMANDS = {**FOOTBALL_COMMANDS}


def __getattr__(name: str) -> dict[str, FeedPlan]:
    if name != "PLANS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline_assets.football.plan import football

    plans = globals()[name] = {plan.name: plan for plan in (football,)}
    return plans
