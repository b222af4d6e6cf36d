"""Test what makes two fetches of box scores the same, and how much a fetch holds."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.basketball.box_scores import box_scores, row_keys
from pipeline_assets.basketball.content import content_of, row_hash
from pipeline_assets.basketball.wire.fields import Malformed
from tests.pipeline_assets.basketball.boxes import (
    AFTER,
    DAY,
    MORNING,
    answer,
    envelope,
    game,
    needs_recording,
    not_yet,
    recorded,
    recorded_games,
    roster_only,
    rows,
)
from touchline.day import new_york_text
from touchline.fetch import Call
from touchline.retries import Content


def content(*games: Any, number: int = AFTER) -> Content:
    return content_of(envelope(answer(list(games)), number))


NOTHING = content()


def test_what_holds_no_final_game_is_all_one() -> None:
    nothing = [
        (not_yet(1), not_yet(2)),
        (not_yet(1, status="7:30 pm ET", datetime=None), not_yet(2)),
        (roster_only(),),
        (game(status="4th Qtr"),),
    ]
    assert {content(*games) for games in nothing} == {NOTHING}
    failed = Call("box_scores", {}, answer([game()]), 200, error="vendor_error")
    assert content_of(envelope(failed, outcome="partial")) == NOTHING
    assert NOTHING.units == 0


def test_its_units_are_the_rows_of_who_played_in_games_that_are_over() -> None:
    assert content(game(1), not_yet(2), game(3, home_team_score=1)).units == 36
    twice = [game(1), game(1)]
    assert content(*twice) == content(game(1))


def test_a_body_that_is_no_list_of_games_cannot_be_compared() -> None:
    with pytest.raises(Malformed, match=r"^response"):
        content_of(envelope(b'{"error": "no"}'))


def changed(where: Callable[[Any], Any], **change: Any) -> Content:
    told = game()
    where(told).update(change)
    return content(told)


def first_row(told: Any) -> Any:
    return told["home_team"]["players"][0]


@pytest.mark.parametrize(
    ("where", "change"),
    [
        (first_row, {"ast": 6}),
        (first_row, {"ast": None}),
        (first_row, {"min": "31"}),
        (first_row, {"plus_minus": 4}),
        (first_row, {"fg_pct": None}),
        (lambda told: first_row(told)["player"], {"position": None}),
        (lambda told: first_row(told)["player"], {"jersey_number": "0"}),
        (lambda told: told, {"home_team_score": 91}),
        (lambda told: told, {"home_ot1": 0}),
        (lambda told: told, {"id": 2}),
    ],
)
def test_a_change_of_a_business_field_is_other_content(
    where: Callable[[Any], Any], change: dict[str, Any]
) -> None:
    assert changed(where, **change).hash != content(game()).hash


@pytest.mark.parametrize(
    ("where", "change"),
    [
        (first_row, {"min": 30.0}),
        (first_row, {"min": "30:00", "pts": 10.0, "ast": "5", "fg_pct": "0.4", "ft_pct": 1.0}),
        (lambda told: first_row(told)["player"], {"college": None, "weight": "210"}),
        (lambda told: told, {"home_timeouts_remaining": 2, "time": "  "}),
        (lambda told: told["home_team"], {"conference": "    "}),
        (lambda told: told, {"datetime": "2026-01-09T19:00:00-05:00"}),
    ],
)
def test_a_change_of_form_or_of_what_is_not_kept_is_the_same_content(
    where: Callable[[Any], Any], change: dict[str, Any]
) -> None:
    assert changed(where, **change) == content(game())


def test_when_and_how_it_was_fetched_is_no_content() -> None:
    assert content(game(), number=MORNING) == content(game(), number=AFTER)


def test_null_zero_and_empty_are_three() -> None:
    assert len({row_hash({"a": value}) for value in (None, 0, "")}) == 3
    assert row_hash({"a": 25, "b": 0.5}) == row_hash({"b": 0.5, "a": 25.0})


@st.composite
def same_games(draw: st.DrawFn) -> list[Any]:
    """Two games with their rows in any order and their numbers in any form."""
    games = [game(1), game(2, rows(300), rows(400, 8))]
    for each in games:
        for side in ("home_team", "visitor_team"):
            players = each[side]["players"]
            each[side]["players"] = draw(st.permutations(players))
            for row in players[:3]:
                for name in draw(st.sets(st.sampled_from(["fgm", "pts", "reb", "plus_minus"]))):
                    row[name] = draw(st.sampled_from([float, str, lambda value: f"{value}.0"]))(
                        row[name]
                    )
    return draw(st.permutations(games))


@given(same_games())
def test_neither_order_nor_the_form_of_numbers_is_content(games: list[Any]) -> None:
    assert content(*games) == content(game(1), game(2, rows(300), rows(400, 8)))


@needs_recording
@given(st.randoms(use_true_random=False))
def test_the_recorded_date_is_the_same_in_any_order(random: Any) -> None:
    games = recorded_games()[:3]
    before = content(*copy.deepcopy(games))
    random.shuffle(games)
    for each in games:
        for side in ("home_team", "visitor_team"):
            random.shuffle(each[side]["players"])
    assert content(*games) == before


@needs_recording
def test_the_recorded_date_has_208_units_of_347_rows() -> None:
    raw = envelope(recorded("box_scores_2026-01-09"))
    assert content_of(raw).units == 208
    keys = row_keys(raw)
    assert (len(keys), len(set(keys))) == (347, 347)
    assert content_of(envelope(recorded("box_scores_empty_day"))) == NOTHING


def test_each_row_has_a_key_and_so_has_what_cannot_be_read() -> None:
    odd = game(3, home_team={"id": 1, "players": [{"min": "1"}]}, visitor_team={"id": 2})
    raw = envelope(answer([game(1), not_yet(2), odd, "x"]))
    keys = row_keys(raw)
    assert keys[:2] == ["1/100", "1/101"]
    assert keys[34:] == ["3/#1", "#4"]
    assert row_keys(envelope(json.dumps("x").encode())) == ["#1"]


def test_its_slots_are_those_of_the_story_and_two_of_them_come_too_early() -> None:
    slots = list(box_scores.schedule.slots(box_scores.name, DAY))
    assert [new_york_text(slot.at)[:16] for slot in slots] == [
        "01/09/2026 06:05",
        "01/09/2026 09:05",
        "01/10/2026 03:05",
        "01/10/2026 06:05",
        "01/10/2026 09:05",
    ]
