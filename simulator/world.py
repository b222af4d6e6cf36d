"""The simulated world as a source: a believable football day, around the clock, from a seed."""

from __future__ import annotations

from simulator.feed_match import FeedMatch
from simulator.fixtures import WINDOW_SECONDS, Calendar
from simulator.history import MarketRows, OddsHistory
from simulator.ids import Ids
from simulator.odds import odds_history
from simulator.reference import Reference

_KEPT_SECONDS = 15 * 60  # odds are forgotten this long after the match has left the list


class World:
    """Matches of a seed, by default as many as the hour has; with `matches`, that many always.

    A match is built once, whole, when it is first asked for, and every answer is read off it: the
    same seed and time give the same bytes whatever was asked before. What is not near the time of
    the last live list is forgotten, and built again if it is asked for again.
    """

    def __init__(self, seed: int = 1, matches: int | None = None) -> None:
        self._calendar = Calendar(seed, matches)
        self._reference = Reference()
        self._ids = Ids(seed)
        self._matches: dict[int, FeedMatch] = {}
        self._odds: dict[int, OddsHistory] = {}
        self._listed: tuple[int, list[FeedMatch]] | None = None

    def live(self, at: int) -> list[str]:
        return [match.match_id for match in self._live(at)]

    def live_entry(self, match_id: str, at: int) -> bytes:
        match = self._match(match_id)
        if match is None:
            raise KeyError(match_id)
        return match.live_entry(at)

    def recent(self, at: int, since: int | None = None) -> list[str]:
        if since is None:
            numbers = self._calendar.numbers_between(at - WINDOW_SECONDS, at)
            return [self._ids.encode(number) for number in numbers]
        return [
            match.match_id
            for match in self._around(at)
            if match.listed_from <= at and match.changed_since(since, at)
        ]

    def detail(self, match_id: str, at: int) -> bytes | None:
        match = self._match(match_id)
        if match is None or not match.listed_from <= at < match.listed_until + WINDOW_SECONDS:
            return None
        return match.detail(at)

    def odds(self, match_id: str, at: int) -> bytes | None:
        history = self._history(match_id)
        return None if history is None else history.at(at)

    def odds_rows(self, match_id: str, after: int, until: int) -> list[MarketRows]:
        history = self._history(match_id)
        return [] if history is None else history.between(after, until)

    def teams(self) -> list[str]:
        return self._reference.teams()

    def team(self, team_id: str) -> bytes | None:
        return self._reference.team(team_id)

    def competitions(self) -> list[str]:
        return self._reference.competitions()

    def competition(self, competition_id: str) -> bytes | None:
        return self._reference.competition(competition_id)

    def countries(self) -> bytes:
        return self._reference.countries()

    def _live(self, at: int) -> list[FeedMatch]:
        if self._listed is None or self._listed[0] != at:
            matches = [match for match in self._around(at) if match.listed(at)]
            matches.sort(key=lambda match: (match.fixture.scheduled, match.match_id))
            self._listed = (at, matches)
            self._forget(at)
        return self._listed[1]

    def _around(self, at: int) -> list[FeedMatch]:
        return [self._built(number) for number in self._calendar.numbers_around(at)]

    def _match(self, match_id: str) -> FeedMatch | None:
        number = self._ids.decode(match_id)
        if number is None or (number not in self._matches and not self._calendar.has(number)):
            return None
        return self._built(number)

    def _built(self, number: int) -> FeedMatch:
        match = self._matches.get(number)
        if match is None:
            fixture = self._calendar.fixture(number)
            match = FeedMatch(self._ids.encode(number), fixture, self._reference)
            self._matches[number] = match
        return match

    def _history(self, match_id: str) -> OddsHistory | None:
        match = self._match(match_id)
        if match is None:
            return None
        number = match.fixture.number
        if number not in self._odds:
            self._odds[number] = odds_history(match.course)
        return self._odds[number]

    def _forget(self, at: int) -> None:
        near = set(self._calendar.numbers_around(at))
        self._matches = {n: match for n, match in self._matches.items() if n in near}
        self._odds = {
            number: history
            for number, history in self._odds.items()
            if number in near and at < self._matches[number].listed_until + _KEPT_SECONDS
        }
