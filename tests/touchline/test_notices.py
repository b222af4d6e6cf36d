"""What is left of a notice that is too long for its channel."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.alerting import BLIND, Alert, AlertKey, AlertState
from touchline.day import Day
from touchline.notices import body, shortened

DAY = Day.parse("2025-05-28")
START = datetime(2025, 5, 28, 17, 0, 40, tzinfo=UTC)
FIRST, SECOND, THIRD = "BAD: a\nmerged: landed 9\nsince noon", "BAD: b\nsince noon", "over: c"
COMMANDS = f"next: touchline losses --from {DAY} --to {DAY}\nnext: touchline doctor"
TEXT = "\n\n".join([FIRST, SECOND, THIRD, COMMANDS])


def at_most(characters: int, text: str = TEXT) -> str:
    return shortened(text, lambda made: len(made) <= characters)


def alert(cause: str, state: AlertState = AlertState.OPEN) -> Alert:
    key = AlertKey("landed_matches_claimed", "football/merged", DAY, cause)
    return Alert(key, state, START, START, count=1, suppressed=0, due_at=START)


def test_the_worst_is_said_first() -> None:
    group = [alert("real_loss", AlertState.OVER), alert(BLIND), alert("damaged"), alert("no_fate")]
    causes = [line.split(",")[0] for line in body(group, "").split("\n\n")[:-1]]
    assert causes == [
        *("BAD: damaged", "BAD: no_fate", f"COULD_NOT_CHECK: {BLIND}", "over: real_loss"),
    ]


@pytest.mark.parametrize(
    ("characters", "left"),
    [
        (len(TEXT), TEXT),
        (len(TEXT) - 1, f"{FIRST}\n\n{SECOND}\n\n{THIRD}\n\nmore: touchline alerts"),
        (85, f"{FIRST}\n\n{SECOND}\n\nand 1 more: touchline alerts"),
        (64, f"{FIRST}\n\nand 2 more: touchline alerts"),
        (63, "BAD: a\nmerged: landed 9\n…\nand 2 more: touchline alerts"),
        (40, "BAD: a\n…\nand 2 more: touchline alerts"),
        (36, "BAD: a…\nand 2 more: touchline alerts"),
        (33, "BAD…\nand 2 more: touchline alerts"),
        (0, "…\nand 2 more: touchline alerts"),
    ],
)
def test_whole_causes_are_kept_then_lines_then_characters(characters: int, left: str) -> None:
    assert at_most(characters) == left


def test_one_long_line_is_cut_where_it_is_seen() -> None:
    text = at_most(58, "word " * 20)
    assert text == "word word word word word word word…\nmore: touchline alerts"


LINES = st.text(st.sampled_from("ab …:"), min_size=1, max_size=8)
CAUSES = st.lists(st.lists(LINES, min_size=1, max_size=4), min_size=1, max_size=6)


@given(CAUSES, st.integers(0, 120))
def test_it_is_never_longer_than_it_may_be_and_says_what_is_left_out(
    causes: list[list[str]], characters: int
) -> None:
    text = "\n\n".join("\n".join(lines) for lines in causes)
    made = at_most(characters, text)
    assert len(made) <= max(characters, len(f"…\nand {len(causes)} more: touchline alerts"))
    assert (made == text) == (len(text) <= characters)
    if made != text:
        assert made.endswith("more: touchline alerts")
