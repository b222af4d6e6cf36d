"""The answers of The Odds API, taken apart: whole, and with a part that cannot be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipeline_assets.basketball.wire.odds import (
    EVENTS,
    ODDS,
    Answer,
    Event,
    OddsFormat,
    Side,
    Unread,
    answers_in,
    starts_in,
)
from pipeline_assets.basketball.wire.odds_fields import Misread
from tests.pipeline_assets.basketball.odds_fetches import (
    BEFORE,
    HISTORICAL,
    IN_PLAY,
    POINTS,
    START,
    book,
    event,
    fetch,
    market,
    needs_recorded,
    outcome,
    recorded,
)

UPDATED = datetime(2026, 1, 9, 20, tzinfo=UTC)


def answer(body: Any, **more: Any) -> Answer:
    [found] = answers_in(fetch(body, **more)[1], ODDS)
    assert isinstance(found, Answer), found
    return found


def only_event(body: Any, **more: Any) -> Event:
    [found] = answer(body, **more).events
    return found


def set_aside(body: Any, **more: Any) -> Unread:
    [found] = answers_in(fetch(body, **more)[1], ODDS)
    assert isinstance(found, Unread), found
    return found


def total(*outcomes: Any) -> list[dict[str, Any]]:
    return [event(book("fanduel", market("totals", *outcomes)))]


def test_an_outcome_has_the_side_that_its_name_says() -> None:
    found = only_event(
        [
            event(
                book(
                    "fanduel",
                    market(
                        "h2h",
                        outcome("Los Angeles Clippers", 1.5),
                        outcome("Boston Celtics", 2.5),
                    ),
                    market("totals", outcome("Under", 1.9, 220.5), outcome("Over", 1.91, 220.5)),
                    market("player_double_double", outcome("Yes", 4, player="A B")),
                )
            )
        ]
    )
    assert [(one.market, one.side, one.price, one.point) for one in found.outcomes] == [
        ("h2h", Side.AWAY, Decimal("1.5"), None),
        ("h2h", Side.HOME, Decimal("2.5"), None),
        ("totals", Side.UNDER, Decimal("1.9"), Decimal("220.5")),
        ("totals", Side.OVER, Decimal("1.91"), Decimal("220.5")),
        ("player_double_double", Side.OVER, Decimal(4), None),
    ]
    assert (found.commence_time, found.outcomes[-1].player) == (START, "A B")


@pytest.mark.parametrize(
    ("of_market", "of_book", "expected"),
    [
        ("2026-01-09T20:00:00Z", "2026-01-09T19:00:00Z", UPDATED),
        (None, "2026-01-09T20:00:00Z", UPDATED),
        ("2026-01-09T20:00:00Z", None, UPDATED),
        ("soon", "2026-01-09T20:00:00Z", UPDATED),
        (None, None, None),
        (1767988800, [], None),
    ],
)
def test_last_update_is_the_markets_else_the_bookmakers(
    of_market: Any, of_book: Any, expected: datetime | None
) -> None:
    quoted = market("totals", outcome("Over", 2, 220.5), last_update=of_market)
    found = only_event([event(book("fanduel", quoted, last_update=of_book))])
    assert [one.last_update for one in found.outcomes] == [expected]
    odd = [each for each in (of_market, of_book) if each not in (None, "2026-01-09T20:00:00Z")]
    unread = [each for each in odd if each != "2026-01-09T19:00:00Z"]
    assert len(found.unread_fields) == len(unread)


def test_prices_are_exact_whatever_zeros_they_are_written_with() -> None:
    text = json.dumps(total(outcome("Over", 7, 220.5), outcome("Under", 8, 220.5))).encode()
    body = text.replace(b"7", b"2.300").replace(b" 8", b" 1e2")
    prices = [one.price for one in only_event(body).outcomes]
    assert [str(price) for price in prices] == ["2.3", "100"]


def test_the_time_of_a_historical_answer_is_its_timestamp() -> None:
    told = {"timestamp": "2026-01-09T20:00:00Z", "previous_timestamp": None, "data": [event()]}
    assert answer(told).snapshot_at == UPDATED
    assert answer({**told, "data": event()}).snapshot_at == UPDATED
    assert answer([event()]).snapshot_at == BEFORE


def test_the_notation_is_that_which_was_asked_for() -> None:
    american = answer([event()], params={"oddsFormat": "american", "markets": "h2h,totals"})
    assert american.odds_format is OddsFormat.AMERICAN
    assert american.asked == {"h2h", "totals"}
    for params in ({}, {"oddsFormat": "hong_kong"}):
        assert "oddsFormat" in str(set_aside(total(outcome("Over", -110, 1)), params=params).error)


def test_a_call_that_failed_is_not_read() -> None:
    _, raw = fetch([event()], error="http_status")
    assert answers_in(raw, ODDS) == []
    assert starts_in(raw, ODDS) == []


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"7",
        b'"text"',
        {"data": [event()]},
        {"timestamp": "yesterday", "data": [event()]},
        {"timestamp": "2026-01-09T20:00:00Z", "data": None},
        b"[" * 300 + b"]" * 300,
    ],
)
def test_an_answer_that_cannot_be_read_is_one_unit(body: Any) -> None:
    _, raw = fetch(body)
    found = answers_in(raw, ODDS)
    units = [each for each in found if isinstance(each, Unread)]
    units += [part for each in found if isinstance(each, Answer) for part in each.unread]
    assert [unit.error.reason for unit in units] == [Misread.MALFORMED]


def test_an_answer_whose_time_is_not_recorded_is_set_aside() -> None:
    assert "received" in str(set_aside([event()], at=None).error)


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
        ({"commence_time": "2026-01-10T00:10:00"}, "commence_time"),
        ({"commence_time": "0001-01-01T00:00:00+09:00"}, "commence_time"),
        ({"commence_time": None}, "commence_time"),
        ({"home_team": None}, "home_team"),
        ({"away_team": "Boston Celtics"}, "home_team"),
        ({"bookmakers": 3}, "bookmakers"),
    ],
)
def test_an_event_that_cannot_be_read_costs_no_other(odd: dict[str, Any], named: str) -> None:
    found = answer([event(**odd), event(id="e2")])
    assert [one.id for one in found.events] == ["e2"]
    [unread] = found.unread
    assert named in str(unread.error)
    assert unread.key.endswith("#0")


def test_a_bookmaker_or_market_that_cannot_be_read_costs_no_other() -> None:
    good = market("totals", outcome("Over", 2, 220.5))
    found = only_event(
        [
            event(
                {"key": "nobody"},
                book("fanduel", {"key": "h2h"}, {"outcomes": []}, None, good),
                "bovada",
                book("betmgm", good),
            )
        ]
    )
    assert [one.bookmaker for one in found.outcomes] == ["fanduel", "betmgm"]
    assert [unread.key for unread in found.unread] == [
        "e1|#0",
        "e1|fanduel|#0",
        "e1|fanduel|#1",
        "e1|fanduel|#2",
        "e1|#2",
    ]
    assert "markets" in str(found.unread[0].error)


@pytest.mark.parametrize(
    ("odd", "named", "reason"),
    [
        ({"name": "Draw", "price": 2}, "Draw", Misread.UNKNOWN_OUTCOME),
        ({"name": 7, "price": 2}, "name", Misread.MALFORMED),
        ({"name": "Over"}, "price", Misread.MALFORMED),
        ({"name": "Over", "price": "-110"}, "outcome.price", Misread.MALFORMED),
        ({"name": "Over", "price": True}, "outcome.price", Misread.MALFORMED),
        ({"name": "Over", "price": 10**40}, "outcome.price", Misread.MALFORMED),
        ({"name": "Over", "price": 2, "point": [1]}, "outcome.point", Misread.MALFORMED),
        ({"name": "Over", "price": 2, "description": {}}, "description", Misread.MALFORMED),
        (5, "outcome", Misread.MALFORMED),
    ],
)
def test_an_outcome_that_cannot_be_read_costs_no_other(
    odd: Any, named: str, reason: Misread
) -> None:
    found = only_event(total(outcome("Under", 1.9, 220.5), odd))
    assert [one.side for one in found.outcomes] == [Side.UNDER]
    [unread] = found.unread
    assert named in str(unread.error)
    assert (unread.error.reason, unread.key) == (reason, "e1|fanduel|totals|#1")


@pytest.mark.parametrize("number", [b"1e999999999", b"1e99999999999999999999", b"1e-300", b"-1e30"])
def test_a_number_beyond_measure_is_set_aside_at_once(number: bytes) -> None:
    text = json.dumps(total(outcome("Over", 7, 220.5))).encode()
    found = only_event(text.replace(b"7", number))
    assert found.outcomes == []
    assert [unread.error.reason for unread in found.unread] == [Misread.MALFORMED]


def test_starts_are_those_that_can_be_read() -> None:
    later = START + timedelta(minutes=3)
    events = [{"id": "odd"}, event(), event(id="e2", start=later)]
    _, raw = fetch([], events=events)
    told = [(each.event_id, each.told_at, each.commence_time) for each in starts_in(raw, EVENTS)]
    assert told == [("e1", BEFORE, START), ("e2", BEFORE, later)]


@needs_recorded
@pytest.mark.parametrize("name", [IN_PLAY, *POINTS, HISTORICAL])
def test_all_of_a_recorded_answer_is_read(name: str) -> None:
    found = answer(recorded(name))
    assert sum(len(one.outcomes) for one in found.events) == recorded(name).count(b'"price":') > 0
    assert not found.unread
    assert not any(one.unread or one.unread_fields for one in found.events)
    assert all(each.last_update for one in found.events for each in one.outcomes)
