"""Records as Parquet and back: exactly, whatever a record type may hold."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.parquet import (
    empty_table,
    read_parquet,
    records_of,
    schema_of,
    table_of,
    write_parquet,
)


class Leaf(msgspec.Struct, frozen=True):
    name: str | None
    price: Decimal | None
    rest: msgspec.Raw | None


class Branch(msgspec.Struct, frozen=True):
    leaves: list[Leaf]
    leaf: Leaf | None
    numbers: list[int]


class Record(msgspec.Struct, frozen=True):
    """Everything that a record type may hold."""

    text: str
    whole: Annotated[int, msgspec.Meta(description="how many")]
    real: float
    flag: bool
    price: Decimal
    at: datetime
    raw: msgspec.Raw
    branch: Branch
    branches: list[Branch] | None
    maybe_text: str | None = None
    maybe_whole: int | None = None
    maybe_real: float | None = None
    maybe_flag: bool | None = None
    maybe_at: datetime | None = None


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
whole = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(codec="utf-8"), max_size=9)
reals = st.floats(allow_nan=False)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
times = st.integers(0, 10**16).map(lambda micros: EPOCH + timedelta(microseconds=micros))
raws = st.recursive(
    st.none() | st.booleans() | whole | texts, lambda inner: st.lists(inner, max_size=3)
).map(lambda value: msgspec.Raw(msgspec.json.encode(value)))
leaves = st.builds(Leaf, st.none() | texts, st.none() | decimals, st.none() | raws)
branches = st.builds(
    Branch, st.lists(leaves, max_size=2), st.none() | leaves, st.lists(whole, max_size=3)
)
records = st.builds(
    Record,
    texts,
    whole,
    reals,
    st.booleans(),
    decimals,
    times,
    raws,
    branches,
    st.none() | st.lists(branches, max_size=2),
    st.none() | texts,
    st.none() | whole,
    st.none() | reals,
    st.none() | st.booleans(),
    st.none() | times,
)


def comparable(value: Any) -> Any:
    """As text: 1.0 and 1.00 are equal decimals."""
    return msgspec.to_builtins(
        value,
        enc_hook=lambda raw: bytes(raw).decode() if isinstance(raw, msgspec.Raw) else raw,
    )


@settings(max_examples=40)
@given(st.lists(records, max_size=4))
def test_records_come_back_exactly(records: list[Record]) -> None:
    table, about = read_parquet(write_parquet(table_of(records, Record), {"k": "v"}))
    assert table.schema.equals(schema_of(Record), check_metadata=False)
    assert comparable(records_of(table, Record)) == comparable(records)
    assert about["k"] == "v"


def test_numbers_never_pass_through_binary_floating_point() -> None:
    texts = ["0.1", "1.10", "2.000", "1E+3", "123456789012345678.123456789"]
    leaves = [Leaf(None, Decimal(text), None) for text in texts]
    table = table_of(leaves, Leaf)
    assert table["price"].to_pylist() == texts
    assert [str(leaf.price) for leaf in records_of(table, Leaf)] == texts


def test_unknown_fields_survive_as_text() -> None:
    text = b'{"new":[1.10,  {"\xc3\xa9":null}]}'
    [leaf] = records_of(table_of([Leaf(None, None, msgspec.Raw(text))], Leaf), Leaf)
    assert leaf.rest is not None
    assert bytes(leaf.rest) == text


def test_a_reader_sees_what_each_column_is() -> None:
    schema = schema_of(Record)
    assert schema.metadata[b"description"] == b"Everything that a record type may hold."
    assert schema.field("whole").metadata == {b"description": b"how many"}
    assert schema.field("price").metadata == {b"stored_as": b"decimal"}
    assert schema.field("raw").metadata == {b"stored_as": b"json"}
    nullable = {field.name for field in schema if field.nullable}
    assert nullable == {"branches", *(n for n in schema.names if n.startswith("maybe_"))}


def test_the_same_records_are_the_same_bytes() -> None:
    leaves = [Leaf("a", Decimal("1.5"), None)] * 3
    first, second = (write_parquet(table_of(leaves, Leaf), {"a": "b"}) for _ in range(2))
    assert first == second
    assert write_parquet(table_of(leaves, Leaf), {"a": "c"}) != first


def test_no_records_are_a_table_without_rows() -> None:
    table, _ = read_parquet(write_parquet(empty_table(Record), {}))
    assert (table.num_rows, table.schema.names) == (0, list(Record.__struct_fields__))
    assert records_of(table, Record) == []


class NewerField(msgspec.Struct, frozen=True):
    name: str | None
    score: int | None
    label: str = "none yet"


def test_a_column_that_is_younger_than_the_file_is_null_or_its_default() -> None:
    table = table_of([Leaf("a", None, None)], Leaf)
    assert records_of(table, NewerField) == [NewerField("a", None, "none yet")]


def test_a_column_that_is_gone_is_passed_over() -> None:
    table = table_of([NewerField("a", 1)], NewerField).append_column("old", pa.array([1]))
    assert records_of(table, NewerField) == [NewerField("a", 1)]


def test_a_column_of_another_type_is_refused() -> None:
    table = pa.table({"name": [1], "score": [2]})
    with pytest.raises(msgspec.ValidationError):
        records_of(table, NewerField)


def test_not_a_number_stays_one() -> None:
    class Real(msgspec.Struct):
        real: float

    [read] = records_of(table_of([Real(math.nan)], Real), Real)
    assert math.isnan(read.real)


def test_a_type_without_a_column_is_refused() -> None:
    class Mixed(msgspec.Struct):
        either: int | str

    with pytest.raises(TypeError, match="no single column type"):
        schema_of(Mixed)


def test_another_reader_reads_it(tmp_path: Any) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(write_parquet(table_of([NewerField("a", 1)], NewerField), {}))
    assert pq.read_table(path).to_pylist() == [{"name": "a", "score": 1, "label": "none yet"}]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 100])
def test_what_is_no_parquet_is_refused(data: bytes) -> None:
    with pytest.raises((pa.ArrowException, OSError)):
        read_parquet(data)
