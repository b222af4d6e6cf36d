"""Days that expire on a real object store: recorded in both books first, never called a loss."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from operations.commands.export import write_document
from operations.commands.fetch import read_fetch
from operations.commands.rows import rows_of_day
from operations.errors import failure_of
from pipeline_assets.load import load_envelopes, load_table
from pipeline_assets.retention import RetentionReport, expire
from pipeline_assets.sealing import seal_day
from pipeline_assets.seals_due import days_to_seal
from pipeline_assets.slot_run import rebuild_day
from resources.expired_days import DayExpired, expired_key, read_expiry
from resources.lake.tables import manifests_key
from resources.site import Site
from resources.store import StoreUnavailable
from resources.store.faulty import FaultyStore, Request, away, refused, when
from tests.chain import FEED, RAW, Chain, all_ok
from tests.pipeline_assets.test_sealing import twelve
from tests.slots import asset_keys, slot_at
from touchline.accounting import Verdict
from touchline.fetch import FetchRef

HEADS = "football/heads"
A_DAY = 24 * 60
BOTH: dict[str, Any] = {"keep_raw_days": 5, "keep_lake_days": 5}
LEFT = {"expired", "lake", "reference", "watch", "origin.json"}
"""The lake's files go by upkeep; the cache of teams is no day's; which minutes were watched is
known for ever."""

__all__ = ["twelve"]


@pytest.fixture(scope="module")
def sealed_twelve(twelve: Chain, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The same day, sealed on the next one."""
    sealed = twelve.copy(tmp_path_factory.mktemp("sealed"), f"{twelve.prefix}-sealed")
    assert sealed.seal(A_DAY).waiting == []
    return sealed


@pytest.fixture
def day(sealed_twelve: Chain, tmp_path: Path, s3_prefix: str) -> Chain:
    return sealed_twelve.copy(tmp_path / "home", s3_prefix)


def retain(chain: Chain, days: int = 6, run: str = "expire", **process: Any) -> RetentionReport:
    """So many days after the first minute."""
    chain.at(chain.start.later(days * A_DAY))
    with chain.process(**process) as site:
        return expire(site, FEED, run)


def names(chain: Chain) -> list[str]:
    return [asset.name for asset in chain.plan.assets]


def kept_folders(chain: Chain) -> set[str]:
    return {key.split("/")[0] for key in chain.objects()}


@contextmanager
def later(chain: Chain, days: int = 6) -> Iterator[Site]:
    chain.at(chain.start.later(days * A_DAY))
    with chain.process() as site:
        yield site


def test_a_day_goes_when_it_is_older_than_the_setting_says(day: Chain) -> None:
    before = day.objects()
    assert retain(day, 5, **BOTH) == RetentionReport(), "five days are kept"
    assert day.objects() == before
    report = retain(day, 6, **BOTH)
    assert {each.asset for each in report.expired} == set(names(day))
    assert report.findings == []
    assert kept_folders(day) == LEFT
    assert [key for key in day.objects() if key.startswith(manifests_key(HEADS))] == []
    assert all_ok(day.checks())
    assert all_ok(day.checks(deep=True))
    assert retain(day, 7, **BOTH) == RetentionReport(), "once"


def test_nothing_goes_without_a_setting_and_each_tier_by_its_own(day: Chain) -> None:
    before = day.objects()
    assert retain(day, 4000) == RetentionReport()
    assert day.objects() == before
    report = retain(day, 6, keep_raw_days=5)
    assert [each.asset for each in report.expired] == [RAW]
    with later(day) as site:
        assert load_table(site, HEADS, day.day).num_rows == 36
        with pytest.raises(DayExpired):
            list(load_envelopes(site, RAW, day.day))
    assert all_ok(day.checks(deep=True))
    retain(day, 6, keep_lake_days=5)
    assert all_ok(day.checks(deep=True))


def test_a_day_that_is_not_sealed_never_goes(twelve: Chain, tmp_path: Path, s3_prefix: str) -> None:
    chain = twelve.copy(tmp_path / "open", s3_prefix)
    before = chain.objects()
    assert retain(chain, 4000, **BOTH) == RetentionReport()
    assert chain.objects() == before


@pytest.mark.parametrize("hold", ["all", "2025-05-28", "2024-01-01..2025-05-28,2025-06-01"])
def test_a_held_day_never_goes(day: Chain, hold: str) -> None:
    before = day.objects()
    report = retain(day, 4000, legal_hold=hold, **BOTH)
    assert (report.expired, report.held) == ([], {day.day})
    assert day.objects() == before
    assert retain(day, 4000, legal_hold="2025-05-29", **BOTH).expired != []


def test_a_reader_is_told_when_it_went_and_for_how_long_it_was_kept(day: Chain) -> None:
    retain(day, **BOTH)
    said = f"of {day.day} expired on 2025-06-03: kept 5 days"
    with later(day) as site:
        for read in (
            lambda: load_table(site, HEADS, day.day),
            lambda: rows_of_day(site, HEADS, day.day),
            lambda: rows_of_day(site, HEADS, day.day, day.number),
            lambda: list(load_envelopes(site, RAW, day.day)),
            lambda: read_fetch(site, day.plan.raws[0], day.day, day.number),
            lambda: write_document(site, day.plan.raws[0], day.day, io.BytesIO()),
        ):
            with pytest.raises(DayExpired, match=said) as caught:
                read()
            failed = failure_of(caught.value)
            assert failed is not None
            assert (failed.kind, failed.code) == ("day_expired", 2)


def test_the_record_says_what_went(day: Chain) -> None:
    retain(day, **BOTH)
    with later(day) as site:
        said = msgspec.json.decode(site.store.get(expired_key(HEADS, day.day)).body)
        expiry = site.ledger.expiries(HEADS, day.day)["lake"]
    digest = said.pop("digest")
    assert len(digest) == 64
    assert said == {
        "asset": HEADS,
        "date": str(day.day),
        "tier": "lake",
        "reason": "kept 5 days",
        "at": "2025-06-03T16:00:00Z",
        "manifest": 1,
        "fetches": 12,
        "emitted": 36,
        "spans": [[day.number, day.number + 11]],
        "format": 1,
    }
    assert expiry.reason == "kept 5 days"


def test_an_expired_day_is_not_sealed_again(day: Chain) -> None:
    retain(day, **BOTH)
    with later(day) as site:
        before = day.objects()
        report = seal_day(site, FEED, day.day, run_id="again")
        assert report.sealed == report.unchanged == []
        assert [line.split(" has ")[0] for line in report.waiting] == [
            f"{name} of {day.day}" for name in names(day)
        ]
        assert days_to_seal(site.ledger, day.plan, site.clock.now()) == []
    assert day.objects() == before


def test_what_came_after_the_seal_keeps_the_day_until_it_is_sealed_again(chain: Chain) -> None:
    chain.minutes(2)
    late = chain.captured(2)
    chain.unwatch(3)
    chain.minute(30)
    assert chain.seal(A_DAY).waiting == []
    chain.bring(late)
    chain.minute(A_DAY + 1)
    chain.at(chain.start.later(6 * A_DAY))
    chain.rebuild()
    report = retain(chain, **BOTH)
    assert f"{HEADS} of {chain.day}: 1 fetches came after its seal" in str(report.findings)
    assert report.expired == []
    assert chain.seal(6 * A_DAY).waiting == []
    with later(chain) as site:
        assert load_table(site, HEADS, chain.day).num_rows == 12
    assert len(retain(chain, **BOTH).expired) == len(names(chain))
    assert all_ok(chain.checks(chain.day, deep=True))


def test_what_was_kept_beside_goes_too(day: Chain) -> None:
    beside = f"{asset_keys(RAW).beside(day.day, day.number, 'x')}abc"
    with day.process() as site:
        site.store.put_new(beside, b"another result")
        site.store.put_new(beside.replace(str(day.day), "2025-05-29"), b"of another day")
    retain(day, **BOTH)
    left = [key for key in day.objects() if key.startswith("conflicts/")]
    assert left == [beside.replace(str(day.day), "2025-05-29")]


def test_a_damaged_day_is_not_removed(day: Chain) -> None:
    with day.process() as site:
        found = site.store.get(f"{manifests_key(HEADS)}date={day.day}/00001.json.zst")
        site.store.replace(found.key, b"damaged", found.etag)
    report = retain(day, **BOTH)
    assert HEADS not in {each.asset for each in report.expired}
    assert HEADS in str(report.findings)
    assert day.checks()["heads", "landed_matches_claimed"].verdict is not Verdict.OK


def test_a_loss_does_not_expire_unseen(day: Chain) -> None:
    """The ledger knows of a fetch that the sealed day did not have."""
    retain(day, **BOTH)
    with later(day) as site:
        row = site.ledger.claim(HEADS, day.day, day.number)
        assert row is not None
        assert row.landed is not None
        number = day.number + 50
        ref = FetchRef.of(slot_at(day.day.minute(number)), row.landed.ref.fetch_id)
        lost = replace(row.landed, ref=ref, key=asset_keys(HEADS).single(day.day, number))
        site.ledger.intend(lost, site.clock.now())
        site.ledger.landed(lost, "etag", 1, site.clock.now())
    report = day.checks()["heads", "landed_matches_claimed"]
    assert [(found.kind, found.fetch_number) for found in report.findings] == [
        ("real_loss", number)
    ]


@pytest.mark.parametrize("asset", [RAW, HEADS])
def test_another_count_or_digest_than_was_claimed_is_named(day: Chain, asset: str) -> None:
    retain(day, **BOTH)
    name = asset.rpartition("/")[2]
    with later(day) as site:
        record = read_expiry(site.store, asset, day.day)
        assert record is not None
        key = expired_key(asset, day.day)
        changed = msgspec.structs.replace(record, digest="0" * 64)
        site.store.replace(key, msgspec.json.encode(changed), site.store.head(key).etag)
    assert day.checks()[name, "landed_matches_claimed"].verdict is Verdict.OK
    deep = day.checks(deep=True)[name, "landed_matches_claimed"]
    assert [found.kind for found in deep.findings] == ["digest_differs"]
    with later(day) as site:
        changed = msgspec.structs.replace(record, emitted=record.emitted - 1)
        site.store.replace(key, msgspec.json.encode(changed), site.store.head(key).etag)
    report = day.checks()[name, "landed_matches_claimed"]
    assert [found.kind for found in report.findings] == ["count_differs"]


def test_a_ledger_that_was_lost_learns_it_from_the_store(day: Chain) -> None:
    retain(day, **BOTH)
    day.lose_ledger()
    with later(day) as site:
        assert site.ledger.expiries(HEADS, day.day) == {}
    checks = day.checks(deep=True)
    assert all_ok(checks)
    report = checks["heads", "landed_matches_claimed"]
    assert (report.recorded, report.landed, report.fetches_present) == (None, 36, 12)
    assert day.seal(6 * A_DAY).sealed == []
    with later(day) as site, pytest.raises(DayExpired, match="kept 5 days"):
        load_table(site, HEADS, day.day)
    assert retain(day, 7, **BOTH) == RetentionReport()
    with later(day) as site:
        known = site.ledger.expiries(HEADS, day.day)["lake"]
    assert (known.reason, str(known.at)) == ("kept 5 days", "2025-06-03 16:00:00+00:00")


def test_a_day_expires_without_the_ledger_that_sealed_it(day: Chain) -> None:
    day.lose_ledger()
    assert len(retain(day, **BOTH).expired) == len(names(day))
    assert all_ok(day.checks(deep=True))


def test_a_record_that_was_lost_is_no_loss_while_the_ledger_knows(day: Chain) -> None:
    retain(day, **BOTH)
    with later(day) as site:
        for name in names(day):
            site.store.delete(expired_key(name, day.day))
    assert all_ok(day.checks(deep=True))


def test_whatever_is_cut_off_the_next_call_goes_on(day: Chain, tmp_path: Path) -> None:
    """The store goes away before each of its writes in turn, on one copy of the day after another.
    Meanwhile no check calls it a loss, and a reader sees all of it or is told."""
    day.clear(3 * A_DAY)
    for writes in range(0, 60, 3):
        cut = day.copy(tmp_path / str(writes), f"{day.prefix}-{writes}")
        passed = 0

        def has_gone(request: Request, limit: int = writes) -> bool:
            nonlocal passed
            passed += request.writes
            return request.writes and passed > limit

        dying = FaultyStore(cut.store, when(has_gone, refused()))
        report = retain(cut, store=dying, run="dies", **BOTH)
        assert all_ok(cut.checks())
        with later(cut) as site:
            with suppress(DayExpired):
                assert load_table(site, HEADS, cut.day).num_rows == 36
            with suppress(DayExpired):
                assert len(list(load_envelopes(site, RAW, cut.day))) == 12
        if passed <= writes:
            assert report.findings == []
            break
        assert report.findings != []
        assert retain(cut, **BOTH).findings == []
        assert kept_folders(cut) == LEFT
        assert all_ok(cut.checks(deep=True))
    else:
        pytest.fail("it never came to its end")


def test_a_crash_between_the_two_books_is_carried_on(day: Chain, gate: FaultyStore) -> None:
    """The ledger has it, the store's record could not be put: nothing was removed."""
    before = day.objects()
    gate.plan = when(lambda request: request.puts() and "expired/" in request.key, refused())
    report = retain(day, store=gate, **BOTH)
    assert (report.expired, len(report.findings)) == ([], len(names(day)))
    assert day.objects() == before
    assert all_ok(day.checks(deep=True))
    with later(day) as site:
        assert load_table(site, HEADS, day.day).num_rows == 36
        assert seal_day(site, FEED, day.day, run_id="again").unchanged == [], "it is going"
    assert len(retain(day, 9, **BOTH).expired) == len(names(day))
    with later(day, 9) as site:
        record = read_expiry(site.store, HEADS, day.day)
        assert record is not None
        assert record.at == "2025-06-03T16:00:00Z", "when it was decided"


def test_a_store_that_is_away_and_a_day_at_work_are_findings(day: Chain, gate: FaultyStore) -> None:
    gate.plan = away
    [finding] = retain(day, store=gate, **BOTH).findings
    assert "the store is away" in finding
    gate.plan = None
    day.at(day.start.later(6 * A_DAY))
    with day.process() as site:
        at = site.clock.now()
        site.ledger.lock(f"{HEADS}@{day.day}", "backfill-1", at, day.start.later(9 * A_DAY).utc)
    report = retain(day, **BOTH)
    assert HEADS not in {each.asset for each in report.expired}
    assert "by run backfill-1" in str(report.findings)
    assert asset_keys(HEADS).seal(day.day, 1) in day.objects()
    assert asset_keys(RAW).log(day.day) not in day.objects()


def test_a_derived_day_can_be_made_anew_while_its_raw_fetches_are_kept(day: Chain) -> None:
    retain(day, keep_lake_days=5)
    with later(day) as site:
        with pytest.raises(DayExpired):
            load_table(site, HEADS, day.day)
        rebuild_day(site, FEED, day.day, run_id="again")
        assert load_table(site, HEADS, day.day).num_rows == 36
    assert all_ok(day.checks(deep=True))


def test_a_store_that_is_away_is_no_expiry(day: Chain, gate: FaultyStore) -> None:
    retain(day, **BOTH)
    gate.plan = away
    day.at(day.start.later(6 * A_DAY))
    with day.process(store=gate) as site, pytest.raises(StoreUnavailable):
        load_table(site, HEADS, day.day)
