"""One received record, one fate; what raises over one record costs that record alone."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.accounting import Account
from touchline.stage import SNIPPET_BYTES, UNEXPECTED, Staged, Unusable, snippet


class Reason(StrEnum):
    GOALS = "goals"
    BAD_SCORE = "bad_score"


class Row(msgspec.Struct, frozen=True):
    name: str


FATES = ["emit", "drop", "quarantine", "unusable", "raise", "emit_then_raise", "none", "two"]


def give(staged: Staged[Row], fate: str, key: str) -> None:
    with staged.one_record(key, {"id": key}):
        match fate:
            case "emit":
                staged.emit(Row(key))
            case "drop":
                staged.drop(Reason.GOALS, key)
            case "quarantine":
                staged.quarantine(Reason.BAD_SCORE, key, detail="no score")
            case "unusable":
                raise Unusable(Reason.BAD_SCORE, "no score")
            case "raise":
                raise ZeroDivisionError("by zero")
            case "emit_then_raise":
                staged.emit(Row(key))
                raise ZeroDivisionError("by zero")
            case "two":
                staged.emit(Row(key))
                staged.drop(Reason.GOALS, key)


@given(st.lists(st.sampled_from(FATES)))
def test_every_record_has_one_fate_whatever_happens_to_it(fates: list[str]) -> None:
    staged = Staged[Row]()
    for number, fate in enumerate(fates):
        give(staged, fate, str(number))
    account = staged.account
    assert account.conserved
    assert account.received == len(fates)
    assert [row.name for row in staged.records] == [
        str(i) for i, fate in enumerate(fates) if fate == "emit"
    ]
    assert account.dropped.get("goals", 0) == fates.count("drop")
    assert account.quarantined.get("bad_score", 0) == sum(
        fates.count(fate) for fate in ("quarantine", "unusable")
    )
    assert account.quarantined.get(UNEXPECTED, 0) == sum(
        fates.count(fate) for fate in ("raise", "emit_then_raise", "none", "two")
    )


def test_a_quarantined_record_says_which_why_and_what_it_was() -> None:
    staged = Staged[Row]()
    give(staged, "raise", "m1")
    give(staged, "unusable", "m2")
    first, second = staged.quarantined
    assert (first.key, first.reason, first.raw) == ("m1", UNEXPECTED, '{"id":"m1"}')
    assert "ZeroDivisionError: by zero at give:" in first.detail
    assert (second.key, second.reason, second.detail) == ("m2", "bad_score", "no score")


@pytest.mark.parametrize(
    "error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad start"), OSError(28, "full")]
)
def test_only_our_own_reasons_are_reasons(error: Exception) -> None:
    """UnicodeDecodeError has a `reason` too, and it is a sentence."""
    staged = Staged[Row]()
    with staged.one_record("m1"):
        raise error
    assert staged.account == Account(1, 0, {}, {UNEXPECTED: 1})


def test_a_fate_outside_a_record_is_a_mistake() -> None:
    staged = Staged[Row]()
    with pytest.raises(RuntimeError, match="inside one_record"):
        staged.emit(Row("a"))


def test_what_is_no_data_error_goes_through() -> None:
    staged = Staged[Row]()
    with pytest.raises(KeyboardInterrupt), staged.one_record("m1"):
        raise KeyboardInterrupt


def test_many_rows_are_counted_as_many() -> None:
    staged = Staged[Row]()
    staged.emit_many([Row("a"), Row("b")])
    staged.drop_many(Reason.GOALS, "m1", 180_000)
    staged.drop_many(Reason.GOALS, "m2", 0)
    assert staged.account == Account(180_002, 2, {"goals": 180_000})
    assert staged.dropped == {"goals": {"m1": 180_000}}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (None, ""),
        (b'{"a":1}', '{"a":1}'),
        (msgspec.Raw(b"[1,2]"), "[1,2]"),
        (b"\xff\xfe", "��"),
        ({"a": 1}, '{"a":1}'),
        (["\ud800"], "['\\ud800']"),
        ({"a": 1j}, "{'a': 1j}"),
    ],
)
def test_a_snippet_is_the_start_of_what_was_set_aside(raw: Any, text: str) -> None:
    assert snippet(raw) == text


def test_a_snippet_is_short() -> None:
    assert len(snippet("x" * 10_000)) == SNIPPET_BYTES
    assert len(snippet(memoryview(b"x" * 10_000))) == SNIPPET_BYTES
