"""A stage's fetch object: rows and account come back, and nothing else passes for one."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.parquet import write_parquet
from resources.stage_codec import UnreadableStageObject, decode_stage, encode_stage
from tests.resources.stage_samples import STAGE, Name, Reason, Seen, ref, staged
from touchline.accounting import Account, key_digest
from touchline.stage import Finding, Staged

REF = ref(881)
texts = st.text(st.characters(codec="utf-8"), max_size=6)


@settings(max_examples=40)
@given(
    st.lists(texts, max_size=5),
    st.dictionaries(texts, st.integers(1, 10**6), max_size=3),
    st.lists(st.tuples(st.none() | texts, texts), max_size=3),
    st.none() | st.lists(texts, max_size=50).map(Seen),
)
def test_everything_that_a_stage_said_comes_back(
    names: list[str],
    dropped: dict[str, int],
    quarantined: list[tuple[str | None, str]],
    carried: Seen | None,
) -> None:
    made = Staged[Name](carried=carried, findings=[Finding("odd", None, "an odd thing")])
    made.emit_many([Name(name) for name in names])
    for key, count in dropped.items():
        made.drop_many(Reason.DULL, key, count)
    for key, detail in quarantined:
        with made.one_record(key, {"detail": detail}):
            made.quarantine("bad", key, detail=detail, raw={"detail": detail})

    read = decode_stage(STAGE, encode_stage(STAGE, REF, made))

    assert read.records == made.records
    assert read.account == made.account
    assert read.account.conserved
    assert read.dropped == {r: dict(counts) for r, counts in made.dropped.items()}
    assert read.quarantined == made.quarantined
    assert read.findings == made.findings
    assert read.carried == carried
    assert read.digest == key_digest(names)


def test_the_same_result_is_the_same_bytes_in_whatever_order_it_was_counted() -> None:
    one, other = Staged[Name](), Staged[Name]()
    for made, keys in ((one, "ab"), (other, "ba")):
        for key in keys:
            made.drop_many(Reason.DULL, key, 1)
    assert encode_stage(STAGE, REF, one) == encode_stage(STAGE, REF, other)
    assert encode_stage(STAGE, REF, one) != encode_stage(STAGE, ref(882), one)


def test_an_empty_result_is_an_object_too() -> None:
    read = decode_stage(STAGE, encode_stage(STAGE, REF, Staged()))
    assert (read.records, read.account, read.carried) == ([], Account(), None)


def test_the_digest_is_that_of_the_rows_that_are_there() -> None:
    read = decode_stage(STAGE, encode_stage(STAGE, REF, staged("ab")))
    assert read.digest == key_digest("ab")
    fewer = replace(read, table=read.table.slice(0, 1))
    assert fewer.digest == key_digest("a")


@given(st.data())
@settings(max_examples=60)
def test_a_damaged_object_never_passes_for_another_result(data: st.DataObject) -> None:
    whole = encode_stage(STAGE, REF, staged("ab", 3, Seen(["a"])))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(UnreadableStageObject):
        decode_stage(STAGE, whole[:cut])


def test_another_stages_object_is_refused() -> None:
    other = replace(STAGE, name="football/others")
    with pytest.raises(UnreadableStageObject, match="holds football/others, not football/names"):
        decode_stage(STAGE, encode_stage(other, REF, staged("ab")))


def test_a_format_of_the_future_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resources.stage_codec.FORMAT", 7)
    data = encode_stage(STAGE, REF, staged("ab"))
    with pytest.raises(UnreadableStageObject, match="football/names: format 7; this version reads"):
        decode_stage(STAGE, data)


def test_parquet_without_an_account_is_refused() -> None:
    with pytest.raises(UnreadableStageObject):
        decode_stage(STAGE, write_parquet(pa.table({"name": ["a"]}), {}))


@pytest.mark.parametrize("data", [b"", b"PAR1", b"\x00" * 64])
def test_what_is_no_parquet_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableStageObject):
        decode_stage(STAGE, data)
