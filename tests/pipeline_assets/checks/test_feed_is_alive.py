"""feed_is_alive: a vendor who answers may still say nothing new."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline_assets.checks.report import CheckReport, Kind
from simulator.faults import Fault
from tests.chain import RAW, Chain, verdicts
from tests.pipeline_assets.checks.conftest import MATCHES, BusyWorld
from tests.pipeline_assets.spoiling import by_hand, found, put
from touchline.accounting import Verdict, sha256_hex

CHECK = "feed_is_alive"


def alive(chain: Chain, **how: Any) -> CheckReport:
    return chain.checks(**how)["raw_fetches", CHECK]


def test_a_feed_that_says_the_same_for_three_minutes_is_frozen(
    busy: Chain, world: BusyWorld
) -> None:
    busy.minutes(2)
    assert alive(busy).verdict is Verdict.OK
    busy.minute(2)
    report = alive(busy)
    assert report.verdict is Verdict.BAD
    assert found(report) == [(Kind.FEED_FROZEN, busy.number + 2, None)]
    assert report.findings[0].detail == "3 fetches in a row say the same, with 12 in play"
    assert report.details["unchanged_fetches"] == 2
    world.statuses["match-00"] = 3
    busy.minute(3)
    assert alive(busy).verdict is Verdict.OK, "it moves again"


@pytest.mark.parametrize("status", [1, 8])
def test_before_kick_off_and_after_the_end_nothing_needs_to_move(
    busy: Chain, world: BusyWorld, status: int
) -> None:
    world.statuses = dict.fromkeys(world.statuses, status)
    busy.minutes(3)
    assert alive(busy).verdict is Verdict.OK


@pytest.mark.parametrize(("seconds", "kinds"), [(-30, []), (31, [Kind.CLOCK_SKEW])])
def test_a_clock_far_from_ours_is_bad(busy: Chain, seconds: float, kinds: list[Kind]) -> None:
    busy.faults(Fault("clock_skew", seconds=seconds))
    busy.minute(0)
    report = alive(busy)
    assert [kind for kind, _, _ in found(report)] == kinds
    assert report.details["clock_skew_seconds"] == seconds


@pytest.mark.parametrize(("hours", "kinds"), [(11, []), (24, [Kind.FEED_OUTDATED])])
def test_what_began_another_day_is_not_in_play(
    busy: Chain, world: BusyWorld, hours: int, kinds: list[Kind]
) -> None:
    world.kick_off = int((busy.start.utc - timedelta(hours=hours)).timestamp())
    busy.minute(0)
    assert [kind for kind, _, _ in found(alive(busy))] == kinds


FAR = (24 * 365, -24, 10**15, -(10**15))
"""Hours by which a start may be wrong; no calendar has the last two."""


@pytest.mark.parametrize(("odd", "kinds"), [(1, []), (6, []), (7, [Kind.FEED_OUTDATED])])
def test_most_of_what_is_in_play_tells_whether_the_feed_is_outdated(
    busy: Chain, world: BusyWorld, odd: int, kinds: list[Kind]
) -> None:
    now = int(busy.start.utc.timestamp())
    wrong = dict(zip(MATCHES, itertools.cycle(now + 3600 * hours for hours in FAR)))
    world.kick_offs = dict.fromkeys(MATCHES, now) | dict([*wrong.items()][:odd])
    busy.minute(0)
    report = alive(busy)
    assert [kind for kind, _, _ in found(report)] == kinds
    named = report.findings[0].detail if kinds else report.details["began_another_day"]
    assert f"match-00 {busy.start.utc.year + 1}-" in str(named)
    assert ("match-01" in str(named)) == (odd > 1)
    if kinds:
        assert str(named).startswith("7 of 12 in play began another day: ")


def test_a_single_match_may_tell_it(busy: Chain, world: BusyWorld) -> None:
    world.statuses = {"match-00": 2, "match-01": 3, "match-02": 8}
    world.kick_offs = {"match-00": 1, "match-02": 1}
    busy.minute(0)
    assert [kind for kind, _, _ in found(alive(busy))] == [Kind.FEED_OUTDATED]


def test_a_clock_that_tells_nothing_could_not_be_checked(busy: Chain) -> None:
    busy.faults(Fault("bad_headers"))
    assert verdicts(busy.minute(0)) == {Verdict.OK, Verdict.COULD_NOT_CHECK}
    report = alive(busy)
    assert report.verdict is Verdict.COULD_NOT_CHECK
    assert found(report) == [(Kind.UNCHECKED, None, None)]
    assert report.findings[0].detail == (
        f"clock skew could not be checked: the Date header of fetch {busy.number} is "
        "'Wed, 28 May 99999999999999999999 17:00:00 GMT'"
    )
    others = {check.verdict for check in busy.checks().values() if check.check != CHECK}
    assert others == {Verdict.OK}, "the minute itself is whole"

    busy.faults(Fault("bad_headers", endpoint="country/list"))
    busy.minute(1)
    assert alive(busy).verdict is Verdict.OK, "the other answers tell it"


def test_a_vendor_who_only_fails_is_bad(busy: Chain) -> None:
    busy.faults(Fault("error_body", endpoint="match/detail_live"))
    busy.minutes(2)
    assert alive(busy).verdict is Verdict.OK, "two failures have their reason"
    busy.minute(2)
    report = alive(busy)
    assert found(report) == [(Kind.FEED_FAILS, busy.number + 2, None)]
    assert report.findings[0].detail == (
        "the newest 3 fetches all failed, the last with vendor_error: "
        '{"err":"Service is temporarily unavailable"}'
    )
    busy.faults()
    busy.minute(3)
    assert alive(busy).verdict is Verdict.OK


def test_a_newest_fetch_that_cannot_be_read_could_not_be_checked(day: Chain) -> None:
    with by_hand(day, RAW, passed=1) as (site, made):
        body = made.body[: len(made.body) // 2]
        put(site, replace(made, body=body, sha256=sha256_hex(body)))
    report = alive(day)
    assert report.verdict is Verdict.COULD_NOT_CHECK
    assert [kind for kind, _, _ in found(report)] == [Kind.UNCHECKED]
