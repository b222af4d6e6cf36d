"""schema_holds: the columns that are declared, and records of the documented shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.factory import run_check
from pipeline_assets.checks.reading import misfits
from pipeline_assets.checks.report import CheckReport, Kind
from pipeline_assets.football.raw_fetches import match_keys
from resources.stage_codec import encode_stage
from resources.store.faulty import FaultyStore, refused, when
from tests.chain import Chain
from tests.pipeline_assets.small_plan import HEADS as HEADS_STAGE
from tests.pipeline_assets.small_plan import Head, small_plan
from tests.pipeline_assets.spoiling import found, heads_object, land
from touchline.accounting import Verdict, sha256_hex
from touchline.fetch import Envelope, FetchRef
from touchline.plan import FeedPlan
from touchline.stage import Finding, Stage, Staged, Unusable

CHECK = "schema_holds"


class Wider(msgspec.Struct, frozen=True):
    match_id: str
    weather: str


class Misread(StrEnum):
    BAD_ENTRY = "bad_entry"
    UNREAD = "unread"
    """A finding: of a record that was kept."""


def schema(chain: Chain, asset: str = "heads", **how: Any) -> CheckReport:
    return chain.checks(**how)[asset, CHECK]


def test_columns_that_nobody_declared_are_bad_until_they_are_put_right(day: Chain) -> None:
    """As other code writes them that runs beside ours."""
    made = heads_object(day, ["a"])
    staged = Staged[Wider]()
    staged.emit_many([Wider("a", "rain")])
    wider: Stage[Any] = replace(HEADS_STAGE, makes=Wider)
    body = encode_stage(wider, made.ref, staged)
    land(day, replace(made, body=body, sha256=sha256_hex(body)))
    for _ in range(2):
        report = schema(day)
        assert report.verdict is Verdict.BAD
        assert found(report) == [(Kind.SCHEMA_DIFFERS, day.number + 2, 1)]
        assert report.findings[0].detail == "weather is not declared"


@pytest.mark.parametrize(
    ("found_there", "said"),
    [
        ({"id": pa.string(), "corners": pa.int64()}, []),
        ({"id": pa.string()}, []),
        ({"corners": pa.int64()}, ["id is missing"]),
        ({"id": pa.string(), "corners": pa.string()}, ["corners is string, not int64"]),
        ({"id": pa.string(), "cards": pa.int64()}, ["cards is not declared"]),
    ],
)
def test_a_column_that_may_be_null_may_be_missing(
    found_there: dict[str, pa.DataType], said: list[str]
) -> None:
    declared = pa.schema([pa.field("id", pa.string(), False), pa.field("corners", pa.int64())])
    assert misfits(pa.schema(list(found_there.items())), declared) == said


def test_members_that_may_be_null_in_the_lake_are_no_other_column() -> None:
    def of(member: pa.DataType, *, nullable: bool) -> pa.Schema:
        fetch = pa.struct([pa.field("number", member, nullable)])
        return pa.schema([pa.field("fetch", fetch), pa.field("all", pa.list_(fetch))])

    declared = of(pa.int64(), nullable=False)
    assert misfits(of(pa.int64(), nullable=True), declared) == []
    assert len(misfits(of(pa.string(), nullable=True), declared)) == 2


def said_of(chain: Chain, by: Callable[..., Staged[Head]], *misread: StrEnum) -> CheckReport:
    """What a minute's check says of heads when this makes them; `misread` are the reasons of what
    it could not read."""
    plan = small_plan(heads=by)
    heads, *others = plan.stages
    stages = (replace(heads, misread=misread), *others)
    report = chain.minute(0, FeedPlan(plan.raws, stages, plan.client))
    [said] = [check for check in report.checks if (check.asset, check.check) == (heads.name, CHECK)]
    return said


@pytest.mark.parametrize(("bad", "verdict"), [(4, Verdict.OK), (5, Verdict.BAD)])
def test_many_records_of_another_shape_are_a_vendor_who_has_changed(
    busy: Chain, bad: int, verdict: Verdict
) -> None:
    def cannot_read(fetch: FetchRef, raw: Envelope) -> Staged[Head]:
        staged = Staged[Head]()
        for place, key in enumerate(match_keys(raw)):
            with staged.one_record(key):
                if place < bad:
                    raise Unusable(Misread.BAD_ENTRY, "the score is an object")
                staged.emit(Head(key))
        staged.findings.append(Finding("unknown_field", "match.weather", "12 times"))
        return staged

    said = said_of(busy, cannot_read, Misread.BAD_ENTRY)
    assert said.verdict is verdict
    assert said.details == {"fetches_read": 1, "unknown_field": 1}
    if verdict is Verdict.BAD:
        assert found(said) == [(Kind.SCHEMA_DRIFTS, busy.number, bad)]
        assert said.findings[0].detail == "5 of 12 records have another shape"
    assert schema(busy).verdict is Verdict.OK, "it speaks of what is new"


@pytest.mark.parametrize(("times", "verdict"), [(4, Verdict.OK), (5, Verdict.BAD)])
def test_a_field_that_cannot_be_read_in_many_records_is_one_too(
    busy: Chain, times: int, verdict: Verdict
) -> None:
    """Each field by itself: twice four records are no five. Other findings are no concern."""

    def reads_most(fetch: FetchRef, raw: Envelope) -> Staged[Head]:
        staged = Staged[Head]()
        staged.emit_many([Head(key) for key in match_keys(raw)])
        staged.findings += [
            Finding(Misread.UNREAD, "home.corners", "first in m1: null", times),
            Finding(Misread.UNREAD, "home.red_cards", "first in m1: null", 4),
            Finding("unknown_field", "match.weather", "12 times", 12),
        ]
        return staged

    said = said_of(busy, reads_most, *Misread)
    assert said.verdict is verdict
    assert said.details == {
        "fetches_read": 1,
        "unread": 2,
        "unread home.corners": times,
        "unread home.red_cards": 4,
        "unknown_field": 1,
    }
    if verdict is Verdict.BAD:
        assert found(said) == [(Kind.SCHEMA_DRIFTS, busy.number, times)]
        assert said.findings[0].detail == (
            "unread home.corners: it could not be read in 5 of 12 records"
        )


def test_what_was_not_read_back_could_not_be_checked(day: Chain, gate: FaultyStore) -> None:
    gate.plan = when(lambda request: request.reads() and ".parquet" in request.key, refused())
    checks = day.checks(store=gate, deep=True)
    assert checks["heads", CHECK].verdict is Verdict.COULD_NOT_CHECK
    with day.process() as site:
        report = run_check(CHECK, DayBooks(site, day.plan, HEADS_STAGE, day.day))
    assert report.verdict is Verdict.COULD_NOT_CHECK
    assert found(report) == [(Kind.UNCHECKED, None, None)]
