"""Football: its raw fetch, its stages in the order of the chain, its client, its board."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
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
from touchline.brought import StandIn
from touchline.plan import FeedPlan

if TYPE_CHECKING:
    from pydantic import SecretStr

    from pipeline_assets.football.client.feed import FootballFeed
    from pipeline_assets.settings import AllSettings
    from resources.site import Site
    from resources.store import Store
    from touchline.brought import LiveBoard
    from touchline.clock import Clock
    from touchline.day import Day


def client(settings: AllSettings, clock: Clock, store: Store) -> FootballFeed:
    """The vendor's client, with a cache of reference answers in the store.

    Raises SettingsError where the feed's URL or credentials are missing.
    """
    from pipeline_assets.football.client.feed import FeedSettings, FootballFeed
    from resources.site import StoreBlob
    from resources.vendor.quota import Quota
    from resources.vendor.reference_cache import ReferenceCache
    from touchline.clock import SystemClock
    from touchline.fetch import new_fetch_id

    url, (user, secret) = settings.require_feed_url(), settings.feed_credentials()
    return FootballFeed(
        FeedSettings(
            url=url,
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


def stand_in_keys() -> dict[str, SecretStr]:
    """Return fresh credentials for the simulator."""
    from pydantic import SecretStr

    return {
        "feed_user": SecretStr(secrets.token_hex(8)),
        "feed_secret": SecretStr(secrets.token_hex(16)),
    }


def board(site: Site) -> LiveBoard:
    """Every live match on one page."""
    from pipeline_assets.football.board.live import live_board

    return live_board(site)


def names(site: Site, day: Day) -> Iterator[tuple[str, str]]:
    """Yield each match's id and its name, such as `Northfield vs Southport`: once for each name
    that it had. Raises NotFound, DayExpired, StoreError, Unreadable."""
    from pipeline_assets.load import load_table
    from resources.selection import column_at

    sides = ["home_team", "away_team"]
    table = load_table(site, merged.stage.name, day, columns=["match_id", *sides])
    paths = [["match_id"], *([side, "parsed_team", "name"] for side in sides)]
    columns = [column_at(table, path).to_pylist() for path in paths]
    for match_id, home, away in dict.fromkeys(zip(*columns, strict=True)):
        yield match_id, f"{home or 'unknown'} vs {away or 'unknown'}"


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
    board=board,
    names=names,
    stand_in=StandIn(stand_in_keys, {"feed_url": "/v1/football/"}),
)
