"""Each fault, seen from the other end of the connection."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from simulator.server import Served

LIST = "match/detail_live"
DETAIL = "match/recent/list"


def switch_on(control: httpx.Client, kind: str, **details: Any) -> None:
    control.put("faults", json=[{"kind": kind, **details}]).raise_for_status()


def entries(vendor: httpx.Client) -> list[dict[str, Any]]:
    return vendor.get(LIST).json()["results"]


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("error_body", 200, {"err": "Service is temporarily unavailable"}),
        ("error_code", 200, {"code": 9999, "msg": "Unknown error"}),
        ("http_429", 429, {"code": 429, "msg": "Too Many Requests"}),
        ("http_500", 500, {"code": 500, "msg": "Internal Server Error"}),
        ("empty_list", 200, {"code": 0, "results": []}),
    ],
)
def test_answers_instead_of_data(
    vendor: httpx.Client, control: httpx.Client, kind: str, status: int, body: object
) -> None:
    switch_on(control, kind, times=1)
    answer = vendor.get(LIST)
    assert (answer.status_code, answer.json()) == (status, body)
    assert vendor.get(LIST).json()["results"]


def test_an_error_echoes_the_credentials(
    vendor: httpx.Client, control: httpx.Client, credentials: dict[str, str]
) -> None:
    switch_on(control, "echo_secret")
    text = vendor.get(LIST).json()["err"]
    assert all(value in text for value in credentials.values())


def test_no_answer_until_the_client_gives_up(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "timeout", times=1)
    with pytest.raises(httpx.ReadTimeout):
        vendor.get(LIST, timeout=0.2)
    assert control.get("log").json()["calls"][0]["status"] == 0
    assert vendor.get(LIST).json()["code"] == 0


def test_a_slow_answer_is_whole(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "slow", seconds=0.4)
    with pytest.raises(httpx.ReadTimeout):
        vendor.get(LIST, timeout=0.1)
    assert vendor.get(LIST, timeout=10).json()["code"] == 0


def test_a_cut_off_body_has_the_length_it_says(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "cut_off", times=1)
    cut, whole = vendor.get(LIST), vendor.get(LIST)
    assert int(cut.headers["content-length"]) == len(cut.content) < len(whole.content)
    assert whole.content.startswith(cut.content)
    with pytest.raises(json.JSONDecodeError):
        cut.json()


def test_the_connection_closes_in_the_body(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "disconnect", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        vendor.get(LIST)
    assert vendor.get(LIST).json()["code"] == 0


def test_html(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "html")
    answer = vendor.get(LIST)
    assert answer.headers["content-type"] == "text/html"
    assert answer.text.startswith("<html>")


def test_an_empty_body(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "empty_body")
    assert vendor.get(LIST).content == b""


def test_bytes_that_are_not_utf_8(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "not_utf8")
    with pytest.raises(UnicodeDecodeError):
        vendor.get(LIST).content.decode()


def test_one_match_is_listed_twice(vendor: httpx.Client, control: httpx.Client) -> None:
    whole = [entry["id"] for entry in entries(vendor)]
    switch_on(control, "duplicate_id", uuid=whole[2])
    assert [entry["id"] for entry in entries(vendor)] == [*whole, whole[2]]


def test_one_match_is_malformed(vendor: httpx.Client, control: httpx.Client) -> None:
    whole = entries(vendor)
    switch_on(control, "malformed_match")
    first, *others = entries(vendor)
    assert first["id"] == whole[0]["id"]
    assert first["score"][1:] == ["2", [0, "one"], None]
    assert others == whole[1:]


def test_one_match_has_no_id(vendor: httpx.Client, control: httpx.Client) -> None:
    whole = entries(vendor)
    switch_on(control, "no_id", uuid=whole[1]["id"])
    assert ["id" in entry for entry in entries(vendor)] == [
        entry["id"] != whole[1]["id"] for entry in whole
    ]


def test_corners_become_unknown(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "minus_one_corners")
    found = entries(vendor)
    assert {side[4] for entry in found for side in entry["score"][2:4]} == {-1}
    (detail,) = vendor.get(DETAIL, params={"uuid": found[0]["id"]}).json()["results"]
    assert detail["home_scores"][4] == detail["away_scores"][4] == -1


def test_the_detail_says_another_status(vendor: httpx.Client, control: httpx.Client) -> None:
    first, second = entries(vendor)[:2]
    switch_on(control, "status_disagrees", uuid=first["id"])
    for entry, agrees in ((first, False), (second, True)):
        (detail,) = vendor.get(DETAIL, params={"uuid": entry["id"]}).json()["results"]
        assert (detail["status_id"] == entry["score"][1]) is agrees


def test_a_frozen_feed_repeats_itself_while_the_clock_goes_on(
    vendor: httpx.Client, control: httpx.Client
) -> None:
    before = vendor.get(LIST)
    switch_on(control, "frozen")
    control.put("clock", json={"now": "2025-07-08T12:07:00Z"})
    frozen = vendor.get(LIST)
    assert frozen.content == before.content
    assert frozen.headers["date"] == "Tue, 08 Jul 2025 12:07:00 GMT"
    control.delete("faults")
    assert vendor.get(LIST).content != before.content


def test_the_date_header_is_skewed(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "clock_skew", seconds=-90)
    assert vendor.get(LIST).headers["date"] == "Tue, 08 Jul 2025 11:58:30 GMT"


def test_headers_make_no_sense(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "bad_headers")
    answer = vendor.get(LIST)
    said = [answer.headers[name] for name in ("date", "retry-after")]
    assert said == ["Wed, 28 May 99999999999999999999 17:00:00 GMT"] * 2
    assert answer.json()["results"]


def test_a_compressed_body_is_broken(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "bad_gzip")
    with pytest.raises(httpx.DecodingError):
        vendor.get(LIST)


def test_a_byte_order_mark(vendor: httpx.Client, control: httpx.Client) -> None:
    whole = vendor.get(LIST).content
    switch_on(control, "byte_order_mark")
    assert vendor.get(LIST).content == b"\xef\xbb\xbf" + whole


def test_an_error_with_results(vendor: httpx.Client, control: httpx.Client) -> None:
    whole = vendor.get(LIST).json()
    switch_on(control, "err_and_results")
    assert vendor.get(LIST).json() == whole | {"err": "Data is being updated"}


def test_one_match_began_in_another_year(vendor: httpx.Client, control: httpx.Client) -> None:
    whole = entries(vendor)
    switch_on(control, "far_start", uuid=whole[1]["id"])
    first, second, *_ = entries(vendor)
    assert first == whole[0]
    assert second["score"][4] > whole[1]["score"][4] + 50 * 365 * 86_400


def test_a_review_is_listed_twice(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "var_twice")
    *_, resolved, unresolved = entries(vendor)[0]["incidents"]
    assert (resolved["var_result"], unresolved["var_result"]) == (2, 0)
    assert unresolved == resolved | {"var_result": 0}


def test_odds_are_empty_in_other_words(vendor: httpx.Client, control: httpx.Client) -> None:
    match = entries(vendor)[0]["id"]
    switch_on(control, "empty_odds")
    first, second, *_ = (
        vendor.get("odds/history", params={"uuid": match}).json()["results"].values()
    )
    assert first == []
    assert second
    assert all(market == {} for market in second.values())


def test_a_team_was_merged_into_another(vendor: httpx.Client, control: httpx.Client) -> None:
    match = entries(vendor)[0]["id"]
    (detail,) = vendor.get(DETAIL, params={"uuid": match}).json()["results"]
    team, other = detail["home_team_id"], detail["away_team_id"]
    switch_on(control, "merged", uuid=team, into=other)
    for uuid, uid in ((team, other), (other, None)):
        answer = vendor.get("team/additional/list", params={"uuid": uuid}).json()
        assert answer["results"][0].get("uid") == uid


def test_a_fault_meets_only_its_endpoint_and_match(
    vendor: httpx.Client, control: httpx.Client
) -> None:
    one, other = [entry["id"] for entry in entries(vendor)[:2]]
    switch_on(control, "http_500", endpoint="odds/history", uuid=one)
    assert vendor.get("odds/history", params={"uuid": one}).status_code == 500
    assert vendor.get("odds/history", params={"uuid": other}).status_code == 200
    assert vendor.get(DETAIL, params={"uuid": one}).status_code == 200


def test_a_fault_is_over_after_its_times(vendor: httpx.Client, control: httpx.Client) -> None:
    switch_on(control, "http_500", times=2)
    assert control.get("faults").json()[0]["times"] == 2
    assert [vendor.get(LIST).status_code for _ in range(3)] == [500, 500, 200]
    assert control.get("faults").json() == []


def test_a_fault_of_the_list_does_not_wear_out_on_other_calls(
    vendor: httpx.Client, control: httpx.Client
) -> None:
    switch_on(control, "no_id", times=1)
    vendor.get("country/list")
    assert "id" not in entries(vendor)[0]


def test_faults_add_up(vendor: httpx.Client, control: httpx.Client) -> None:
    faults = [{"kind": "cut_off"}, {"kind": "duplicate_id"}, {"kind": "clock_skew", "seconds": 5}]
    control.put("faults", json=faults)
    answer = vendor.get(LIST)
    assert answer.headers["date"] == "Tue, 08 Jul 2025 12:00:05 GMT"
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b'{"kind": "html"}',
        b'[{"kind": "fire"}]',
        b'[{"kind": "slow"}]',
        b'[{"kind": "merged", "uuid": "a"}]',
        b'[{"kind": "html", "minutes": 3}]',
    ],
)
def test_a_fault_that_cannot_be_read_changes_nothing(
    served: Served, control: httpx.Client, body: bytes
) -> None:
    switch_on(control, "html", times=3)
    answer = control.put("faults", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert [fault.kind for fault in served.faults.current()] == ["html"]
