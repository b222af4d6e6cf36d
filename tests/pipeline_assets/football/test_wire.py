"""The football vendor's codes and the reading of its JSON."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.football.wire import status_breakdown
from pipeline_assets.football.wire.codes import (
    CARD_REASONS,
    EVENT_TYPES,
    IN_PLAY,
    STATUS_NAMES,
    VAR_REASONS,
    VAR_RESULTS,
    WEATHER,
    company_name,
    status_name,
    var_reason_text,
    var_result_text,
)
from pipeline_assets.football.wire.fields import (
    FieldReader,
    Int64,
    Malformed,
    Noticed,
    Read,
    known,
    list_of,
    results_of,
)
from pipeline_assets.football.wire.live import SideFigures
from pipeline_assets.football.wire.odds import (
    OddsRow,
    Rows,
    companies_in,
    companies_of,
    markets_of,
    rows_of,
    whole_history,
)


def text(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_the_code_tables_are_the_vendors() -> None:
    assert [*STATUS_NAMES] == list(range(14))
    assert {2, 3, 4, 5, 6, 7} == IN_PLAY
    assert {14, 18, 20}.isdisjoint(EVENT_TYPES), "the vendor does not use these"
    assert [*VAR_REASONS] == list(range(10))
    assert [*VAR_RESULTS] == list(range(13))
    assert [*CARD_REASONS] == list(range(38))
    assert [*WEATHER] == list(range(1, 14))
    assert WEATHER[4] == "Snow", "a guessed table once called it light rain"


def test_unlisted_codes_are_shown_as_unknown_with_their_number() -> None:
    assert status_name(99) == "Unknown Status"
    assert company_name("2") == "bet365"
    assert company_name("999") == "Company 999"
    assert var_reason_text(44) == "Unknown reason (44)"
    assert var_result_text(44) == "Unknown result (44)"
    assert var_reason_text(None) == var_result_text(None) == var_result_text(0) == "unknown"


def test_statuses_are_counted_by_ascending_id() -> None:
    assert status_breakdown([8, 3, 77, 3]) == [
        "Status ID 3 (Half-time): 2 matches",
        "Status ID 8 (End): 1 matches",
        "Status ID 77 (Unknown Status): 1 matches",
    ]


def test_a_sides_figures_have_names() -> None:
    assert SideFigures.of([2, 1, 0, 3, -1, 4, 5]) == SideFigures(2, 1, 0, 3, None, 4, 5)
    assert SideFigures.of([2, 1, 0, 3, 0, 4, 5, 6]) == SideFigures(2, 1, 0, 3, 0, 4, 5)
    assert SideFigures.of([2, 1, 0, 3, 0, 4]) is None
    assert SideFigures.of([-1, None, 0, 3, -2, 4, 5]) == SideFigures(None, None, 0, 3, None, 4, 5)


@pytest.mark.parametrize(
    ("value", "meant"), [(None, None), ("", None), ("  ", None), (" a b ", "a b")]
)
def test_an_empty_text_is_unknown(value: str | None, meant: str | None) -> None:
    assert known(value) == meant


@pytest.mark.parametrize("nothing", [None, {}, []])
def test_the_vendor_has_several_ways_to_say_nothing(nothing: Any) -> None:
    assert list_of(text(nothing), "results") == []
    assert companies_of(text(nothing)) == {}
    assert companies_in(b'{"code":0,"results":%s}' % bytes(text(nothing))) == {}


def test_a_response_without_results_has_none() -> None:
    assert bytes(results_of(b'{"code":0}')) == b"null"
    assert companies_in(b'{"code":0}') == whole_history(b'{"code":0}') == {}


@pytest.mark.parametrize("malformed", [[1], "x", 3, True])
def test_odds_that_are_no_object_are_malformed(malformed: Any) -> None:
    with pytest.raises(Malformed):
        companies_of(text(malformed))


@pytest.mark.parametrize("malformed", [[1], None, 3, "x"])
def test_a_company_that_is_no_object_is_malformed(malformed: Any) -> None:
    with pytest.raises(Malformed):
        markets_of(text(malformed))


@pytest.mark.parametrize("malformed", [{"a": 1}, None, 3, "x"])
def test_a_market_that_is_no_list_is_malformed(malformed: Any) -> None:
    with pytest.raises(Malformed):
        rows_of(text(malformed))


@pytest.mark.parametrize("nothing", [{}, []])
def test_an_empty_company_or_market_is_written_in_two_ways(nothing: Any) -> None:
    assert markets_of(text(nothing)) == {}
    assert rows_of(text(nothing)) == Rows([], [], 0)


def test_what_is_malformed_is_named() -> None:
    with pytest.raises(Malformed, match="results"):
        list_of(text({"a": 1}), "results")


class Ground(msgspec.Struct, frozen=True):
    id: str
    name: str | None = None
    seats: Int64 = 0


_read_ground = FieldReader(Ground)


@pytest.mark.parametrize(
    ("value", "read", "unread"),
    [
        ({"id": "a", "name": "A", "seats": 9, "other": [1]}, Ground("a", "A", 9), []),
        ({"id": "a", "name": None}, Ground("a"), []),
        ({"id": "a", "name": 7, "seats": 9}, Ground("a", None, 9), ["name"]),
        ({"id": "a", "name": [], "seats": None}, Ground("a"), ["name", "seats"]),
    ],
)
def test_an_odd_field_costs_no_other(value: Any, read: Ground, unread: list[str]) -> None:
    found = _read_ground(text(value), "ground")
    assert (found.value, [*found.unread]) == (read, unread)
    assert all(why.startswith(f"ground.{name}: ") for name, why in found.unread.items())


@pytest.mark.parametrize("value", [None, 7, [], {}, {"name": "A"}, {"id": None}, {"id": 7}])
def test_a_record_without_the_field_it_needs_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed, match=r"ground"):
        _read_ground(text(value), "ground")


ROW = [1750279256, "12", 0.95, 0.75, 2.0, 2, 0, "0-0"]


def test_a_row_keeps_the_text_of_its_numbers() -> None:
    (row,) = rows_of(text([ROW])).good
    expected = OddsRow(
        1750279256, "12", Decimal("0.95"), Decimal("0.75"), Decimal("2.0"), 2, 0, "0-0"
    )
    assert row == expected
    assert str(row.v4) == "2.0"


def test_bad_rows_are_told_by_their_place_and_cost_no_other() -> None:
    rows = rows_of(text([ROW, [1], [*ROW[:2], "0.95", *ROW[3:]], ROW, None]))
    assert len(rows.good) == 2
    assert [bad.index for bad in rows.bad] == [1, 2, 4]
    assert rows.count == 5


def test_longer_rows_are_kept_and_counted() -> None:
    rows = rows_of(text([ROW, [*ROW, "x", 1]]))
    assert (len(rows.good), rows.surplus) == (2, 1)


@pytest.mark.parametrize("odd", ["45,+", 'a"b', "\\", "1-0\n", ""])
def test_a_row_with_punctuation_in_its_texts_is_read_all_the_same(odd: str) -> None:
    rows = rows_of(text([ROW, [*ROW[:7], odd]]))
    assert [row.score for row in rows.good] == ["0-0", odd]


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=30,
)
_like_rows = st.lists(st.sampled_from([*ROW, None, "0.95", [], 10**30]), min_size=6, max_size=9)


@given(st.lists(st.one_of(st.just(ROW), _like_rows, _json), max_size=8))
def test_every_row_of_any_list_is_either_good_or_bad(rows: list[Any]) -> None:
    read = rows_of(text(rows))
    assert read.count == len(rows)
    assert read.good.count(rows_of(text([ROW])).good[0]) >= rows.count(ROW)
    bad = {row.index for row in read.bad}
    assert all(len(row) >= 8 for i, row in enumerate(rows) if i not in bad)


@given(_json)
def test_any_json_is_read_or_malformed(value: Any) -> None:
    for read in (companies_of, markets_of, rows_of, results_of):
        with contextlib.suppress(Malformed):
            read(text(value))


@given(_json, _json)
def test_any_value_of_a_field_is_read_or_named(name: Any, seats: Any) -> None:
    found: Read[Ground] = _read_ground(text({"id": "a", "name": name, "seats": seats}), "ground")
    assert ("name" in found.unread) == (name is not None and not isinstance(name, str))
    assert ("seats" in found.unread) == (type(seats) is not int or not -(2**63) <= seats < 2**63)


def test_a_finding_stands_once_with_its_count() -> None:
    noticed = Noticed()
    for match in ("a", "b"):
        noticed.unknown_fields("match", ["id", "weather"], {"id"}, match)
        noticed.unknown_code("status", 99, STATUS_NAMES, match)
        noticed.unknown_code("status", 3, STATUS_NAMES, match)
    assert [(f.kind, f.key, f.detail) for f in noticed.findings()] == [
        ("unknown_field", "match.weather", "2 times, first in a"),
        ("unknown_code", "status 99", "2 times, first in a"),
    ]
