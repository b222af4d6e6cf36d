"""Days of one table counted in another one, whose log is its own."""

from __future__ import annotations

import pyarrow as pa
import pytest

from resources.lake import Committed, Lake, NotAbove, SchemaConflict, adopt_day
from resources.lake.tables import manifest_key
from resources.store.memory import MemoryStore
from tests.resources.lake_samples import ASSET, AT, DAY, NEXT, keys_of, seal
from tests.stores import below
from touchline.day import Day


@pytest.fixture
def copy(store: MemoryStore) -> Lake:
    return Lake(below(store, "copy"))


def columns(lake: Lake) -> pa.Schema:
    table = lake.open(ASSET)
    assert table is not None
    return pa.schema(table.schema().to_arrow())


def carry(lake: Lake, copy: Lake, sealed: Committed) -> bool:
    """Copy the objects of a sealed day, then let it count there."""
    day = sealed.manifest.day
    keys = [manifest_key(ASSET, day, sealed.number), *(file.key for file in sealed.files)]
    there = {item.key for item in copy.store.list("")}
    for key in (key for key in keys if key not in there):
        copy.store.put_new(key, lake.store.get(key).body)
    return adopt_day(copy, sealed.manifest, sealed.files, columns(lake), at=AT)


def test_days_count_there_as_they_do_here(lake: Lake, copy: Lake) -> None:
    first, other = seal(lake, {1: 2}), seal(lake, {7: 1}, day=NEXT)
    assert carry(lake, copy, other)
    assert carry(lake, copy, first)
    assert (keys_of(copy), keys_of(copy, NEXT)) == (keys_of(lake), keys_of(lake, NEXT))
    assert columns(copy).equals(columns(lake), check_metadata=True)
    assert not carry(lake, copy, first), "once"


def test_a_day_that_was_sealed_again_replaces_the_one_before(lake: Lake, copy: Lake) -> None:
    carry(lake, copy, seal(lake, {1: 2}))
    again = seal(lake, {1: 2, 2: 1}, "late ")
    assert carry(lake, copy, again)
    assert keys_of(copy) == [(1, "late 0"), (1, "late 1"), (2, "late 0")]


def test_an_older_seal_does_not_replace_a_newer_one(lake: Lake, copy: Lake) -> None:
    first = seal(lake, {1: 2})
    carry(lake, copy, seal(lake, {1: 2}, "late "))
    with pytest.raises(NotAbove):
        carry(lake, copy, first)
    assert keys_of(copy) == [(1, "late 0"), (1, "late 1")]


def test_another_day_under_the_same_number_is_refused(lake: Lake, copy: Lake) -> None:
    seal(copy, {1: 2}, "another's ")
    with pytest.raises(NotAbove):
        carry(lake, copy, seal(lake, {1: 2}))


def test_columns_that_came_later_come_along(lake: Lake, copy: Lake) -> None:
    carry(lake, copy, seal(lake, {1: 2}))
    schema = columns(copy)
    wide = schema.append(pa.field("weather", pa.string()))
    sealed = seal(lake, {7: 1}, day=NEXT)
    for key in (manifest_key(ASSET, NEXT, 1), sealed.files[0].key):
        copy.store.put_new(key, lake.store.get(key).body)
    adopt_day(copy, sealed.manifest, sealed.files, wide, at=AT)
    assert columns(copy).names == wide.names
    third = seal(lake, {9: 1}, day=Day.parse("2025-05-30"))
    other = schema.set(schema.get_field_index("key"), pa.field("key", pa.int64()))
    with pytest.raises(SchemaConflict, match="column key"):
        adopt_day(copy, third.manifest, third.files, other, at=AT)
    assert keys_of(copy, DAY) == [(1, "0"), (1, "1")]
