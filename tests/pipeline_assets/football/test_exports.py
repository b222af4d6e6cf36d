"""Entries of the daily log: what each asset says of one fetch."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pipeline_assets.football.wire.fetched import DETAIL, ODDS
from pipeline_assets.plans import PLANS
from tests.pipeline_assets.football.examples import as_json, content
from tests.pipeline_assets.football.fetches import envelope
from touchline.accounting import Outcome
from touchline.fetch import Call, Envelope
from touchline.stage import Stage, Staged

MATCH = "9gh1mn4xyz7pqr2"
QUERY = {"type": "uuid", "uuid": MATCH, "source": "request"}
PLAN = PLANS["football"]


def exported(raw: Envelope) -> Any:
    assert PLAN.raws[0].export is not None
    return as_json(PLAN.raws[0].export(raw))


def odds(body: bytes | None, error: str | None = None) -> Any:
    """How an answer with this body is shown."""
    call = Call(ODDS, {"uuid": MATCH}, body, 200, error=error)
    (shown,) = exported(envelope([], odds={MATCH: call}))["RAW_API_DATA"]["match_odds"]
    return shown


def test_a_raw_fetch_is_shown_with_every_answer_in_its_place() -> None:
    detail = Call(
        DETAIL, {"uuid": MATCH}, b'{"query":{"uuid":"%s"},"results":[1]}' % MATCH.encode()
    )
    raw = envelope([[MATCH]], {MATCH: detail}, {MATCH: {}}, teams={"t1": [{"id": "t1"}]})
    document = exported(raw)
    assert [*document] == ["FETCH_HEADER", "REFERENCE_DATA", "RAW_API_DATA", "FETCH_FOOTER"]
    assert document["FETCH_HEADER"] == raw.ref.header("=== RAW API DATA START ===")
    assert document["FETCH_FOOTER"] == raw.footer
    assert document["RAW_API_DATA"] == {
        "live_matches": {"code": 0, "results": [[MATCH]]},
        "match_details": [{"query": {"uuid": MATCH}, "results": [1]}],
        "match_odds": [{"code": 0, "results": {}, "query": QUERY}],
    }
    assert document["REFERENCE_DATA"]["teams"] == [{"code": 0, "results": [{"id": "t1"}]}]


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (b'{"code":0,"results":{}}', QUERY),
        (b"{}", QUERY),
        (b'{"err":"no"}', QUERY),
        (b'{"query":null,"results":{}}', QUERY),
        (b'{"query":{"uuid":""}}', QUERY),
        (b'{"query":{"total":1,"uuid":"other"}}', {"total": 1, "uuid": "other"}),
    ],
)
def test_every_answer_says_which_match_was_asked_for(body: bytes, query: Any) -> None:
    assert odds(body) == {**msgspec.json.decode(body), "query": query}


def test_nothing_else_of_an_answer_is_changed() -> None:
    body = b'{"results": {"2": {"eu": [[1, "", 1.10, 2E+3]]}}, "\xc3\xa9": 12345678901234567890}'
    assert PLAN.raws[0].export is not None
    call = Call(ODDS, {"uuid": MATCH}, body, 200)
    document = PLAN.raws[0].export(envelope([], odds={MATCH: call}))
    text = msgspec.json.encode(document)
    assert b'{"2": {"eu": [[1, "", 1.10, 2E+3]]}}' in text
    assert b'"\xc3\xa9":12345678901234567890' in text


def test_a_call_that_brought_no_json_names_its_match_in_its_parameters() -> None:
    assert odds(None, "timeout") == {
        "error": "timeout",
        "endpoint": ODDS,
        "params": {"uuid": MATCH},
    }
    shown = odds(b"<html>", "not_json")
    assert (shown["params"], shown["error"]) == ({"uuid": MATCH}, "not_json")
    assert odds(b"[1.10]", "vendor_error") == {
        "error": "vendor_error",
        "endpoint": ODDS,
        "params": {"uuid": MATCH},
        "body": [1.10],
    }


def footer_of(document: dict[str, Any]) -> dict[str, Any]:
    (footer,) = (part for name, part in document.items() if name.endswith("FOOTER"))
    return footer


def derived(stage: Stage[Any], staged: Staged[Any], **known: Any) -> Any:
    assert stage.export is not None
    return as_json(stage.export(envelope([]).ref, content(staged, **known)))


@pytest.mark.parametrize("stage", PLAN.stages, ids=lambda stage: stage.short_name)
def test_a_fetch_of_which_nothing_came_is_no_empty_success(stage: Stage[Any]) -> None:
    made = Staged[Any]()
    with made.one_record(None):
        made.quarantine("stage_failed", None, detail="broken")
    footer = footer_of(derived(stage, made, outcome=Outcome.STAGE_FAILED))
    assert footer["total_matches"] == 0
    assert footer["outcome"] == "stage_failed"
    assert footer["account"]["quarantined"] == {"stage_failed": 1}
    assert footer["nyc_timestamp"] is None, "nobody knows when it landed"
