"""Football: its raw fetch, its stages in the order of the chain, and its client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_assets.football import (
    merged,
    monitor_central,
    odds_changes,
    pretty_print,
    pretty_print_conversion,
    reference,
    var_incidents,
)
from pipeline_assets.football.alert_outcomes import outcomes_stage
from pipeline_assets.football.alerts.rules import alert_stages, all_rules
from pipeline_assets.football.quarantine import quarantine_stage
from pipeline_assets.football.raw_fetches import raw_fetches
from touchline.plan import FeedPlan

if TYPE_CHECKING:
    from pipeline_assets.football.client.feed import FootballFeed
    from resources.settings import Settings
    from resources.store import Store
    from touchline.clock import Clock


def client(settings: Settings, clock: Clock, store: Store) -> FootballFeed:
    """The vendor's client, with a cache of reference answers in the store.

    Raises SettingsError where the feed's URL or credentials are missing.
    """
    from pipeline_assets.football.client.feed import FeedSettings, FootballFeed
    from resources.site import StoreBlob
    from resources.vendor.quota import Quota
    from resources.vendor.reference_cache import ReferenceCache
    from touchline.clock import SystemClock
    from touchline.fetch import new_fetch_id

    user, secret = settings.feed_credentials()
    return FootballFeed(
        FeedSettings(
            url=settings.require_feed_url(),
            user=user,
            secret=secret,
            deadline_seconds=settings.feed_deadline_seconds,
        ),
        clock=clock,
        # Minutes replayed on a virtual clock share no budget with the real ones.
        quota=Quota(settings.quota_file if isinstance(clock, SystemClock) else None),
        cache=ReferenceCache(StoreBlob(store, "reference/football/cache.json.zst")),
        new_id=new_fetch_id,
    )


_alerts = alert_stages()
# What people wait for comes first: the display and the alerts, then the histories.
_stages = (
    merged.stage,
    pretty_print.stage,
    pretty_print_conversion.stage,
    monitor_central.stage,
    *_alerts,
    outcomes_stage(all_rules(), _alerts),
    var_incidents.stage,
    odds_changes.stage,
    reference.stage,
)

football = FeedPlan(
    raws=(raw_fetches,),
    stages=(*_stages, quarantine_stage(*_stages)),
    client=client,
)
