"""Lines that several fetches show, one after the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from pipeline_assets.basketball.game_lines import RAW_LINE, game_line_keys, game_lines
from pipeline_assets.basketball.line_history import LineReason
from pipeline_assets.basketball.lines import Line, line_key
from pipeline_assets.basketball.player_props import RAW_PROP, player_prop_keys, player_props
from pipeline_assets.basketball.team_names import MatchState
from pipeline_assets.basketball.wire.odds import EVENT_ODDS
from resources.parquet import records_of, table_of
from tests.pipeline_assets.basketball.odds_fetches import (
    BEFORE,
    GAME,
    START,
    RosterPlayer,
    book,
    event,
    fetch,
    lines,
    market,
    outcome,
    plain,
)

HOUR = timedelta(hours=1)
ASKED = {"oddsFormat": "decimal", "markets": "totals,h2h"}


def total(over: Any, under: Any = 1.9, point: float = 220.5, key: str = "totals") -> dict[str, Any]:
    return market(key, outcome("Over", over, point), outcome("Under", under, point))


def shown(*markets: Any, at: datetime, start: datetime = START, **more: Any) -> Any:
    return fetch([event(book("a", *markets), start=start)], at, params=ASKED, **more)


def spans(records: list[Line]) -> list[tuple[str, int, int]]:
    """The price over of each line, and from which to which hour it was seen."""
    return [
        (
            str(line.over_price),
            (line.snapshot_at - BEFORE) // HOUR,
            (line.seen_until - BEFORE) // HOUR,
        )
        for line in records
    ]


def test_an_unchanged_price_adds_no_line_and_was_seen_until_then() -> None:
    found = lines(
        *(shown(total(over), at=BEFORE + hour * HOUR) for hour, over in enumerate([2, 2, 2.1, 2.1]))
    )
    assert spans(found.records) == [("2", 0, 1), ("2.1", 2, 3)]
    assert {str(reason): sum(keys.values()) for reason, keys in found.dropped.items()} == {
        LineReason.UNCHANGED_PRICE: 2
    }


def test_when_the_vendor_updated_a_price_is_no_change() -> None:
    first = {**total(2), "last_update": "2026-01-09T20:00:00Z"}
    later = {**total(2), "last_update": "2026-01-09T21:00:00Z"}
    [line] = lines(shown(first, at=BEFORE), shown(later, at=BEFORE + HOUR)).records
    assert (line.last_update and line.last_update.hour, line.seen_until) == (20, BEFORE + HOUR)


def test_a_price_that_was_gone_in_between_is_a_line_again() -> None:
    found = lines(
        shown(total(2), at=BEFORE),
        shown(at=BEFORE + HOUR),
        shown(total(2), at=BEFORE + 2 * HOUR),
    )
    assert spans(found.records) == [("2", 0, 0), ("2", 2, 2)]


def test_an_answer_that_failed_or_did_not_ask_is_no_break() -> None:
    other = {"oddsFormat": "decimal", "markets": "spreads"}
    found = lines(
        shown(total(2), at=BEFORE),
        fetch([event(book("a"))], BEFORE + HOUR, params=other),
        shown(at=BEFORE + HOUR, error="timeout"),
        fetch([], BEFORE + HOUR, params=ASKED),
        shown(total(2), at=BEFORE + 2 * HOUR),
    )
    assert spans(found.records) == [("2", 0, 2)]


def test_what_an_exchange_adds_goes_with_the_market_that_was_asked_for() -> None:
    lay = total(2, key="h2h_lay")
    fetches = [
        shown(*quoted, at=BEFORE + hour * HOUR) for hour, quoted in enumerate([[lay], [], [lay]])
    ]
    assert spans(lines(*fetches).records) == [("2", 0, 0), ("2", 2, 2)]


def test_a_line_that_becomes_the_main_one_is_told_anew() -> None:
    ladder = market("totals", *total(2, 2.1)["outcomes"], *total(2, 2, 221.5)["outcomes"])
    found = lines(shown(ladder, at=BEFORE), shown(total(2, 2.1), at=BEFORE + HOUR)).records
    assert [(str(line.point), line.is_alternate, line.snapshot_at) for line in found] == [
        ("220.5", True, BEFORE),
        ("221.5", False, BEFORE),
        ("220.5", False, BEFORE + HOUR),
    ]


def test_the_start_that_was_told_last_counts_for_all_lines() -> None:
    early, late = START - 2 * HOUR, START
    fetches = [shown(total(2), at=START - HOUR, start=early)]
    [line] = lines(*fetches).records
    assert (line.is_live, line.commence_time, line.start_confirmed) == (True, early, False)
    fetches.append(shown(total(2), at=START + HOUR, start=late))
    before, live = lines(*fetches).records
    assert (before.is_live, live.is_live) == (False, True)
    assert {(line.commence_time, line.start_confirmed) for line in (before, live)} == {
        (late, False)
    }
    fetches.append(shown(total(2), at=START + 2 * HOUR, start=late))
    assert all(line.start_confirmed for line in lines(*fetches).records)


def test_the_list_of_events_tells_starts_too() -> None:
    moved = event(start=START + HOUR)
    [line] = lines(
        shown(total(2), at=START), shown(at=START + HOUR, events=[moved], error="timeout")
    ).records
    assert (line.is_live, line.commence_time) == (False, START + HOUR)


def test_of_one_snapshot_and_key_the_first_line_stays() -> None:
    told = {"timestamp": "2026-01-09T20:00:00Z"}
    quoted = [{**told, "data": event(book("a", total(over)))} for over in (2, 2, 3)]
    found = lines(*(fetch(body, BEFORE + hour * HOUR) for hour, body in enumerate(quoted)))
    [line] = found.records
    assert (line.over_price, line.snapshot_at.hour) == (Decimal(2), 20)
    assert {str(reason) for reason in found.dropped} == {
        LineReason.UNCHANGED_PRICE,
        LineReason.KNOWN_SNAPSHOT,
    }


def test_snapshots_are_read_in_their_order_whatever_that_of_the_fetches() -> None:
    told = [("2026-01-09T21:00:00Z", 3), ("2026-01-09T20:00:00Z", 2)]
    found = lines(
        *(fetch({"timestamp": at, "data": event(book("a", total(over)))}) for at, over in told)
    )
    assert [(line.snapshot_at.hour, line.over_price) for line in found.records] == [
        (21, 3),
        (20, 2),
    ]


def test_a_field_that_is_taken_for_unknown_is_noted() -> None:
    found = lines(shown({**total(2), "last_update": "soon"}, at=BEFORE))
    assert [(each.kind, each.key, each.times) for each in found.findings] == [
        ("unread_field", "market.last_update", 1)
    ]
    assert [line.last_update for line in found.records] == [None]


def test_the_stages_receive_what_the_fetches_are_counted_in() -> None:
    odd = market(
        "totals", outcome("Over", "x", 220.5), outcome("Draw", 2), outcome("Under", 2, 220.5)
    )
    body = [event(book("a", odd), "no book"), "no event"]
    fetches = [fetch(body, BEFORE + hour * HOUR) for hour in range(2)]
    games = [(fetches[0][0], [GAME])]
    made = RAW_LINE.by(fetches[-1][0], fetches, games)
    assert [len(game_lines.record_keys(raw)) for _, raw in fetches] == [5, 5]
    assert (made.account.received, made.account.emitted) == (10, 1)
    assert made.account.quarantined == {"malformed": 6, "unknown_outcome": 2}
    assert game_line_keys(fetches[0][1]) == [
        "odds#0|#1",
        "e1|a|totals|#0",
        "e1|a|totals|#1",
        "e1|#1",
        "e1|totals||a|220.5|1",
    ]


def test_the_stage_of_props_knows_the_players() -> None:
    quoted = market("player_points", outcome("Over", 2, 9.5, "Al Horford"))
    at = fetch(event(book("a", quoted)), endpoint=EVENT_ODDS)
    rosters = [
        [RosterPlayer(1, "Al", "Horford", 2, "Boston Celtics")],
        [RosterPlayer(2, "Ivica", "Zubac", 13, "LA Clippers")],
    ]
    ref = at[0]
    made = RAW_PROP.by(ref, [at], [(ref, [GAME])], [(ref, told) for told in rosters])
    [line] = made.records
    assert (line.player_id, line.match_state, line.game_id) == (1, MatchState.MATCHED, "15")
    assert (
        player_props.record_keys(at[1])
        == player_prop_keys(at[1])
        == ["e1|player_points|Al Horford|a|9.5|1"]
    )


def test_lines_come_back_from_their_columns() -> None:
    told = lines(shown(total(2), total(2, key="h2h_lay"), at=BEFORE)).records
    back = records_of(table_of(told, Line), Line)
    assert [plain(line) for line in back] == [plain(line) for line in told]
    assert all(isinstance(line, msgspec.Struct) and line_key(line) for line in back)
