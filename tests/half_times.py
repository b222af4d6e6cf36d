"""A vendor of whose matches one comes to half-time in every minute."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import msgspec

from tests.pipeline_assets.football.alert_oracle import Qualifies, qualifying
from tests.pipeline_assets.football.client.conftest import SmallWorld
from touchline.day import Minute

Key = tuple[str, str]
"""Rule and match."""
FIRST_HALF, HALF_TIME, SECOND_HALF, ENDED = 2, 3, 4, 8
BREAK_MINUTES = 5
LISTED_BEFORE, LISTED_AFTER = 1, 2
"""Minutes in which a match is on the list before its half-time and after it."""
SCORES = [(0, 0), (0, 0), (0, 0), (1, 0), (0, 1), (2, 1)]
TOTALS = [2.75, 3.0, 3.25]
WINNERS = [(1.5, 4.2, 6.0), (3.1, 3.5, 2.2), (2.5, 3.2, 2.6)]


class HalfTimes(SmallWorld):
    """A match is named after the minute of its half-time; all else about it follows from that."""

    def __init__(self, seed: int) -> None:
        super().__init__({})
        self.seed = seed

    def live(self, at: int) -> Sequence[str]:
        oldest, newest = BREAK_MINUTES + LISTED_AFTER - 1, LISTED_BEFORE
        return [f"match-{at // 60 - passed}" for passed in range(-newest, oldest + 1)]

    def live_entry(self, match_id: str, at: int) -> bytes:
        home, away = ([goals, goals, 0, 0, 3, 0, 0] for goals in self._score(match_id))
        score = [match_id, self._status(match_id, at), home, away, 0, ""]
        return msgspec.json.encode({"id": match_id, "score": score, "stats": [], "incidents": []})

    def detail(self, match_id: str, at: int) -> bytes:
        home, away = ([goals, goals, 0, 0, 3, 0, 0] for goals in self._score(match_id))
        return msgspec.json.encode(
            {
                "id": match_id,
                "competition_id": "league",
                "home_team_id": f"home-{match_id}",
                "away_team_id": f"away-{match_id}",
                "status_id": self._status(match_id, at),
                "home_scores": home,
                "away_scores": away,
            }
        )

    def odds(self, match_id: str, at: int) -> bytes:
        """Quoted once before kick-off and once in minute 3, by one company of two."""
        rng = self._random(match_id, "odds")
        began = (half_time_of(match_id) - 48) * 60
        home, draw, away = rng.choice(WINNERS)
        markets = {
            "eu": [[began - 60, "", home, draw, away, 1, 0, "0-0"]],
            "bs": [[began + 180, "3", 1.05, rng.choice(TOTALS), 0.83, 2, 0, "0-0"]],
        }
        return msgspec.json.encode({rng.choice(["2", "22"]): markets})

    def qualifying(self, minute: Minute) -> set[Qualifies]:
        """By what this vendor answers in a minute."""
        at = int(minute.utc.timestamp())
        listed = self.live(at)
        return qualifying(
            [msgspec.json.decode(self.live_entry(match, at)) for match in listed],
            {match: b"[%s]" % self.detail(match, at) for match in listed},
            {match: self.odds(match, at) for match in listed},
            at,
        )

    def _score(self, match_id: str) -> tuple[int, int]:
        return self._random(match_id, "score").choice(SCORES)

    def _status(self, match_id: str, at: int) -> int:
        passed = at // 60 - half_time_of(match_id)
        if passed < 0:
            return FIRST_HALF
        if passed < BREAK_MINUTES:
            return HALF_TIME
        return SECOND_HALF if passed < BREAK_MINUTES + LISTED_AFTER else ENDED

    def _random(self, match_id: str, purpose: str) -> random.Random:
        return random.Random(f"{self.seed}/{match_id}/{purpose}")


def half_time_of(match_id: str) -> int:
    """Minutes since the epoch."""
    return int(match_id.removeprefix("match-"))


def told_of(title_and_message: str) -> Key:
    """What a message is about."""
    found = re.search(r"football: (\w+)\s.*home-(match-\d+) vs", title_and_message, re.DOTALL)
    assert found, title_and_message
    return found[1], found[2]
