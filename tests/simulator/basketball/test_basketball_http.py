"""The NBA services over HTTP: keys, limits, credits, the log, faults, and the clock that runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from simulator.basketball.app import BasketballApi, Credits
from simulator.basketball.faults import Fault
from simulator.basketball.season import Season
from simulator.clock import Clock, SpedUp
from simulator.faults import Answer
from simulator.server import Served
from tests.simulator.basketball.conftest import EVENING, KEYS

DATE = {"date": "2026-01-08"}
"""A date whose games are final in the evening after."""
ODDS = "sports/basketball_nba/odds"


def faulted(served: Served, **fault: Any) -> None:
    assert served.basketball is not None
    served.basketball.faults.replace([Fault(**fault)])


@pytest.mark.parametrize("key", [None, "", "wrong-key", KEYS.odds_api])
def test_balldontlie_refuses_a_wrong_key_and_repeats_none(served: Served, key: str | None) -> None:
    headers = {} if key is None else {"Authorization": key}
    answer = httpx.get(served.balldontlie_url + "box_scores", params=DATE, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Unauthorized"}


@pytest.mark.parametrize(("key", "code"), [(None, "MISSING_KEY"), ("wrong-key", "INVALID_KEY")])
def test_the_odds_api_refuses_a_wrong_key_and_repeats_none(
    served: Served, key: str | None, code: str
) -> None:
    params = {} if key is None else {"apiKey": key}
    answer = httpx.get(served.odds_api_url + ODDS, params=params)
    assert answer.status_code == 401
    assert answer.json()["error_code"] == code
    assert "wrong-key" not in answer.text


def test_the_log_has_every_call_and_no_key(
    served: Served, boxes: httpx.Client, odds: httpx.Client, control: httpx.Client
) -> None:
    boxes.get("box_scores", params=DATE)
    boxes.get("games", params=[("dates[]", "2026-01-08"), ("dates[]", "2026-01-09")])
    boxes.get("teams", params={"apiKey": KEYS.odds_api})
    odds.get(ODDS, params={"regions": "us"})
    log = control.get("log")
    assert [(call["endpoint"], call["params"], call["status"]) for call in log.json()["calls"]] == [
        ("balldontlie/box_scores", DATE, 200),
        ("balldontlie/games", {"dates[]": "2026-01-08,2026-01-09"}, 200),
        ("balldontlie/teams", {}, 200),
        (f"odds_api/{ODDS}", {"regions": "us"}, 200),
    ]
    assert not any(key in log.text for key in KEYS)


def test_both_sports_tell_one_time(
    served: Served, boxes: httpx.Client, control: httpx.Client
) -> None:
    before = boxes.get("box_scores", params=DATE)
    control.put("clock", json={"now": "2026-01-08T12:00:00Z"})
    after = boxes.get("box_scores", params=DATE)
    assert after.headers["date"] == "Thu, 08 Jan 2026 12:00:00 GMT"
    assert {game["period"] for game in after.json()["data"]} == {0}
    assert len(before.content) > 5 * len(after.content)


def test_bad_parameters_and_paths_are_named(boxes: httpx.Client, odds: httpx.Client) -> None:
    answer = boxes.get("box_scores", params={"date": "yesterday"})
    assert (answer.status_code, answer.json()) == (400, {"error": "parameter date is not valid"})
    assert boxes.get("box_scores").status_code == 400
    assert boxes.get("games", params={"per_page": "101"}).status_code == 400
    assert boxes.get("nothing").status_code == 404
    assert odds.get("sports/basketball_nba/nothing").status_code == 404
    answer = odds.get(ODDS, params={"regions": "us", "oddsFormat": "roman"})
    assert answer.status_code == 422
    assert answer.json()["error_code"] == "INVALID_ODDSFORMAT"


def test_credits_are_counted_in_the_headers(odds: httpx.Client) -> None:
    left = []
    for path, params in (
        (ODDS, {"regions": "us,uk", "markets": "h2h,totals"}),
        ("sports/basketball_nba/events", {}),
        (f"historical/{ODDS}", {"regions": "us", "date": "2026-01-09T12:00:00Z"}),
        (ODDS, {"regions": "moon"}),
    ):
        headers = odds.get(path, params=params).headers
        names = ("x-requests-last", "x-requests-used", "x-requests-remaining")
        left.append(tuple(int(headers[name]) for name in names))
    assert left == [(4, 4, 99_996), (0, 4, 99_996), (10, 14, 99_986), (0, 14, 99_986)]


def test_credits_run_out_until_the_next_month() -> None:
    credits = Credits(10)
    assert credits.spend(9, EVENING)
    assert not credits.spend(2, EVENING)
    assert credits.spend(0, EVENING)
    assert credits.headers(0, EVENING)["x-requests-remaining"] == "1"
    assert credits.spend(10, EVENING + timedelta(days=31))


def test_a_call_beyond_the_credits_is_refused(season: Season) -> None:
    api = BasketballApi(season, clock=Clock(EVENING), credits=2)
    answers = [
        api.odds_api_answer(ODDS, {"regions": ["us"], "markets": ["h2h,totals"]}, "", EVENING)
        for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [200, 401]
    assert b'"error_code":"OUT_OF_USAGE_CREDITS"' in answers[1].body


def test_balldontlie_takes_so_many_calls_a_minute(season: Season) -> None:
    api = BasketballApi(season, clock=Clock(EVENING), calls_a_minute=2)

    def call(at: datetime) -> Answer:
        return api.balldontlie_answer("teams", {}, "", at)

    assert [call(EVENING).status for _ in range(3)] == [200, 200, 429]
    assert call(EVENING + timedelta(minutes=1)).status == 200


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("status_500", 500, b'{"error":"Internal Server Error"}'),
        ("http_429", 429, b'{"data":[]}'),
        ("html_403", 403, b"<!DOCTYPE html>"),
        ("not_json", 200, b"upstream"),
        ("error_body", 200, b'{"error":'),
        ("empty", 200, b'{"data":[]}'),
        ("truncated", 200, b'{"data":[{"id"'),
    ],
)
def test_faults_of_the_whole_answer(
    served: Served, boxes: httpx.Client, kind: str, status: int, body: bytes
) -> None:
    whole = boxes.get("box_scores", params=DATE).content
    faulted(served, kind=kind, times=1)
    spoiled, after = (boxes.get("box_scores", params=DATE) for _ in range(2))
    assert spoiled.status_code == status
    assert spoiled.content.startswith(body)
    assert len(spoiled.content) < len(whole)
    assert after.content == whole


def test_faults_inside_the_box_scores(served: Served, boxes: httpx.Client) -> None:
    def spoiled(kind: str) -> list[dict[str, Any]]:
        faulted(served, kind=kind, times=1)
        return boxes.get("box_scores", params=DATE).json()["data"]

    def rows(games: list[dict[str, Any]]) -> list[dict[str, Any]]:
        sides = ("home_team", "visitor_team")
        return [row for game in games for side in sides for row in game[side]["players"]]

    whole = boxes.get("box_scores", params=DATE).json()["data"]
    assert {row["min"] for row in rows(spoiled("roster_only"))} == {"00"}
    assert len(rows(spoiled("shrink"))) < 0.6 * len(rows(whole))
    idle = [row for row in rows(spoiled("stat_without_minutes")) if row["min"] == "00"]
    assert sum(row["ast"] > 0 for row in idle) == 1
    both = spoiled("both_teams")[0]
    home, visitor = (
        {row["player"]["id"] for row in both[side]["players"]}
        for side in ("home_team", "visitor_team")
    )
    assert len(home & visitor) == 1
    malformed = spoiled("malformed_game")
    assert malformed[1:] == whole[1:]
    assert not isinstance(malformed[0]["home_team"], dict)


def test_a_fault_meets_the_calls_that_it_names(
    served: Served, boxes: httpx.Client, odds: httpx.Client
) -> None:
    def statuses() -> list[int]:
        calls = [
            boxes.get("box_scores", params=DATE),
            boxes.get("box_scores", params={"date": "2026-01-07"}),
            boxes.get("teams"),
            odds.get(ODDS, params={"regions": "us"}),
        ]
        return [call.status_code for call in calls]

    faulted(served, kind="status_500", date="2026-01-08")
    assert statuses() == [500, 200, 200, 200]
    faulted(served, kind="status_500", endpoint="odds_api/*")
    assert statuses() == [200, 200, 200, 500]
    faulted(served, kind="status_500")
    assert statuses() == [500] * 4


def test_an_empty_answer_of_the_odds_api_has_its_own_form(
    served: Served, odds: httpx.Client
) -> None:
    faulted(served, kind="empty")
    assert odds.get(ODDS, params={"regions": "us"}).json() == []
    then = {"regions": "us", "date": "2026-01-09T12:00:00Z"}
    answer = odds.get(f"historical/{ODDS}", params=then).json()
    assert answer["data"] == []
    assert answer["timestamp"]


def test_answers_that_break_off_or_never_come(served: Served, boxes: httpx.Client) -> None:
    faulted(served, kind="disconnect")
    with pytest.raises(httpx.RemoteProtocolError):
        boxes.get("box_scores", params=DATE)
    for fault in ({"kind": "timeout"}, {"kind": "slow", "seconds": 30}):
        faulted(served, **fault)
        with pytest.raises(httpx.ReadTimeout):
            boxes.get("box_scores", params=DATE, timeout=0.2)


def test_faults_are_set_over_http_and_apart_from_footballs(
    boxes: httpx.Client, control: httpx.Client
) -> None:
    control.put("faults", json=[{"kind": "http_500"}])
    assert boxes.get("teams").status_code == 200
    assert control.put("basketball/faults", json=[{"kind": "status_500"}]).status_code == 200
    assert boxes.get("teams").status_code == 500
    assert control.get("faults").json()[0]["kind"] == "http_500"
    for wrong in ([{"kind": "http_500"}], [{"kind": "slow"}], {}):
        assert control.put("basketball/faults", json=wrong).status_code == 400
    control.delete("basketball/faults")
    assert boxes.get("teams").status_code == 200


def test_a_sped_up_clock_agrees_with_the_other_from_its_anchor_on() -> None:
    anchor = datetime.now(UTC) + timedelta(hours=1)
    behind = (anchor - SpedUp(anchor, 60, Clock()).now()).total_seconds()
    assert behind == pytest.approx(60 * 3600, abs=600)
    past = datetime(2026, 1, 9, tzinfo=UTC)
    assert datetime.now(UTC) - SpedUp(past, 60, Clock()).now() < timedelta(seconds=5)
    frozen = SpedUp(anchor, 60, Clock(EVENING))
    assert (frozen.now(), frozen.frozen) == (EVENING, True)
    for wrong in (0.5, -1):
        with pytest.raises(ValueError, match="as fast"):
            SpedUp(anchor, wrong)
    with pytest.raises(ValueError, match="zone"):
        SpedUp(anchor.replace(tzinfo=None), 2)
