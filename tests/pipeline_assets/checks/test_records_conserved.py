"""records_conserved: what went in came out, or is known to have been left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from pipeline_assets.checks.report import CheckReport, Kind
from tests.chain import FEED, Chain
from tests.pipeline_assets.small_plan import Head, refuses_one, small_plan
from tests.pipeline_assets.spoiling import (
    HEADS,
    by_hand,
    found,
    heads_object,
    land,
    numbers,
    rewrite,
)
from touchline.accounting import Account, Verdict
from touchline.fetch import FetchRef
from touchline.plan import FeedPlan
from touchline.stage import QuarantinedRecord, Staged

CHECK = "records_conserved"
QUARANTINE = "football/quarantine"


def conserved(chain: Chain, asset: str = "heads", **how: Any) -> CheckReport:
    return chain.checks(**how)[asset, CHECK]


def loses_one(fetch: FetchRef, heads: Sequence[Head]) -> Staged[Head]:
    """One record less than was given, without a word."""
    staged = Staged[Head]()
    staged.emit_many(list(heads)[1:])
    return staged


def test_the_numbers_are_what_went_in_and_what_came_to_an_end(day: Chain) -> None:
    assert numbers(conserved(day)) == (6, 6)
    assert numbers(conserved(day, "newcomers")) == (6, 6), "three of them were seen before"


@pytest.mark.parametrize(
    ("account", "differ"),
    [
        (Account(5, 3), 2),
        (Account(9, 3, {"dull": 4}, {"bad": 3}), 1),
        (Account(9, 4), 5),
    ],
)
def test_a_claim_that_does_not_add_up_is_bad(day: Chain, account: Account, differ: int) -> None:
    land(day, heads_object(day, ["a", "b", "c"], account=account))
    report = conserved(day)
    assert report.verdict is Verdict.BAD
    assert found(report) == [(Kind.NOT_CONSERVED, day.number + 2, differ)]
    assert numbers(report) == (6 + account.received, 6 + account.explained)


def test_a_claim_that_its_object_contradicts_is_bad_until_it_is_put_right(day: Chain) -> None:
    """It adds up, and so does what landed: only not to the same."""
    land(day, heads_object(day, ["a", "b", "c"], account=Account(4, 3, {"dull": 1})))
    for _ in range(2):
        report = conserved(day)
        assert found(report) == [(Kind.NOT_CONSERVED, day.number + 2, 1)]
        assert "received 4 records" in report.findings[0].detail


def test_a_record_that_is_lost_between_two_stages_is_bad(chain: Chain) -> None:
    """Both of them add up, each by itself: 0 compared with 0 was once a check."""
    chain.minutes(2, small_plan(echoes=loses_one))
    chain.at(chain.start.later(1), seconds=149)
    assert conserved(chain, "echoes").findings[1:] == [], "a run may still be at it"
    chain.at(chain.start.later(1), seconds=150)
    checks = chain.checks()
    report = checks["echoes", CHECK]
    assert found(report) == [
        (Kind.NOT_CONSERVED, chain.number, 1),
        (Kind.NOT_CONSERVED, chain.number + 1, 1),
    ]
    assert report.findings[0].detail == "received 2 records of the 3 in football/heads"
    assert {name for (_, name), each in checks.items() if each.findings} == {CHECK}


def test_what_was_set_aside_is_collected_whole(chain: Chain) -> None:
    plan = small_plan(heads=refuses_one)
    chain.minutes(1, plan)
    chain.at(chain.start.later(3))
    assert numbers(conserved(chain, "quarantine")) == (1, 1)
    rewrite(
        chain, "UPDATE ledger_claims SET received = 5, explained = 5 WHERE asset = ?", QUARANTINE
    )
    report = conserved(chain, "quarantine")
    assert found(report) == [(Kind.NOT_CONSERVED, chain.number, 4)]


def test_a_quarantine_that_forgets_is_bad(chain: Chain) -> None:
    def forgets(fetch: FetchRef, by_stage: dict[str, list[QuarantinedRecord]]) -> Staged[Head]:
        return Staged[Head](received=0)

    plan = small_plan(heads=refuses_one)
    *stages, quarantine = plan.stages
    chain.minutes(1, FeedPlan(plan.raws, (*stages, replace(quarantine, by=forgets)), plan.client))
    chain.at(chain.start.later(3))
    checks = chain.checks()
    bad = {key: found(report) for key, report in checks.items() if report.findings}
    assert bad == {("quarantine", "zero_is_explained"): [(Kind.REAL_LOSS, chain.number, 1)]}


def test_a_count_that_is_not_known_could_not_be_checked(day: Chain) -> None:
    """It is not 0, and not OK."""
    rewrite(day, "UPDATE ledger_claims SET received = NULL WHERE asset = ?", HEADS)
    report = conserved(day)
    assert report.verdict is Verdict.COULD_NOT_CHECK
    assert found(report) == [
        (Kind.UNCHECKED, day.number, None),
        (Kind.UNCHECKED, day.number + 1, None),
    ]


def test_an_input_whose_claims_wait_could_not_be_checked(day: Chain) -> None:
    """Nobody knows what the stage was given; what it says of itself is known."""
    with by_hand(day) as (site, made):
        book = site.days(FEED).claims
        book.file.parent.mkdir(parents=True, exist_ok=True)
        book.file.write_bytes(msgspec.json.encode(made.claim("x")))
    report = conserved(day, "echoes")
    assert report.verdict is Verdict.COULD_NOT_CHECK
    assert "wait to be told" in report.findings[0].detail
