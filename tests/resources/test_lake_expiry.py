"""A day taken out of its table: nothing else goes, and nothing of it counts again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from resources.lake import DamagedLake, Lake, NotAbove, drop_day, maintain
from resources.lake.tables import manifest_key, manifests_key, table_key
from tests.resources.lake_samples import ASSET, AT, DAY, NEXT, keys_of, listed, manifest, seal


def versions(lake: Lake) -> int:
    table = lake.open(ASSET)
    assert table is not None
    return table.version()


def test_a_dropped_day_is_gone_and_the_others_stay(lake: Lake) -> None:
    dropped = seal(lake, {1: 2})
    kept = seal(lake, {7: 1}, day=NEXT)
    drop_day(lake, ASSET, DAY, 1, at=AT)
    table = lake.open(ASSET)
    assert table is not None
    assert lake.files_by_day(table, ASSET) == {NEXT: kept.files}
    assert keys_of(lake, NEXT) == [(7, "0")]
    assert listed(lake, manifests_key(ASSET)) == [manifest_key(ASSET, NEXT, 1)]
    assert dropped.files[0].key in listed(lake, table_key(ASSET)), "for who is reading it"
    maintain(replace(lake, keep=timedelta(0)), ASSET)
    assert listed(lake, f"{table_key(ASSET)}/date=") == [kept.files[0].key]


def test_a_dropped_day_is_not_taken_for_one_that_was_never_sealed(lake: Lake) -> None:
    seal(lake, {1: 2})
    drop_day(lake, ASSET, DAY, 1, at=AT)
    with pytest.raises(DamagedLake):
        seal(lake, {1: 2})
    with pytest.raises(DamagedLake):
        keys_of(lake)


def test_dropping_again_finishes_what_was_begun(lake: Lake) -> None:
    seal(lake, {1: 2})
    drop_day(lake, ASSET, DAY, 1, at=AT)
    before = versions(lake)
    lake.put_manifest(manifest(1, {1: 2}))  # As if its removal had not been reached.
    drop_day(lake, ASSET, DAY, 1, at=AT)
    assert versions(lake) == before
    assert listed(lake, manifests_key(ASSET)) == []


def test_no_manifest_of_before_counts_again(lake: Lake) -> None:
    """One was left by a process that died before its commit."""
    seal(lake, {1: 2})
    lake.put_manifest(manifest(2, {1: 1}, "never committed"))
    drop_day(lake, ASSET, DAY, 1, at=AT)
    table = lake.open(ASSET)
    assert table is not None
    assert lake.number(table, ASSET, DAY) == 3


def test_a_day_that_was_sealed_anew_is_left_as_it_is(lake: Lake) -> None:
    seal(lake, {1: 2})
    seal(lake, {1: 2, 2: 1})
    with pytest.raises(NotAbove, match="manifest 2 counts"):
        drop_day(lake, ASSET, DAY, 1, at=AT)
    assert keys_of(lake) == [(1, "0"), (1, "1"), (2, "0")]


def test_a_day_without_rows_can_be_dropped(lake: Lake) -> None:
    seal(lake, {1: 0})
    drop_day(lake, ASSET, DAY, 1, at=AT)
    drop_day(lake, ASSET, DAY, 1, at=AT)
    table = lake.open(ASSET)
    assert table is not None
    assert lake.number(table, ASSET, DAY) == 2


def test_dropping_a_day_of_no_table_does_nothing(lake: Lake) -> None:
    drop_day(lake, ASSET, DAY, 1, at=AT)
    assert listed(lake, "") == []
