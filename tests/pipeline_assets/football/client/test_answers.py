"""What counts as an answer, and what a fetch reads from one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.football.client import answers
from resources.vendor.http import CallError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
BODIES = (
    st.binary(max_size=100)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda code, results: json.dumps({"code": code, "results": results}).encode(), JSON, JSON
    )
)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"code":0,"results":[]}', None),
        (200, b' {"results":{}, "code": 0, "query": null}', None),
        (500, b'{"code":0,"results":[]}', None),
        (200, b'{"code":0}', CallError.NO_RESULTS),
        (200, b'{"code":0,"results":null}', CallError.NO_RESULTS),
        (200, b'{"results":[]}', CallError.NO_RESULTS),
        (200, b'{"code":false,"results":[]}', CallError.NO_RESULTS),
        (200, b'{"code":"0","results":[]}', CallError.VENDOR_ERROR),
        (200, b"[]", CallError.NO_RESULTS),
        (200, b'{"err":"not authorized"}', CallError.VENDOR_ERROR),
        (200, b'{"code":0,"err":"bad uuid"}', CallError.VENDOR_ERROR),
        (200, b'{"code":0,"err":"bad uuid","results":[]}', CallError.VENDOR_ERROR),
        (200, b'{"code":0,"err":"bad uuid","results":null}', CallError.VENDOR_ERROR),
        (200, b'{"code":0,"err":"Too many requests","results":[{}]}', CallError.RATE_LIMITED),
        (200, b'{"code":0,"err":null,"results":[]}', None),
        (200, b'{"code":0,"err":"","results":[]}', None),
        (200, b'{"code":401,"msg":"no","results":[]}', CallError.VENDOR_ERROR),
        (404, b'{"code":404,"msg":"Not Found"}', CallError.VENDOR_ERROR),
        (200, b'{"err":"Too many requests: at most 120"}', CallError.RATE_LIMITED),
        (200, b'{"code":429,"msg":"x"}', CallError.RATE_LIMITED),
        (429, b"", CallError.RATE_LIMITED),
        (500, b'{"code":500,"msg":"x"}', CallError.HTTP_STATUS),
        (502, b"<html>", CallError.HTTP_STATUS),
        (403, b"<html>", CallError.HTTP_STATUS),
        (200, b"<html>", CallError.NOT_JSON),
        (200, b"", CallError.NOT_JSON),
        (200, b'{"code":0,"results":[1', CallError.NOT_JSON),
        (200, b'[{"code":0', CallError.NOT_JSON),
        (200, b'{"code":0,"results":["\xff"]}', CallError.NOT_JSON),
        (200, b'\xef\xbb\xbf{"code":0,"results":[]}', None),
        (200, b"\xef\xbb\xbf[]", CallError.NO_RESULTS),
        (200, b'\xef\xbb\xbf\xef\xbb\xbf{"code":0,"results":[]}', CallError.NOT_JSON),
        (200, b'\xff\xfe{\x00"\x00', CallError.NOT_JSON),
        (200, b"[" * 100_000, CallError.NOT_JSON),
    ],
)
def test_success_is_judged_by_the_body(status: int, body: bytes, error: CallError | None) -> None:
    assert answers.judge(status, body)[0] == error


def test_the_vendor_s_words_are_told_and_cut_short() -> None:
    _, detail = answers.judge(200, b'{"code":7,"msg":"%s"}' % (b"x" * 5000))

    assert detail is not None
    assert detail.startswith("HTTP 200: code 7, xxx")
    assert len(detail) < 250


@given(st.integers(100, 599), BODIES)
def test_any_answer_is_judged_and_read_without_failing(status: int, body: bytes) -> None:
    error, detail = answers.judge(status, body)

    assert (error is None) == (detail is None)
    matches = answers.live_matches(body)
    if error is None and matches:
        answers.odds_order(matches, {})
        assert all(match.status is None or match.is_counted for match in matches)
    answers.references(body, "m1")
    answers.is_about(body, "m1")
    answers.has_results(body)


@pytest.mark.parametrize(
    ("results", "counted"),
    [
        ([], 0),
        ({}, 0),
        ([{"id": "m1", "score": ["m1", 2]}], 1),
        ([{"id": "m1", "score": ["m1"]}, {"id": "m2"}, {"id": "", "score": [0, 1]}], 0),
        ([None, 7, "m1", {"id": 7, "score": [0, 1]}], 0),
    ],
)
def test_a_match_counts_with_an_id_and_a_score(results: Any, counted: int) -> None:
    matches = answers.live_matches(json.dumps({"code": 0, "results": results}).encode())

    assert matches is not None
    assert sum(match.is_counted for match in matches) == counted


@pytest.mark.parametrize("results", [{"id": "m1"}, "text", 7, True])
def test_a_live_list_that_is_no_list_is_none(results: Any) -> None:
    assert answers.live_matches(json.dumps({"code": 0, "results": results}).encode()) is None


@pytest.mark.parametrize(
    ("uid", "survivor"), [("b", "b"), (" b ", "b"), ("", None), (None, None), (0, None)]
)
def test_a_record_may_have_been_merged_into_another(uid: Any, survivor: str | None) -> None:
    body = json.dumps({"code": 0, "results": [{"id": "a", "uid": uid}]}).encode()

    assert answers.survivor(body, "a") == survivor
    assert answers.survivor(body, "b") is None
    assert answers.is_about(body, "a")


def test_details_of_another_match_refer_to_nothing() -> None:
    body = b'{"code":0,"results":[{"id":"m2","competition_id":"c","home_team_id":"t"}]}'

    assert answers.references(body, "m2").home_team_id == "t"
    assert answers.references(body, "m1") == answers.References()


def test_an_odd_reference_costs_no_other() -> None:
    body = (
        b'{"code":0,"results":[{"id":"m","competition_id":7,"home_team_id":[],"away_team_id":"t"}]}'
    )

    found = answers.references(body, "m")
    ids = (found.competition_id, found.home_team_id, found.away_team_id, None, "", "t")
    assert answers.distinct(ids) == ["t"]
    assert answers.is_about(body, "m")
