"""The vendor's manners over HTTP: credentials, errors, quota, lists, clock and log."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from simulator.server import Served

ENDPOINTS = [
    "match/detail_live",
    "match/recent/list",
    "odds/history",
    "odds/live",
    "team/additional/list",
    "competition/additional/list",
    "country/list",
]


def live_ids(vendor: httpx.Client) -> list[str]:
    return [entry["id"] for entry in vendor.get("match/detail_live").json()["results"]]


@pytest.mark.parametrize(
    "wrong", [{"user": "", "secret": ""}, {"secret": ""}, {"secret": "wrong"}, {"user": "x"}]
)
def test_wrong_credentials_get_an_error_with_http_200(
    served: Served, credentials: dict[str, str], wrong: dict[str, str]
) -> None:
    sent = credentials | wrong
    for endpoint in ENDPOINTS:
        answer = httpx.get(served.url + endpoint, params=sent)
        assert answer.status_code == 200
        assert list(answer.json()) == ["err"]
        assert not any(value and value in answer.text for value in sent.values())


def test_an_unknown_path_gets_http_404(vendor: httpx.Client) -> None:
    answer = vendor.get("match/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"code": 404, "msg": "Not Found"}


@pytest.mark.parametrize(
    ("endpoint", "params"),
    [
        ("odds/history", {}),
        ("match/recent/list", {"page": "0"}),
        ("match/recent/list", {"page": "one"}),
        ("team/additional/list", {"time": ""}),
    ],
)
def test_a_bad_parameter_gets_an_error_with_http_200(
    vendor: httpx.Client, endpoint: str, params: dict[str, str]
) -> None:
    answer = vendor.get(endpoint, params=params)
    assert answer.status_code == 200
    assert list(answer.json()) == ["err"]


def test_every_list_match_has_detail_odds_teams_and_competition(vendor: httpx.Client) -> None:
    ids = live_ids(vendor)
    assert len(ids) >= 4
    for match_id in ids:
        detail = vendor.get("match/recent/list", params={"uuid": match_id}).json()
        assert detail["query"] == {"total": 1, "type": "uuid", "uuid": match_id}
        (match,) = detail["results"]
        odds = vendor.get("odds/history", params={"uuid": match_id}).json()
        assert odds["code"] == 0
        assert "query" not in odds
        for endpoint, key in (
            ("team/additional/list", "home_team_id"),
            ("team/additional/list", "away_team_id"),
            ("competition/additional/list", "competition_id"),
        ):
            (record,) = vendor.get(endpoint, params={"uuid": match[key]}).json()["results"]
            assert record["id"] == match[key]
            assert record["name"]
    assert len(vendor.get("country/list").json()["results"]) == 212


def test_an_unknown_id_gets_an_empty_result(vendor: httpx.Client) -> None:
    unknown = {"uuid": "0" * 15}
    assert vendor.get("match/recent/list", params=unknown).json()["results"] == []
    assert vendor.get("team/additional/list", params=unknown).json()["results"] == []
    assert vendor.get("odds/history", params=unknown).json() == {"code": 0, "results": {}}


def test_pages_hold_a_thousand_and_end_with_an_empty_one(vendor: httpx.Client) -> None:
    pages = [vendor.get("team/additional/list", params={"page": n}).json() for n in (1, 2, 3)]
    assert [len(page["results"]) for page in pages] == [1_000, 248, 0]
    assert len({team["id"] for page in pages for team in page["results"]}) == 1_248


def test_recent_list_knows_the_month_and_what_changed(served: Served, vendor: httpx.Client) -> None:
    now = int(served.clock.timestamp())
    month = []
    while page := vendor.get("match/recent/list", params={"page": len(month) // 1_000 + 1}).json()[
        "results"
    ]:
        month += page
    ids = {match["id"] for match in month}
    assert set(live_ids(vendor)) <= ids
    assert sum(match["status_id"] == 8 for match in month) > 500
    changed = vendor.get("match/recent/list", params={"time": now - 600}).json()["results"]
    assert all(match["updated_at"] >= now - 600 for match in changed)
    assert vendor.get("match/recent/list", params={"time": now + 3_600}).json()["results"] == []


def test_live_odds_are_the_rows_of_the_last_minute(served: Served, vendor: httpx.Client) -> None:
    live = vendor.get("odds/live").json()["results"]
    expected = []
    now = int(served.clock.timestamp())
    for match_id in live_ids(vendor):
        for found in served.source.odds_rows(match_id, now - 60, now):
            expected.append((str(found.company), match_id, found.market))
    assert expected
    assert {(c, row[0], row[1]) for c, rows in live.items() for row in rows} == set(expected)


def test_the_121st_odds_call_of_a_minute_is_refused(
    vendor: httpx.Client, control: httpx.Client
) -> None:
    params = {"uuid": live_ids(vendor)[0]}
    codes = [vendor.get("odds/history", params=params).json().get("code") for _ in range(121)]
    assert codes == [0] * 120 + [None]
    control.put("clock", json={"now": "2025-07-08T12:00:59+00:00"})
    assert "err" in vendor.get("odds/history", params=params).json()
    control.put("clock", json={"now": "2025-07-08T12:01:00+00:00"})
    assert vendor.get("odds/history", params=params).json()["code"] == 0


def test_the_clock_is_set_over_http_and_dates_the_answers(
    vendor: httpx.Client, control: httpx.Client
) -> None:
    control.put("clock", json={"now": "2025-07-09T01:02:03Z"})
    assert vendor.get("country/list").headers["date"] == "Wed, 09 Jul 2025 01:02:03 GMT"
    assert control.get("clock").json() == {"now": "2025-07-09T01:02:03+00:00", "frozen": True}
    assert control.put("clock", json={"now": None}).json()["frozen"] is False


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"now": "soon"}', b'{"now": "2025-07-09T01:02:03"}']
)
def test_a_time_that_cannot_be_read_is_refused(
    served: Served, control: httpx.Client, body: bytes
) -> None:
    before = served.clock.now()
    answer = control.put("clock", content=body)
    assert answer.status_code == 400
    assert "error" in answer.json()
    assert served.clock.now() == before


def test_the_log_holds_every_answer_without_credentials(
    vendor: httpx.Client, control: httpx.Client, credentials: dict[str, str]
) -> None:
    answers = [vendor.get("match/detail_live"), vendor.get("odds/history", params={"uuid": "x"})]
    answers.append(vendor.get("nothing"))
    log = control.get("log").json()
    assert log["next"] == 3
    assert [call["endpoint"] for call in log["calls"]] == [
        "match/detail_live",
        "odds/history",
        "nothing",
    ]
    for call, answer in zip(log["calls"], answers, strict=True):
        assert call["sha256"] == hashlib.sha256(answer.content).hexdigest()
        assert (call["status"], call["length"]) == (answer.status_code, len(answer.content))
        assert call["at"] == "2025-07-08T12:00:00+00:00"
    assert log["calls"][1]["params"] == {"uuid": "x"}
    assert credentials["secret"] not in control.get("log").text
    assert [call["n"] for call in control.get("log", params={"since": 2}).json()["calls"]] == [2]
    control.delete("log")
    assert control.get("log").json() == {"calls": [], "next": 0}


def test_health(control: httpx.Client) -> None:
    assert control.get("health").json()["ok"] is True
