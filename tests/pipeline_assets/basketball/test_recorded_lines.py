"""Recorded lines of The Odds API, against judges that know nothing of how they are read."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from pipeline_assets.basketball.lines import Line, lines_of
from pipeline_assets.basketball.wire.odds import EVENT_ODDS, ODDS
from tests.pipeline_assets.basketball.odds_fetches import (
    HISTORICAL,
    IN_PLAY,
    POINTS,
    fetch,
    lines,
    needs_recorded,
    props,
    recorded,
    recorded_props,
    snapshots,
)

pytestmark = [needs_recorded, pytest.mark.stack]  # They take long.
AMERICAN = {"oddsFormat": "american"}


def sides(line: Line) -> list[Decimal]:
    prices = (line.over_price, line.under_price, line.home_price, line.away_price)
    return [price for price in prices if price is not None]


def test_91_snapshots_give_a_line_for_each_two_of_21468_rows() -> None:
    rows_seen, live_rows = 0, 0
    for at, body, rows in snapshots():
        found = lines(fetch(body, at)).records
        told: dict[tuple[str, ...], list[str]] = {}
        for row in rows:
            is_home = row["outcome_name"] == row["home_team"]
            point = float(row["point"]) * (1 if is_home else -1) if row["point"] else None
            key = (row["event_id"], row["bookmaker"], row["market"], str(point))
            told.setdefault(key, ["", ""])[not is_home] = row["price"]
        assert {
            (line.event_id, line.bookmaker, line.market, str(line.point and float(line.point))): [
                float(line.home_price or 0),
                float(line.away_price or 0),
            ]
            for line in found
        } == {key: [float(each) for each in prices] for key, prices in told.items()}
        rows_seen += sum(len(sides(line)) for line in found)
        live_rows += sum(len(sides(line)) for line in found if line.is_live)
        # Each book has one point of each: all but those of exchanges are main lines.
        assert all(line.is_alternate is (line.market == "h2h_lay") for line in found)
    assert (rows_seen, live_rows) == (21_468, 398)


def test_the_91_snapshots_as_one_history() -> None:
    told = list(snapshots())
    found = lines(*(fetch(body, at) for at, body, _ in told))
    starts: dict[str, dict[datetime, str]] = defaultdict(dict)
    for at, _, rows in told:
        for row in rows:
            starts[row["event_id"]][at] = row["commence_time"]
    assert sum(len(set(each.values())) > 1 for each in starts.values()) == 31
    for line in found.records:
        of_event = starts[line.event_id]
        newest = datetime.fromisoformat(of_event[max(of_event)])
        assert line.commence_time == newest
        assert line.is_live is (line.snapshot_at >= newest)
        assert line.start_confirmed is (
            sum(datetime.fromisoformat(each) == newest for each in of_event.values()) > 1
        )
    assert found.account.received == 21_468 / 2
    assert found.account.dropped == {"unchanged_price": 482}


def closest(prices: list[tuple[float, float, float]]) -> float:
    """The point of the two prices that are closest, as a judge with plain numbers has it."""
    return min(prices, key=lambda each: (round(abs(each[1] - each[2]), 9), each[0]))[0]


def pays(american: str) -> float:
    price = float(american)
    return 1 + (price / 100 if price > 0 else 100 / -price)


def test_main_lines_of_recorded_props_are_the_closest() -> None:
    """Of two days, 8,501 rows with a price."""
    counted = Counter[str]()
    for stamp, events, rows in islice(recorded_props(), 2):
        at = datetime.strptime(stamp, "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
        ladders: dict[tuple[str, ...], list[tuple[float, float, float]]] = defaultdict(list)
        alone: Counter[tuple[str, ...]] = Counter()
        for row in rows:
            key = (row["event_id"], row["bookmaker"], row["market"], row["player"])
            alone[key] += 1
            if row["over_odds"] and row["under_odds"]:
                both = pays(row["over_odds"]), pays(row["under_odds"])
                ladders[key].append((float(row["line"]), *both))
        main: dict[tuple[str, ...], float] = {}
        for body in events:
            for line in props(fetch(body, at, endpoint=EVENT_ODDS, params=AMERICAN)).records:
                counted["lines"] += 1
                if not line.is_alternate:
                    key = (line.event_id, line.bookmaker, line.market, line.player_name or "")
                    assert key not in main
                    main[key] = float(line.point or 0)
        expected = {key: closest(prices) for key, prices in ladders.items()}
        one_sided = {key for key in alone if key not in ladders}
        assert {key: point for key, point in main.items() if key not in one_sided} == expected
        assert all(key in main for key in one_sided if alone[key] == 1)
        counted["rows"] += len(rows)
        counted["main"] += len(main)
    assert counted["lines"] == counted["rows"] == 8_501
    assert counted["main"] < counted["lines"]


def test_one_book_lists_all_28_outcomes_twice() -> None:
    at = datetime(2024, 2, 23, 0, 7, tzinfo=UTC)
    found = props(fetch(recorded(POINTS[1]), at, endpoint=EVENT_ODDS, params=AMERICAN)).records
    twice = [line for line in found if line.duplicate_quote]
    assert {line.bookmaker for line in twice} == {"williamhill_us"}
    assert sum(len(sides(line)) for line in twice) == 56
    by_player: dict[Any, list[Line]] = defaultdict(list)
    for line in twice:
        by_player[line.player_name, line.point].append(line)
    assert len(by_player) == 14
    for first, second in by_player.values():
        assert (first.position, second.position) == (1, 2)
        assert (sides(first) != sides(second)) is (first.is_alternate and second.is_alternate)
    quoted = [
        each
        for one in json.loads(recorded(POINTS[1]))["bookmakers"]
        if one["key"] == "williamhill_us"
        for each in one["markets"][0]["outcomes"]
    ]
    name = quoted[0]["description"]
    of_player = [each for each in quoted if each["description"] == name]
    [first, second] = [line for line in twice if line.player_name == name]
    assert [first.over_price, second.over_price] == [
        each["price"] for each in of_player if each["name"] == "Over"
    ]


@pytest.mark.parametrize(("at", "live"), [("2022-11-23T01:05:30Z", 2), ("2022-11-23T01:00:00Z", 1)])
def test_games_that_have_begun_are_live(at: str, live: int) -> None:
    found = lines(fetch(recorded(IN_PLAY), datetime.fromisoformat(at), params=AMERICAN)).records
    assert len({line.event_id for line in found if line.is_live}) == live
    lay = [line for line in found if line.market == "h2h_lay"]
    assert len(lay) == 10
    assert all(line.is_alternate for line in lay)


def test_a_historical_answer_is_of_its_own_time() -> None:
    now = datetime(2026, 1, 9, tzinfo=UTC)
    found = lines_of([fetch(recorded(HISTORICAL), now)], ODDS, []).records
    assert {line.snapshot_at for line in found} == {datetime(2024, 1, 25, 3, 55, 40, tzinfo=UTC)}
    assert [(line.bookmaker, line.home_price, line.away_price) for line in found] == [
        ("draftkings", Decimal("1.32"), Decimal("3.3")),
        ("fanduel", Decimal("1.26"), Decimal("3.8")),
    ]
    assert all(line.is_live and line.odds_format == "decimal" for line in found)
