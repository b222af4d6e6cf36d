"""Who plays whom, and when: 1,230 games of a season, the cup's final, and what is postponed.

Every team plays 82 games, as in the league: 4 against each of its division, 4 or 3 against the
others of its conference, 2 against those of the other one. Times are UTC, dates New York's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random

import msgspec

from simulator.basketball.seeded import chance
from simulator.basketball.teams import DIVISIONS, tip_offs
from touchline.day import NEW_YORK

CUP_FINAL = "Championship"
_CUP_GROUPS = "Group Play"
_WEIGHTS = (8, 6, 11, 4, 10, 9, 7)
"""How many games a weekday has compared with the others, from Monday on."""
_CANDIDATES = 25
_POSTPONED = 0.01
ONE_DAY = timedelta(days=1)


class Time(msgspec.Struct, frozen=True):
    """When a game is to be played: New York's date, and the start in UTC."""

    date: date
    start: datetime


class Postponement(msgspec.Struct, frozen=True):
    """Known from `known_at`; from `replanned_at` on the calendar has the new time."""

    known_at: datetime
    replanned_at: datetime
    to: Time


class Game(msgspec.Struct, frozen=True):
    """A game of the season `season` (its first year). `home` and `visitor` are team ids."""

    id: int
    season: int
    home: int
    visitor: int
    planned: Time
    ist_stage: str | None = None
    postponement: Postponement | None = None

    @property
    def played(self) -> Time:
        """When it really is played."""
        return self.postponement.to if self.postponement else self.planned

    def time(self, at: datetime) -> Time:
        """When it is to be played, as is known at `at`."""
        moved = self.postponement
        return moved.to if moved and at >= moved.replanned_at else self.planned

    def is_off(self, at: datetime) -> bool:
        """Whether it is postponed at `at`, and no new date is known yet."""
        moved = self.postponement
        return moved is not None and moved.known_at <= at < moved.replanned_at


def season_of(day: date) -> int:
    """The first year of the season to which a date belongs."""
    return day.year if day.month >= 7 else day.year - 1


def dates_of(season: int) -> list[date]:
    """The dates on which regular games may be played."""
    first = _weekday_from(date(season, 10, 20), 1)
    last = _weekday_from(date(season + 1, 4, 10), 6)
    break_starts = _weekday_from(date(season + 1, 2, 15), 6) - 2 * ONE_DAY
    off = {_weekday_from(date(season, 11, 22), 3), date(season, 12, 24), cup_final_date(season)}
    off |= {break_starts + n * ONE_DAY for n in range(6)}
    days = (first + n * ONE_DAY for n in range((last - first).days + 1))
    return [day for day in days if day not in off]


def cup_final_date(season: int) -> date:
    """A Tuesday before Christmas on which nobody else plays."""
    return _weekday_from(date(season, 12, 15), 1)


def schedule(seed: int, season: int) -> list[Game]:
    """Return the season's games by date, start and id."""
    random = chance(seed, season, "schedule")
    planned = [(at, *teams) for at, *teams in _with_times(random, season)]
    planned.sort(key=lambda game: (game[0].start, game[1]))
    first_id = 15_000_000 + (season - 2_000) * 100_000
    games = [
        Game(first_id + n, season, home, visitor, at, _stage(season, at.date, home, visitor))
        for n, (at, home, visitor) in enumerate(planned, start=1)
    ]
    return _with_postponements(random, games)


def _with_times(random: Random, season: int) -> Iterator[tuple[Time, int, int]]:
    days = _days_of_pairs(random, dates_of(season), sorted(_pairs()))
    for (home, visitor), day in days:
        yield _time(random, day, home), home, visitor
    east, west = (random.choice(random.choice(DIVISIONS[side])) for side in ("East", "West"))
    day = cup_final_date(season)
    yield Time(day, _new_york(day, 20 * 60 + 30)), east, west


def _stage(season: int, day: date, home: int, visitor: int) -> str | None:
    if day == cup_final_date(season):
        return CUP_FINAL
    in_groups = date(season, 10, 31) <= day <= date(season, 11, 28) and day.weekday() in (1, 4)
    same_conference = any(
        home in teams and visitor in teams
        for teams in ([id for ids in divisions for id in ids] for divisions in DIVISIONS.values())
    )
    return _CUP_GROUPS if in_groups and same_conference else None


def _pairs() -> Iterator[tuple[int, int]]:
    """The home and the visiting team of each of the 1,230 games."""
    for divisions in DIVISIONS.values():
        for division in divisions:
            yield from ((a, b) for a in division for b in division if a != b for _ in range(2))
        for place, one in enumerate(divisions):
            for other in divisions[place + 1 :]:
                yield from _pairs_of_divisions(one, other)
    east, west = ([id for ids in DIVISIONS[side] for id in ids] for side in ("East", "West"))
    for a in east:
        for b in west:
            yield from ((a, b), (b, a))


def _pairs_of_divisions(one: tuple[int, ...], other: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Four games each, or three with two of the five, at home for one or for the other."""
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            yield from ((a, b), (b, a))
            if (j - i) % 5 != 1:
                yield a, b
            if (j - i) % 5 != 0:
                yield b, a


def _days_of_pairs(
    random: Random, dates: list[date], pairs: list[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], date]]:
    """Give each pair a date on which both are free, and rested where that can be had."""
    random.shuffle(pairs)
    weights = [_WEIGHTS[day.weekday()] for day in dates]
    busy: dict[date, set[int]] = defaultdict(set)
    for pair in pairs:
        teams = set(pair)
        tried = [d for d in random.choices(dates, weights, k=_CANDIDATES) if not teams & busy[d]]
        tried = tried or [day for day in dates if not teams & busy[day]]
        day = min(tried, key=lambda day: _tiredness(teams, busy, day))
        busy[day] |= teams
        yield pair, day


def _tiredness(teams: set[int], busy: dict[date, set[int]], day: date) -> int:
    """How often the two play on the days around `day`, those next to it counted twice."""
    near = Counter({1: 2, 2: 1})
    around = ((n, day + sign * n * ONE_DAY) for n in near for sign in (-1, 1))
    return sum(near[n] * len(teams & busy[other]) for n, other in around if other in busy)


def _with_postponements(random: Random, games: list[Game]) -> list[Game]:
    busy: dict[date, set[int]] = defaultdict(set)
    for game in games:
        busy[game.planned.date] |= {game.home, game.visitor}
    days = sorted(busy)
    return [
        _postponed(random, game, busy, days)
        if random.random() < _POSTPONED and game.ist_stage != CUP_FINAL
        else game
        for game in games
    ]


def _postponed(random: Random, game: Game, busy: dict[date, set[int]], days: list[date]) -> Game:
    """The game some weeks later; where there is no such date before the season ends, as it was."""
    teams = {game.home, game.visitor}
    earliest = game.planned.date + random.randrange(10, 50) * ONE_DAY
    free = [day for day in days if day >= earliest and not teams & busy[day]]
    if not free:
        return game
    busy[free[0]] |= teams
    known_at = game.planned.start - timedelta(minutes=random.randrange(90, 1_800))
    replanned_at = known_at + timedelta(hours=random.randrange(30, 80))
    to = _time(random, free[0], game.home)
    return msgspec.structs.replace(game, postponement=Postponement(known_at, replanned_at, to))


def _time(random: Random, day: date, home: int) -> Time:
    return Time(day, _new_york(day, random.choice(tip_offs(home)) + random.choice((0, 0, 30))))


def _new_york(day: date, minutes: int) -> datetime:
    clock = time(minutes // 60, minutes % 60)
    return NEW_YORK.localize(datetime.combine(day, clock)).astimezone(UTC)


def _weekday_from(day: date, weekday: int) -> date:
    """The first such weekday (Monday 0) on or after `day`."""
    return day + (weekday - day.weekday()) % 7 * ONE_DAY
