"""When a goal counts by a company's own rows: each definition as a table, then every history.

The tables hold for the product and for the slow reference alike.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.football.goal_moments import ScoreHistory, score_history
from tests.pipeline_assets.football.histories import (
    MARKETS,
    History,
    moments,
    quotes,
    until,
    written,
)
from tests.pipeline_assets.football.score_reference import Reference
from tests.pipeline_assets.odd_json import examples, patience

LATE = 5000


def read(history: History, at: int = LATE, *, price_first: bool = True) -> ScoreHistory:
    """What the product says of a history, which is what the reference says."""
    found = score_history(quotes(history), at, is_price_first=price_first)
    expected = Reference(history, at, price_first=price_first)
    assert goals(found) == [
        (goal.text, goal.moment, goal.before, goal.after, goal.back) for goal in expected.goals
    ]
    assert found.first_goal == expected.first_goal
    assert found.doubt_since == expected.doubt_since
    for time in times_of(history, at):
        assert found.score_at(time) == expected.score_at(time), time
        assert found.is_in_doubt(time) == expected.is_in_doubt(time), time
        for market in MARKETS:
            is_behind = expected.is_catching_up(market, time)
            assert found.is_catching_up(market, time) == is_behind, (market, time)
    return found


def times_of(history: History, at: int) -> list[int]:
    """Each row's time and those about it, and about 180 s later."""
    times = {row[0] + later for rows in history.values() for row in rows for later in AROUND}
    return sorted(time for time in times if time <= at)


AROUND = (-1, 0, 1, 179, 180, 181)


def goals(found: ScoreHistory) -> list[tuple[object, ...]]:
    return [
        (goal.text, goal.moment, goal.before, goal.after, goal.taken_back) for goal in found.goals
    ]


SUSPENDED = "100 0-0 2.5 | 110 0-0 2.5 closed | 120 0-0 "
FAVORITE = "100 0-0 2.0/4.0 | 110 0-0 2.0/4.0 closed | 120 0-0 "


@pytest.mark.parametrize(
    ("rows", "is_jump"),
    [
        ({"bs": SUSPENDED + "3.0"}, True),
        ({"bs": SUSPENDED + "2.75"}, False),
        ({"bs": SUSPENDED + "2.0"}, False),
        # 1 / 1.72 - 1 / 2.0 is 0.081, 1 / 1.73 - 1 / 2.0 is 0.078; only home has scored.
        ({"eu": FAVORITE + "1.72/4.0"}, True),
        ({"eu": FAVORITE + "1.73/4.0"}, False),
        ({"eu": FAVORITE + "2.0/3.0"}, False),
        # 1 / 7.5 - 1 / 18.75 is 0.08 exactly, and neither can be written down.
        ({"eu": "100 0-0 18.75/1.1 | 110 0-0 18.75/1.1 closed | 120 0-0 7.5/1.1"}, True),
        # A price of 1.00 on an open row is a chance of 1.
        ({"eu": "100 0-0 1.1/9.0 | 110 0-0 1.1/9.0 closed | 120 0-0 1.0/9.0"}, True),
        # Without a suspension, and with one that was over before the quote before it.
        ({"bs": "100 0-0 2.5 | 120 0-0 3.0"}, False),
        ({"bs": "90 0-0 2.5 closed | 100 0-0 2.5 | 120 0-0 3.0"}, False),
        # All in one second.
        ({"bs": "120 0-0 2.5 | 120 0-0 2.5 closed | 120 0-0 3.0"}, True),
        # Higher than the open quote before it, whatever the suspended ones said.
        ({"bs": "100 0-0 2.5 | 110 0-0 3.0 closed | 120 0-0 3.0"}, True),
        ({"bs": "100 0-0 2.5 | 110 0-0 2.0 closed | 120 0-0 2.5"}, False),
        # Out of play; half-time is in play.
        ({"bs": SUSPENDED + "3.0 status=1"}, False),
        ({"bs": SUSPENDED + "3.0 status=8"}, False),
        ({"bs": SUSPENDED + "3.0 status=3"}, True),
        # No market of goals.
        ({"cr": SUSPENDED + "3.0"}, False),
        ({"asia": "10 0-0 2.5 | 11 0-0 2.5 closed | 120 0-0 3.0"}, False),
    ],
)
def test_a_jump_is_a_goals_moment(rows: dict[str, str], is_jump: bool) -> None:
    text = rows.get("asia", "100 0-0 0.5") + " | 140 1-0 0.25"
    [goal] = read(written(**(rows | {"asia": text}))).goals
    assert (goal.text, goal.moment) == (140, 120 if is_jump else 140)


def test_a_rise_of_the_line_at_another_text_is_no_jump() -> None:
    """The goals market is late with the text of the first goal; nothing tells of the second."""
    history = written(
        asia="40 0-0 0.5 | 50 1-0 0.25 | 140 2-0 0.0",
        bs="40 0-0 2.5 | 110 0-0 2.5 closed | 120 1-0 3.5",
    )
    assert [goal.moment for goal in read(history).goals] == [50, 140]


JUMP_120 = SUSPENDED + "3.0"
EU_115 = "90 0-0 2/4 | 110 0-0 2/4 closed | 115 0-0 1.5/6"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # text, moment, before, after, taken back
        ({"asia": "100 0-0 0 | 299 1-0 0", "bs": JUMP_120}, [(299, 120, (0, 0), (1, 0), None)]),
        ({"asia": "100 0-0 0 | 300 1-0 0", "bs": JUMP_120}, [(300, 300, (0, 0), (1, 0), None)]),
        ({"asia": "100 0-0 0 | 120 1-0 0", "bs": JUMP_120}, [(120, 120, (0, 0), (1, 0), None)]),
        ({"asia": "100 0-0 0 | 119 1-0 0", "bs": JUMP_120}, [(119, 119, (0, 0), (1, 0), None)]),
        # The earliest jump counts.
        ({"eu": EU_115 + " | 130 1-0 1.5/6", "bs": JUMP_120}, [(130, 115, (0, 0), (1, 0), None)]),
        # A rise by two is one goal; a company may begin with it.
        (
            {"bs": "100 0-0 2.5 | 140 2-0 4.5 | 150 1-0 3.5 closed"},
            [(140, 140, (0, 0), (2, 0), 150), (150, 150, (0, 0), (1, 0), None)],
        ),
        ({"bs": "100 1-1 2.5"}, [(100, 100, (0, 0), (1, 1), None)]),
        # What another market still shows is no goal, and none taken back.
        (
            {"bs": "100 0-0 2.5 | 140 1-0 3.5", "eu": "100 0-0 2/4 | 150 0-0 2/4 | 160 1-0 1.5/6"},
            [(140, 140, (0, 0), (1, 0), None)],
        ),
        # Two goals within 180 s: the jump of the first does not count for the second.
        (
            {"asia": "90 0-0 0 | 140 1-0 0 | 200 2-0 0", "bs": JUMP_120},
            [(140, 120, (0, 0), (1, 0), None), (200, 200, (1, 0), (2, 0), None)],
        ),
        (
            {
                "asia": "90 0-0 0 | 140 1-0 0 | 200 2-0 0",
                "bs": JUMP_120 + " | 150 0-0 3.0 closed | 190 0-0 3.5",
            },
            [(140, 120, (0, 0), (1, 0), None), (200, 190, (1, 0), (2, 0), None)],
        ),
        # A text that cannot be read is no goal.
        ({"bs": "100 0-0 2.5 | 140 1:0 3.5"}, []),
        # Corners are no goals.
        ({"cr": "100 0-0 8.5 | 140 1-0 8.5"}, []),
    ],
)
def test_goals_and_their_moments(rows: dict[str, str], expected: list[tuple[object, ...]]) -> None:
    assert goals(read(written(**rows))) == expected


@pytest.mark.parametrize(
    ("bs", "eu", "returns"),
    [
        # After 4 s in one market, once the other shows it too.
        ("90 0-0 2 | 100 1-0 3 | 104 0-0 2", "90 0-0 2/4 | 101 1-0 2/4 | 107 0-0 2/4", [107]),
        # One that never showed the goal is not waited for.
        ("90 0-0 2 | 100 1-0 3 | 104 0-0 2", "90 0-0 2/4", [104]),
        # One that was closed for good is, until it has been silent for 180 s.
        ("90 0-0 2 | 100 1-0 3 | 104 0-0 2", "90 0-0 2/4 | 101 1-0 2/4 closed", [281]),
        ("90 0-0 2 | 100 1-0 3 | 400 0-0 2", "90 0-0 2/4 | 101 1-0 2/4 closed", [400]),
        # And this one was not silent.
        ("90 0-0 2 | 100 1-0 3 | 104 0-0 2", "90 0-0 2/4 | 101 1-0 2/4 | 280 1-0 3/4", [460]),
        # Where all are silent nobody has taken it back.
        ("90 0-0 2 | 100 1-0 3", "90 0-0 2/4 | 101 1-0 2/4", [None]),
        # Two goals at once, and the second alone.
        ("90 0-0 2 | 100 1-0 3 | 200 2-0 4 | 210 0-0 2", "90 0-0 2/4", [210, 210]),
        ("90 0-0 2 | 100 1-0 3 | 200 2-0 4 | 210 1-0 3", "90 0-0 2/4", [None, 210]),
        # The first goal, though one market had a second before it was closed for good.
        ("90 0-0 2 | 100 1-0 3 | 200 0-0 2", "90 0-0 2/4 | 101 1-0 2/4 | 110 2-0 1/4", [290, 290]),
        # One that was given to the other side is taken back, and a goal of the other.
        ("90 0-0 2 | 100 1-0 3 | 130 0-1 3", "90 0-0 2/4 | 101 1-0 2/4 | 133 0-1 2/4", [133, None]),
    ],
)
def test_when_goals_are_taken_back(bs: str, eu: str, returns: list[int | None]) -> None:
    found = read(written(bs=bs, eu=eu)).goals
    assert [goal.taken_back for goal in found] == returns


def test_rows_from_a_goal_to_its_return_belong_to_no_score() -> None:
    history = written(asia="90 0-0 0 | 140 1-0 0 | 150 0-0 0", bs=JUMP_120)
    assert read(history).first_goal is None
    scores = {time: read(history).score_at(time) for time in (119, 120, 140, 150, 151)}
    assert scores == {119: (0, 0), 120: None, 140: None, 150: None, 151: (0, 0)}
    # Before it was taken back, it stood.
    assert [read(history, 149).score_at(time) for time in (119, 120, 149)] == [
        (0, 0),
        (1, 0),
        (1, 0),
    ]


def test_after_a_goal_was_taken_back_an_earlier_jump_is_not_the_next_goals() -> None:
    history = written(asia="90 0-0 0 | 100 1-0 0 | 130 0-0 0 | 200 1-0 0", bs=JUMP_120)
    assert [goal.moment for goal in read(history).goals] == [100, 200]


TWO_JUMPS = {"bs": JUMP_120, "eu": "100 0-0 2/4 | 170 0-0 2/4 closed | 180 0-0 2/3"}
TEXT_140 = {"bs": JUMP_120, "asia": "90 0-0 0 | 140 1-0 0"}
LATE_TEXT = {"bs": JUMP_120, "asia": "-90 0-0 0 | -80 1-0 0", "eu": "1 0-0 2/4 | 140 1-0 2/4"}
JUMP_403 = "1 0-0 1.5 | 401 0-0 2.5 | 402 0-0 2.5 closed | 403 0-0 3.0"


@pytest.mark.parametrize(
    ("rows", "at", "since"),
    [
        ({"bs": JUMP_120}, 119, None),
        ({"bs": JUMP_120}, 120, 120),
        ({"bs": JUMP_120}, 299, 120),
        ({"bs": JUMP_120}, 300, None),
        # A text explains it, in whatever market, and so does one from the 180 s before it.
        (TEXT_140, 139, 120),
        (TEXT_140, 140, None),
        ({"bs": JUMP_403, "asia": "1 0-0 0 | 223 1-0 0"}, 410, 403),
        ({"bs": JUMP_403, "asia": "1 0-0 0 | 224 1-0 0"}, 410, None),
        # So does the text of a goal that another market had long before.
        (LATE_TEXT, 139, 120),
        (LATE_TEXT, 140, None),
        # Of two jumps the earlier, until its time is over.
        (TWO_JUMPS, 299, 120),
        (TWO_JUMPS, 300, 180),
    ],
)
def test_since_when_rows_are_in_doubt(rows: dict[str, str], at: int, since: int | None) -> None:
    history = written(**rows)
    assert read(history, at).doubt_since == since
    assert read(history, at, price_first=False).doubt_since is None


@pytest.mark.parametrize(
    ("eu", "bs", "spans"),
    [
        # Until it moves, each market by itself: suspended or not, under the same text or not.
        ("90 0-0 2/4 | 170 1-0 1.5/6", "90 0-0 2 | 200 0-0 2.5", [(150, 170), (150, 200)]),
        # Until 180 s have passed; a move of the other side is none, nor is one of a quarter.
        ("90 0-0 2/4 | 170 1-0 2/2", "90 0-0 2 | 170 1-0 2.25", [(150, 330), (150, 330)]),
        ("90 0-0 2/4 | 331 1-0 1.5/6", "90 0-0 2", [(150, 330), (150, 330)]),
        # It had moved within the 180 s before the text, or just not.
        ("-90 0-0 2/4 | -29 0-0 1.5/6", "-90 0-0 2 | -30 0-0 2.5", [None, (150, 330)]),
        ("90 0-0 2/4 | 150 1-0 1.5/6", "90 0-0 2 | 149 0-0 3", [None, None]),
    ],
)
def test_until_when_markets_catch_up(eu: str, bs: str, spans: list[tuple[int, int] | None]) -> None:
    history = written(asia="90 0-0 0 | 150 1-0 0", eu=eu, bs=bs)
    catching_up = read(history, price_first=False).catching_up
    both = max((span for span in spans if span), default=None)
    for market, span in zip(("eu", "bs", "asia", "cr"), (*spans, both, both), strict=True):
        assert [*catching_up.get(market, ())] == ([span] if span else []), market
    assert not read(history, price_first=True).catching_up


def test_a_move_for_a_goal_that_was_taken_back_is_none_for_the_next() -> None:
    history = written(eu="90 0-0 2/4 | 100 1-0 2/4 | 120 1-0 1.5/6 | 130 0-0 2/4 | 200 1-0 2/4")
    found = read(history, price_first=False)
    assert found.catching_up["eu"] == [(100, 120), (200, 380)]


def test_nobody_catches_up_with_a_goal_that_was_taken_back() -> None:
    history = written(bs="90 0-0 2 | 100 1-0 2 | 104 0-0 2")
    assert read(history, price_first=False).catching_up["bs"] == [(100, 105)]


@patience
@examples
@given(moments(), st.booleans())
def test_every_history_is_read_as_the_reference_reads_it(
    moment: tuple[History, int], price_first: bool
) -> None:
    history, at = moment
    found = read(history, at, price_first=price_first)
    assert read(until(at, history), at, price_first=price_first) == found
