"""The clock of a feed: the machine's, unless the feed has one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from resources.settings import Settings
from touchline.clock import Clock, SystemClock
from touchline.plan import FeedPlan


def clock_of(plan: FeedPlan, settings: Settings | None = None) -> Clock:
    """Return the feed's clock by these settings, or by those of the environment. Raises
    SettingsError."""
    if plan.clock is None:
        return SystemClock()
    if settings is None:
        from pipeline_assets.settings import AllSettings

        settings = AllSettings.load()
    return plan.clock(settings)


def times_of(
    plans: Mapping[str, FeedPlan], settings: Settings, now: datetime
) -> dict[str, datetime]:
    """Return what time it is to each feed, by name; `now` is the machine's. Raises
    SettingsError."""
    return {
        name: clock_of(plan, settings).now() if plan.clock else now for name, plan in plans.items()
    }
