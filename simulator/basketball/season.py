"""A league from a seed as a function of time: its games, who plays where, and its odd days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import msgspec

from simulator.basketball import people
from simulator.basketball.people import Player
from simulator.basketball.schedule import CUP_FINAL, Game, schedule, season_of
from simulator.basketball.seeded import chance, number, share

SEASONS = range(2_000, 2_101)
"""Those that have games, by their first year."""
_TRADES = 12
_LISTED_TWICE = timedelta(hours=24)
"""How long the list of players has a traded one at both teams."""
_SEASONS_KEPT = 4
_SPREAD_OF_STRENGTH = 11.0


class Trade(msgspec.Struct, frozen=True):
    """Two players change their teams at a moment. `teams` are those of the players before."""

    at: datetime
    players: tuple[int, int]
    teams: tuple[int, int]


class Oddities(msgspec.Struct, frozen=True):
    """What the vendor gets wrong in a season, and a name that changes."""

    roster_only: date
    """Its games are final without any minutes or statistics until the next afternoon."""
    shrinking: date
    """The early morning's answer is complete, the next one lacks half of the games."""
    empty: date
    """Its answer has no games until the next midday."""
    minutes_missing: int
    """The game whose minutes are all zero until two days later."""
    in_both_teams: int
    """The game that lists a player of the home team with the visitors too, until the morning."""
    four_overtimes: int
    """The longest game; its fourth overtime has no column."""
    renamed: int
    """The player whose last name changes at `renamed_at` to `new_name`."""
    renamed_at: datetime
    new_name: str


class Calendar:
    """A season's games, by id and by the dates on which they were, are or will be planned."""

    def __init__(self, games: Iterable[Game]) -> None:
        self.games = {game.id: game for game in games}
        self._dates: dict[date, list[Game]] = defaultdict(list)
        for game in self.games.values():
            for day in {game.planned.date, game.played.date}:
                self._dates[day].append(game)

    def on(self, day: date, at: datetime) -> list[Game]:
        """The games of a date as the calendar has them at `at`."""
        return [game for game in self._dates.get(day, ()) if game.time(at).date == day]

    def played_on(self, day: date) -> list[Game]:
        """The games that are really played on a date, whatever was planned."""
        return [game for game in self._dates.get(day, ()) if game.played.date == day]

    @property
    def dates(self) -> list[date]:
        return sorted(self._dates)


class Season:
    """The league of a seed. Every answer is a function of the arguments alone; times are UTC."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self._first_rosters = people.rosters(seed)
        self._players = {p.id: p for listed in self._first_rosters.values() for p in listed}
        self.calendar = lru_cache(_SEASONS_KEPT)(self._calendar)
        self.oddities = lru_cache(_SEASONS_KEPT)(self._oddities)
        self.trades = lru_cache(_SEASONS_KEPT)(self._trades)
        self._rosters_after = lru_cache(2 * _TRADES)(self._after_trades)

    def _calendar(self, season: int) -> Calendar:
        return Calendar(schedule(self.seed, season))

    def game(self, game_id: int) -> Game | None:
        """The game with an id, None where there is none."""
        season = (game_id - 15_000_000) // 100_000 + 2_000
        return self.calendar(season).games.get(game_id) if season in SEASONS else None

    def games_on(self, day: date, at: datetime) -> list[Game]:
        """The games of a date as the calendar has them at `at`."""
        season = season_of(day)
        return self.calendar(season).on(day, at) if season in SEASONS else []

    def strength(self, team_id: int, season: int) -> float:
        """Points by which a team is better than the average."""
        return (share(self.seed, season, "strength", team_id) - 0.5) * _SPREAD_OF_STRENGTH

    def skill(self, player_id: int) -> float:
        """How much of the ball a player gets, from 0.3 to 1.7."""
        return 0.3 + 1.4 * share(self.seed, "skill", player_id)

    def roster(self, team_id: int, at: datetime) -> list[Player]:
        """A team's players at `at`, with the names that they have then."""
        rosters = self._rosters(at)
        return [self.player(id, at) for id in rosters[team_id]]

    def player(self, player_id: int, at: datetime) -> Player:
        """A player under the name that he has at `at`."""
        player = self._players[player_id]
        oddities = self.oddities(season_of(at.date()))
        if player_id != oddities.renamed or at < oddities.renamed_at:
            return player
        return msgspec.structs.replace(player, last_name=oddities.new_name)

    def listed(self, at: datetime) -> list[tuple[int, Player]]:
        """The active players with their team ids by player id.

        A day long, a traded player may stand there twice.
        """
        rosters = self._rosters(at)
        pairs = [(team, self.player(id, at)) for team, ids in rosters.items() for id in ids]
        for trade in self.trades(season_of(at.date())):
            if trade.at <= at < trade.at + _LISTED_TWICE:
                pairs.append((trade.teams[0], self.player(trade.players[0], at)))
        return sorted(pairs, key=lambda pair: (pair[1].id, pair[0]))

    def _rosters(self, at: datetime) -> dict[int, tuple[int, ...]]:
        season = season_of(at.date())
        return self._rosters_after(season, sum(t.at <= at for t in self.trades(season)))

    def _after_trades(self, season: int, count: int) -> dict[int, tuple[int, ...]]:
        """The player ids of each team after the season's first trades."""
        teams = {id: [p.id for p in listed] for id, listed in self._first_rosters.items()}
        for trade in self.trades(season)[:count]:
            for team, leaves, comes in zip(
                trade.teams, trade.players, reversed(trade.players), strict=True
            ):
                teams[team][teams[team].index(leaves)] = comes
        return {id: tuple(ids) for id, ids in teams.items()}

    def _trades(self, season: int) -> tuple[Trade, ...]:
        """Trades between mid November and the deadline; no player is traded twice."""
        random = chance(self.seed, season, "trades")
        first = datetime(season, 11, 15, 20, tzinfo=UTC)
        days = sorted(random.sample(range(82), _TRADES))
        left = {id: [p.id for p in listed] for id, listed in self._first_rosters.items()}
        trades = []
        for day in days:
            one, other = random.sample(sorted(left), 2)
            players = (
                left[one].pop(random.randrange(len(left[one]))),
                left[other].pop(random.randrange(len(left[other]))),
            )
            trades.append(Trade(first + timedelta(days=day), players, (one, other)))
        return tuple(trades)

    def _oddities(self, season: int) -> Oddities:
        random = chance(self.seed, season, "oddities")
        calendar = self.calendar(season)

        def a_date(month: int) -> date:
            in_month = [day for day in calendar.dates if day.month == month]
            return random.choice([day for day in in_month if len(calendar.played_on(day)) >= 4])

        odd = (a_date(11), a_date(3), a_date(2))
        ordinary = [
            game.id
            for game in calendar.games.values()
            if game.ist_stage != CUP_FINAL and not game.postponement and game.played.date not in odd
        ]
        missing, both, longest = random.sample(ordinary[100:-100], 3)
        traded = {id for trade in self.trades(season) for id in trade.players}
        renamed = random.choice([id for id in self._players if id not in traded])
        new_year = datetime.combine(date(season + 1, 1, 5), time(12), UTC)
        return Oddities(
            *odd,
            minutes_missing=missing,
            in_both_teams=both,
            four_overtimes=longest,
            renamed=renamed,
            renamed_at=new_year + timedelta(days=random.randrange(60)),
            new_name=f"{self._players[renamed].last_name.split()[0]}-Adeyar",
        )

    def event_id(self, game: Game) -> str:
        """The id of a game at The Odds API."""
        return f"{number(self.seed, game.id, 'event'):016x}{number(self.seed, game.id):016x}"
