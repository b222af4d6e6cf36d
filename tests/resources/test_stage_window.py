"""A stage's window: every fetch that went in comes out again, and damage never passes for rows."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Union

import duckdb
import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_assets.plans import PLANS
from resources.manifest import About, Held
from resources.parquet import empty_table, records_of, schema_of
from resources.stage_codec import (
    StageObject,
    StateNotKept,
    decode_stage,
    encode_stage,
    write_stage_object,
)
from resources.stage_window import StageWindow, UnfitForWindow, UnreadableWindow, write_window
from tests.resources.stage_samples import STAGE, Name, Seen, ref, staged
from touchline.accounting import Account, Outcome, key_digest, sha256_hex
from touchline.day import Day
from touchline.fetch import FetchRef
from touchline.stage import Finding, QuarantinedRecord, Stage, Staged

FIRST = 881
Single = tuple[Held, bytes]
texts = st.text(st.characters(codec="utf-8"), max_size=6)


def held(fetch: FetchRef, account: Account, digest: str, body: bytes) -> Held:
    return Held(
        number=fetch.number,
        fetch_id=fetch.fetch_id,
        minute=str(fetch.minute),
        outcome=Outcome.COMPLETE,
        account=account,
        digest=digest,
        sha256=sha256_hex(body),
        etag='"e"',
        code_version="v1",
        upstream_sha256=sha256_hex(b"raw"),
    )


def single(stage: Stage[Any], fetch: FetchRef, made: Staged[Any]) -> Single:
    body = encode_stage(stage, fetch, made)
    return held(fetch, made.account, key_digest(map(stage.key, made.records)), body), body


def names(number: int, *emitted: str) -> Single:
    return single(STAGE, ref(number), staged(emitted, 2, Seen([f"until {number}"])))


def opened(stage: Stage[Any], singles: Sequence[Single]) -> StageWindow[Any]:
    return StageWindow.open(stage, write_window(stage, singles))


def described(table: pa.Table) -> pa.Schema:
    """The schema without what a fetch object's footer says."""
    metadata = {
        name: text
        for name, text in (table.schema.metadata or {}).items()
        if not name.startswith(b"touchline.")
    }
    return table.schema.with_metadata(metadata)


def assert_the_same(found: StageObject[Any], original: StageObject[Any]) -> None:
    assert found.table.replace_schema_metadata() == original.table.replace_schema_metadata()
    assert described(found.table).equals(described(original.table), check_metadata=True)
    for part in ("account", "dropped", "quarantined", "findings"):
        assert getattr(found, part) == getattr(original, part)


# --- whatever goes in ----------------------------------------------------------------------------


class Both(StrEnum):
    """Reasons of the drawn accounts."""

    DULL = "dull"
    OLD = "old"


def of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value that a column of this type may hold."""
    args = typing.get_args(hint)
    if typing.get_origin(hint) is Annotated:
        return of(args[0])
    if typing.get_origin(hint) in (Union, types.UnionType):
        return st.one_of([st.none() if arg is types.NoneType else of(arg) for arg in args])
    if typing.get_origin(hint) is list:
        return st.lists(of(args[0]), max_size=2)
    if issubclass(hint, msgspec.Struct):
        return any_record(hint)
    if issubclass(hint, StrEnum):
        return st.sampled_from([*hint])
    return _SCALARS[hint]


@functools.cache
def any_record(makes: type[Any]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(makes, include_extras=True)
    fields = {name: of(hints[name]) for name in makes.__struct_fields__}
    return st.fixed_dictionaries(fields).map(lambda values: makes(**values))


_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    msgspec.Raw: st.sampled_from([b"null", b'{"a": [1.10, {}]}', b'"\xc3\xa9"']).map(msgspec.Raw),
}


@st.composite
def any_staged(draw: st.DrawFn, makes: type[Any]) -> Staged[Any]:
    made = Staged[Any]()
    made.emit_many(draw(st.lists(any_record(makes), max_size=3)))
    for reason in Both:
        for key, count in draw(st.dictionaries(texts, st.integers(1, 9), max_size=2)).items():
            made.drop_many(reason, key, count)
    for key in draw(st.lists(st.none() | texts, max_size=2)):
        with made.one_record(key):
            made.quarantine("bad", key, detail="so bad", raw={"key": key})
    made.findings.extend(Finding("odd", key, key) for key in draw(st.lists(texts, max_size=2)))
    return made


numbers = st.sets(st.integers(FIRST, FIRST + 9), min_size=1).map(sorted)


@pytest.mark.parametrize("stage", PLANS["football"].stages, ids=lambda stage: stage.short_name)
@settings(max_examples=8)
@given(st.data())
def test_every_fetch_of_every_stage_comes_back(stage: Stage[Any], data: st.DataObject) -> None:
    singles = [
        single(stage, ref(number, f"id{number:010d}"), data.draw(any_staged(stage.makes)))
        for number in data.draw(numbers)
    ]
    bytes_of_window = write_window(stage, singles)
    window = StageWindow.open(stage, bytes_of_window)

    assert write_window(stage, singles) == bytes_of_window
    for one, body in singles:
        original = decode_stage(stage, body)
        found = decode_stage(stage, window.single(one.number))
        assert_the_same(found, original)
        assert window.digest(one.number) == one.digest == found.digest
        assert window.rows(one.number) == found.table.replace_schema_metadata()
        about = About(original.dropped, original.quarantined, original.findings)
        assert msgspec.structs.replace(one, about=about) in window.held
    assert [one.number for one in window.held] == [one.number for one, _ in singles]
    assert window.table.num_rows == sum(one.account.emitted for one, _ in singles)


def test_rows_say_which_fetch_they_came_with() -> None:
    window = opened(STAGE, [names(881, "a", "b"), names(882), names(884, "b")])
    assert window.table.to_pylist() == [
        {"fetch_number": 881, "fetch_id": "Qx7LmA20bTzK", "name": "a"},
        {"fetch_number": 881, "fetch_id": "Qx7LmA20bTzK", "name": "b"},
        {"fetch_number": 884, "fetch_id": "Qx7LmA20bTzK", "name": "b"},
    ]
    assert window.rows(882).num_rows == 0
    with pytest.raises(KeyError):
        window.rows(883)


class Refers(msgspec.Struct, frozen=True):
    """A record with a fetch number of its own, which is of another fetch."""

    name: str
    fetch_number: Annotated[int, msgspec.Meta(description="of the fetch that it corrects")]


def test_a_records_own_fetch_number_is_left_alone() -> None:
    stage = replace(STAGE, makes=Refers)
    made = Staged[Refers]()
    made.emit_many([Refers("a", 3), Refers("b", 882)])
    window = opened(stage, [single(stage, ref(881), made), single(stage, ref(882), made)])
    assert window.table.column_names == ["fetch_id", "name", "fetch_number"]
    assert window.table["fetch_number"].to_pylist() == [3, 882, 3, 882]
    for number in (881, 882):
        assert records_of(window.rows(number), Refers) == made.records


def test_a_window_in_which_nothing_was_emitted_is_one_too() -> None:
    window = opened(STAGE, [names(889), names(890)])
    assert window.table.num_rows == 0
    assert [window.digest(number) for number in (889, 890)] == [key_digest([])] * 2


def test_only_the_last_fetch_has_the_state_that_it_carried_on() -> None:
    window = opened(STAGE, [names(881, "a"), names(882, "b")])
    first, last = (decode_stage(STAGE, window.single(number)) for number in (881, 882))
    with pytest.raises(StateNotKept):
        _ = first.carried
    assert last.carried == Seen(["until 882"])
    assert decode_stage(STAGE, names(882)[1]).carried_text == window.carried


def test_another_reader_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(write_window(STAGE, [names(881, "a"), names(882, "b")]))
    with duckdb.connect() as database:
        found = database.read_parquet(str(path)).fetchall()
    assert found == [(881, "Qx7LmA20bTzK", "a"), (882, "Qx7LmA20bTzK", "b")]


def test_a_reader_sees_what_each_column_is() -> None:
    schema = opened(STAGE, [names(881, "a")]).table.schema
    assert schema.metadata == schema_of(Name).metadata
    assert all(schema.field(name).metadata[b"description"] for name in ("fetch_number", "fetch_id"))


# --- a column at noon ----------------------------------------------------------------------------


class LeafBefore(msgspec.Struct, frozen=True):
    price: Decimal


class Before(msgspec.Struct, frozen=True):
    """As it was in the morning."""

    name: str
    leaf: LeafBefore
    leaves: list[LeafBefore]
    gone: int


class LeafAfter(msgspec.Struct, frozen=True):
    price: Decimal
    more: Annotated[int, msgspec.Meta(description="new")]


class After(msgspec.Struct, frozen=True):
    """As it has been since noon."""

    name: Annotated[str | None, msgspec.Meta(description="may be missing now")]
    leaf: LeafAfter
    leaves: list[LeafAfter]
    score: int
    raw: msgspec.Raw | None
    best: LeafAfter


def test_a_column_that_is_new_at_noon_is_null_before() -> None:
    morning, noon = (replace(STAGE, makes=makes) for makes in (Before, After))
    old, new = Staged[Before](), Staged[After]()
    leaf, other = LeafBefore(Decimal("1.10")), LeafAfter(Decimal("2"), 7)
    old.emit_many([Before("a", leaf, [leaf], 1)])
    new.emit_many([After("b", other, [other, other], 3, msgspec.Raw(b"[1.0]"), other)])
    singles = [single(morning, ref(881), old), single(noon, ref(882), new)]
    window = opened(noon, singles)

    first, second = window.table.to_pylist()
    assert [first[name] for name in ("score", "raw", "best", "gone")] == [None, None, None, 1]
    assert first["leaves"] == [{"price": "1.10", "more": None}]
    assert (second["gone"], second["leaf"]) == (None, {"price": "2", "more": 7})
    schema = window.table.schema
    assert schema.metadata == schema_of(After).metadata
    assert schema.field("name").metadata == {b"description": b"may be missing now"}
    assert schema.field("raw").metadata == {b"stored_as": b"json"}
    for one, body in singles:
        found = decode_stage(noon, window.single(one.number))
        assert_the_same(found, decode_stage(noon, body))


def test_a_column_of_two_types_is_refused() -> None:
    class Other(msgspec.Struct):
        name: int

    other = replace(STAGE, makes=Other, key=lambda record: str(record.name))
    made = Staged[Any]()
    made.emit_many([Other(1)])
    singles = [names(881, "a"), single(other, ref(882), made)]
    with pytest.raises(UnfitForWindow, match="column name is int64 in one fetch and string in"):
        write_window(STAGE, singles)


# --- what is refused -----------------------------------------------------------------------------


def test_no_fetches_are_no_window() -> None:
    with pytest.raises(UnfitForWindow):
        write_window(STAGE, [])


@pytest.mark.parametrize(
    ("singles", "said"),
    [
        ([names(882), names(881)], "fetch 881 does not come after fetch 882"),
        ([names(881), names(881)], "fetch 881 does not come after fetch 881"),
        ([names(890), names(891)], "fetch 891 of 2025-05-28 is not in 00881-00890"),
        (
            [names(881), single(STAGE, ref(882, day=Day.parse("2025-05-29")), staged("a"))],
            "fetch 882 of 2025-05-29 is not in",
        ),
    ],
)
def test_fetches_that_do_not_follow_in_one_window_are_refused(
    singles: list[Single], said: str
) -> None:
    with pytest.raises(UnfitForWindow, match=said):
        write_window(STAGE, singles)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"sha256": "0" * 64}, "fetch 881: not the bytes it was stored with"),
        ({"account": Account(4, 2, {"dull": 2})}, "fetch 881: its account is not the one"),
        ({"number": 882}, "fetch 882 is said to be of minute 2025-05-28T18:40:00Z"),
    ],
)
def test_bytes_that_are_not_what_was_said_of_them_are_refused(
    lie: dict[str, Any], said: str
) -> None:
    one, body = names(881, "a")
    with pytest.raises(UnfitForWindow, match=said):
        write_window(STAGE, [(msgspec.structs.replace(one, **lie), body)])


def test_rows_that_their_account_does_not_count_are_refused() -> None:
    nothing = About({}, list[QuarantinedRecord](), [])
    account = Account(1, 1)
    body = write_stage_object(STAGE, ref(881), empty_table(Name), account, nothing, "")
    with pytest.raises(UnfitForWindow, match="fetch 881: emitted 1 and has 0 rows"):
        write_window(STAGE, [(held(ref(881), account, key_digest("a"), body), body)])


def test_what_is_no_fetch_object_is_refused() -> None:
    one, _ = names(881)
    with pytest.raises(UnfitForWindow, match="fetch 881: not a whole stage object"):
        write_window(STAGE, [(msgspec.structs.replace(one, sha256=sha256_hex(b"PAR1")), b"PAR1")])


def test_another_stages_window_is_refused() -> None:
    other = replace(STAGE, name="football/others")
    data = write_window(other, [single(other, ref(881), staged("a"))])
    with pytest.raises(UnreadableWindow, match="holds football/others, not football/names"):
        StageWindow.open(STAGE, data)


def test_a_format_of_the_future_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resources.stage_window.FORMAT", 7)
    data = write_window(STAGE, [names(881, "a")])
    with pytest.raises(UnreadableWindow, match="window format 7; this version reads"):
        StageWindow.open(STAGE, data)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"\x00" * 64, names(881, "a")[1]])
def test_what_is_no_window_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableWindow):
        StageWindow.open(STAGE, data)


WHOLE = write_window(STAGE, [names(881, "a", "b"), names(882), names(883, "c")])


@settings(max_examples=150)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 7))
def test_a_single_flipped_bit_is_seen_wherever_it_is(at: int, bit: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[at] ^= 1 << bit
    with pytest.raises(UnreadableWindow):
        StageWindow.open(STAGE, bytes(damaged))


def test_rows_may_look_like_a_checksum_that_is_not_there_yet() -> None:
    zeros = "0" * 64
    window = opened(STAGE, [names(881, zeros)])
    assert [record.name for record in records_of(window.rows(881), Name)] == [zeros]


@settings(max_examples=60)
@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=9))
def test_a_torn_window_is_no_window(cut: int, tail: bytes) -> None:
    with pytest.raises(UnreadableWindow):
        StageWindow.open(STAGE, WHOLE[:cut] + tail * (tail != WHOLE[cut:]))
