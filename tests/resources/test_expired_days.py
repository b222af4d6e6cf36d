"""Records of expired days: what they say, and that nobody young is asked for one."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.day_layout import AssetKeys
from resources.expired_days import (
    LAKE_TIER,
    DamagedExpiry,
    ExpiredDay,
    expired_days,
    expired_key,
    expiry_of,
    may_have_expired,
    put_expiry,
    read_expiry,
)
from resources.seal_marks import seal_marks
from resources.store import Store
from tests.resources.lake_samples import ASSET, AT, DAY, NEXT, manifest
from tests.slots import asset_keys
from tests.stores import below

LONG_AFTER = datetime(2025, 7, 1, tzinfo=UTC)


@given(st.sets(st.integers(1, 1440)))
def test_the_numbers_of_a_day_come_back(numbers: set[int]) -> None:
    expired = ExpiredDay.of(manifest(1, dict.fromkeys(numbers, 2)), LAKE_TIER, "kept 5 days", AT)
    stored = msgspec.json.decode(msgspec.json.encode(expired), type=ExpiredDay)
    assert stored.numbers == numbers
    assert (stored.fetches, stored.emitted) == (len(numbers), 2 * len(numbers))
    assert stored.instant == AT


def test_the_first_record_counts(store: Store) -> None:
    first = ExpiredDay.of(manifest(1, {1: 2}), LAKE_TIER, "kept 5 days", AT)
    assert put_expiry(store, first) == first
    assert put_expiry(store, msgspec.structs.replace(first, reason="kept 9 days")) == first
    assert expiry_of(store, ASSET, DAY, LONG_AFTER) == first
    assert expiry_of(store, ASSET, NEXT, LONG_AFTER) is None
    assert list(expired_days(store, "football")) == [(ASSET, DAY)]


def test_a_young_day_is_not_asked_for(store: Store) -> None:
    store = below(store, store.prefix)
    assert expiry_of(store, ASSET, DAY, DAY.shifted(2).start) is None
    assert store.requests.by_operation == {}
    assert not may_have_expired(DAY, DAY.shifted(2).start)
    assert may_have_expired(DAY, DAY.shifted(3).start)


def test_a_damaged_record_is_no_answer(store: Store) -> None:
    store.put_new(expired_key(ASSET, DAY), b"{")
    with pytest.raises(DamagedExpiry, match=expired_key(ASSET, DAY)):
        read_expiry(store, ASSET, DAY)
    other = ExpiredDay.of(manifest(1, {1: 2}), LAKE_TIER, "kept 5 days", AT)
    store.put_new(expired_key(ASSET, NEXT), msgspec.json.encode(other))
    with pytest.raises(DamagedExpiry, match=f"speaks of {ASSET} on {DAY}"):
        read_expiry(store, ASSET, NEXT)


def test_marks_of_sealed_days_are_found_among_all_else(store: Store) -> None:
    for key in (
        f"raw/football/date={DAY}/00001.json.zst",
        f"raw/football/date={DAY}/sealed-00001",
        f"raw/football/date={DAY}/sealed-00002",
        f"hot/football/date={DAY}/merged/00001-00010.parquet",
        f"hot/football/date={DAY}/merged/sealed-00003",
        f"hot/football/date={NEXT}/merged/00001.parquet",
        f"hot/basketball/date={NEXT}/merged/sealed-00001",
        f"raw/basketball/box_scores/date={NEXT}/sealed-00001",
    ):
        store.put_new(key, b"")
    assert seal_marks(store, "football") == {
        (DAY, asset_keys("football/raw_fetches")): 2,
        (DAY, asset_keys("football/merged")): 3,
    }
    assert seal_marks(store, "basketball") == {
        (NEXT, AssetKeys("basketball/box_scores", "basketball/box_scores")): 1,
        (NEXT, asset_keys("basketball/merged")): 1,
    }
