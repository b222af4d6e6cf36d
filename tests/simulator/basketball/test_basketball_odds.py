"""The Odds API over a season: events, prices that move, the ways of the books, and the costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from simulator.basketball.books import BOOKS, REGIONS, american_price
from simulator.basketball.quotes import PROPS
from simulator.basketball.season import Season
from simulator.basketball.source import Priced, RefusedError
from simulator.basketball.teams import TEAMS
from tests.simulator.basketball.conftest import EVENING

Ask = Callable[..., Priced]

NOON = datetime(2026, 1, 9, 17, tzinfo=UTC)
ALL = {"regions": ",".join(REGIONS), "markets": "h2h,spreads,totals"}
PLAYERS = {"regions": "us,us2", "markets": ",".join(PROPS)}

POINTS = {**PLAYERS, "markets": "player_points"}


def told(answer: Priced) -> Any:
    return msgspec.json.decode(answer.body)


def markets_of(events: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for event in events:
        for book in event["bookmakers"]:
            for market in book["markets"]:
                yield book["key"], market


@pytest.fixture(scope="module")
def lines(odds_api: Ask) -> list[dict[str, Any]]:
    return told(odds_api("odds", NOON, **ALL))


@pytest.fixture(scope="module")
def props(odds_api: Ask, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The props of the first three events at noon."""
    return [told(odds_api(f"events/{event['id']}/odds", NOON, **PLAYERS)) for event in lines[:3]]


def test_events_are_the_games_of_the_next_days(odds_api: Ask, season: Season) -> None:
    events = told(odds_api("events", NOON))
    assert len(events) == len({event["id"] for event in events})
    assert all(len(event["id"]) == 32 and int(event["id"], 16) for event in events)
    starts = [datetime.fromisoformat(event["commence_time"]) for event in events]
    assert NOON < min(starts) < max(starts) < NOON + timedelta(hours=73)
    tonight = [start for start in starts if start < NOON + timedelta(hours=14)]
    assert len(tonight) == len(season.games_on(NOON.date(), NOON))
    assert odds_api("events", NOON).cost == 0


def test_one_team_has_another_name_than_at_balldontlie(odds_api: Ask) -> None:
    names = {
        event[side]
        for day in range(4)
        for event in told(odds_api("events", NOON + timedelta(days=day)))
        for side in ("home_team", "away_team")
    }
    ours = {team.full_name for team in TEAMS.values()}
    assert names - ours == {"Los Angeles Clippers"}


def test_the_start_moves_to_the_real_one_once_a_game_runs(odds_api: Ask) -> None:
    before = {event["id"]: event["commence_time"] for event in told(odds_api("events", NOON))}
    running = [
        e for e in told(odds_api("events", EVENING)) if e["commence_time"] < EVENING.isoformat()
    ]
    assert len(running) >= 3
    for event in running:
        assert before[event["id"]].endswith("0:00Z")
        assert before[event["id"]] != event["commence_time"]
    assert any(not event["commence_time"].endswith(":00Z") for event in running)
    over = {event["id"] for event in told(odds_api("events", EVENING + timedelta(hours=6)))}
    assert not over & {event["id"] for event in running}


def test_games_that_run_are_quoted_too(odds_api: Ask) -> None:
    events = told(odds_api("odds", EVENING, **ALL))
    running = [event for event in events if event["commence_time"] < EVENING.isoformat()]
    assert all(len(event["bookmakers"]) > 8 for event in running)


def test_markets_have_their_outcomes_in_either_order(lines: list[dict[str, Any]]) -> None:
    first = Counter[bool]()
    for event in lines:
        teams = {event["home_team"], event["away_team"]}
        for _, market in markets_of([event]):
            names = [outcome["name"] for outcome in market["outcomes"]]
            assert set(names) == ({"Over", "Under"} if market["key"] == "totals" else teams)
            has_point = market["key"] in ("spreads", "totals")
            assert all(("point" in outcome) is has_point for outcome in market["outcomes"])
            if market["key"] == "spreads":
                assert sum(outcome["point"] for outcome in market["outcomes"]) == 0
            if market["key"] == "h2h":
                first[names[0] == event["home_team"]] += 1
    assert min(first.values()) > 0.2 * first.total()


def test_an_exchange_lays_what_nobody_offers(lines: list[dict[str, Any]]) -> None:
    keys = defaultdict(set)
    for book, market in markets_of(lines):
        keys[book].add(market["key"])
        if market["key"] == "h2h_lay":
            assert any(round(o["price"], 2) != o["price"] for o in market["outcomes"])
    assert keys["betfair_ex_eu"] == {"h2h_lay", "totals"}
    assert {"h2h", "h2h_lay"} <= keys["betfair_ex_uk"]


def test_last_update_stands_in_three_places(odds_api: Ask, lines: list[dict[str, Any]]) -> None:
    places = {
        ("last_update" in book, "last_update" in market)
        for event in lines
        for book in event["bookmakers"]
        for market in book["markets"]
    }
    assert places == {(True, True), (True, False), (False, True)}
    then = told(odds_api("odds", EVENING, before="historical/", date=NOON.isoformat(), **ALL))
    for event in then["data"]:
        for book in event["bookmakers"]:
            assert "last_update" in book
            assert all("last_update" in market for market in book["markets"])


def test_prices_move_and_are_the_same_at_the_same_time(odds_api: Ask) -> None:
    at = [NOON, NOON + timedelta(hours=1)]
    bodies = [odds_api("odds", moment, **ALL).body for moment in (at[0], at[0], at[1])]
    assert bodies[0] == bodies[1] != bodies[2]


def test_american_prices_are_whole_numbers(odds_api: Ask) -> None:
    prices = [
        [o["price"] for _, market in markets_of(events) for o in market["outcomes"]]
        for events in (
            told(odds_api("odds", NOON, oddsFormat=form, **ALL)) for form in ("american", "decimal")
        )
    ]
    assert all(isinstance(price, int) and abs(price) >= 100 for price in prices[0])
    assert [american_price(price) for price in prices[1]] == prices[0]
    assert [american_price(price) for price in (2.30, 1.91, 1.32)] == [130, -110, -313]


def test_props_have_alternates_missing_sides_and_yes_or_no(props: list[dict[str, Any]]) -> None:
    sides: Counter[str] = Counter()
    points: dict[str, set[float]] = defaultdict(set)
    keys, lonely = set(), Counter[int]()
    for book, market in markets_of(props):
        keys.add(market["key"])
        by_player: dict[tuple[str, float | None], list[str]] = defaultdict(list)
        for outcome in market["outcomes"]:
            sides[outcome["name"]] += 1
            by_player[outcome["description"], outcome.get("point")].append(outcome["name"])
            if market["key"] == "player_points" and "point" in outcome:
                points[f"{book}/{outcome['description']}"].add(outcome["point"])
        lonely.update(len(set(names)) for names in by_player.values())
        assert len(market["outcomes"]) <= 160
    assert keys == set(PROPS)
    assert set(sides) == {"Over", "Under", "Yes", "No"}
    assert max(map(len, points.values())) >= 4
    assert 0.04 < lonely[1] / lonely.total() < 0.15


def test_one_book_lists_every_outcome_twice(props: list[dict[str, Any]]) -> None:
    for book, market in markets_of(props):
        outcomes = market["outcomes"]
        rows = Counter((o["name"], o["description"], o.get("point")) for o in outcomes)
        assert set(rows.values()) == ({2} if book == "bovada" else {1})
        if book == "bovada":
            assert len({msgspec.json.encode(outcome) for outcome in outcomes}) == len(outcomes)


def test_books_write_a_man_in_two_ways(season: Season, odds_api: Ask) -> None:
    names: dict[str, set[str]] = defaultdict(set)
    for day in range(3):
        at = NOON + timedelta(days=day)
        for event in told(
            odds_api("events", at, commenceTimeTo=(at + timedelta(hours=14)).isoformat())
        ):
            answer = told(
                odds_api(f"events/{event['id']}/odds", at, **PLAYERS | {"markets": "player_points"})
            )
            for book, market in markets_of([answer]):
                names[book] |= {outcome["description"] for outcome in market["outcomes"]}
    full = {player.full_name for _, player in season.listed(NOON)}
    assert names["draftkings"] <= full
    other = names["betonlineag"] | names["betmgm"]
    assert other & full
    short = other - full
    assert any(name.startswith("Cam ") for name in short) or any(n[1:3] == ". " for n in short)
    assert any(not name.isascii() for name in names["draftkings"])
    assert all(name.isascii() for name in other)
    assert any(name.endswith("Jr.") for name in names["draftkings"])
    assert not any(name.endswith("Jr.") for name in other)


@pytest.mark.parametrize(
    ("path", "params", "cost"),
    [
        ("odds", {"regions": "us", "markets": "h2h"}, 1),
        ("odds", {"regions": "us,uk", "markets": "h2h,spreads,totals"}, 6),
        ("odds", {"bookmakers": "draftkings,pinnacle", "markets": "h2h,totals"}, 2),
        ("odds", {"bookmakers": ",".join(b.key for b in BOOKS[:11]), "markets": "h2h"}, 2),
        ("odds", {"regions": "us", "commenceTimeTo": "2026-01-01T00:00:00Z"}, 0),
        ("scores", {}, 1),
        ("scores", {"daysFrom": 2}, 2),
        ("events", {}, 0),
    ],
)
def test_calls_cost_what_the_service_documents(
    odds_api: Ask, path: str, params: dict[str, Any], cost: int
) -> None:
    assert odds_api(path, NOON, **params).cost == cost
    if path == "odds":
        then = odds_api(path, EVENING, before="historical/", date=NOON.isoformat(), **params)
        assert then.cost == 10 * cost


def test_an_events_odds_cost_the_markets_that_came(
    odds_api: Ask, lines: list[dict[str, Any]]
) -> None:
    path = f"events/{lines[0]['id']}/odds"
    assert odds_api(path, NOON, **PLAYERS).cost == 2 * len(PROPS)
    assert odds_api(path, NOON, regions="uk", markets="player_points,h2h").cost == 1
    then = odds_api(path, EVENING, before="historical/", date=NOON.isoformat(), **PLAYERS)
    assert then.cost == 20 * len(PROPS)


def test_snapshots_of_the_past_are_298_or_300_seconds_apart(odds_api: Ask) -> None:
    date, times = NOON.isoformat(), []
    for _ in range(8):
        answer = told(odds_api("events", EVENING, before="historical/", date=date))
        times.append(datetime.fromisoformat(answer["timestamp"]))
        date = answer["next_timestamp"]
        assert answer["data"] == told(odds_api("events", times[-1]))
    steps = {(after - before).seconds for before, after in pairwise(times)}
    assert steps == {298, 300}
    assert times[0] <= NOON
    newest = told(odds_api("events", EVENING, before="historical/", date="2027-01-01T00:00:00Z"))
    assert newest["next_timestamp"] is None


def test_scores_are_the_second_witness(odds_api: Ask, season: Season) -> None:
    now = told(odds_api("scores", EVENING))
    assert not any(score["completed"] for score in now)
    assert {score["scores"] is None for score in now} == {True, False}
    later = told(odds_api("scores", EVENING + timedelta(hours=8), daysFrom=1))
    assert sum(score["completed"] for score in later) >= 6
    for score in later:
        if score["completed"]:
            assert {part["name"] for part in score["scores"]} == {
                score["home_team"],
                score["away_team"],
            }


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("odds", {}, 422, "MISSING_REGION"),
        ("odds", {"regions": "moon"}, 422, "INVALID_REGION"),
        ("odds", {"regions": "us", "markets": "player_points"}, 422, "INVALID_MARKET"),
        ("events/" + "0" * 32 + "/odds", {"regions": "us"}, 404, "EVENT_NOT_FOUND"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    odds_api: Ask, path: str, params: dict[str, str], status: int, code: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        odds_api(path, NOON, **params)
    assert (refused.value.status, refused.value.code) == (status, code)
