"""Sealing: an ended day in one place, sealed again for what came later, on a real object store."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pipeline_assets.load import load_envelopes, load_table
from pipeline_assets.sealing import day_locked
from pipeline_assets.seals_due import days_to_seal
from tests.chain import FEED, RAW, Chain, all_ok
from tests.pipeline_assets.small_plan import Head, heads, small_plan
from tests.slots import asset_keys
from touchline.accounting import Verdict
from touchline.compression import zstd
from touchline.day import Day
from touchline.fetch import Envelope, FetchRef
from touchline.stage import Staged

HEADS = "football/heads"
NEWCOMERS = "football/newcomers"
A_DAY = 24 * 60


@pytest.fixture(scope="module")
def twelve(chain_apart: Callable[[], Chain]) -> Chain:
    """Twelve minutes of a day, and its end watched by nobody."""
    chain = chain_apart()
    chain.minutes(12)
    chain.unwatch(12)
    return chain


@pytest.fixture
def day(twelve: Chain, tmp_path_factory: pytest.TempPathFactory, s3_prefix: str) -> Chain:
    return twelve.copy(tmp_path_factory.mktemp("day"), s3_prefix)


def rows(chain: Chain, asset: str) -> list[dict[str, object]]:
    with chain.process() as site:
        return load_table(site, asset, chain.day).to_pylist()


def envelopes(chain: Chain) -> list[bytes]:
    with chain.process() as site:
        return [envelope.data for envelope in load_envelopes(site, RAW, chain.day)]


def names(chain: Chain) -> list[str]:
    return [asset.name for asset in chain.plan.assets]


def test_an_ended_day_is_sealed_and_reads_as_before(day: Chain) -> None:
    before = {name: rows(day, name) for name in names(day)[1:]}
    raw = envelopes(day)
    report = day.seal(A_DAY)
    assert (report.waiting, report.sealed) == ([], names(day))
    with day.process() as site:
        assert {seal.fetches for seal in site.ledger.seals(FEED)} == {12}
        places = [*site.days(FEED).index(HEADS, day.day).places()]
    assert [place.listed for place in places] == [None] * 12, "the sealed day counts"
    assert {name: rows(day, name) for name in names(day)[1:]} == before
    assert envelopes(day) == raw
    assert all_ok(day.checks())
    assert all_ok(day.checks(deep=True))


def test_the_daily_log_is_the_documented_document(day: Chain) -> None:
    raw = envelopes(day)
    day.seal(A_DAY)
    with day.process() as site:
        text = zstd.decompress(site.store.get(asset_keys(RAW).log(day.day)).body)
    document = json.loads(text)
    assert document["daily_metadata"]["date"] == str(day.day)
    assert [upload["fetches_in_upload"] for upload in document["uploads"]] == [10, 2]
    fetches = [fetch for upload in document["uploads"] for fetch in upload["fetch_data"]]
    assert fetches == [json.loads(envelope) for envelope in raw]
    assert all(envelope in text for envelope in raw), "byte for byte"


def test_a_day_is_not_sealed_before_everything_of_it_is_known(chain: Chain) -> None:
    chain.minutes(3)
    assert "ends at" in str(chain.seal(60).waiting)
    reasons = str(chain.seal(A_DAY).waiting)
    assert "717 minutes have no fate" in reasons, "watched until midnight, and nobody came"
    chain.minute(A_DAY)  # The next run names what was missed.
    assert chain.seal(A_DAY).waiting == []


def test_a_day_with_a_fetch_in_the_spool_alone_is_not_sealed(chain: Chain) -> None:
    chain.unwatch(2)
    chain.minutes(2)
    with chain.process() as site:
        spooled = [site.spool(FEED).read(entry) for entry in site.spool(FEED).entries()]
        site.store.delete(asset_keys(RAW).single(chain.day, chain.number + 1))
    report = chain.seal(A_DAY)
    assert "1 fetches wait in the spool" in str(report.waiting)
    assert report.sealed == []
    assert len(spooled) == 2


def test_a_loss_is_never_sealed_over(day: Chain) -> None:
    day.delete(HEADS, 3)
    report = day.seal(A_DAY)
    assert HEADS not in report.sealed
    assert f"{HEADS}: 1 fetches had landed and are gone, the first {day.number + 3}" in str(
        report.waiting
    )
    assert RAW in report.sealed, "one asset does not keep the others"
    day.rebuild()
    assert HEADS in day.seal(A_DAY).sealed
    assert all_ok(day.checks(deep=True))


def test_sealing_again_without_news_changes_nothing(day: Chain) -> None:
    day.seal(A_DAY)
    before = day.objects()
    report = day.seal(A_DAY + 60)
    assert (report.sealed, report.unchanged) == ([], names(day))
    assert day.objects() == before
    with day.process() as site:
        assert days_to_seal(site.ledger, day.plan, site.clock.now()) == []


def test_what_a_seal_replaced_goes_a_day_later(day: Chain) -> None:
    before = {name: rows(day, name) for name in names(day)[1:]}
    day.seal(A_DAY)
    held = len(day.objects())
    assert day.clear(2 * A_DAY - 1) == 0
    assert day.clear(2 * A_DAY) == held - len(day.objects())
    left = {key for key in day.objects() if key.startswith(("raw/", "hot/"))}
    assert {key.rpartition("/")[2] for key in left} == {"sealed-00001"}
    assert day.clear(2 * A_DAY) == 0, "once"
    assert {name: rows(day, name) for name in names(day)[1:]} == before
    assert all_ok(day.checks(deep=True))


def test_a_late_capture_is_taken_in_by_sealing_again(chain: Chain) -> None:
    """Of a minute that was missed, after everything else was sealed and cleared."""
    chain.minutes(2)
    late = chain.captured(2)
    chain.minute(3)
    chain.unwatch(4)
    chain.minute(30)
    assert chain.seal(A_DAY).waiting == []
    chain.clear(2 * A_DAY)
    chain.bring(late)
    chain.minute(2 * A_DAY + 1)
    assert chain.numbers(HEADS) == [chain.number + n for n in (0, 1, 2, 3, 30)]
    with chain.process() as site:
        assert days_to_seal(site.ledger, chain.plan, site.clock.now()) == [chain.day]
    chain.rebuild()
    report = chain.seal(2 * A_DAY + 10)
    assert (report.waiting, HEADS in report.sealed, RAW in report.sealed) == ([], True, True)
    assert [row["fetch_number"] for row in rows(chain, HEADS)][6:9] == [chain.number + 2] * 3
    assert len(envelopes(chain)) == 5
    assert all_ok(chain.checks(deep=True))
    assert chain.seal(2 * A_DAY + 20).sealed == []


def test_a_rebuild_of_a_sealed_day_counts_when_it_is_sealed_again(day: Chain) -> None:
    def all_but_one(fetch: FetchRef, raw: Envelope) -> Staged[Head]:
        staged = heads(fetch, raw)
        staged.records.pop()
        staged.received -= 1
        return staged

    day.seal(A_DAY)
    day.rebuild(small_plan(heads=all_but_one))
    report = day.seal(A_DAY + 10)
    assert HEADS in report.sealed
    assert NEWCOMERS in report.unchanged
    assert len(rows(day, HEADS)) == 24
    checks = day.checks(deep=True)
    assert checks["heads", "landed_matches_claimed"].verdict is Verdict.OK


def test_seal_and_rebuild_of_a_day_exclude_each_other(day: Chain) -> None:
    day.at(day.start.later(A_DAY))
    with day.process() as site, day_locked(site, HEADS, day.day, "rebuild-7"):
        report = day.seal(A_DAY)
        assert HEADS not in report.sealed
        assert f"{HEADS} of {day.day} is being sealed or rebuilt by run rebuild-7" in str(
            report.waiting
        )
        [failure] = day.rebuild()[HEADS].failures
        assert "by run rebuild-7" in failure.error
    assert HEADS in day.seal(A_DAY).sealed


def test_days_to_seal_are_those_that_have_ended(day: Chain) -> None:
    with day.process() as site:
        assert days_to_seal(site.ledger, day.plan, site.clock.now()) == []
    day.at(day.start.later(A_DAY))
    with day.process() as site:
        assert days_to_seal(site.ledger, day.plan, site.clock.now()) == [Day.parse("2025-05-28")]
