"""The two services as declarations: where each endpoint is, what it is asked, how it pages.

Sources: the OpenAPI documents of balldontlie (NBA, v1) and the guide of The Odds API (v4).
"""

from __future__ import annotations

from pipeline_assets.basketball.client.answers import next_cursor
from resources.vendor.endpoints import Endpoint

SPORT = "basketball_nba"
REGIONS = "us"
ODDS_FORMAT = "american"
GAME_MARKETS = ("h2h", "spreads", "totals")
PROP_MARKETS = (
    "player_points",
    "player_rebounds",
    "player_assists",
    "player_threes",
    "player_points_rebounds_assists",
    "player_blocks",
    "player_steals",
    "player_double_double",
    "player_triple_double",
)
_PAGE = {"per_page": "100"}
"""The most that balldontlie gives at once."""
_PRICES = {"regions": REGIONS, "oddsFormat": ODDS_FORMAT, "dateFormat": "iso"}

BOX_SCORES = Endpoint("box_scores", "box_scores")
GAMES = Endpoint("games", "games", _PAGE, next_cursor)
ACTIVE_PLAYERS = Endpoint("players/active", "players/active", _PAGE, next_cursor)
INJURIES = Endpoint("player_injuries", "player_injuries", _PAGE, next_cursor)

EVENTS = Endpoint("events", f"sports/{SPORT}/events", {"dateFormat": "iso"})
GAME_ODDS = Endpoint("odds", f"sports/{SPORT}/odds", {**_PRICES, "markets": ",".join(GAME_MARKETS)})
EVENT_ODDS = Endpoint(
    "event_odds",
    f"sports/{SPORT}/events/{{event_id}}/odds",
    {**_PRICES, "markets": ",".join(PROP_MARKETS)},
)
"""The same event may be asked for alone; only so are player props given."""

GAME_ODDS_COST = len(GAME_MARKETS)
"""In credits: a market and region one each, however many events there are."""
EVENT_ODDS_COST = len(PROP_MARKETS)
"""The same for each event; markets that come back empty cost nothing, which is not relied upon."""
