"""Whatever a service sends, no stage raises, each record has exactly one fate, and what is wrong
with one record costs no other."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.basketball.calendar import SeasonGame
from pipeline_assets.basketball.content import content_of
from pipeline_assets.basketball.expected import (
    box_scores_expected,
    games_lacking,
    when_lines_are_asked,
    when_props_are_asked,
)
from pipeline_assets.basketball.player_props import RAW_PROP
from pipeline_assets.basketball.wire.fields import Malformed
from tests.pipeline_assets.basketball.unrelated import (
    BOX_SCORES,
    CALENDAR,
    DATES,
    KINDS,
    PLAYER_PROPS,
    ROSTERS,
    Kind,
    beside,
)
from tests.pipeline_assets.odd_json import changed, examples, hostile, patience, through
from touchline.day import Day
from touchline.zeros import Expected

pytestmark = patience
OF_EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
NOON = Day.parse(DATES[0]).start.replace(hour=17)


@st.composite
def with_one_changed(draw: st.DrawFn, kind: Kind) -> tuple[list[Any], list[int]]:
    """The three records with one to four changes anywhere in one of them; the places of the
    others."""
    victim = draw(st.sampled_from(range(len(kind.records))))
    records = [*kind.records]
    for _ in range(draw(st.integers(1, 4))):
        records[victim] = changed(draw, records[victim])
    return records, [place for place in range(len(records)) if place != victim]


@st.composite
def bodies(draw: st.DrawFn, kind: Kind) -> Any:
    """Anything at all, or an answer with one change anywhere in it."""
    records = [*kind.records]
    body = draw(st.sampled_from([records, {"data": records}, {"data": draw(hostile)}, None]))
    return draw(hostile) if body is None else changed(draw, body)


@functools.cache
def undisturbed(kind: Kind) -> Mapping[str, Sequence[Any]]:
    raw = kind.fetched(kind.records)
    return {stage.name: staged.records for stage, staged in kind.made(raw)}


@OF_EACH_KIND
def test_all_three_records_are_used_where_nothing_is_wrong(kind: Kind) -> None:
    for stage, staged in kind.made(kind.fetched(kind.records)):
        assert {getattr(record, kind.key) for record in staged.records} == {*kind.keys}, stage.name
        assert not staged.quarantined


@OF_EACH_KIND
@examples
@given(st.data())
def test_a_hostile_record_costs_no_other_anything(kind: Kind, data: st.DataObject) -> None:
    records, others = data.draw(with_one_changed(kind))
    for stage, staged in kind.made(kind.fetched(records)):
        before = kind.of(undisturbed(kind)[stage.name], others)
        assert kind.of(staged.records, others) == before


@OF_EACH_KIND
@examples
@given(st.data())
def test_whatever_a_body_is_each_record_of_it_has_one_fate(kind: Kind, data: st.DataObject) -> None:
    body = data.draw(bodies(kind))
    assert list(kind.made(kind.answered(body)))


# --- what is decided by what was read ------------------------------------------------------------


@examples
@given(st.data())
def test_what_counts_in_hostile_box_scores_is_known_or_they_are_refused(
    data: st.DataObject,
) -> None:
    records, _ = data.draw(with_one_changed(BOX_SCORES))
    assert content_of(BOX_SCORES.fetched(records)).units >= 0
    with contextlib.suppress(Malformed):
        content_of(BOX_SCORES.answered(data.draw(bodies(BOX_SCORES))))


@examples
@given(st.data())
def test_a_hostile_game_of_the_calendar_moves_no_other_days_slots(data: st.DataObject) -> None:
    records, others = data.draw(with_one_changed(CALENDAR))
    games = _calendar(records)
    for when in (when_lines_are_asked, when_props_are_asked):
        before, after = _in_full(when(_calendar(CALENDAR.records))), _in_full(when(games))
        of_others = {game.game_date for game in CALENDAR.of(games, others)}
        odd = {game.game_date for game in games if game.game_id not in _ids(others)}
        for date in of_others - odd:
            assert after[date] == before[date]
        for date, times in after.items():
            day = Day.parse(date)
            assert all(day.shifted(-1).start <= at < day.end for at in times), "it can be planned"


def _calendar(records: Sequence[Any]) -> list[SeasonGame]:
    [(_, staged)] = CALENDAR.made(CALENDAR.fetched(records))
    return staged.records


def _ids(places: Sequence[int]) -> set[str]:
    return {CALENDAR.keys[place] for place in places}


def _in_full(times: Mapping[Day, Any]) -> dict[str, list[datetime]]:
    return {str(day): list(of_day) for day, of_day in times.items()}


@examples
@given(st.data())
def test_a_hostile_calendar_and_hostile_box_scores_can_be_compared(data: st.DataObject) -> None:
    games = _calendar(data.draw(with_one_changed(CALENDAR))[0])
    told, _ = data.draw(with_one_changed(BOX_SCORES))
    [there, _] = [staged.records for _, staged in BOX_SCORES.made(BOX_SCORES.fetched(told))]
    for date in DATES:
        day = Day.parse(date)
        assert box_scores_expected(day, NOON, games)[0] in Expected
        assert all(lack.detail for lack in games_lacking(day, games, there))


@examples
@given(st.data())
def test_a_hostile_game_and_player_cost_no_prop_of_others(data: st.DataObject) -> None:
    games, _ = data.draw(with_one_changed(CALENDAR))
    players, _ = data.draw(with_one_changed(ROSTERS))
    raw = PLAYER_PROPS.fetched(PLAYER_PROPS.records)
    told = [
        [(made.ref, next(kind.made(made))[1].records)]
        for kind, made in (
            (CALENDAR, CALENDAR.fetched(games)),
            (ROSTERS, ROSTERS.fetched(players)),
        )
    ]
    staged = through(RAW_PROP, raw.ref, [(raw.ref, raw)], *told)
    as_it_was = through(RAW_PROP, raw.ref, [(raw.ref, raw)], *map(beside, RAW_PROP.inputs[1:]))
    prices = [(line.event_id, line.over_price, line.under_price) for line in as_it_was.records]
    assert [(line.event_id, line.over_price, line.under_price) for line in staged.records] == prices
