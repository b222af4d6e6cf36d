"""Outcomes put together to lines, and which of them is the main one."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.basketball.line_rows import decimal_price, row_keys
from pipeline_assets.basketball.lines import Line, line_key
from pipeline_assets.basketball.player_names import MatchedBy
from pipeline_assets.basketball.team_names import MatchState
from pipeline_assets.basketball.wire.odds import EVENT_ODDS, ODDS, OddsFormat
from tests.pipeline_assets.basketball.odds_fetches import (
    START,
    RosterPlayer,
    book,
    event,
    fetch,
    lines,
    market,
    outcome,
    props,
)

HOME, AWAY = "Boston Celtics", "Los Angeles Clippers"
AMERICAN = {"oddsFormat": "american"}


def of(*markets: Any, **more: Any) -> list[Line]:
    return lines(fetch([event(book("fanduel", *markets))], **more)).records


def points(*prices: tuple[float, Any, Any]) -> list[dict[str, Any]]:
    """Outcomes of a player's points: point, price over and price under, None for a missing one."""
    return [
        outcome(name, price, point, "A Player")
        for point, over, under in prices
        for name, price in (("Over", over), ("Under", under))
        if price is not None
    ]


def main_points(*prices: tuple[float, Any, Any], **more: Any) -> list[float]:
    found = of(market("player_points", *points(*prices)), **more)
    return [float(line.point or 0) for line in found if not line.is_alternate]


def test_a_line_has_the_prices_of_both_sides() -> None:
    winner, spread, total, double = of(
        market("h2h", outcome(AWAY, 1.5), outcome(HOME, 2.5)),
        market("spreads", outcome(AWAY, 1.9, -4.5), outcome(HOME, 1.91, 4.5)),
        market("totals", outcome("Under", 1.95, 220.5), outcome("Over", 1.85, 220.5)),
        market(
            "player_double_double", outcome("No", 1.2, player="B"), outcome("Yes", 4, player="B")
        ),
    )
    assert (winner.home_price, winner.away_price, winner.point) == (
        Decimal("2.5"),
        Decimal("1.5"),
        None,
    )
    assert (spread.point, spread.home_price) == (Decimal("4.5"), Decimal("1.91"))
    assert spread.away_price == Decimal("1.9")
    assert (total.over_price, total.under_price) == (Decimal("1.85"), Decimal("1.95"))
    assert (double.over_price, double.under_price) == (Decimal(4), Decimal("1.2"))
    assert (double.player_name, double.point) == ("B", None)
    assert not any(line.is_alternate for line in (winner, spread, total, double))


def test_a_missing_side_is_null_and_the_line_stays() -> None:
    over, away = of(
        market("player_points", outcome("Over", 1.9, 20.5, "A Player")),
        market("h2h", outcome(AWAY, 1.5)),
    )
    assert (over.over_price, over.under_price) == (Decimal("1.9"), None)
    assert (away.home_price, away.away_price) == (None, Decimal("1.5"))
    assert not over.is_alternate


def test_spreads_of_one_book_are_told_apart_by_whom_they_favor() -> None:
    found = of(
        market(
            "spreads",
            outcome(HOME, 1.5, 2.5),
            outcome(HOME, 2.4, -2.5),
            outcome(AWAY, 1.55, 2.5),
            outcome(AWAY, 2.5, -2.50),
        )
    )
    assert {(str(line.point), str(line.home_price), str(line.away_price)) for line in found} == {
        ("2.5", "1.5", "2.5"),
        ("-2.5", "2.4", "1.55"),
    }


@pytest.mark.parametrize(
    ("prices", "main"),
    [
        ([(20.5, 1.8, 2.0), (21.5, 1.9, 1.91), (22.5, 2.0, 1.8)], [21.5]),
        ([(22.5, 1.9, 1.95), (21.5, 1.95, 1.9)], [21.5]),
        ([(20.5, 1.9, None), (21.5, 1.2, 4.5)], [21.5]),
        ([(20.5, 1.9, None), (21.5, None, 1.9)], []),
        ([(20.5, 1.9, None)], [20.5]),
        ([(20.5, 1.9, 1.9), (20.5, 1.9, 1.9)], [20.5]),
        ([(20.5, 1.9, 1.9), (20.5, 1.9, 1.91), (21.5, 1.5, 2.6)], [21.5]),
        ([(20.5, 1.9, 1.9), (20.5, 1.9, 1.91)], []),
        ([(20.5, 1.9, 1.9), (20.5, 1.9, None)], []),
    ],
)
def test_the_main_line_is_the_point_whose_prices_are_closest(
    prices: Sequence[tuple[float, Any, Any]], main: list[float]
) -> None:
    assert main_points(*prices) == main


def test_american_prices_are_compared_as_decimal_ones() -> None:
    # As numbers -105 and 105 are far apart; they pay 1.95 and 2.05.
    prices = [(20.5, -105, 105), (21.5, 140, 180)]
    assert main_points(*prices, params=AMERICAN) == [20.5]
    assert main_points((20.5, 0, 105), (21.5, -300, 240), params=AMERICAN) == [21.5]


@pytest.mark.parametrize(
    ("american", "pays"),
    [("130", "2.3"), ("100", "2"), ("-100", "2"), ("-200", "1.5"), ("0", None)],
)
def test_what_an_american_price_pays(american: str, pays: str | None) -> None:
    paid = decimal_price(Decimal(american), OddsFormat.AMERICAN)
    assert (paid and float(paid)) == (pays and float(pays))


@pytest.mark.parametrize("key", ["h2h_lay", "alternate_spreads", "player_points_alternate"])
def test_some_markets_have_no_main_line(key: str) -> None:
    [line] = of(market(key, outcome(AWAY, 1.5), outcome(HOME, 2.5)))
    assert (line.market, line.is_alternate, line.home_price) == (key, True, Decimal("2.5"))


def test_outcomes_that_a_book_lists_twice_are_kept_in_their_order() -> None:
    found = of(
        market("player_points", *points((20.5, 1.9, 1.8), (20.5, 2.0, 1.7), (20.5, 3, None)))
    )
    assert [(line.position, line.over_price, line.under_price) for line in found] == [
        (1, Decimal("1.9"), Decimal("1.8")),
        (2, Decimal(2), Decimal("1.7")),
        (3, Decimal(3), None),
    ]
    assert all(line.duplicate_quote and line.is_alternate for line in found)


def test_a_book_that_stands_twice_in_an_event_is_one() -> None:
    quoted = [market("totals", outcome(name, 1.9, 220.5)) for name in ("Over", "Under")]
    [line] = lines(fetch([event(book("a", quoted[0]), book("a", quoted[1]))])).records
    assert (line.over_price, line.under_price) == (Decimal("1.9"), Decimal("1.9"))


@pytest.mark.parametrize(("ahead", "is_live"), [(1, False), (0, True), (-600, True)])
def test_a_line_is_live_from_the_start_on(ahead: int, is_live: bool) -> None:
    quoted = market("h2h", outcome(AWAY, 1.5), outcome(HOME, 2.5))
    [line] = of(quoted, at=START - timedelta(seconds=ahead))
    assert line.is_live is is_live


def test_a_line_is_of_the_calendars_game() -> None:
    quoted = book("a", market("h2h", outcome(AWAY, 1.5), outcome(HOME, 2.5)))
    [line] = lines(fetch([event(quoted)])).records
    assert (line.game_id, line.match_state, line.matched_by) == ("15", MatchState.MATCHED, None)
    stars = book("a", market("h2h", outcome("Team Stars", 1.5)))
    found = lines(fetch([event(stars, id="e2", home_team="Team Stars")]))
    assert [line.match_state for line in found.records] == [MatchState.TEAM_UNMATCHED]
    assert [(each.kind, each.key) for each in found.findings] == [("team_unmatched", "Team Stars")]


def test_a_prop_is_of_a_player_of_the_game() -> None:
    roster = [
        RosterPlayer(1, "Jonathan", "Isaac", 2, "Boston Celtics"),
        RosterPlayer(2, "Moritz", "Wagner", 13, "LA Clippers"),
    ]
    quoted = [outcome("Over", 2, 9.5, name) for name in ("J. Isaac", "Moritz Wagner", "Nobody")]
    answer = event(book("a", market("player_points", *quoted)))
    found = props(fetch(answer, endpoint=EVENT_ODDS), players=roster)
    assert [(line.player_id, line.match_state, line.matched_by) for line in found.records] == [
        (1, MatchState.MATCHED, MatchedBy.INITIAL),
        (2, MatchState.MATCHED, MatchedBy.NAME),
        (None, MatchState.PLAYER_UNMATCHED, None),
    ]
    assert [(each.kind, each.key) for each in found.findings] == [("player_unmatched", "Nobody")]
    alone = props(fetch(answer, endpoint=EVENT_ODDS))
    assert {line.match_state for line in alone.records} == {MatchState.ROSTER_MISSING}
    other = props(fetch({**answer, "home_team": "Utah Jazz"}, endpoint=EVENT_ODDS), players=roster)
    assert {line.match_state for line in other.records} == {MatchState.GAME_UNMATCHED}


PRICES = st.sampled_from([1.5, 1.8, 1.9, 1.91, 2.0, 2.6])
OUTCOMES = st.one_of(
    st.tuples(st.just("h2h"), st.sampled_from([HOME, AWAY]), st.none(), st.none(), PRICES),
    st.tuples(
        st.just("spreads"),
        st.sampled_from([HOME, AWAY]),
        st.sampled_from([-2.5, 2.5, 0, 3]),
        st.none(),
        PRICES,
    ),
    st.tuples(
        st.just("player_points"),
        st.sampled_from(["Over", "Under"]),
        st.sampled_from([None, 19.5, 20.5, 21.5]),
        st.sampled_from(["A Player", "B Player"]),
        PRICES,
    ),
)
QUOTED = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), OUTCOMES), max_size=30)
Quoted = tuple[str, tuple[str, str, float | None, str | None, float]]


def answer_of(quoted: Sequence[Quoted]) -> dict[str, Any]:
    """An event whose books, markets and outcomes stand in the order in which they are quoted."""
    books: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for key, (name, side, point, player, price) in quoted:
        outcomes = books.setdefault(key, {}).setdefault(name, [])
        outcomes.append(outcome(side, price, point, player))
    return event(
        *(
            book(key, *(market(name, *told) for name, told in by.items()))
            for key, by in books.items()
        )
    )


def shuffled(quoted: Sequence[Quoted], seed: int) -> list[Quoted]:
    """In another order, but equal outcomes of one book: which of them is first says something."""

    def equals(one: Quoted) -> tuple[Any, ...]:
        return one[0], one[1][:4]

    order = list(quoted)
    random.Random(seed).shuffle(order)
    by_equals: dict[tuple[Any, ...], list[Quoted]] = {}
    for one in quoted:
        by_equals.setdefault(equals(one), []).append(one)
    return [by_equals[equals(one)].pop(0) for one in order]


@given(QUOTED, st.integers())
def test_the_order_of_books_and_outcomes_changes_no_line(quoted: list[Quoted], seed: int) -> None:
    told = lines(fetch([answer_of(quoted)])).records
    again = lines(fetch([answer_of(shuffled(quoted, seed))])).records
    assert sorted(map(repr, again)) == sorted(map(repr, told))


@given(QUOTED)
def test_every_price_stands_in_one_line_and_one_line_at_most_is_main(quoted: list[Quoted]) -> None:
    at = fetch([answer_of(quoted)])
    found = lines(at).records
    prices = [
        price
        for line in found
        for price in (line.over_price, line.under_price, line.home_price, line.away_price)
        if price is not None
    ]
    assert sorted(prices) == sorted(Decimal(str(one[4])) for _, one in quoted)
    main = [(one.bookmaker, one.market, one.player_name) for one in found if not one.is_alternate]
    assert len(set(main)) == len(main)
    keys = [line_key(line) for line in found]
    assert len(set(keys)) == len(keys) == len(row_keys(at[1], ODDS))


GARBAGE: list[Any] = [None, "x", "", [], {}, -1, 1e300, True, [[]], {"key": 1}]


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place below an event's bookmakers at which something stands."""
    found: list[tuple[Any, ...]] = []
    inner = part.items() if isinstance(part, dict) else enumerate(part)
    for name, value in inner:
        here = (*path, name)
        below = places(value, here) if isinstance(value, dict | list) else []
        found += [here, *below]
    return found if path else [one for one in found if one[0] == "bookmakers" and len(one) > 1]


def what_it_is_of(one: Line) -> tuple[Any, ...]:
    return one.bookmaker, one.market, one.player_name, one.point, one.over_price, one.under_price


@given(QUOTED.filter(bool), st.data(), st.sampled_from(GARBAGE))
def test_what_cannot_be_read_costs_nothing_but_itself(
    quoted: list[Quoted], data: st.DataObject, garbage: Any
) -> None:
    whole = answer_of(quoted)
    path = data.draw(st.sampled_from(places(whole)))
    garbled = copy.deepcopy(whole)
    parent: Any = garbled
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = garbage
    at = fetch([garbled])
    staged = lines(at)
    assert staged.received == len(row_keys(at[1], ODDS))
    # What stands in another book, market or row than the garbled part is as it was.
    book_at = whole["bookmakers"][path[1]]
    market_at = book_at["markets"][path[3]] if len(path) > 3 else None
    told = market_at["outcomes"][path[5]] if market_at and len(path) > 5 else None

    def concerned(one: Line) -> bool:
        return one.bookmaker == book_at["key"] and (
            market_at is None
            or (
                one.market == market_at["key"]
                and (told is None or one.player_name == told.get("description"))
            )
        )

    kept = {what_it_is_of(one) for one in staged.records}
    before = lines(fetch([whole])).records
    assert all(what_it_is_of(one) in kept for one in before if not concerned(one))


JSON = st.recursive(
    st.sampled_from([None, True, 0, -1, 1.5, "", "e1", "2026-01-10T00:10:00Z", *GARBAGE]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*event(), "data", "timestamp"]), inner, max_size=4),
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=3) | JSON)
def test_whatever_is_answered_is_counted_as_it_is_received(body: Any) -> None:
    at = fetch(body)
    assert lines(at).received == len(row_keys(at[1], ODDS))
