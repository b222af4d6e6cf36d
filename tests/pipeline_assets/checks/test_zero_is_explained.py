"""zero_is_explained: nothing came out, and it is known why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipeline_assets.checks.report import CheckReport, Kind
from simulator.faults import Fault
from tests.chain import FEED, Chain, all_ok
from tests.pipeline_assets.small_plan import Head, Reason, fails, small_plan
from tests.pipeline_assets.spoiling import by_hand, found
from touchline.accounting import Verdict
from touchline.fetch import FetchRef
from touchline.stage import Staged

CHECK = "zero_is_explained"
LIVE_LIST = "match/detail_live"


def zeros(chain: Chain, asset: str, **how: Any) -> CheckReport:
    return chain.checks(**how)[asset, CHECK]


def forgets(fetch: FetchRef, heads: Sequence[Head]) -> Staged[Head]:
    return Staged[Head]()


def refuses_all(fetch: FetchRef, heads: Sequence[Head]) -> Staged[Head]:
    staged = Staged[Head]()
    for head in heads:
        with staged.one_record(head.match_id):
            raise ZeroDivisionError("a mistake over every match")
    return staged


def leaves_out_all(fetch: FetchRef, heads: Sequence[Head]) -> Staged[Head]:
    staged = Staged[Head]()
    for head in heads:
        with staged.one_record(head.match_id):
            staged.drop(Reason.SEEN_BEFORE, head.match_id)
    return staged


@pytest.mark.parametrize(
    ("by", "what"),
    [
        (forgets, "nothing came out"),
        (refuses_all, "all 3 were set aside"),
    ],
)
def test_a_stage_that_makes_nothing_of_something_is_a_real_loss(
    chain: Chain, by: Callable[..., Staged[Head]], what: str
) -> None:
    chain.minutes(1, small_plan(echoes=by))
    assert zeros(chain, "echoes").findings == [], "a run may still be at it"
    chain.at(chain.start, seconds=150)
    report = zeros(chain, "echoes")
    assert report.verdict is Verdict.BAD
    assert found(report) == [(Kind.REAL_LOSS, chain.number, 3)]
    assert report.findings[0].detail == f"football/heads gave 3 records, and {what}"
    assert report.details == {"zeros": 1, "zeros_unexplained": 1}


def test_what_a_stage_could_not_do_after_all_is_a_real_loss(chain: Chain) -> None:
    chain.minutes(4, small_plan(heads=fails))
    chain.at(chain.start.later(6))
    report = zeros(chain, "heads")
    assert (Kind.REAL_LOSS, chain.number, 3) in found(report)
    assert report.findings[0].detail.endswith("all 3 were set aside (stage_failed)")
    assert zeros(chain, "echoes").findings == [], "it was given nothing"


def test_what_a_rule_leaves_out_may_be_all_there_is(chain: Chain) -> None:
    chain.minutes(3, small_plan(echoes=leaves_out_all))
    chain.at(chain.start.later(6))
    report = zeros(chain, "echoes")
    assert report.verdict is Verdict.OK
    assert report.details == {"zeros": 3, "zeros_unexplained": 0}
    assert zeros(chain, "newcomers").details["zeros"] == 2


def test_an_empty_answer_on_a_busy_day_is_bad(busy: Chain) -> None:
    """An empty list is a good answer, and not in the middle of twelve matches."""
    busy.minute(0)
    busy.faults(Fault("empty_list", endpoint=LIVE_LIST))
    busy.minute(1)
    busy.faults()
    busy.minute(2)
    report = zeros(busy, "raw_fetches")
    assert report.verdict is Verdict.BAD
    assert found(report) == [(Kind.UNEXPLAINED_ZERO, busy.number + 1, None)]
    assert report.findings[0].detail.startswith("unknown: ")
    assert zeros(busy, "heads").verdict is Verdict.OK, "it was given nothing"


def test_an_empty_answer_at_night_and_a_failed_one_are_no_loss(chain: Chain) -> None:
    """Three matches may end at once; a fetch that failed says so itself."""
    chain.minute(0)
    chain.faults(Fault("empty_list", endpoint=LIVE_LIST))
    chain.minute(1)
    chain.faults(Fault("error_body", endpoint=LIVE_LIST))
    chain.minute(2)
    chain.faults()
    chain.minute(3)
    chain.at(chain.start.later(6))
    assert all_ok({key: r for key, r in chain.checks().items() if key[1] == CHECK})
    assert zeros(chain, "raw_fetches").details == {"zeros": 2, "zeros_unexplained": 0}


def test_it_could_not_be_checked_while_claims_wait(day: Chain) -> None:
    with by_hand(day) as (site, made):
        book = site.days(FEED).claims
        book.file.parent.mkdir(parents=True, exist_ok=True)
        book._lines.append(made.claim("x"))
    assert zeros(day, "heads").verdict is Verdict.COULD_NOT_CHECK
