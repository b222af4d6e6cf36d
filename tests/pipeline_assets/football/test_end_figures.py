"""Cards and corners stay as they were at the end of a match, and what comes later is told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.football.end_figures import KEPT_MINUTES, EndedMatches
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.football.wire.codes import IN_PLAY
from tests.pipeline_assets.football.examples import (
    MATCH,
    chain,
    detail,
    fetched,
    live,
    through_storage,
)
from tests.pipeline_assets.football.fetches import MINUTE

HOME, AWAY = (2, 0, 1, 3, 7), (1, 1, 0, 1, 4)
"""Goals, goals at half-time, red and yellow cards, corners."""
SWAPPED = (2, 0, *AWAY[2:]), (1, 1, *HOME[2:])


UNREADABLE = (2, 0)
"""An array that is too short to have cards and corners."""


@dataclass
class Display:
    """One fetch after the other, with what the display carries stored between them."""

    carried: EndedMatches | None = None
    minutes: int = 0
    told: list[tuple[int, str | None]] = field(default_factory=list)
    """The minute of each finding, and its match."""
    details: list[str] = field(default_factory=list)

    def lists(self, *entries: dict[str, Any], after: int = 1) -> list[MonitorRecord]:
        self.minutes += after
        # The status is the live list's, or nobody's.
        details = {each["id"]: detail(each["id"], status_id=None) for each in entries}
        raw = fetched(*entries, details=details, minute=MINUTE.later(self.minutes))
        staged = chain(raw, self.carried).monitor
        assert staged.account.conserved
        assert not staged.quarantined
        self.carried = through_storage(staged.carried)
        self.told += [(self.minutes, finding.key) for finding in staged.findings]
        self.details += [finding.detail for finding in staged.findings]
        return staged.records

    def shows(
        self,
        status: int | None,
        home: Sequence[Any] = HOME,
        away: Sequence[Any] = AWAY,
        *,
        after: int = 1,
    ) -> tuple[int | None, int | None, bool | None]:
        """Both sides' corners, and whether the vendor has other figures now."""
        [record] = self.lists(entry(MATCH, status, home, away), after=after)
        return record.corners.home, record.corners.away, record.figures_conflict


def entry(
    match_id: str, status: int | None, home: Sequence[Any] = HOME, away: Sequence[Any] = AWAY
) -> dict[str, Any]:
    def full(side: Sequence[Any]) -> list[Any]:
        return [*side, 0, 0] if len(side) == len(HOME) else [*side]

    return live(match_id, status=status, home=full(home), away=full(away))


AS_AT_END = (7, 4, False)
OTHERS_NOW = (7, 4, True)


def test_swapped_cards_and_corners_are_shown_as_at_the_end_and_told_once() -> None:
    display = Display()
    assert display.shows(4) == AS_AT_END
    assert display.shows(8) == AS_AT_END
    for _ in range(3):
        assert display.shows(8, *SWAPPED) == OTHERS_NOW
    assert display.shows(8) == AS_AT_END
    assert display.told == [(3, MATCH)]
    assert display.details == [
        "at the end: home red 1, yellow 3, corners 7; away red 0, yellow 1, corners 4. "
        "Now: home red 0, yellow 1, corners 4; away red 1, yellow 3, corners 7. "
        "Those at the end are shown"
    ]
    display.shows(8, *SWAPPED)
    assert display.told == [(3, MATCH), (7, MATCH)], "it is another change"


def test_cards_that_change_alone_are_told_too() -> None:
    display = Display()
    display.shows(8)
    assert display.shows(8, (2, 0, 2, 3, 7)) == OTHERS_NOW
    assert display.told == [(2, MATCH)]


def test_goals_after_the_end_are_those_of_now() -> None:
    display = Display()
    display.shows(8)
    [record] = display.lists(entry(MATCH, 8, (1, *HOME[1:])))
    assert (record.match_info.home_goals, record.match_info.away_goals) == (1, 1)
    assert (record.figures_conflict, display.told) == (False, [])


@pytest.mark.parametrize("status", [1, *sorted(IN_PLAY)])
def test_an_end_by_mistake_is_forgotten_when_play_goes_on(status: int) -> None:
    display = Display()
    display.shows(8)
    later = (2, 0, 1, 3, 8)
    assert display.shows(status, later) == (8, 4, False)
    assert display.shows(8, later) == (8, 4, False), "that is the end now"
    assert display.told == []


@pytest.mark.parametrize("status", [0, 9, 10, 12, 31, None])
def test_another_status_does_not_say_that_play_goes_on(status: int | None) -> None:
    display = Display()
    display.shows(8)
    display.lists(entry(MATCH, status))
    assert display.shows(8, *SWAPPED) == OTHERS_NOW


def test_a_match_is_remembered_for_two_days_after_it_was_listed_last() -> None:
    display = Display()
    for number in range(3):
        display.lists(entry(f"{number:015d}", 8))
    display.lists(after=KEPT_MINUTES - 1)
    assert display.carried is not None
    assert [*display.carried.matches] == [f"{number:015d}" for number in (1, 2)]
    display.lists(after=2)
    assert display.carried.matches == {}


def test_a_figure_that_cannot_be_read_is_no_change_and_costs_no_other() -> None:
    display = Display()
    assert display.shows(8) == AS_AT_END
    assert display.shows(8, (2, 0, None, 3, 7), (1, 1, 0, 1, "4")) == AS_AT_END
    assert display.shows(8, (2, 0, None, 1, 4), SWAPPED[1]) == OTHERS_NOW
    assert display.details == [
        "at the end: home red 1, yellow 3, corners 7; away red 0, yellow 1, corners 4. "
        "Now: home red 1, yellow 1, corners 4; away red 1, yellow 3, corners 7. "
        "Those at the end are shown"
    ]


# --- against an oracle ---------------------------------------------------------------------------

IDS = ("a" * 15, "b" * 15)
sides = st.sampled_from([HOME, AWAY, (2, 0, 1, 3, -1), (2, 0, None, 3, 7), UNREADABLE])
looks = st.tuples(st.sampled_from([8, 8, 8, 4, 13, None]), sides, sides)
lists = st.dictionaries(st.sampled_from(IDS), looks)
steps = st.lists(st.tuples(st.sampled_from([1, 60, KEPT_MINUTES, KEPT_MINUTES + 1]), lists))
Look = tuple[int, int | None, Any, Any]


@given(steps)
def test_whatever_comes_in_whatever_order(steps: list[tuple[int, Any]]) -> None:
    display, history = Display(), dict[str, list[Look]]()
    for after, listed in steps:
        entries = [entry(match_id, *look) for match_id, look in listed.items()]
        told = len(display.told)
        records = display.lists(*entries, after=after)
        asked = []
        for (match_id, look), record in zip(listed.items(), records, strict=True):
            past = history.setdefault(match_id, [])
            past.append((display.minutes, *look))
            corners, conflict, is_told = expected(past)
            assert (record.corners.home, record.corners.away) == corners
            assert record.figures_conflict == conflict
            asked += [match_id] if is_told else []
        assert [match_id for _, match_id in display.told[told:]] == asked


def expected(past: list[Look]) -> tuple[tuple[int | None, int | None], bool, bool]:
    """Of all that was ever seen of a match: its corners, whether its figures are others now than at
    the end, and whether that is told now."""
    began = 0
    for place, (minute, status, _, _) in enumerate(past):
        if place and minute - past[place - 1][0] > KEPT_MINUTES:
            began = place
        if status == 4:
            began = place + 1
    readable = [
        (status, (home[2:], away[2:]))
        for _, status, home, away in past[began:]
        if UNREADABLE not in (home, away)
    ]
    ends = [place for place, (status, _) in enumerate(readable) if status == 8]
    if not ends:
        corners = tuple(side[4] if side != UNREADABLE else -1 for side in past[-1][2:])
        return known(corners), False, False
    figures: list[Any] = []
    for _, now in readable[ends[0] :]:
        figures.append(read_over(now, figures[-1]) if figures else now)
    at_end, latest = figures[0], figures[-1]
    is_new = UNREADABLE not in past[-1][2:] and len(figures) > 1 and figures[-2] != latest
    return known((at_end[0][2], at_end[1][2])), latest != at_end, is_new and latest != at_end


def read_over(now: Any, before: Any) -> Any:
    """What is known of both sides: a figure without a value now is as it was."""
    return tuple(
        tuple(was if new in (None, -1) else new for new, was in zip(*side, strict=True))
        for side in zip(now, before, strict=True)
    )


def known(corners: tuple[int, ...]) -> tuple[int | None, int | None]:
    home, away = (None if each == -1 else each for each in corners)
    return home, away
