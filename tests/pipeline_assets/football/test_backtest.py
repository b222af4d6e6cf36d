"""Rules over days that have passed: what fires, how it ends, and what a unit would have brought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from pipeline_assets.football.alerts import three_ou_half, underdog_half
from pipeline_assets.football.alerts.returns import NoReturn, either, over
from pipeline_assets.football.alerts.settling import Result
from pipeline_assets.football.backtest import Backtest, backtest
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.football.prices import Price
from tests.pipeline_assets.football.test_alerts import match
from touchline.day import Minute
from touchline.outcomes import State

HALF_TIME = Minute(datetime(2025, 7, 8, 18, 40, tzinfo=UTC))
MATCH = "a" * 15
Fetches = Iterable[tuple[Minute, list[MonitorRecord]]]


def at(minutes: int, *records: MonitorRecord) -> tuple[Minute, list[MonitorRecord]]:
    return HALF_TIME.later(minutes), list(records)


def playing(status: int, score: tuple[int, int] = (0, 0)) -> MonitorRecord:
    return match(MATCH, status=status, score=score, half_time=(0, 0))


def tried(*fetches: tuple[Minute, list[MonitorRecord]], **more: Result) -> Backtest:
    return backtest(three_ou_half.RULE, fetches, more, until=HALF_TIME.later(120).utc)


def test_a_hit_is_followed_to_its_end_in_the_display() -> None:
    found = tried(
        at(0, playing(3)),
        at(1, playing(3)),
        at(60, playing(8, (3, 1))),
        at(64, playing(8, (3, 1))),
        at(65, playing(8, (3, 1))),
    )
    [hit] = found.hits
    assert (hit.at_utc, hit.match_id) == (HALF_TIME.utc, MATCH)
    assert (hit.state, hit.reason) == (State.WON, "goal_after_half_time")
    assert (hit.final_home, hit.final_away) == (3, 1)
    assert hit.profit == Decimal("0.9009"), "over 3.25 at -111"
    assert found.fates == {"not_half_time": 3, "fires": 1, "already_alerted": 1}
    assert (found.fetches, found.staked, found.profit) == (5, 1, hit.profit)
    assert found.tally.win_rate == 1.0


def test_won_need_not_mean_that_the_bet_is() -> None:
    found = tried(at(0, playing(3)), at(60, playing(8, (1, 0))), at(65, playing(8, (1, 0))))
    assert (found.hits[0].state, found.hits[0].profit) == (State.WON, Decimal(-1))
    assert found.yield_per_unit == Decimal(-1)


def test_a_landed_outcome_is_the_end_of_a_match_that_left_the_display() -> None:
    found = tried(at(0, playing(3)), **{MATCH: Result(8, 0, 0, 0, 0)})
    assert (found.hits[0].state, found.hits[0].reason) == (State.LOST, "no_goal")


def test_an_end_that_one_look_shows_is_no_end() -> None:
    found = tried(at(0, playing(3)), at(60, playing(8)), at(61, playing(4)), at(66, playing(8)))
    [hit] = found.hits
    assert (hit.state, hit.final_home, hit.profit) == (State.PENDING, None, None)
    assert (found.staked, found.yield_per_unit) == (0, None)


def test_a_canceled_match_stakes_nothing() -> None:
    found = tried(at(0, playing(3)), **{MATCH: Result(12, 0, 0, 0, 0)})
    assert (found.hits[0].state, found.staked) == (State.VOID, 0)


def test_after_the_last_day_nothing_fires_and_reading_ends_with_the_last_hit() -> None:
    read: list[int] = []

    def fetches() -> Fetches:
        for minutes, records in (
            (119, [playing(3)]),
            (121, [playing(8), match("b" * 15)]),
            (126, [playing(8)]),
            (127, [playing(8)]),
            (128, [playing(8)]),
        ):
            read.append(minutes)
            yield HALF_TIME.later(minutes), records

    found = backtest(three_ou_half.RULE, fetches(), {}, until=HALF_TIME.later(120).utc)
    assert [hit.state for hit in found.hits] == [State.LOST]
    assert found.fetches == 1
    assert read == [119, 121, 126, 127]


def test_a_rule_that_never_fires_says_what_kept_it() -> None:
    found = tried(at(0, match(line=2.5), match("b" * 15, status=2)))
    assert (found.hits, found.fates) == ([], {"line_low": 1, "not_half_time": 1})
    assert (found.tally.alerts, found.tally.win_rate, found.yield_per_unit) == (0, None, None)


def test_an_error_over_one_record_costs_no_other() -> None:
    def mistaken(record: MonitorRecord, parameters: three_ou_half.Parameters) -> object:
        if record.match_id == MATCH:
            raise ZeroDivisionError
        return three_ou_half.predicate(record, parameters)

    rule = replace(three_ou_half.RULE, predicate=mistaken)  # pyright: ignore[reportArgumentType]
    fetches = [at(0, playing(3), match("b" * 15))]
    found = backtest(rule, fetches, {}, until=HALF_TIME.later(120).utc)
    assert found.fates == {"error": 1, "fires": 1}


def test_a_rule_that_names_no_bet_has_no_profit() -> None:
    rule = replace(three_ou_half.RULE, pays=None)
    fetches = [at(0, playing(3))]
    known = {MATCH: Result(8, 1, 0, 0, 0)}
    found = backtest(rule, fetches, known, until=HALF_TIME.later(120).utc)
    assert (found.hits[0].state, found.hits[0].profit) == (State.WON, None)
    assert (found.staked, found.profit, found.yield_per_unit) == (0, None, None)


@pytest.mark.parametrize(
    ("goals", "profit"), [((0, 0), "0.7143"), ((0, 1), "0.7143"), ((1, 0), "-1.0000")]
)
def test_the_underdog_is_backed_with_the_draw(goals: tuple[int, int], profit: str) -> None:
    """Home is the favorite; draw 3.0 and away 4.0 pay 12/7 however it comes."""
    record = match(MATCH, prices=(1.5, 3.0, 4.0))
    known = {MATCH: Result(8, *goals, 0, 0)}
    until = HALF_TIME.later(120).utc
    [hit] = backtest(underdog_half.RULE, [at(0, record)], known, until=until).hits
    assert hit.profit == Decimal(profit)


@pytest.mark.parametrize(
    ("line", "goals", "profit"),
    [
        ("3", 4, "0.9"),
        ("3", 3, "0"),
        ("3", 2, "-1"),
        ("3.5", 4, "0.9"),
        ("3.5", 3, "-1"),
        ("3.25", 4, "0.9"),
        ("3.25", 3, "-0.5"),
        ("3.25", 2, "-1"),
        ("2.75", 4, "0.9"),
        ("2.75", 3, "0.45"),
        ("2.75", 2, "-1"),
    ],
)
def test_over_a_line_as_bookmakers_settle_it(line: str, goals: int, profit: str) -> None:
    assert over(Decimal(line), Decimal("0.9"), goals) == Decimal(profit)


@pytest.mark.parametrize("line", ["3.1", "3.333333", "3.125", "0.1", "-3.1"])
def test_a_line_that_is_no_quarter_has_no_return(line: str) -> None:
    with pytest.raises(NoReturn, match=line):
        over(Decimal(line), Decimal("0.9"), 3)


def test_a_hit_without_a_return_says_why_and_costs_no_other() -> None:
    other = "b" * 15
    found = tried(
        at(0, match(MATCH, line=3.1), match(other), match("c" * 15)),
        **{MATCH: Result(8, 2, 2, 0, 0), other: Result(8, 2, 2, 0, 0)},
    )
    odd, good, pending = found.hits
    assert (odd.state, odd.profit, odd.no_return) == (
        State.WON,
        None,
        "line 3.1 is off the quarter grid",
    )
    assert (good.profit, good.no_return) == (Decimal("0.9009"), None)
    assert (pending.profit, pending.no_return) == (None, None)
    assert (found.staked, found.profit, found.tally.won) == (1, good.profit, 2)


def test_an_end_with_a_goal_that_cannot_be_read_is_no_end() -> None:
    unread = playing(8)
    info = msgspec.structs.replace(unread.match_info, home_goals=None)
    unread = msgspec.structs.replace(unread, match_info=info)
    found = tried(at(0, playing(3)), at(60, unread), at(66, unread), at(70, playing(8)))
    assert found.hits[0].state is State.PENDING
    found = tried(at(0, playing(3)), at(60, playing(8)), at(61, unread), at(65, playing(8)))
    assert found.hits[0].state is State.LOST


def test_two_outcomes_are_staked_so_that_both_pay_alike() -> None:
    assert either(Price(Fraction(3)), Price(Fraction(3))) == 1
