"""One simulated match as the vendor's endpoints show it at any moment."""

from __future__ import annotations

import math
import random
from array import array
from bisect import bisect_right
from typing import Any

import msgspec

from simulator.fixtures import ENDED, FIRST_HALF, OVERTIME, SECOND_HALF, Fixture
from simulator.incidents import IncidentList
from simulator.match import STATISTICS_COVERAGE, Course, play
from simulator.reference import TEAMS_PER_LEAGUE, Reference
from simulator.scoreboard import CORNERS, REDS, YELLOWS, Score, Scoreboard

LISTED_AFTER_END_SECONDS = 120 * 60
_LEAST_LISTED_AFTER_END = 600
_WEATHER = (1, 1, 1, 1, 1, 5, 5, 5, 5, 2, 2, 3, 3, 10, 7, 6, 9, 8, 13, 4)
# Statistics that nothing else counts: type, and events a side and match.
_SHOTS_ON, _SHOTS_OFF, _ATTACKS, _DANGEROUS, _POSSESSION = 21, 22, 23, 24, 25
_COUNTED = ((_SHOTS_ON, 4.5), (_SHOTS_OFF, 6.0), (_ATTACKS, 88.0), (_DANGEROUS, 44.0))
_CORNERS_TYPE, _YELLOWS_TYPE, _REDS_TYPE, _PENALTIES_TYPE = 2, 3, 4, 8


class FeedMatch:
    """A match of the simulated world, built whole at once and read at any moment.

    `listed_from` and `listed_until` (Unix s) bound its time in the live list.
    """

    def __init__(self, match_id: str, fixture: Fixture, reference: Reference) -> None:
        rng = fixture.random("feed")
        lag = rng.randint(4, 40)
        self.match_id = match_id
        self.fixture = fixture
        self.course: Course = play(fixture)

        def delay() -> int:
            return lag + rng.randint(0, 20)

        self._board = Scoreboard(self.course, rng, delay)
        self._incidents = IncidentList(self.course, rng, delay).incidents
        self._statistics = _Statistics(self.course, rng, self._board)
        self._detail_lag = rng.randint(25, 60) if rng.random() < 0.05 else 0
        self._record = _record(match_id, fixture, reference, rng)
        self.listed_from = fixture.listed_from
        self.listed_until = fixture.listed_until
        end = self.course.end
        if end is not None:
            leaves = max(fixture.listed_until, end + _LEAST_LISTED_AFTER_END)
            self.listed_until = min(leaves, end + LISTED_AFTER_END_SECONDS)
        self._absences = _absences(self.listed_from, self.listed_until, rng)

    def listed(self, at: int) -> bool:
        """Whether the live list has the match: it may leave and re-enter."""
        if not self.listed_from <= at < self.listed_until:
            return False
        return not any(start <= at < end for start, end in self._absences)

    def changed_since(self, since: int, at: int) -> bool:
        return since <= self._score_seen(at).since

    def live_entry(self, at: int) -> bytes:
        score = self._board.at(at)
        incidents = b",".join(i.text for i in self._incidents if i.since <= at < i.until)
        return (
            b'{"id":"%b","score":["%b",%d,%b,%b,%d,""],"stats":[%b],"incidents":[%b],"tlive":[]}'
            % (
                self.match_id.encode(),
                self.match_id.encode(),
                score.status,
                _numbers(score.home),
                _numbers(score.away),
                score.kick_off,
                self._statistics.at(at),
                incidents,
            )
        )

    def detail(self, at: int) -> bytes:
        score = self._score_seen(at)
        record = {
            **self._record,
            "status_id": score.status,
            "home_scores": score.home,
            "away_scores": score.away,
        }
        overtime = self.course.start(OVERTIME)
        if overtime is not None and overtime <= at:
            record["has_ot"] = 1
        end = self.course.end
        if score.status == ENDED and end is not None:
            record["ended"] = min(end, score.since)
            if self.course.shoot_out:
                regular, penalties = _pair(score, 0), _pair(score, 6)
                record["note"] = f"FT[{regular}],PEN[{penalties}]"
        record["updated_at"] = max(score.since, self.fixture.scheduled - 7_200 * 12)
        return msgspec.json.encode(record)

    def _score_seen(self, at: int) -> Score:
        """The detail endpoint is a second source, a little late for some matches."""
        return self._board.at(at - self._detail_lag)


def _numbers(values: tuple[int, ...]) -> bytes:
    return b"[%d,%d,%d,%d,%d,%d,%d]" % values


def _pair(score: Score, index: int) -> str:
    return f"{score.home[index]}-{score.away[index]}"


def _absences(start: int, end: int, rng: random.Random) -> list[tuple[int, int]]:
    """When the match is missing from the list though it goes on: half of the matches, once."""
    count = rng.choice((0, 0, 0, 1, 1, 2))
    times = [rng.randint(start, end) for _ in range(count)]
    return [(time, time + rng.randint(20, 150)) for time in times]


def _record(
    match_id: str, fixture: Fixture, reference: Reference, rng: random.Random
) -> dict[str, Any]:
    """The part of the detail that does not change, with the feed's share of unknowns."""
    known = fixture.coverage > 0.1
    base = fixture.league_number * TEAMS_PER_LEAGUE
    season = reference.season_ids[fixture.league_number]
    teams = reference.team_ids[fixture.league_number]
    cup = fixture.league.kind == 2
    ranked = known and not cup and rng.random() < 0.9
    record: dict[str, Any] = {
        "id": match_id,
        "season_id": season,
        "competition_id": reference.competition_ids[fixture.league_number],
        "home_team_id": teams[fixture.home],
        "away_team_id": teams[fixture.away],
        "status_id": 0,
        "match_time": fixture.scheduled,
        "venue_id": reference.id("venue", base + fixture.home) if rng.random() < 0.55 else "",
        "referee_id": reference.id("coach", 9_000 + base) if rng.random() < 0.03 else "",
        "neutral": int(rng.random() < 0.03),
        "note": "",
        "home_scores": (),
        "away_scores": (),
        "home_position": str(fixture.home % 20 + 1) if ranked else "",
        "away_position": str(fixture.away % 20 + 1) if ranked else "",
        "coverage": {
            "mlive": int(fixture.coverage > STATISTICS_COVERAGE),
            "lineup": int(fixture.coverage > 0.8),
        },
        "round": {
            "stage_id": reference.id("stage", fixture.league_number) if season else "",
            "round_num": fixture.cycle % 34 + 1 if season else 0,
            "group_num": 0,
        },
    }
    if rng.random() < 0.75:
        wind = f"{rng.randint(0, 11)}.{rng.choice('0123456789')}m/s"
        record["environment"] = {
            "weather": rng.choice(_WEATHER),
            "pressure": f"{rng.randint(748, 771)}mmHg",
            "temperature": f"{rng.randint(-4, 34)}°C",
            "wind": wind if rng.random() < 0.97 else "11.m/s",
            "humidity": f"{rng.randint(25, 96)}%",
        }
    if cup and rng.random() < 0.4:
        record["related_id"] = reference.id("season", 5_000 + fixture.number % 100_000)
        record["agg_score"] = [rng.randint(0, 2), rng.randint(0, 2)]
    return record


class _Statistics:
    """The nine statistics, or none: below a certain coverage, and before kick-off."""

    def __init__(self, course: Course, rng: random.Random, board: Scoreboard) -> None:
        self._board = board
        self._kick_off = course.kick_off
        self._order = [2, 3, 4, 8, 21, 22, 23, 24, 25]
        rng.shuffle(self._order)
        self._series: dict[int, tuple[array[int], array[int]]] = {}
        self._possession: list[int] = []
        if course.kick_off is None or course.fixture.coverage <= STATISTICS_COVERAGE:
            self._kick_off = None
            return
        spans = [
            (start, following)
            for (start, status), (following, _) in zip(
                course.periods, course.periods[1:], strict=False
            )
            if status in (FIRST_HALF, SECOND_HALF)
        ]
        for kind, mean in _COUNTED:
            self._series[kind] = (_times(rng, mean, spans), _times(rng, mean, spans))
        penalties: tuple[list[int], list[int]] = ([], [])
        for goal in course.goals:
            if goal.how == "penalty":
                penalties[goal.side].append(goal.time)
        self._series[_PENALTIES_TYPE] = (array("q", penalties[0]), array("q", penalties[1]))
        balance = 50.0 + 9 * math.tanh(course.expected[0] - course.expected[1])
        share = 50.0
        for _ in range(60):
            share += (balance - share) * 0.1 + rng.gauss(0, 1.2)
            self._possession.append(min(80, max(20, round(share))))

    def at(self, moment: int) -> bytes:
        if self._kick_off is None or moment < self._kick_off:
            return b""
        score = self._board.at(moment)
        texts = []
        for kind in self._order:
            home, away = self._pair(kind, moment, score)
            texts.append(b'{"type":%d,"home":%d,"away":%d}' % (kind, home, away))
        return b",".join(texts)

    def _pair(self, kind: int, moment: int, score: Score) -> tuple[int, int]:
        index = {_CORNERS_TYPE: CORNERS, _YELLOWS_TYPE: YELLOWS, _REDS_TYPE: REDS}.get(kind)
        if index is not None:
            return max(0, score.home[index]), max(0, score.away[index])
        if kind == _POSSESSION:
            step = min(len(self._possession) - 1, (moment - (self._kick_off or 0)) // 150)
            home = self._possession[step]
            return home, 100 - home
        series = self._series[kind]
        return bisect_right(series[0], moment), bisect_right(series[1], moment)


def _times(rng: random.Random, mean: float, spans: list[tuple[int, int]]) -> array[int]:
    """Rising moments of a statistic's events, evenly over the spans of play."""
    times: list[int] = []
    factor = math.exp(rng.gauss(0, 0.25))
    for start, end in spans:
        count = max(0, round(rng.gauss(mean / 2 * factor, math.sqrt(mean / 2))))
        times += [rng.randint(start, end) for _ in range(count)]
    return array("q", sorted(times))
