"""Prices: what each book offers on a game and its players at a moment.

A book's prices are a function of the moment at which it last changed them. Before a game the
expectation drifts; once it runs, the score counts and the rest of the game is expected as before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from simulator.basketball.books import LAY, LINES, Book, decimal_price
from simulator.basketball.boxes import HOME_ADVANTAGE, course
from simulator.basketball.course import state
from simulator.basketball.people import SHORT_NAMES, SUFFIXES, Player, without_accents
from simulator.basketball.schedule import Game
from simulator.basketball.season import Season
from simulator.basketball.seeded import chance, share
from simulator.basketball.teams import TEAMS, odds_name

PROPS: dict[str, tuple[str, ...]] = {
    "player_points": ("points",),
    "player_rebounds": ("rebounds",),
    "player_assists": ("assists",),
    "player_threes": ("threes",),
    "player_points_rebounds_assists": ("points", "rebounds", "assists"),
    "player_blocks": ("blocks",),
    "player_steals": ("steals",),
    "player_double_double": ("points", "rebounds"),
    "player_triple_double": ("points", "rebounds", "assists"),
}
"""The markets on players, each with what it is about."""
_YES_OR_NO = {"player_double_double": 32.0, "player_triple_double": 52.0}
_TEAM_SUMS = {
    "points": 114, "rebounds": 43, "assists": 26, "threes": 13, "blocks": 5, "steals": 8,
}  # fmt: skip
_USUAL_TOTAL = 228
_SPREAD_OF_MARGIN = 12.0
_PROPS_OPEN = timedelta(hours=24)
_ONE_SIDE = 0.09
_LEFT_OUT = 0.25
_LADDER = range(-2, 2)


class Outcome(NamedTuple):
    """One outcome with its decimal price. `player` is as the book spells him."""

    name: str
    price: float
    point: float | None = None
    player: str | None = None


class Quote(NamedTuple):
    """What one book offers on one game: the outcomes of each market, and since when."""

    book: Book
    updated_at: datetime
    markets: dict[str, list[Outcome]]


class Expected(NamedTuple):
    """What is expected of a game: the final margin of the home team and its spread, the total."""

    margin: float
    spread: float
    total: float


def commence_time(season: Season, game: Game, at: datetime) -> datetime:
    """The start as The Odds API tells it: planned by the minute, the real one once it runs."""
    real = course(season, game)
    if at >= real.start:
        return real.start
    return game.time(at).start + timedelta(minutes=10 * (game.id % 3 == 0))


def quote(season: Season, game: Game, book: Book, markets: list[str], at: datetime) -> Quote | None:
    """What a book offers at `at`; None before it opens the game, and where it has no market."""
    start = game.time(at).start
    opens = timedelta(hours=12 + 48 * share(season.seed, game.id, book.key, "opens"))
    if at < start - opens or game.is_off(at) or state(season, game, at).is_final:
        return None
    updated_at = _updated_at(season, game, book, at)
    found: dict[str, list[Outcome]] = {}
    for market in markets:
        if market in LINES:
            found |= _line(season, game, book, market, updated_at)
        elif market in PROPS and book.has_props and at >= start - _PROPS_OPEN:
            found[market] = list(_props(season, game, book, market, updated_at))
    found = {market: outcomes for market, outcomes in found.items() if outcomes}
    return Quote(book, updated_at, found) if found else None


def _updated_at(season: Season, game: Game, book: Book, at: datetime) -> datetime:
    """When the book last looked at the game, at odd seconds of its own."""
    shift = int(book.every * share(season.seed, game.id, book.key, "shift"))
    now = int(at.timestamp())
    return datetime.fromtimestamp(now - (now - shift) % book.every, UTC)


def expected(season: Season, game: Game, at: datetime) -> Expected:
    """What everyone expects of a game at `at`."""
    margin = HOME_ADVANTAGE + season.strength(game.home, game.season)
    margin -= season.strength(game.visitor, game.season)
    margin += _drift(season, at, game.id, "margin")
    total = _USUAL_TOTAL + 3 * _drift(season, at, game.id, "total")
    now = state(season, game, at)
    if not now.played:
        return Expected(margin, _SPREAD_OF_MARGIN, total)
    left = 1 - now.played
    home, visitor = sum(now.home), sum(now.visitor)
    spread = 0.8 + _SPREAD_OF_MARGIN * math.sqrt(left)
    return Expected(home - visitor + left * margin, spread, home + visitor + left * total)


def _drift(season: Season, at: datetime, *of: str | int) -> float:
    """A wandering number around 0: slow over hours, quicker over minutes."""
    drift = 0.0
    for seconds, size in ((6 * 3_600, 2.5), (40 * 60, 0.8)):
        step, into = divmod(at.timestamp(), seconds)
        before, after = (share(season.seed, *of, seconds, int(step) + n) - 0.5 for n in (0, 1))
        drift += size * (before + (after - before) * into / seconds)
    return drift


def _line(
    season: Season, game: Game, book: Book, market: str, at: datetime
) -> dict[str, list[Outcome]]:
    """The outcomes of a game line; an exchange has those to lay with those of the winner."""
    of_book = (season.seed, game.id, book.key, market)
    other_view = (share(*of_book) - 0.5) * 1.2
    hope = expected(season, game, at)
    home, visitor = (odds_name(TEAMS[team]) for team in (game.home, game.visitor))
    if market == "totals":
        point = _half(hope.total + other_view)
        over = _normal((hope.total + other_view - point) / (1.5 * hope.spread))
        sides = _two(book, ("Over", over, point), ("Under", 1 - over, point))
    elif market == "spreads":
        if book.is_exchange:
            return {}
        point = _half(hope.margin + other_view)
        covers = _normal((hope.margin + other_view - point) / hope.spread)
        sides = _two(book, (home, covers, -point), (visitor, 1 - covers, point))
    else:
        wins = _normal((hope.margin + other_view) / hope.spread)
        sides = _two(book, (home, wins, None), (visitor, 1 - wins, None))
    if share(*of_book, "order") < 0.45:
        sides.reverse()
    if market != "h2h" or not book.is_exchange:
        return {market: sides}
    laid = {LAY: [side._replace(price=round(side.price * 1.02, 6)) for side in sides]}
    return laid if book.lays_only else {market: sides, **laid}


def _props(season: Season, game: Game, book: Book, market: str, at: datetime) -> Iterator[Outcome]:
    """The outcomes on players of both teams, in an order of the book's own.

    A book leaves out some markets, and in each some players.
    """
    if market != "player_points" and share(season.seed, book.key, market) < _LEFT_OUT:
        return
    random = chance(season.seed, game.id, book.key, market)
    players = []
    for team in (game.home, game.visitor):
        best = sorted(season.roster(team, at), key=lambda player: -season.skill(player.id))
        count = 7 + int(4 * share(season.seed, game.id, team, "props"))
        players += [(rank, player) for rank, player in enumerate(best[:count])]
    random.shuffle(players)
    for rank, player in players:
        if random.random() < _LEFT_OUT:
            continue
        name = spelled(season, book, player)
        mean = sum(_mean(season, player, rank, of) for of in PROPS[market])
        mean *= 1 + 0.05 * _drift(season, at, game.id, player.id, market)
        mean *= 0.97 + 0.06 * random.random()
        offered = list(_of_player(book, market, name, mean))
        if random.random() < _ONE_SIDE:
            del offered[1::2]
        yield from offered
        if book.lists_twice:
            again = (offer._replace(price=round(offer.price + 0.07, 2)) for offer in offered)
            yield from again


def _of_player(book: Book, market: str, name: str, mean: float) -> Iterator[Outcome]:
    if market in _YES_OR_NO:
        yes = min(0.9, _normal((mean - _YES_OR_NO[market]) / 6))
        yield from _two(book, ("Yes", yes, None), ("No", 1 - yes, None), player=name)
        return
    main = max(0, math.floor(mean)) + 0.5
    for step in _LADDER if book.has_ladder else (0,):
        point = main + step
        if point > 0:
            over = _normal((mean - point) / (1 + 0.3 * mean))
            yield from _two(book, ("Over", over, point), ("Under", 1 - over, point), player=name)


def _mean(season: Season, player: Player, rank: int, of: str) -> float:
    """What a player usually has of his team's sum, by his rank in it."""
    minutes = max(8.0, 38 - 2.6 * rank)
    return _TEAM_SUMS[of] * minutes * season.skill(player.id) / 300


def spelled(season: Season, book: Book, player: Player) -> str:
    """A player's name as a book writes it: some shorten, and leave away accents and suffixes."""
    if not book.spells_short:
        return player.full_name
    first = player.first_name
    if share(season.seed, book.key, player.id) < 0.6:
        first = SHORT_NAMES.get(first, first)
    last = " ".join(word for word in player.last_name.split() if word not in SUFFIXES)
    return without_accents(f"{first} {last}")


def _two(
    book: Book, *sides: tuple[str, float, float | None], player: str | None = None
) -> list[Outcome]:
    return [Outcome(name, decimal_price(wins, book), point, player) for name, wins, point in sides]


def _normal(z: float) -> float:
    """The share of a normal distribution below `z`."""
    return (1 + math.erf(z / math.sqrt(2))) / 2


def _half(number: float) -> float:
    """Rounded to a half."""
    return round(2 * number) / 2
