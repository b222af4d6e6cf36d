"""One recorded match, played back from the times, statuses and scores that its odds rows carry."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import msgspec

FIRST_HALF, HALF_TIME, SECOND_HALF, ENDED = 2, 3, 4, 8
_NOT_STARTED = 1
_RED, _YELLOW, _SECOND_YELLOW = 4, 3, 15
# Length of the halves and of the break as scheduled, seconds: for matches without odds rows.
_HALF_SECONDS, _BREAK_SECONDS = 47 * 60, 15 * 60

Row = tuple[int, str, float, float, float, int, int, str]


@dataclass(frozen=True)
class _State:
    """What the newest row says. `corners` is None until the first corner row."""

    time: int
    status: int
    minute: str = ""
    goals: tuple[int, int] = (0, 0)
    half_time_goals: tuple[int, int] = (0, 0)
    corners: tuple[int, int] | None = None


class MatchFilm:
    """The live entry and the detail of one match at any moment before the poll.

    Status, goals and corners come from the newest row; cards and incidents from the recorded
    incidents up to that minute; the kick-off of the period from the poll, or from the rows where
    the poll was past that period. What the film cannot know is given as the vendor gives unknowns:
    no statistics, and -1 for corners that no row counts (0 if they were still 0 in the poll).
    """

    def __init__(
        self,
        entry: Mapping[str, Any],
        detail: Mapping[str, Any],
        odds: Mapping[str, Mapping[str, list[msgspec.Raw]]],
    ) -> None:
        self._entry = entry
        self._detail = detail
        rows = [
            (market, msgspec.json.decode(row, type=Row))
            for by_market in odds.values()
            for market, newest_first in by_market.items()
            for row in reversed(newest_first)
        ]
        rows.sort(key=lambda row: row[1][0])
        states = [*_states(rows), *_end(entry["score"], detail)] if rows else None
        self._states = states or list(_scheduled_states(entry["score"], detail))
        self._times = [state.time for state in self._states]
        self._kick_offs = _kick_offs(entry["score"], self._states, [row for _, row in rows])

    def live_entry(self, at: int) -> bytes:
        state = self._state(at)
        home, away = self._sides(state)
        match_id = self._entry["id"]
        score = [match_id, state.status, home, away, self._kick_offs.get(state.status, 0), ""]
        return msgspec.json.encode(
            {
                "id": match_id,
                "score": score,
                "stats": [],
                "incidents": self._incidents(state),
                "tlive": [],
            }
        )

    def detail(self, at: int) -> bytes:
        state = self._state(at)
        home, away = self._sides(state)
        changed = {
            **self._detail,
            "status_id": state.status,
            "home_scores": home,
            "away_scores": away,
            "updated_at": self.updated_at(at),
        }
        if state.status != ENDED:
            changed.pop("ended", None)
        return msgspec.json.encode(changed)

    def updated_at(self, at: int) -> int:
        """When the match last changed before `at`, Unix s; at the latest a day before kick-off."""
        changed = max(self._state(at).time, self._detail["match_time"] - 86_400)
        return min(self._detail["updated_at"], changed, at)

    def _state(self, at: int) -> _State:
        index = bisect_right(self._times, at)
        return self._states[index - 1] if index else _State(time=0, status=_NOT_STARTED)

    def _incidents(self, state: _State) -> list[Mapping[str, Any]]:
        played = _minutes_played(state)
        return [incident for incident in self._entry["incidents"] if incident["time"] <= played]

    def _sides(self, state: _State) -> tuple[list[int], list[int]]:
        if state.status == self._entry["score"][1] == ENDED:
            return self._entry["score"][2], self._entry["score"][3]
        incidents = self._incidents(state)
        return self._side(0, state, incidents), self._side(1, state, incidents)

    def _side(self, side: int, state: _State, incidents: list[Mapping[str, Any]]) -> list[int]:
        recorded = self._entry["score"][2 + side]

        def count(*types: int) -> int:
            return sum(i["type"] in types and i["position"] == side + 1 for i in incidents)

        if state.corners is not None:
            corners = state.corners[side]
        else:
            corners = -1 if recorded[4] and state.status != _NOT_STARTED else 0
        return [
            state.goals[side],
            state.half_time_goals[side],
            min(recorded[2], count(_RED, _SECOND_YELLOW)),
            min(recorded[3], count(_YELLOW)),
            corners,
            0,
            0,
        ]


def _states(rows: list[tuple[str, Row]]) -> Iterator[_State]:
    """The state after each row that changes it. `rows` are in time order."""
    state: _State | None = None
    half_time_over = False
    for market, row in rows:
        before = state or _State(row[0], row[5])
        counted = _counts(row[7])
        goals = before.goals if market == "cr" else counted
        # The status has gone back from second half to half-time: half-time goals stay.
        half_time_over = half_time_over or row[5] == SECOND_HALF
        after = _State(
            time=row[0],
            status=row[5],
            minute=row[1],
            goals=goals,
            half_time_goals=before.half_time_goals if half_time_over else goals,
            corners=counted if market == "cr" else before.corners,
        )
        if state is None or replace(after, time=state.time) != state:
            state = after
            yield state


def _counts(text: str) -> tuple[int, int]:
    home, _, away = text.partition("-")
    return int(home), int(away)


def _end(score: list[Any], detail: Mapping[str, Any]) -> Iterator[_State]:
    """Odds stop before the final whistle: the end itself stands in the detail alone."""
    if score[1] == ENDED and "ended" in detail:
        yield _State(detail["ended"], ENDED)


def _scheduled_states(score: list[Any], detail: Mapping[str, Any]) -> Iterator[_State]:
    """The course of a match without odds, from its recorded end and the usual lengths."""
    status, kick_off = score[1], score[4]
    if status not in (FIRST_HALF, HALF_TIME, SECOND_HALF, ENDED):
        yield _State(time=0, status=status)
        return
    starts = {FIRST_HALF: detail["match_time"]}
    if status == FIRST_HALF and kick_off:
        starts[FIRST_HALF] = kick_off
    starts[HALF_TIME] = starts[FIRST_HALF] + _HALF_SECONDS
    starts[SECOND_HALF] = starts[HALF_TIME] + _BREAK_SECONDS
    if status == SECOND_HALF and kick_off:
        starts[SECOND_HALF] = kick_off
        starts[HALF_TIME] = min(starts[HALF_TIME], kick_off - _BREAK_SECONDS)
    starts[ENDED] = detail.get("ended", starts[SECOND_HALF] + _HALF_SECONDS)
    home, away = score[2], score[3]
    at_half_time = (home[1], away[1])
    yield _State(time=0, status=_NOT_STARTED)
    yield _State(starts[FIRST_HALF], FIRST_HALF, "1")
    if status >= HALF_TIME:
        yield _State(starts[HALF_TIME], HALF_TIME, "midfield", at_half_time, at_half_time)
    if status >= SECOND_HALF:
        yield _State(starts[SECOND_HALF], SECOND_HALF, "46", at_half_time, at_half_time)
    if status == ENDED:
        yield _State(starts[ENDED], ENDED, "90", (home[0], away[0]), at_half_time)


def _kick_offs(score: list[Any], states: list[_State], rows: list[Row]) -> dict[int, int]:
    """Kick-off (Unix s) of each half that was played: 0 stands for unknown in the feed."""
    found = {state.status: state.time for state in reversed(states)}
    for half, first_minute in ((FIRST_HALF, 1), (SECOND_HALF, 46)):
        guesses = [
            row[0] - 60 * (int(row[1]) - first_minute)
            for row in rows
            if row[5] == half and row[1].isdigit()
        ]
        if guesses:
            found[half] = round(median(guesses))
    if score[1] in (FIRST_HALF, SECOND_HALF):
        found[score[1]] = score[4]
    return {half: found[half] for half in (FIRST_HALF, SECOND_HALF) if half in found}


def _minutes_played(state: _State) -> int:
    """The last minute whose incidents have happened; stoppage counts as the minutes after 45."""
    if state.status == _NOT_STARTED:
        return -1
    if state.status == FIRST_HALF:
        return 49 if state.minute == "45+" else int(state.minute or 0)
    if state.status == HALF_TIME:
        return 45 + 9
    if state.status == SECOND_HALF:
        return int(state.minute) if state.minute.isdigit() else 46
    return 130
