"""What a table costs does not grow with the year, and tidying takes nothing that counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from resources.embedded_s3 import S3Access
from resources.lake import Lake, Upkeep, commit_day, maintain, read_day
from resources.lake.files import write_files
from resources.lake.tables import CHECKPOINT_COMMITS, manifest_key, manifests_key, table_key
from resources.manifest import Manifest
from tests.resources.lake_samples import (
    ASSET,
    AT,
    DAY,
    NEXT,
    keys_of,
    lake_at,
    listed,
    manifest,
    rows,
    seal,
)
from tests.s3_gate import S3Gate
from touchline.day import Day

NOTHING = timedelta(0)


@pytest.fixture
def forgetful(lake: Lake) -> Lake:
    """The same, and it keeps nothing."""
    return replace(lake, keep=NOTHING)


def test_upkeep_of_no_table_is_none(lake: Lake) -> None:
    assert maintain(lake, ASSET) == Upkeep()


def test_replaced_files_stay_for_who_is_still_reading(lake: Lake) -> None:
    seal(lake, {1: 2})
    before = read_day(lake, ASSET, DAY)
    seal(lake, {1: 2}, "new ")
    assert maintain(lake, ASSET) == Upkeep()
    assert before is not None
    assert before.table(["key"]).column(0).to_pylist() == ["0", "1"]


def test_replaced_files_go_once_nobody_may_be_reading_them(lake: Lake, forgetful: Lake) -> None:
    first = seal(lake, {1: 2})
    second = seal(lake, {1: 2}, "new ")
    other = seal(lake, {7: 1}, day=NEXT)
    assert maintain(forgetful, ASSET).files == (first.files[0].key,)
    left = listed(lake, f"{table_key(ASSET)}/date=")
    assert left == [second.files[0].key, other.files[0].key]
    assert keys_of(lake) == [(1, "new 0"), (1, "new 1")]
    assert maintain(forgetful, ASSET).files == ()


def test_files_of_a_process_that_died_go_too(lake: Lake, forgetful: Lake) -> None:
    seal(lake, {1: 1})
    left = manifest(2, {1: 2}, "x")
    [file] = write_files(lake.store, left, rows({1: 2}, "x").to_reader())
    assert maintain(lake, ASSET).files == ()
    assert maintain(forgetful, ASSET).files == (file.key,)
    assert keys_of(lake) == [(1, "0")]


def test_of_a_days_manifests_the_last_two_stay_and_those_on_their_way(lake: Lake) -> None:
    for said in "abcd":
        seal(lake, {1: 1}, said)
    seal(lake, {7: 1}, day=NEXT)
    lake.put_manifest(manifest(5, {1: 1}, "on its way"))
    gone = tuple(manifest_key(ASSET, DAY, number) for number in (1, 2))
    assert maintain(lake, ASSET).manifests == gone
    assert listed(lake, manifests_key(ASSET)) == [
        *(manifest_key(ASSET, DAY, number) for number in (3, 4, 5)),
        manifest_key(ASSET, NEXT, 1),
    ]
    assert maintain(lake, ASSET).manifests == ()


def test_what_is_kept_follows_the_setting(lake: Lake) -> None:
    seal(lake, {1: 1})
    maintain(replace(lake, keep=timedelta(days=30)), ASSET)
    table = lake.open(ASSET)
    assert table is not None
    kept = table.metadata().configuration
    assert kept["delta.logRetentionDuration"] == f"interval {30 * 86400} seconds"
    assert kept["delta.deletedFileRetentionDuration"] == f"interval {30 * 86400} seconds"
    assert "delta.setTransactionRetentionDuration" not in kept


def test_upkeep_in_the_middle_of_a_commit_costs_it_nothing(lake: Lake) -> None:
    seal(lake, {1: 1})
    seal(lake, {1: 1}, "x")

    def make(number: int, _: Manifest | None) -> tuple[Manifest, pa.Table]:
        # It commits too, where a setting has changed.
        maintain(replace(lake, keep=timedelta(days=30)), ASSET)
        return manifest(number, {1: 2}, "y"), rows({1: 2}, "y")

    assert commit_day(lake, ASSET, DAY, make, at=AT).number == 3
    assert keys_of(lake) == [(1, "y0"), (1, "y1")]


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_after_400_days_a_table_costs_what_it_cost_before(
    s3_gate: S3Gate, s3_server: S3Access, s3_prefix: str
) -> None:
    through = lake_at(s3_gate.access, s3_prefix)
    forgetful = replace(lake_at(s3_server, s3_prefix), keep=NOTHING)
    log = f"{table_key(ASSET)}/_delta_log/"
    first = Day.parse("2024-06-01")
    opening: list[int] = []
    for passed in range(400):
        seal(forgetful, {1: 1}, str(passed), first.shifted(passed))
        if passed % 100 in (49, 99):
            s3_gate.passed.clear()
            assert read_day(through, ASSET, first) is not None
            opening.append(len(s3_gate.passed))
            maintain(forgetful, ASSET)
            assert len(listed(forgetful, log)) <= 3
            s3_gate.passed.clear()
            assert through.open(ASSET) is not None
            opening.append(len(s3_gate.passed))
    # A listing, the checkpoint by ranges, and what came after it, twice.
    assert max(opening) <= 25 + 2 * CHECKPOINT_COMMITS
    assert max(opening[-2:]) <= max(opening[:2]) + 2
    # Which manifest counts is known of every day, and a day of a year ago can be sealed again.
    table = forgetful.open(ASSET)
    assert table is not None
    numbers = [forgetful.number(table, ASSET, first.shifted(passed)) for passed in range(400)]
    assert numbers == [1] * 400
    assert seal(forgetful, {1: 1, 2: 1}, "late ", first).number == 2
    assert keys_of(forgetful, first) == [(1, "late 0"), (2, "late 0")]
    assert keys_of(forgetful, first.shifted(399)) == [(1, "3990")]
