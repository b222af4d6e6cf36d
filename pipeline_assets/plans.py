"""The feeds that are watched: one entry each."""

from __future__ import annotations

from pipeline_assets.football.plan import football
from touchline.plan import FeedPlan

PLANS: dict[str, FeedPlan] = {plan.name: plan for plan in (football,)}
