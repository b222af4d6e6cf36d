"""The Odds API's v4 endpoints for the NBA: events, odds, scores, and the snapshots of the past.

What a call costs is documented by the service: markets times regions (ten books count as one),
ten times that for the past, nothing for events and for an answer without any.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from simulator.basketball.asking import Params, UnreadParameterError, a_moment, one, words
from simulator.basketball.books import BOOKS, LAY, LINES, REGIONS, Book, Stamp, american_price
from simulator.basketball.boxes import course
from simulator.basketball.course import state
from simulator.basketball.quotes import PROPS, Outcome, Quote, commence_time, quote
from simulator.basketball.schedule import ONE_DAY, Game, season_of
from simulator.basketball.season import Season
from simulator.basketball.source import Priced, RefusedError
from simulator.basketball.teams import TEAMS, odds_name
from touchline.day import Day

Record = dict[str, Any]

SPORT = "basketball_nba"
_SPORT = {
    "key": SPORT,
    "group": "Basketball",
    "title": "NBA",
    "description": "US Basketball",
    "active": True,
    "has_outrights": False,
}
_AHEAD = timedelta(hours=72)
_LONGEST_GAME = timedelta(hours=5)
_HALF_STEP = 149.75
"""Half the mean seconds between two snapshots, which are 298 or 300 apart."""
_SNAPSHOTS_FROM = datetime(2020, 6, 6, 10, 5, tzinfo=UTC)
_PAST_COSTS = 10
_BOOKS_A_REGION = 10


class _Wanted(NamedTuple):
    """What a call for odds wants; `regions` is how many it pays for."""

    books: list[Book]
    markets: list[str]
    regions: int
    american: bool


class OddsApi:
    """The service over a season. Answers are compact JSON and functions of the time asked at."""

    def __init__(self, season: Season) -> None:
        self._season = season
        self._by_event = lru_cache(4)(self._games_by_event)

    def answer(self, endpoint: str, params: Params, at: datetime) -> Priced | None:
        """The answer, None for an unknown path. Raises UnreadParameterError, RefusedError."""
        parts = endpoint.split("/")
        if parts == ["sports"]:
            return Priced(msgspec.json.encode([_SPORT]))
        if parts[0] != "historical":
            return self._now(parts, params, at)
        return self._then(parts[1:], params, at)

    def _now(self, parts: list[str], params: Params, at: datetime) -> Priced | None:
        match parts:
            case ["sports", sport, "events"] if sport == SPORT:
                data, cost = self._events(params, at), 0
            case ["sports", sport, "odds"] if sport == SPORT:
                data, cost = self._odds(params, at, Stamp.BOTH)
            case ["sports", sport, "events", event_id, "odds"] if sport == SPORT:
                data, cost = self._event_odds(event_id, params, at, Stamp.MARKET)
            case ["sports", sport, "scores"] if sport == SPORT:
                data, cost = self._scores(params, at)
            case _:
                return None
        return Priced(msgspec.json.encode(data), cost)

    def _then(self, parts: list[str], params: Params, at: datetime) -> Priced | None:
        """As it was in the newest snapshot that is not younger than `date`."""
        date = one(params, "date", a_moment)
        if date is None:
            raise RefusedError(422, "MISSING_DATE", "Missing historical date")
        if not date >= _SNAPSHOTS_FROM:
            raise UnreadParameterError("date")
        number = _snapshot_number(min(date, at))
        taken_at = _snapshot_at(number)
        match parts:
            case ["sports", sport, "events"] if sport == SPORT:
                data = self._events(params, taken_at)
                cost = 1 if data else 0
            case ["sports", sport, "odds"] if sport == SPORT:
                data, cost = self._odds(params, taken_at, None)
                cost *= _PAST_COSTS
            case ["sports", sport, "events", event_id, "odds"] if sport == SPORT:
                data, cost = self._event_odds(event_id, params, taken_at, None)
                cost *= _PAST_COSTS
            case _:
                return None
        following = _snapshot_at(number + 1)
        body = {
            "timestamp": _text(taken_at),
            "previous_timestamp": _text(_snapshot_at(number - 1)),
            "next_timestamp": _text(following) if following <= at else None,
            "data": data,
        }
        return Priced(msgspec.json.encode(body), cost)

    def _games_by_event(self, season: int) -> dict[str, Game]:
        games = self._season.calendar(season).games.values()
        return {self._season.event_id(game): game for game in games}

    def _shown(self, params: Params, at: datetime) -> Iterator[Game]:
        """The games of the next days and those that run, of which the call wants to know."""
        earliest = one(params, "commenceTimeFrom", a_moment)
        latest = one(params, "commenceTimeTo", a_moment)
        wanted = words(params, "eventIds")
        for game in self._near(at, at - _LONGEST_GAME, at + _AHEAD):
            start = commence_time(self._season, game, at)
            if (
                not state(self._season, game, at).is_final
                and not game.is_off(at)
                and (earliest is None or start >= earliest)
                and (latest is None or start <= latest)
                and (not wanted or self._season.event_id(game) in wanted)
            ):
                yield game

    def _near(self, at: datetime, first: datetime, last: datetime) -> Iterator[Game]:
        """The games whose start, as known at `at`, is between two times, by start and id."""
        day, end = Day.containing(first).date, Day.containing(last).date
        games: list[Game] = []
        while day <= end:
            games += self._season.games_on(day, at)
            day += ONE_DAY
        games.sort(key=lambda game: (game.time(at).start, game.id))
        return (game for game in games if first <= game.time(at).start <= last)

    def _events(self, params: Params, at: datetime) -> list[Record]:
        time = _time_format(params)
        return [self._event(game, at, time) for game in self._shown(params, at)]

    def _event(self, game: Game, at: datetime, time: _TimeFormat) -> Record:
        return {
            "id": self._season.event_id(game),
            "sport_key": SPORT,
            "sport_title": "NBA",
            "commence_time": time(commence_time(self._season, game, at)),
            "home_team": odds_name(TEAMS[game.home]),
            "away_team": odds_name(TEAMS[game.visitor]),
        }

    def _odds(self, params: Params, at: datetime, stamp: Stamp | None) -> tuple[list[Record], int]:
        wanted = _wanted(params, LINES)
        time = _time_format(params)
        events = []
        for game in self._shown(params, at):
            quotes = self._quotes(game, wanted, at)
            if quotes:
                books = [_bookmaker(each, wanted, stamp, time) for each in quotes]
                events.append({**self._event(game, at, time), "bookmakers": books})
        return events, len(wanted.markets) * wanted.regions if events else 0

    def _event_odds(
        self, event_id: str, params: Params, at: datetime, stamp: Stamp | None
    ) -> tuple[Record, int]:
        wanted = _wanted(params, (*LINES, *PROPS))
        time = _time_format(params)
        game = self._by_event(season_of(at.date())).get(event_id)
        if game is None or game not in self._shown({}, at):
            raise RefusedError(404, "EVENT_NOT_FOUND", "Event not found. The event may have ended")
        quotes = self._quotes(game, wanted, at)
        books = [_bookmaker(each, wanted, stamp, time) for each in quotes]
        markets = {market for each in quotes for market in each.markets if market != LAY}
        return {**self._event(game, at, time), "bookmakers": books}, len(markets) * wanted.regions

    def _quotes(self, game: Game, wanted: _Wanted, at: datetime) -> list[Quote]:
        quotes = (quote(self._season, game, book, wanted.markets, at) for book in wanted.books)
        return [each for each in quotes if each is not None]

    def _scores(self, params: Params, at: datetime) -> tuple[list[Record], int]:
        days = one(params, "daysFrom", int)
        if days is not None and not 1 <= days <= 3:
            raise UnreadParameterError("daysFrom")
        time = _time_format(params)
        earliest = at - max(_LONGEST_GAME, (days or 0) * ONE_DAY)
        scores = []
        for game in self._near(at, earliest, at + _AHEAD):
            now = state(self._season, game, at)
            if game.is_off(at) or (now.is_final and days is None):
                continue
            event = self._event(game, at, time)
            updated = min(at, course(self._season, game).end) if now.played else None
            points = zip((event["home_team"], event["away_team"]), now[4:], strict=True)
            scores.append(
                {
                    **event,
                    "completed": now.is_final,
                    "scores": [{"name": name, "score": str(sum(made))} for name, made in points]
                    if now.played
                    else None,
                    "last_update": time(updated) if updated else None,
                }
            )
        return scores, 1 if days is None else 2


_TimeFormat = Callable[[datetime], str | int]


def _time_format(params: Params) -> _TimeFormat:
    formats: dict[str, _TimeFormat] = {"iso": _text, "unix": lambda at: int(at.timestamp())}
    wanted = one(params, "dateFormat", str) or "iso"
    if wanted not in formats:
        raise UnreadParameterError("dateFormat")
    return formats[wanted]


def _wanted(params: Params, allowed: tuple[str, ...]) -> _Wanted:
    markets = words(params, "markets") or ["h2h"]
    if not set(markets) <= {*allowed, LAY}:
        raise RefusedError(422, "INVALID_MARKET", "Markets not supported by this endpoint")
    keys, regions = words(params, "bookmakers"), words(params, "regions")
    if not keys and not regions:
        raise RefusedError(422, "MISSING_REGION", "Missing regions or bookmakers")
    if not set(regions) <= set(REGIONS):
        raise RefusedError(422, "INVALID_REGION", "Invalid regions parameter")
    odds_format = one(params, "oddsFormat", str) or "decimal"
    if odds_format not in ("decimal", "american"):
        raise UnreadParameterError("oddsFormat")
    books = [book for book in BOOKS if (book.key in keys if keys else book.region in regions)]
    paid = math.ceil(len(keys) / _BOOKS_A_REGION) if keys else len(regions)
    return _Wanted(books, markets, paid, odds_format == "american")


def _bookmaker(each: Quote, wanted: _Wanted, stamp: Stamp | None, time: _TimeFormat) -> Record:
    """A book's entry; `stamp` says where the answer has `last_update`, None means everywhere.

    Books that have it in one place alone keep to that, but for the snapshots of the past.
    """
    place = Stamp.BOTH if stamp is None else stamp
    if stamp is not None and each.book.stamp is not Stamp.BOTH:
        place = each.book.stamp
    updated = {"last_update": time(each.updated_at)}
    on_market = updated if place is not Stamp.BOOK else {}
    on_book = updated if place is not Stamp.MARKET else {}
    return {
        "key": each.book.key,
        "title": each.book.title,
        **on_book,
        "markets": [
            {
                "key": market,
                **on_market,
                "outcomes": [_outcome(outcome, wanted.american) for outcome in outcomes],
            }
            for market, outcomes in each.markets.items()
        ],
    }


def _outcome(outcome: Outcome, american: bool) -> Record:
    record: Record = {"name": outcome.name}
    if outcome.player is not None:
        record["description"] = outcome.player
    record["price"] = american_price(outcome.price) if american else outcome.price
    if outcome.point is not None:
        record["point"] = outcome.point
    return record


def _snapshot_at(number: int) -> datetime:
    return datetime.fromtimestamp(2 * math.floor(number * _HALF_STEP), UTC)


def _snapshot_number(at: datetime) -> int:
    """The number of the newest snapshot taken at or before `at`."""
    number = math.ceil(at.timestamp() / 2 / _HALF_STEP) + 1
    while _snapshot_at(number) > at:
        number -= 1
    return number


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
