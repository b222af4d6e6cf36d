"""Which matches there are: the calendar of the simulated world, from seed and time alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.names import LEAGUES, League
from simulator.reference import TEAMS_PER_LEAGUE

NOT_STARTED, FIRST_HALF, HALF_TIME, SECOND_HALF, OVERTIME = 1, 2, 3, 4, 5
SHOOT_OUT, ENDED, DELAYED, INTERRUPTED, CUT_IN_HALF, CANCELED, UNDETERMINED = (
    7,
    8,
    9,
    10,
    11,
    12,
    13,
)

WINDOW_SECONDS = 30 * 86_400  # how long the vendor answers for a match

# Matches in the live list by UTC hour, interpolated: quiet in the American night, full in the
# European afternoon, 60 on average.
_BY_HOUR = (
    46,
    36,
    28,
    21,
    16,
    19,
    27,
    37,
    48,
    58,
    68,
    77,
    84,
    89,
    93,
    96,
    98,
    97,
    93,
    87,
    79,
    71,
    63,
    55,
)
_MOST_MATCHES = 100
_LEAGUE_GROUPS = 8
_CYCLE_BITS = 21
_MINUTE = 60
_POSTPONED_PERIOD = 4 * 86_400
_NEVER_STARTS = 0.1  # of the matches listed as "to be determined"
_UNFOLLOWED = 0.07  # of them too: with all others 2 % of the matches, as 2 of 88 in the poll
_UNFOLLOWED_COVERAGE = -1.0  # no statistics, no players, and few companies
_GOLDEN = 0.618_033_988_749_895


@dataclass(frozen=True)
class Fixture:
    """One match of the calendar. Times are Unix s; `home` and `away` are team numbers.

    `coverage` says how closely companies and vendor follow it (about a standard normal score);
    `before` is its status before kick-off. A match that `never_starts` keeps it; so does one that
    is `unfollowed`, though it is played: the vendor follows neither its status nor its minute.
    """

    seed: int
    lane: int
    cycle: int
    league_number: int
    home: int
    away: int
    scheduled: int
    listed_from: int
    listed_until: int
    before: int
    never_starts: bool
    unfollowed: bool
    coverage: float

    @property
    def number(self) -> int:
        return self.lane << _CYCLE_BITS | self.cycle

    @property
    def league(self) -> League:
        return LEAGUES[self.league_number]

    @property
    def always_quoted(self) -> bool:
        """The first lane always has odds, so that even a world of three matches does.

        An unfollowed match has them, too: they are what shows that it is played.
        """
        return self.lane == 0 or self.unfollowed

    def random(self, purpose: str) -> random.Random:
        """The match's own generator for one purpose, the same in every process."""
        return random.Random(f"{self.seed}/{self.lane}/{self.cycle}/{purpose}")


@dataclass(frozen=True)
class _Lane:
    number: int
    period: int
    phase: int
    postponed: bool = False


class Calendar:
    """Lanes of matches that follow one another: each lane lists one match at a time.

    By default as many of the lanes are in use as the hour has matches (15 to 100), and one lane
    holds a delayed match for days. With `matches` there are that many, around the clock.
    """

    def __init__(self, seed: int, matches: int | None = None) -> None:
        self._seed = seed
        self._follows_the_hour = matches is None
        self._lanes = [_lane(number) for number in range(matches or _MOST_MATCHES)]
        if matches is None:
            self._lanes.append(_Lane(len(self._lanes), _POSTPONED_PERIOD, 0, postponed=True))

    def numbers_around(self, at: int) -> Iterator[int]:
        """The matches whose listing may include `at`: the lanes' current ones and those before."""
        for lane in self._lanes:
            current = (at - lane.phase) // lane.period
            for cycle in (current - 1, current):
                if self._in_use(lane, cycle):
                    yield lane.number << _CYCLE_BITS | cycle

    def numbers_between(self, start: int, end: int) -> Iterator[int]:
        """Numbers of the matches that are first listed in [start, end), by lane."""
        for lane in self._lanes:
            first = -((lane.phase - start) // lane.period)
            for cycle in range(first, -((lane.phase - end) // lane.period)):
                if self._in_use(lane, cycle):
                    yield lane.number << _CYCLE_BITS | cycle

    def has(self, number: int) -> bool:
        """Whether there is a match with this number."""
        lane, cycle = _lane_and_cycle(number)
        return lane < len(self._lanes) and self._in_use(self._lanes[lane], cycle)

    def _in_use(self, lane: _Lane, cycle: int) -> bool:
        if lane.postponed or not self._follows_the_hour:
            return True
        middle = lane.phase + cycle * lane.period + lane.period // 2
        return lane.number < matches_by_hour(middle)

    def fixture(self, number: int) -> Fixture:
        """The match with this number, which must exist."""
        lane_number, cycle = _lane_and_cycle(number)
        lane = self._lanes[lane_number]
        start = lane.phase + cycle * lane.period
        rng = random.Random(f"{self._seed}/{lane.number}/{cycle}/fixture")
        if lane.postponed:
            before, lead = DELAYED, 20
        else:
            before, lead = _before_kick_off(rng)
        # Most kick-offs are on the quarter-hour, the others on five minutes.
        step = (15 if rng.random() < 0.75 and lead > 7 else 5) * _MINUTE
        scheduled = -(-(start + lead * _MINUTE) // step) * step
        league_number = _league(rng, lane.number, datetime.fromtimestamp(scheduled, UTC).hour)
        home, away = self._teams(lane, league_number, start)
        coverage = 0.9 * LEAGUES[league_number].coverage + 0.75 * rng.gauss(0, 1)
        if lane.number == 0:
            coverage = max(coverage, 0.3)
        fate = rng.random() if before == UNDETERMINED else 1.0
        unfollowed = _NEVER_STARTS <= fate < _NEVER_STARTS + _UNFOLLOWED
        if unfollowed:
            coverage = min(coverage, _UNFOLLOWED_COVERAGE)
        return Fixture(
            seed=self._seed,
            lane=lane.number,
            cycle=cycle,
            league_number=league_number,
            home=home,
            away=away,
            scheduled=scheduled,
            listed_from=start,
            listed_until=start + lane.period,
            before=before,
            never_starts=lane.postponed or fate < _NEVER_STARTS,
            unfollowed=unfollowed,
            coverage=coverage,
        )

    def _teams(self, lane: _Lane, league_number: int, start: int) -> tuple[int, int]:
        """Two teams of the league; no other lane has them on that day."""
        order = list(range(TEAMS_PER_LEAGUE))
        random.Random(f"{self._seed}/{league_number}/{start // 86_400}/draw").shuffle(order)
        pair = lane.number // _LEAGUE_GROUPS % (TEAMS_PER_LEAGUE // 2)
        return order[2 * pair], order[2 * pair + 1]


def matches_by_hour(at: int) -> float:
    """How many matches the live list has at a Unix second, by default."""
    hour, second = divmod(at % 86_400, 3_600)
    now, following = _BY_HOUR[hour], _BY_HOUR[(hour + 1) % 24]
    return now + (following - now) * second / 3_600


def _lane_and_cycle(number: int) -> tuple[int, int]:
    return number >> _CYCLE_BITS, number & ((1 << _CYCLE_BITS) - 1)


def _lane(number: int) -> _Lane:
    period = (165 + 5 * int(22 * (number * _GOLDEN % 1))) * _MINUTE
    return _Lane(number, period, int((number * _GOLDEN * _GOLDEN + 0.3) % 1 * period))


def _before_kick_off(rng: random.Random) -> tuple[int, int]:
    """A match's status before kick-off, and how many minutes before it the match is listed."""
    draw = rng.random()
    if draw < 0.57:
        return NOT_STARTED, rng.randint(2, 7)
    if draw < 0.90:
        return UNDETERMINED, rng.randint(10, 30)
    return DELAYED, rng.randint(8, 25)


def _league(rng: random.Random, lane: int, hour: int) -> int:
    choices = range(lane % _LEAGUE_GROUPS, len(LEAGUES), _LEAGUE_GROUPS)
    weights = [1.0 if _plays_at(LEAGUES[number], hour) else 0.02 for number in choices]
    return rng.choices(choices, weights)[0]


def _plays_at(league: League, hour: int) -> bool:
    if league.first_hour <= league.last_hour:
        return league.first_hour <= hour <= league.last_hour
    return hour >= league.first_hour or hour <= league.last_hour
