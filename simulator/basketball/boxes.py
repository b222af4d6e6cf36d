"""What happened: a game's course, its score by period, and every player's line.

The score comes first and is split among the players, so the identities of a final game hold by
construction: points of the players = score = sum of the periods, `2 * fgm + fg3m + ftm = pts`,
`oreb + dreb = reb`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import NamedTuple

import msgspec

from simulator.basketball.schedule import Game
from simulator.basketball.season import Season
from simulator.basketball.seeded import chance, share

PERIODS = 4
HOME_ADVANTAGE = 2.5
_OVERTIMES = ((0.0005, 4), (0.001, 3), (0.003, 2), (0.02, 1))
"""Shares of the games, from the longest on."""
_SHORTEST, _LONGEST = 130, 170
_OVERTIME_LASTS = 14
_RESTS = 0.06
STATISTICS = (
    "fgm", "fga", "fg3m", "fg3a", "ftm", "fta", "oreb", "dreb", "ast", "stl", "blk", "turnover",
    "pf",
)  # fmt: skip
_TEAM_TOTALS = {"ast": 26, "stl": 8, "blk": 5, "turnover": 13, "pf": 19, "oreb": 10, "dreb": 33}


class Score(NamedTuple):
    """Points by period, overtimes behind the four quarters."""

    home: tuple[int, ...]
    visitor: tuple[int, ...]

    @property
    def overtimes(self) -> int:
        return len(self.home) - PERIODS


class Line(msgspec.Struct, frozen=True):
    """A player's minutes and statistics; all zero for who did not play."""

    player_id: int
    minutes: int = 0
    fgm: int = 0
    fga: int = 0
    fg3m: int = 0
    fg3a: int = 0
    ftm: int = 0
    fta: int = 0
    oreb: int = 0
    dreb: int = 0
    ast: int = 0
    stl: int = 0
    blk: int = 0
    turnover: int = 0
    pf: int = 0
    plus_minus: int = 0

    @property
    def pts(self) -> int:
        return 2 * self.fgm + self.fg3m + self.ftm


class Course(NamedTuple):
    """When a game really begins and ends (UTC, odd seconds), and when its box score is final."""

    start: datetime
    end: datetime
    box_final_at: datetime


@lru_cache(8_192)
def score(season: Season, game: Game) -> Score:
    """The final score by period."""
    random = chance(season.seed, game.id, "score")
    overtimes = _overtimes(season, game, random.random())
    better = HOME_ADVANTAGE + season.strength(game.home, game.season)
    better -= season.strength(game.visitor, game.season)
    pace = random.gauss(28.5, 1.6)
    home, visitor = (
        [max(14, round(random.gauss(pace + sign * better / 8, 4.2))) for _ in range(PERIODS)]
        for sign in (1, -1)
    )
    behind = sum(visitor) - sum(home)
    if overtimes:  # The one who was behind draws level in the last quarter.
        home[-1], visitor[-1] = home[-1] + max(0, behind), visitor[-1] + max(0, -behind)
        for left in range(overtimes, 0, -1):
            points = random.randrange(6, 14)
            ahead = 0 if left > 1 else random.choice((-1, 1)) * random.randrange(1, 7)
            home.append(points + max(0, ahead))
            visitor.append(points + max(0, -ahead))
    elif not behind:
        home[-1] += 2
    return Score(tuple(home), tuple(visitor))


def _overtimes(season: Season, game: Game, drawn: float) -> int:
    if game.id == season.oddities(game.season).four_overtimes:
        return PERIODS
    return next((count for below, count in _OVERTIMES if drawn < below), 0)


@lru_cache(8_192)
def course(season: Season, game: Game) -> Course:
    """The real start is minutes after the planned one, the end 2 h 10 to 2 h 50 behind that."""
    random = chance(season.seed, game.id, "course")
    start = game.played.start + timedelta(seconds=random.randrange(130, 700))
    lasts = random.randrange(_SHORTEST * 60, _LONGEST * 60)
    lasts += score(season, game).overtimes * _OVERTIME_LASTS * 60
    end = game.played.start + timedelta(seconds=lasts)
    return Course(start, end, end + timedelta(seconds=random.randrange(120, 720)))


@lru_cache(1_024)
def lines(season: Season, game: Game, *, of_home: bool) -> tuple[Line, ...]:
    """The final lines of one team, in no order; of its roster at the game, one may be missing."""
    team = game.home if of_home else game.visitor
    random = chance(season.seed, game.id, "lines", team)
    ids = [player.id for player in season.roster(team, game.played.start)]
    # The best play most, but for the nights on which they rest.
    rank = {
        id: -1.0 if random.random() < _RESTS else season.skill(id) + random.gauss(0, 0.15)
        for id in ids
    }
    if random.random() < 0.3:
        del ids[random.randrange(len(ids))]
    listed = sorted(ids, key=lambda id: -rank[id])
    points = score(season, game)
    ours, theirs = points if of_home else reversed(points)
    playing = listed[: random.choice((9, 9, 10, 10, 10, 11, 11, 12, 13))]
    minutes = _minutes(random, len(playing), 240 + 25 * points.overtimes)
    weights = [
        played * season.skill(id) + 0.01 for id, played in zip(playing, minutes, strict=True)
    ]
    shared = _shared(random, weights, sum(ours))
    margin = sum(ours) - sum(theirs)
    made = [
        Line(
            id,
            minutes[place],
            **{name: shared[name][place] for name in STATISTICS},
            plus_minus=round(margin * minutes[place] / 48 + random.gauss(0, 5)),
        )
        for place, id in enumerate(playing)
    ]
    made += [Line(id) for id in listed[len(playing) :]]
    if random.random() < 0.03:  # On the floor for the last seconds.
        made[-1] = Line(made[-1].player_id, minutes=1)
    random.shuffle(made)
    return tuple(made)


def _minutes(random: Random, count: int, total: int) -> list[int]:
    """Whole minutes of `count` players, which sum to the total or, rarely, one more."""
    weights = [max(0.12, 1.1 - 0.09 * place + random.gauss(0, 0.06)) for place in range(count)]
    whole = [max(2, int(total * weight / sum(weights))) for weight in weights]
    total += random.random() < 0.03
    place = 0
    while (short := total - sum(whole)) != 0:
        whole[place % count] += 1 if short > 0 else -1
        place += 1
    return whole


def _shared(random: Random, weights: list[float], points: int) -> dict[str, Counter[int]]:
    """Split a team's statistics among its players, by place. The points sum to `points`."""
    places = range(len(weights))

    def split(total: int) -> Counter[int]:
        return Counter(random.choices(places, weights, k=total))

    threes = min(random.randrange(9, 18), points // 4)
    free = min(random.randrange(10, 25), points - 3 * threes)
    free -= (points - 3 * threes - free) % 2
    shared = {"fg3m": split(threes), "ftm": split(free)}
    shared["fgm"] = split((points - 3 * threes - free) // 2) + shared["fg3m"]
    missed_threes, missed_twos = split(random.randrange(16, 28)), split(random.randrange(18, 30))
    shared["fg3a"] = shared["fg3m"] + missed_threes
    shared["fga"] = shared["fgm"] + missed_threes + missed_twos
    shared["fta"] = shared["ftm"] + split(random.randrange(2, 8))
    for name, usual in _TEAM_TOTALS.items():
        shared[name] = split(max(1, round(random.gauss(usual, usual**0.5 * 0.8))))
    shared["pf"] = Counter({place: min(6, fouls) for place, fouls in shared["pf"].items()})
    return shared


def partly(line: Line, played: float) -> Line:
    """A line of a game of which only a share is played."""
    counts = {name: int(getattr(line, name) * played) for name in ("minutes", *STATISTICS)}
    counts["fgm"] = max(counts["fgm"], counts["fg3m"])
    return msgspec.structs.replace(line, **counts, plus_minus=int(line.plus_minus * played))


def corrected(season: Season, game: Game, made: Sequence[Line]) -> list[Line]:
    """One team's lines after the league looked at the film again; the score stays."""
    of_players = [place for place, line in enumerate(made) if line.minutes > 5]
    one, other = of_players[0], of_players[1]
    changed = list(made)
    kind = share(season.seed, game.id, "correction")
    if kind < 0.4:
        changed[one] = msgspec.structs.replace(made[one], ast=made[one].ast + 1)
    elif kind < 0.8 or made[one].fgm == made[one].fg3m:
        changed[one] = msgspec.structs.replace(made[one], dreb=made[one].dreb + 1)
    else:  # A basket was another's.
        less, more = made[one], made[other]
        changed[one] = msgspec.structs.replace(less, fgm=less.fgm - 1, fga=less.fga - 1)
        changed[other] = msgspec.structs.replace(more, fgm=more.fgm + 1, fga=more.fga + 1)
    return changed
