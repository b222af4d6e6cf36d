"""The books that quote prices, each with its manners, and the odds they write in two forms."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Stamp(StrEnum):
    """Where a book's `last_update` stands when an answer does not put it everywhere."""

    BOOK = "book"
    MARKET = "market"
    BOTH = "both"


class Book(NamedTuple):
    """A bookmaker: its margin on both sides together, and how often it changes prices (s)."""

    key: str
    title: str
    region: str
    margin: float
    every: int
    stamp: Stamp = Stamp.BOTH
    has_props: bool = True
    is_exchange: bool = False
    lays_only: bool = False
    """An exchange whose h2h nobody offers."""
    has_ladder: bool = False
    """Many points for one player: alternates."""
    lists_twice: bool = False
    """Every outcome of a player stands there once more, with another price."""
    spells_short: bool = False
    """Cam for Cameron, no accents, no Jr."""


BOOKS = (
    Book("draftkings", "DraftKings", "us", 0.045, 60),
    Book("fanduel", "FanDuel", "us", 0.045, 90, Stamp.MARKET),
    Book("betmgm", "BetMGM", "us", 0.05, 120, spells_short=True),
    Book("betrivers", "BetRivers", "us", 0.06, 300, has_ladder=True),
    Book("bovada", "Bovada", "us", 0.05, 240, lists_twice=True),
    Book("williamhill_us", "Caesars", "us", 0.05, 180, Stamp.BOOK),
    Book("betonlineag", "BetOnline.ag", "us", 0.04, 200, spells_short=True),
    Book("mybookieag", "MyBookie.ag", "us", 0.055, 600, Stamp.BOOK),
    Book("hardrockbet", "Hard Rock Bet", "us2", 0.05, 150),
    Book("williamhill", "William Hill (UK)", "uk", 0.06, 300, has_props=False),
    Book("betfair_ex_uk", "Betfair", "uk", 0.0, 30, has_props=False, is_exchange=True),
    Book("pinnacle", "Pinnacle", "eu", 0.025, 45),
    Book(
        "betfair_ex_eu", "Betfair", "eu", 0.0, 30, has_props=False, is_exchange=True, lays_only=True
    ),
    Book("sportsbet", "SportsBet", "au", 0.055, 240, has_props=False),
    Book("betfair_ex_au", "Betfair", "au", 0.0, 30, has_props=False, is_exchange=True),
)
REGIONS = tuple(dict.fromkeys(book.region for book in BOOKS))
LINES = ("h2h", "spreads", "totals")
LAY = "h2h_lay"
_SHORTEST, _LONGEST = 1.01, 51.0


def decimal_price(chance: float, book: Book) -> float:
    """The decimal price of an outcome: six digits at an exchange, two elsewhere."""
    fair = 1 / max(chance * (1 + book.margin), 1e-6)
    return round(min(max(fair, _SHORTEST), _LONGEST), 6 if book.is_exchange else 2)


def american_price(decimal: float) -> int:
    """A decimal price as an American one, halves rounded up: 2.30 is 130, 1.32 is -313."""
    won = round(decimal - 1, 6)  # 0.32, not 0.32000000000000006
    return int(100 * won + 0.5) if decimal >= 2 else -int(100 / won + 0.5)
