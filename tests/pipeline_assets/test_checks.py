"""Each check finds what it is for, with the numbers, and says so when it could not look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.factory import run_check
from pipeline_assets.checks.report import CheckReport, Kind
from pipeline_assets.checks.specs import checks_for
from resources.fetch_object import pack
from resources.ledger import faulty
from resources.stage_codec import decode_stage, encode_stage
from resources.store.faulty import FaultyStore, Request, away, body_changed, refused, when
from tests.chain import FEED, RAW, SPOOL, Chain, all_ok
from tests.pipeline_assets.small_plan import HEADS as HEADS_STAGE
from tests.pipeline_assets.small_plan import Head, fails, small_plan
from tests.pipeline_assets.spoiling import (
    HEADS,
    by_hand,
    found,
    heads_object,
    land,
    numbers,
    only_bad,
    put,
    rewrite,
)
from tests.slots import asset_keys, slot_at
from touchline.accounting import Account, MissedReason, Verdict, key_digest, sha256_hex
from touchline.plan import FeedPlan
from touchline.stage import Staged

NEWCOMERS = "football/newcomers"
LANDED = "landed_matches_claimed"


def heads_check(chain: Chain, **how: Any) -> CheckReport:
    return chain.checks(**how)["heads", LANDED]


# --- a clean day ---------------------------------------------------------------------------------


@pytest.mark.parametrize("deep", [False, True])
def test_a_clean_day_is_ok_and_the_numbers_agree(day: Chain, deep: bool) -> None:
    checks = day.checks(deep=deep)
    assert all_ok(checks)
    applies = {check.name for asset in day.plan.assets for check in checks_for(asset)}
    assert applies == {name for _, name in checks}
    assert numbers(checks["raw_fetches", LANDED]) == (6, 6)
    assert numbers(checks["heads", LANDED]) == (6, 6)
    assert numbers(checks["newcomers", LANDED]) == (3, 3)
    heads = checks["heads", LANDED]
    assert (heads.fetches_expected, heads.fetches_present) == (2, 2)
    cadence = checks["raw_fetches", "cadence"]
    assert (cadence.fetches_expected, cadence.fetches_present) == (2, 2)


def test_what_was_read_back_once_is_not_read_again_unless_deep(
    day: Chain, gate: FaultyStore
) -> None:
    def reads(deep: bool) -> int:
        gate.passed.clear()
        day.checks(deep=deep, store=gate)
        return sum(request.key.endswith((".parquet", ".json.zst")) for request in gate.passed)

    assert reads(deep=False) == 1, "the newest fetch, by which the feed is judged"
    assert reads(deep=True) == 10


def test_a_day_of_which_nothing_is_known_is_not_called_good(chain: Chain) -> None:
    unwatched = chain.day.shifted(-5)
    chain.rebuild(day=unwatched)
    checks = chain.checks(unwatched)
    assert checks["raw_fetches", SPOOL].verdict is Verdict.OK, "it speaks of now"
    for report in of_books(checks):
        assert report.verdict is Verdict.COULD_NOT_CHECK
        assert [each.kind for each in report.findings] == [Kind.UNCHECKED]
        assert f"nothing is known of {unwatched}" in report.findings[0].detail
        assert (*numbers(report), report.fetches_expected) == (None, None, None)


def test_a_day_that_was_watched_in_vain_is_known(chain: Chain) -> None:
    with chain.process() as site:
        site.ledger.close_interval(FEED, chain.start.later(1).utc)
        site.ledger.slot_missed(slot_at(chain.start), MissedReason.NOT_REQUESTED, chain.start.utc)
    assert all_ok(chain.checks())


# --- losses --------------------------------------------------------------------------------------


def test_a_deleted_object_is_a_real_loss_with_its_records(day: Chain) -> None:
    day.delete(HEADS, 0)
    checks = day.checks()
    assert only_bad(checks) == ("heads", LANDED)
    report = checks["heads", LANDED]
    assert report.verdict is Verdict.BAD
    assert found(report) == [(Kind.REAL_LOSS, day.number, 3)]
    assert numbers(report) == (6, 3)
    assert report.fetches_present == 1


def test_a_deleted_raw_fetch_is_found_by_both_checks(day: Chain) -> None:
    day.delete(RAW, 0)
    checks = day.checks()
    assert found(checks["raw_fetches", LANDED]) == [(Kind.REAL_LOSS, day.number, 3)]
    assert found(checks["raw_fetches", "cadence"]) == [(Kind.REAL_LOSS, day.number, None)]
    assert checks["heads", LANDED].verdict is Verdict.OK


def test_an_object_that_vanishes_while_it_is_checked_is_a_real_loss(
    day: Chain, gate: FaultyStore
) -> None:
    key = asset_keys(HEADS).single(day.day, day.number)

    def vanish(request: Request) -> None:
        if request.reads(key):
            day.store.delete(key)

    gate.plan = vanish
    report = heads_check(day, store=gate, deep=True)
    assert found(report) == [(Kind.REAL_LOSS, day.number, 3)]
    assert numbers(report) == (6, 3)


# --- damage --------------------------------------------------------------------------------------


def cut(body: bytes) -> bytes:
    return body[: len(body) // 2]


def flip(body: bytes) -> bytes:
    changed = bytearray(body)
    changed[len(body) // 2] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("asset", [RAW, HEADS])
@pytest.mark.parametrize("spoil", [cut, flip, lambda _: b""])
def test_a_changed_object_is_damaged(
    day: Chain, asset: str, spoil: Callable[[bytes], bytes]
) -> None:
    with by_hand(day, asset) as (site, made):
        put(site, replace(made, body=spoil(made.body)))
    checks = day.checks()
    assert only_bad(checks) == (asset.partition("/")[2], LANDED)
    report = checks[only_bad(checks)]
    assert found(report) == [(Kind.DAMAGED, day.number, 3)]
    assert numbers(report) == (6, 3)


def test_two_objects_that_changed_places_are_damaged(day: Chain) -> None:
    with by_hand(day) as (site, one), by_hand(day, passed=1) as (_, other):
        for here, there in ((one, other), (other, one)):
            etag = site.store.head(here.key).etag
            site.store.replace(here.key, there.body, etag, there.metadata())
    report = heads_check(day)
    assert found(report) == [
        (Kind.DAMAGED, day.number, 3),
        (Kind.DAMAGED, day.number + 1, 3),
    ]
    assert f"holds fetch {day.number + 1}" in report.findings[0].detail


def test_an_object_of_another_stage_is_damaged(day: Chain) -> None:
    with by_hand(day) as (site, made), by_hand(day, NEWCOMERS) as (_, other):
        etag = site.store.head(made.key).etag
        site.store.replace(made.key, other.body, etag, other.metadata())
    report = heads_check(day)
    assert found(report) == [(Kind.DAMAGED, day.number, 3)]
    assert "holds football/newcomers" in report.findings[0].detail


def test_a_body_that_changed_inside_a_fetch_is_damaged(day: Chain) -> None:
    """All around it agrees: only the vendor's own bytes do not."""
    with by_hand(day, RAW) as (site, made):
        data = made.envelope().data
        body = pack(data.replace(b'"match-b"', b'"match-x"', 1))
        put(site, replace(made, body=body, sha256=sha256_hex(body)))
    report = day.checks()["raw_fetches", LANDED]
    assert (Kind.DAMAGED, day.number, 3) in found(report)
    assert "bodies have changed" in report.findings[0].detail


def test_a_bit_that_rots_under_its_etag_is_found_by_a_deep_check(
    day: Chain, gate: FaultyStore
) -> None:
    key = asset_keys(HEADS).single(day.day, day.number)
    gate.plan = when(lambda request: request.reads(key), body_changed(flip))
    assert all_ok(day.checks(store=gate)), "nothing tells a listing of it"
    checks = day.checks(store=gate, deep=True)
    assert only_bad(checks) == ("heads", LANDED)
    assert found(checks["heads", LANDED]) == [(Kind.DAMAGED, day.number, 3)]


# --- what the claims say -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lies", "expected"),
    [
        ({}, []),
        ({"account": Account(5, 5)}, [(Kind.COUNT_DIFFERS, 2)]),
        ({"account": Account(2, 2)}, [(Kind.COUNT_DIFFERS, 1)]),
        ({"digest": key_digest("abd")}, [(Kind.DIGEST_DIFFERS, 3)]),
    ],
)
def test_a_claim_that_is_not_what_was_stored_is_found(
    day: Chain, lies: dict[str, Any], expected: list[tuple[Kind, int]]
) -> None:
    made = heads_object(day, ["a", "b", "c"], **lies)
    land(day, made)
    report = heads_check(day)
    assert [(kind, records) for kind, _, records in found(report)] == expected
    assert report.verdict is (Verdict.BAD if expected else Verdict.OK)
    assert numbers(report) == (6 + made.account.emitted, 9)
    assert found(heads_check(day)) == found(report), "it is not taken for verified"


def test_a_tally_that_is_not_its_claims_is_found_by_a_deep_check(day: Chain) -> None:
    tally = "emitted = 5, received = 5, explained = 5"
    rewrite(day, f"UPDATE ledger_claims SET {tally} WHERE asset = ? AND number = 721", HEADS)
    assert heads_check(day).findings == [], "what was read back is not opened each minute"
    report = heads_check(day, deep=True)
    assert found(report) == [(Kind.COUNT_DIFFERS, 721, 2)]
    assert numbers(report) == (8, 6)


def test_an_object_that_was_written_over_is_found_though_it_is_whole(day: Chain) -> None:
    with by_hand(day) as (site, made):
        fewer = Staged[Head]()
        fewer.emit_many(decode_stage(HEADS_STAGE, made.body).records[:1])
        body = encode_stage(HEADS_STAGE, made.ref, fewer)
        put(site, replace(made, body=body, sha256=sha256_hex(body), account=fewer.account))
    report = heads_check(day)
    assert found(report) == [(Kind.OVERWRITTEN, day.number, 1)]
    assert numbers(report) == (6, 4)


def test_an_object_without_a_claim_is_a_tracking_error_with_its_records(day: Chain) -> None:
    made = heads_object(day, ["a", "b"])
    day.store.put_new(made.key, made.body, made.metadata())
    report = heads_check(day)
    assert found(report) == [(Kind.TRACKING_ERROR, day.number + 2, 2)]
    assert numbers(report) == (6, 8)


def test_an_unreadable_object_without_a_claim_is_told_without_a_count(day: Chain) -> None:
    day.store.put_new(asset_keys(HEADS).single(day.day, day.number + 2), b"rot")
    assert found(heads_check(day)) == [(Kind.TRACKING_ERROR, day.number + 2, None)]


def test_what_was_claimed_and_never_stored_is_found_when_no_run_is_at_work(day: Chain) -> None:
    made = heads_object(day, ["a", "b"])
    day.at(day.start.later(2))
    with day.process() as site:
        site.ledger.intend(made.claim("dead"), site.clock.now())
    day.at(day.start.later(2), seconds=149)
    assert heads_check(day).verdict is Verdict.OK
    day.at(day.start.later(2), seconds=150)
    report = heads_check(day)
    assert found(report) == [(Kind.NOT_LANDED, day.number + 2, 2)]
    assert numbers(report) == (6, 6)


def test_an_object_of_a_run_at_work_is_no_tracking_error(day: Chain) -> None:
    """Stored a moment ago, and not yet confirmed."""
    made = heads_object(day, ["a", "b"])
    day.at(day.start.later(2))
    with day.process() as site:
        site.ledger.intend(made.claim("busy"), site.clock.now())
        site.store.put_new(made.key, made.body, made.metadata())
    assert heads_check(day).verdict is Verdict.OK
    day.at(day.start.later(2), seconds=150)
    assert found(heads_check(day)) == [(Kind.TRACKING_ERROR, day.number + 2, 2)]


def test_a_stage_that_only_ever_failed_is_found_with_its_error(chain: Chain) -> None:
    chain.minute(0, small_plan(heads=fails))
    chain.at(chain.start, seconds=150)
    report = heads_check(chain)
    assert found(report) == [(Kind.NOT_LANDED, chain.number, None)]
    assert "a mistake in this stage" in report.findings[0].detail


def test_a_fetch_that_a_stage_never_took_is_found(day: Chain) -> None:
    without_heads = FeedPlan(day.plan.raws, (day.plan.stages[1],), day.plan.client)
    day.minute(2, without_heads)
    assert heads_check(day).verdict is Verdict.OK, "a run may still be at it"
    day.at(day.start.later(2), seconds=150)
    report = heads_check(day)
    assert found(report) == [(Kind.NOT_LANDED, day.number + 2, None)]
    assert (report.fetches_expected, report.fetches_present) == (3, 2)


def test_a_stage_that_never_ran_is_one_finding_and_not_one_a_fetch(chain: Chain) -> None:
    with chain.process() as site:
        site.ledger.assets_begin([HEADS], chain.day)  # Minutes knew it, and never came to it.
    chain.minutes(3, FeedPlan(chain.plan.raws, (chain.plan.stages[1],), chain.plan.client))
    chain.at(chain.start.later(2), seconds=150)
    [finding] = heads_check(chain).findings
    assert (finding.kind, finding.fetch_number) == (Kind.NOT_LANDED, None)
    assert "none of the 3 fetches" in finding.detail


# --- cadence -------------------------------------------------------------------------------------


def test_an_expected_minute_of_which_nothing_is_known_is_found(day: Chain) -> None:
    """Nothing runs any more that could name it, and the interval is still open."""
    day.at(day.start.later(2), seconds=55 + 149)
    assert day.checks()["raw_fetches", "cadence"].verdict is Verdict.OK
    day.at(day.start.later(2), seconds=55 + 150)
    report = day.checks()["raw_fetches", "cadence"]
    assert found(report) == [(Kind.NO_FATE, day.number + 2, None)]
    assert report.verdict is Verdict.BAD


def test_a_run_that_died_and_was_never_named_is_found(day: Chain) -> None:
    dead = day.start.later(2)
    day.at(dead)
    with day.process() as site:
        site.ledger.start_fetch(slot_at(dead), "dead", dead.utc)
        site.ledger.close_interval(FEED, dead.end)
    day.at(dead, seconds=299)
    assert day.checks()["raw_fetches", "cadence"].verdict is Verdict.OK
    day.at(dead, seconds=300)
    assert found(day.checks()["raw_fetches", "cadence"]) == [(Kind.NO_FATE, dead.number, None)]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger_fetches WHERE number = ?",
        "UPDATE ledger_fetches SET fate = 'missed' WHERE number = ?",
    ],
)
def test_a_fetch_whose_minute_was_not_told_as_landed_is_found(day: Chain, statement: str) -> None:
    rewrite(day, statement, int(day.number))
    assert day.checks()["raw_fetches", "cadence"].verdict is Verdict.OK, "a run may be about to"
    day.at(day.start, seconds=150)
    report = day.checks()["raw_fetches", "cadence"]
    assert found(report) == [(Kind.TRACKING_ERROR, day.number, None)]
    assert report.fetches_present == 2


def test_after_the_interval_nothing_is_expected(day: Chain) -> None:
    day.unwatch(2)
    day.at(day.start.later(60))
    assert all_ok(day.checks())


# --- what could not be checked -------------------------------------------------------------------


def of_books(checks: dict[tuple[str, str], CheckReport]) -> list[CheckReport]:
    """The checks that compare the two books; the spool's asks neither of them."""
    return [report for (_, name), report in checks.items() if name != SPOOL]


def unchecked(checks: dict[tuple[str, str], CheckReport]) -> bool:
    for report in of_books(checks):
        assert report.verdict is Verdict.COULD_NOT_CHECK, report
        assert [finding.kind for finding in report.findings] == [Kind.UNCHECKED]
        assert numbers(report) == (None, None), "a count that is not known is not 0"
    return True


def test_without_the_store_nothing_is_ok(
    day: Chain,
    gate: FaultyStore,
) -> None:
    gate.plan = away
    assert unchecked(day.checks(store=gate))


def test_without_the_ledger_nothing_is_ok(day: Chain) -> None:
    assert unchecked(day.checks(ledger=faulty.away))


def test_a_locked_ledger_cannot_remember_what_was_verified_and_says_so(day: Chain) -> None:
    land(day, heads_object(day, ["a"]))
    report = heads_check(day, ledger=faulty.locked)
    assert report.verdict is Verdict.COULD_NOT_CHECK
    assert heads_check(day).verdict is Verdict.OK


def test_a_store_that_errs_over_one_object_leaves_a_finding_standing(
    day: Chain, gate: FaultyStore
) -> None:
    day.delete(HEADS, 0)
    last = asset_keys(HEADS).single(day.day, day.number + 1)
    gate.plan = when(lambda request: request.reads(last), refused())
    report = heads_check(day, store=gate, deep=True)
    assert report.verdict is Verdict.BAD
    assert [finding.kind for finding in report.findings] == [Kind.REAL_LOSS, Kind.UNCHECKED]
    assert numbers(report) == (None, None)


def test_minutes_that_are_in_no_window_in_time_are_an_alarm(day: Chain) -> None:
    day.at(day.start.later(26))
    assert Kind.WINDOW_OVERDUE not in {f.kind for r in day.checks().values() for f in r.findings}
    day.at(day.start.later(27))
    for asset in day.plan.assets:
        report = day.checks()[asset.short_name, LANDED]
        assert report.verdict is Verdict.BAD
        assert [found.kind for found in report.findings] == [Kind.WINDOW_OVERDUE]
        assert "00721-00730" in report.findings[0].detail
    day.rotate(27)
    assert Kind.WINDOW_OVERDUE not in {f.kind for r in day.checks().values() for f in r.findings}


def test_minutes_that_nobody_ran_do_not_make_a_window_late(day: Chain) -> None:
    def overdue() -> bool:
        return Kind.WINDOW_OVERDUE in {f.kind for r in day.checks().values() for f in r.findings}

    day.minute(30)
    assert not overdue(), "nobody was there from the second minute to now"
    day.at(day.start.later(46))
    assert not overdue()
    day.at(day.start.later(47))
    assert overdue()


# --- the spool -----------------------------------------------------------------------------------


def test_a_spool_that_fills_up_is_loud_before_its_bound(
    day: Chain,
    gate: FaultyStore,
) -> None:
    gate.plan = away
    day.minute(3, store=gate)
    assert day.checks()["raw_fetches", SPOOL].verdict is Verdict.OK
    day.at(day.start.later(3), 20 * 3600)
    report = day.checks()["raw_fetches", SPOOL]
    assert report.verdict is Verdict.BAD
    assert [found.kind for found in report.findings] == [Kind.SPOOL_FILLS_UP]
    assert "20.0 h old of 24" in report.findings[0].detail
    report = day.checks(spool_limit_hours=100)["raw_fetches", SPOOL]
    assert report.verdict is Verdict.OK
    assert report.details["spool_fetches"] == 3


def test_what_has_landed_and_lies_in_the_spool_is_not_old(
    day: Chain,
    gate: FaultyStore,
) -> None:
    """It only waits for its window, as after `touchline down`; without the store who knows?"""
    day.minute(3)
    day.at(day.start.later(3), 20 * 3600)
    assert day.checks()["raw_fetches", SPOOL].verdict is Verdict.OK
    gate.plan = away
    checks = day.checks(store=gate)
    assert checks["raw_fetches", SPOOL].verdict is Verdict.COULD_NOT_CHECK


def test_claims_that_change_while_they_are_read_are_read_again(
    day: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run at work beside the check: once is no matter, and always cannot be checked."""
    made = heads_object(day, ["a"])
    with day.process() as site:
        index = site.days(FEED).index
        lists: list[int] = []

        def run_at_work(asset: str, of: Any, **known: Any) -> Any:
            lists.append(1)
            if len(lists) <= changes:
                site.ledger.failed(HEADS, made.ref, f"{len(lists)}", "v", site.clock.now())
            return index(asset, of, **known)

        monkeypatch.setattr(site.days(FEED), "index", run_at_work)
        changes = 1
        report = run_check(LANDED, DayBooks(site, day.plan, HEADS_STAGE, day.day))
        assert report.verdict is Verdict.OK
        lists.clear()
        changes = 99
        report = run_check(LANDED, DayBooks(site, day.plan, HEADS_STAGE, day.day))
        assert report.verdict is Verdict.COULD_NOT_CHECK
        assert "kept changing" in report.findings[0].detail


def test_every_kind_of_finding_has_a_test() -> None:
    here = Path(__file__).parent
    files = (Path(__file__), *here.glob("checks/*.py"), *here.parent.glob("feeds/*.py"))
    text = "".join(file.read_text() for file in files)
    assert [kind.name for kind in Kind if f"Kind.{kind.name}" not in text] == []
