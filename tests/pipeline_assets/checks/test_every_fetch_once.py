"""every_fetch_once: joined by number and id, each fetch counts once in every asset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline_assets.checks.report import CheckReport, Kind
from tests.chain import FEED, RAW, Chain
from tests.pipeline_assets.spoiling import HEADS, by_hand, found, heads_object, land, put, rewrite
from touchline.accounting import Verdict
from touchline.fetch import FetchRef
from touchline.plan import FeedPlan

CHECK = "every_fetch_once"
ANOTHER = "aN0therFetch"


def once(chain: Chain, asset: str = "heads", **how: Any) -> CheckReport:
    return chain.checks(**how)[asset, CHECK]


def fetch_id(chain: Chain, passed: int = 0) -> str:
    with by_hand(chain, RAW, passed) as (_, made):
        return made.ref.fetch_id


def test_what_was_made_of_another_fetch_of_the_minute_is_bad(day: Chain) -> None:
    """As when two captures of a minute meet and a stage has taken the one that did not win."""
    plan = day.plan
    day.minute(2, FeedPlan(plan.raws, (plan.stages[1],), plan.client))
    names = ["match-a", "match-b", "match-c"]
    made = heads_object(day, names)
    made = heads_object(day, names, ref=FetchRef.of(made.ref.slot, ANOTHER))
    land(day, made)
    assert once(day).findings == [], "a run may still be at work"
    day.at(day.start.later(2), seconds=150)
    report = once(day)
    assert report.verdict is Verdict.BAD
    assert found(report) == [(Kind.OTHER_FETCH, day.number + 2, 3)]
    detail = f"made of fetch {ANOTHER}, and {RAW} has {fetch_id(day, 2)}"
    assert report.findings[0].detail == detail
    assert report.fetches_present == 3


def test_a_fetch_under_two_numbers_and_one_of_no_minute_are_bad(day: Chain) -> None:
    """The same fetch once more, as of a minute in which nothing was fetched."""
    land(day, heads_object(day, ["a"]))
    day.at(day.start.later(4))
    report = once(day)
    assert found(report) == [
        (Kind.OTHER_FETCH, day.number + 2, 1),
        (Kind.OTHER_FETCH, day.number + 2, 1),
    ]
    twice, unknown = (finding.detail for finding in report.findings)
    assert twice == f"fetch {fetch_id(day)} counts twice: it is number {day.number} already"
    assert unknown.endswith(f"of which {RAW} knows nothing")


def test_an_object_of_another_fetch_than_its_claim_is_bad_until_it_is_put_right(
    day: Chain,
) -> None:
    """Right number, right rows, the ETag that was confirmed: only not the fetch it says."""
    with by_hand(day) as (site, made):
        put(site, replace(made, ref=FetchRef.of(made.ref.slot, ANOTHER)))
        etag = site.store.head(made.key).etag
        site.ledger.landed(made.claim("x"), etag, len(made.body), site.clock.now())
    rewrite(day, "UPDATE ledger_claims SET verified_etag = NULL WHERE asset = ?", HEADS)
    for _ in range(2):
        report = once(day)
        assert found(report) == [(Kind.OTHER_FETCH, day.number, 3)]
        assert report.findings[0].detail.endswith(f"what landed is of {ANOTHER}")


def test_a_minute_that_was_told_of_another_fetch_is_bad(day: Chain) -> None:
    rewrite(
        day, "UPDATE ledger_fetches SET fetch_id = ? WHERE number = ?", ANOTHER, int(day.number)
    )
    assert once(day, "raw_fetches").findings == [], "its run may not have told yet"
    day.at(day.start.later(3))
    report = once(day, "raw_fetches")
    assert found(report) == [(Kind.OTHER_FETCH, day.number, 3)]
    assert once(day).verdict is Verdict.OK, "what landed is what the stages were made of"


def test_it_could_not_be_checked_while_claims_wait(day: Chain) -> None:
    with by_hand(day) as (site, made):
        book = site.days(FEED).claims
        book.file.parent.mkdir(parents=True, exist_ok=True)
        book._lines.append(made.claim("x"))
    assert once(day, "echoes").verdict is Verdict.COULD_NOT_CHECK, "of heads nobody knows"
    assert once(day, "newcomers").verdict is Verdict.OK
