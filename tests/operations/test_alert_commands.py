"""`touchline alerts`, `mute`, `unmute`, `acknowledge`: what scripts are told, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner, Result

from operations.cli import app
from resources.ledger import Ledger
from touchline.alerting import AlertKey, Evaluation
from touchline.day import Day, Minute, utc_text
from touchline.delivery import FAILURE_SHOWN, TRIES, AlertDelivery, DeliveryState, MatchAlert
from touchline.fetch import FetchRef

NOW = datetime.now(UTC)
DAY = Day.parse("2025-05-28")
KEY = AlertKey("landed_matches_claimed", "football/merged", DAY, "real_loss")


def touchline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def say(ledger: Ledger, minute: int, *causes: str) -> None:
    at = NOW - timedelta(hours=2) + timedelta(minutes=minute)
    ledger.judge([Evaluation(KEY.check, KEY.asset, DAY, at, causes, recorded=30, landed=29)])


def test_what_is_bad_is_shown_until_it_is_over(ledger: Ledger) -> None:
    assert touchline("alerts").exit_code == 0
    say(ledger, 0, "real_loss")
    said = touchline("alerts", "--json")
    assert said.exit_code == 1
    (alert,) = json.loads(said.stdout)["checks"]
    assert alert["key"] == str(KEY)
    assert (alert["verdict"], alert["state"], alert["count"]) == ("BAD", "open", 1)
    assert (alert["day"], alert["feed"], alert["recorded"]) == (str(DAY), "football", 30)
    shown = touchline("alerts").stdout
    assert f"BAD {KEY} open, " in shown
    assert f"touchline losses --from {DAY} --to {DAY}" in shown

    say(ledger, 1)
    assert touchline("alerts").exit_code == 0
    closed = json.loads(touchline("alerts", "--date", str(DAY), "--json").stdout)
    assert [each["state"] for each in closed["checks"]] == ["closed"]


def test_what_could_not_be_checked_is_unknown(ledger: Ledger) -> None:
    for minute in range(3):
        assert touchline("alerts").exit_code == 0
        say(ledger, minute, "unchecked")
    assert touchline("alerts").exit_code == 2


def test_what_could_not_be_delivered_is_bad_until_somebody_has_seen_it(ledger: Ledger) -> None:
    say(ledger, 0, "real_loss")
    (notice,) = ledger.tell(NOW, targets=1)
    assert touchline("acknowledge", str(KEY), "--why", "known").exit_code == 0
    assert touchline("alerts").exit_code == 0, "it is on its way"
    for _ in range(5):
        notice = ledger.not_delivered(notice, "target 1 (json) did not take it", 1, NOW)
        said = touchline("alerts")
        assert said.exit_code == 1
        assert "target 1 (json) did not take it" in said.stdout
    assert touchline("acknowledge", str(KEY), "--why", "called them").exit_code == 0
    assert touchline("alerts").exit_code == 0


def match_alert(match_id: str, *, is_news: bool = True) -> MatchAlert:
    ref = FetchRef("football", Minute.containing(NOW), "aB3dE6gH9jK2")
    said = f"3OU HALF ALERT / [bold]{match_id}[/bold] vs B"
    return MatchAlert("football/alert_3ou_half", ref, "3ou_half", match_id, said, is_news)


def test_matches_that_were_told_of_are_shown_with_their_delivery(ledger: Ledger) -> None:
    ledger.post([match_alert("match-a"), match_alert("match-b", is_news=False)], NOW)
    day = str(Day.containing(NOW))
    sent, _ = ledger.match_alerts(Day.containing(NOW))
    ledger.delivered(sent, NOW + timedelta(seconds=1))
    said = touchline("alerts", "--date", day, "--json")
    assert said.exit_code == 0
    first, second = json.loads(said.stdout)["alerts"]
    assert first["alert_id"] == "3ou_half_match-a"
    assert first["subject_id"] == first["match_id"] == "match-a"
    assert first["fetch_number"] == Minute.containing(NOW).number
    assert first["delivery"] == {
        "state": "sent",
        "attempts": 1,
        "target": 1,
        "last_error": None,
        "sent_at_utc": utc_text(NOW + timedelta(seconds=1)),
        "next_try_utc": None,
    }
    assert (second["delivery"]["state"], second["delivery"]["attempts"]) == ("delivery_unknown", 0)
    assert (first["outcome"], json.loads(said.stdout)["tallies"]) == (None, {})
    assert "how they turned out cannot be read: no object store" in said.stderr
    shown = touchline("alerts", "--date", day).stdout
    assert " 3OU HALF ALERT / [bold]match-a[/bold] vs B (match match-a); sent" in shown
    assert touchline("alerts").stdout.startswith("nothing is wrong. Alerts about matches: ")


def test_a_match_that_nobody_was_told_of_is_bad_for_a_day(ledger: Ledger) -> None:
    now = datetime.now(UTC)  # Of this test: the module was imported minutes ago.
    ledger.post([match_alert("match-a")], now)
    (alert,) = ledger.due(AlertDelivery, now)
    assert touchline("alerts").exit_code == 0, "it is on its way"
    for _ in range(TRIES):
        alert = ledger.not_delivered(alert, "target 1 (json) did not take it", 1, now)
        said = touchline("alerts")
        assert said.exit_code == 1
        assert "target 1 (json) did not take it" in said.stdout
    assert alert.state is DeliveryState.FAILED
    ledger.settle(replace(alert, ended_at=now - FAILURE_SHOWN))
    assert touchline("alerts").exit_code == 0
    ledger.post([match_alert("match-b")], NOW - timedelta(minutes=5))
    assert touchline("alerts").exit_code == 1, "nobody tries to tell of it"


def test_what_hushes_an_alert_says_so_as_json_and_a_mute_is_lifted(ledger: Ledger) -> None:
    say(ledger, 0, "real_loss")
    for command in ("mute", "acknowledge"):
        said = touchline(command, str(KEY), "--for", "2h", "--why", "they repair it", "--json")
        answer = json.loads(said.stdout)
        assert (said.exit_code, answer["alert"]["key"]) == (0, str(KEY))
        hush = answer["alert"][f"{command.rstrip('e')}ed"]
        assert answer["silent_until"] == hush["until"]
        until = datetime.fromisoformat(hush["until"])
        assert timedelta(hours=1.9) < until - datetime.now(UTC) < timedelta(hours=2.1)
        assert (hush["why"], bool(hush["by"])) == ("they repair it", True)
        assert touchline("alerts").exit_code == 0
    lifted = json.loads(touchline("unmute", str(KEY), "--json").stdout)
    assert (lifted["alert"]["muted"], lifted["alert"]["state"]) == (None, "open")
    assert lifted["silent_until"] == lifted["alert"]["acknowledged"]["until"]
    assert "acknowledged until" in touchline("unmute", str(KEY)).stdout


@pytest.mark.parametrize(
    "pasted",
    [
        (str(KEY),),
        (f"{KEY}:",),
        (f"BAD {KEY}",),
        ("BAD", str(KEY)),
        (f"`{KEY}`,",),
        ("landed_matches_claimed:football/mer\n  ged:2025-05-28:real_loss",),
        ("landed_matches_claimed:football/mer", "ged:2025-", "05-28:real_loss:"),
    ],
)
def test_a_key_is_taken_as_it_was_copied(ledger: Ledger, pasted: tuple[str, ...]) -> None:
    """Out of a line, with what stands around it, and broken where a terminal broke it."""
    say(ledger, 0, "real_loss")
    for command in (["mute", "--for", "2h", "--why", "x"], ["acknowledge", "--why", "x"]):
        said = touchline(*command, "--json", *pasted)
        assert json.loads(said.stdout)["alert"]["key"] == str(KEY)
    assert json.loads(touchline("unmute", *pasted, "--json").stdout)["alert"]["muted"] is None


def test_what_is_bad_when_a_mute_is_lifted_is_told(ledger: Ledger) -> None:
    say(ledger, 0, "real_loss")
    touchline("mute", str(KEY), "--for", "2h", "--why", "they repair it")
    assert ledger.tell(datetime.now(UTC), targets=1) == []
    assert touchline("alerts").exit_code == 0
    said = touchline("unmute", str(KEY))
    assert (said.exit_code, said.stdout) == (
        0,
        "not muted any more: what is still bad alerts again\n",
    )
    assert touchline("alerts").exit_code == 1
    assert len(ledger.tell(datetime.now(UTC), targets=1)) == 1
    assert touchline("unmute", str(KEY)).exit_code == 0
    assert ledger.tell(datetime.now(UTC), targets=1) == [], "lifting none changes nothing"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["unmute", str(KEY)], "there is no alert"),
        (["unmute", "real_loss"], "no alert's key"),
        (["mute", "real_loss", "--for", "2h", "--why", "x"], "no alert's key"),
        (["mute", str(KEY), "--for", "2 hours", "--why", "x"], "no length of time"),
        (["mute", str(KEY), "--for", "0h", "--why", "x"], "no length of time"),
        (["mute", str(KEY), "--for", "2h", "--why", " "], "--why is empty"),
        (["mute", str(KEY), "--for", "2h", "--why", "x"], "there is no alert"),
        (["acknowledge", str(KEY)], "--why"),
    ],
)
def test_what_makes_no_sense_is_refused(ledger: Ledger, arguments: list[str], said: str) -> None:
    answer = touchline(*arguments)
    assert answer.exit_code == 2
    assert said in answer.stderr
