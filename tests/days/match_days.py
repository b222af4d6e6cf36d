"""Simulated match days: what the vendor answers in every minute within ten of a half-time.

The simulated world takes goals back, sends a status back, swaps the cards and corners of ended
matches, takes matches off the list and brings them back, and leaves some without odds. Here parts
of the answers go missing besides.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from pipeline_assets.football.wire.fetched import DETAIL, ODDS
from simulator.fixtures import HALF_TIME, SECOND_HALF, Calendar
from simulator.match import play
from simulator.world import World
from tests.pipeline_assets.football.fetches import envelope
from touchline.day import ONE_MINUTE, Day, Minute
from touchline.fetch import Call, Envelope

MATCHES = 3
BEGINS, LASTS = timedelta(hours=12), timedelta(hours=6)
"""A match day, after midnight in New York."""
AROUND_SECONDS = 10 * 60
LISTED_BEFORE = timedelta(hours=4)
"""A match whose half-time is on a day is on the list so long before it at the most."""
SPOILED = 0.1
"""Of the matches in each fetch, so many have a part that is missing or wrong."""
ENDED = 8
BACKWARD = {(4, 3), (8, 4), (8, 2)}
"""Steps that a status has made by mistake."""


@dataclass(frozen=True)
class Answers:
    """What one fetch of the vendor brings: the entries of the live list, and by match the `results`
    of its detail and of its odds, None where the call failed."""

    minute: Minute
    live: list[dict[str, Any]]
    details: dict[str, bytes | None]
    odds: dict[str, bytes | None]

    @property
    def envelope(self) -> Envelope:
        """Without teams and competitions, of which no rule asks anything."""
        return envelope(
            msgspec.json.encode(self.live),
            {match: _answer(DETAIL, match, found) for match, found in self.details.items()},
            {match: _answer(ODDS, match, found) for match, found in self.odds.items()},
            minute=self.minute,
            fetch_id=f"fetch{self.minute.number:07d}",
            arrived=self.minute.utc,
        )


def _answer(endpoint: str, match_id: str, results: bytes | None) -> bytes | Call:
    return results or Call(endpoint, {"uuid": match_id}, None, error="timeout")


Entry = dict[str, Any]


def _loses_detail(found: Answers, entry: Entry) -> None:
    found.details[entry["id"]] = None


def _loses_odds(found: Answers, entry: Entry) -> None:
    found.odds[entry["id"]] = None


def _has_empty_odds(found: Answers, entry: Entry) -> None:
    found.odds[entry["id"]] = b"[]"


def _loses_status(found: Answers, entry: Entry) -> None:
    entry["score"][1] = None


def _loses_id(found: Answers, entry: Entry) -> None:
    del entry["id"]


def _loses_corners(found: Answers, entry: Entry) -> None:
    for side in entry["score"][2:4]:
        side[4] = -1


def _is_malformed(found: Answers, entry: Entry) -> None:
    entry["score"] = [entry["id"], "2", [0, "one"], None]


def _is_listed_twice(found: Answers, entry: Entry) -> None:
    found.live.append(entry)


SPOILERS: dict[str, Callable[[Answers, Entry], None]] = {
    "no detail": _loses_detail,
    "no odds": _loses_odds,
    "empty odds": _has_empty_odds,
    "no status in the list": _loses_status,
    "no id": _loses_id,
    "no corner data": _loses_corners,
    "malformed": _is_malformed,
    "listed twice": _is_listed_twice,
}


class Score(NamedTuple):
    """How a match stands: goals, and cards and corners, of both sides."""

    status: int
    goals: tuple[int, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, score: list[Any]) -> Score:
        sides = score[2:4]
        return cls(score[1], tuple(s[0] for s in sides), tuple(tuple(s[2:5]) for s in sides))


@dataclass
class MatchDays:
    """Match days of a world that has three matches at any time, one day after the other."""

    seed: int
    first: Day
    count: int
    met: Counter[str] = field(default_factory=Counter)
    """How often each irregularity was met."""

    def __post_init__(self) -> None:
        self._world = World(self.seed, MATCHES)
        self._calendar = Calendar(self.seed, MATCHES)
        self._scores: dict[str, Score] = {}
        """As each match was seen last."""
        self._listed: set[str] = set()

    def __iter__(self) -> Iterator[Answers]:
        for passed in range(self.count):
            for minute in self._minutes(self.first.shifted(passed)):
                yield self._answers(minute)

    def _minutes(self, day: Day) -> Iterator[Minute]:
        """Those within ten minutes of a half-time."""
        start = Minute(day.start + BEGINS)
        until = start.utc + LASTS
        listed = self._calendar.numbers_between(_unix(start.utc - LISTED_BEFORE), _unix(until))
        courses = [play(self._calendar.fixture(number)) for number in listed]
        spans = [
            (begins - AROUND_SECONDS, ends + AROUND_SECONDS)
            for course in courses
            if (begins := course.start(HALF_TIME)) and (ends := course.start(SECOND_HALF))
        ]
        for passed in range(LASTS // ONE_MINUTE):
            minute = start.later(passed)
            if any(begins <= _unix(minute.utc) <= ends for begins, ends in spans):
                yield minute

    def _answers(self, minute: Minute) -> Answers:
        world, at = self._world, _unix(minute.utc)
        listed = world.live(at)
        found = Answers(
            minute,
            [msgspec.json.decode(world.live_entry(match, at)) for match in listed],
            {match: b"[%s]" % (world.detail(match, at) or b"") for match in listed},
            {match: world.odds(match, at) or b"{}" for match in listed},
        )
        self._look(found)
        self._spoil(found)
        return found

    def _look(self, found: Answers) -> None:
        """Count what the world did since the last look."""
        for entry in found.live:
            match_id, now = entry["id"], Score.of(entry["score"])
            before = self._scores.get(match_id, now)
            self.met["status went back"] += (before.status, now.status) in BACKWARD
            self.met["goal taken back"] += any(map(int.__lt__, now.goals, before.goals))
            self.met["sides swapped after the end"] += (
                before.status == now.status == ENDED
                and now.counts == before.counts[::-1] != before.counts
            )
            came_back = match_id in self._scores and match_id not in self._listed
            self.met["left the list and came back"] += came_back
            self.met["without odds"] += found.odds[match_id] == b"{}"
            self._scores[match_id] = now
        self._listed = {*found.odds}

    def _spoil(self, found: Answers) -> None:
        rng = random.Random(f"{self.seed}/{found.minute}")
        for entry in [*found.live]:
            if rng.random() < SPOILED:
                how = rng.choice([*SPOILERS])
                SPOILERS[how](found, entry)
                self.met[how] += 1


def _unix(instant: datetime) -> int:
    return int(instant.timestamp())
