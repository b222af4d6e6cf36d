"""The sensor that tries again what no run has got rid of."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest
import time_machine

from pipeline_assets.delivery import deliver_alerts
from pipeline_assets.plans import PLANS
from resources.ledger import Ledger, LedgerUnavailable
from resources.notifier import Notifier
from resources.outbox import Outbox
from resources.settings import Settings
from sensors.alert_delivery import alert_delivery
from tests.targets import Target
from touchline.day import Minute
from touchline.delivery import DeliveryState, MatchAlert
from touchline.fetch import FetchRef

FEED = "football"
MINUTE = Minute.parse("2025-05-28T17:00:00Z")
AT = MINUTE.utc + timedelta(seconds=20)


@pytest.fixture
def ledger(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, there: Target) -> Ledger:
    monkeypatch.setenv("TOUCHLINE_ORIGIN", "simulated")
    monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", there.url)
    # A busy machine may take longer to import Apprise than a tick waits for it.
    monkeypatch.setattr("sensors.alert_delivery.SENDING_SECONDS", 30.0)
    return ledger


def alert(match_id: str, feed: str = FEED) -> MatchAlert:
    ref = FetchRef(feed, MINUTE, "aB3dE6gH9jK2")
    said = f"3OU HALF ALERT / {match_id}"
    return MatchAlert(f"{feed}/alert_3ou_half", ref, "3ou_half", match_id, said, is_news=True)


def tick(seconds: float) -> None:
    with time_machine.travel(AT + timedelta(seconds=seconds), tick=False):
        alert_delivery(dg.build_sensor_context())


def test_what_is_due_is_sent_and_nothing_before_it_is(ledger: Ledger, there: Target) -> None:
    ledger.post([alert("match-a")], AT)
    there.refuses = 1
    tick(1)
    tick(20)
    assert (there.refused, there.posts) == (1, [])
    tick(32)
    tick(40)
    assert there.titles == ["Touchline football: 3ou_half"]
    facts = {
        "feed": FEED,
        "date": "2025-05-28",
        "fetch_number": 781,
        "asset": "football/alert_3ou_half",
        "rule_id": "3ou_half",
        "subject_id": "match-a",
        "match_id": "match-a",
        "fired_at": "2025-05-28T17:00:00Z",
    }
    assert {**there.posts[0], **facts} == there.posts[0]
    (row,) = ledger.match_alerts(MINUTE.day)
    assert (row.state, row.attempts, row.target) == (DeliveryState.SENT, 1, 1)


def test_each_alert_goes_where_its_feeds_alerts_may_go(ledger: Ledger, there: Target) -> None:
    """Whichever feed's run or tick sends it."""
    ledger.post([alert("match-a"), alert("game-b", "league")], AT)
    of_feeds = {FEED: (there.url,), "league": ()}

    def notifier(feed: str) -> Notifier:
        return Notifier(of_feeds[feed], is_live=False)

    outbox = Outbox.of(Settings.load(_env_file=None), ledger, "league")
    deliver_alerts(outbox, PLANS, notifier, AT, seconds=30)
    assert there.titles == [f"Touchline {FEED}: 3ou_half"]
    assert {row.feed: row.state for row in ledger.match_alerts(MINUTE.day)} == {
        FEED: DeliveryState.SENT,
        "league": DeliveryState.KEPT,
    }


def test_what_was_held_while_the_ledger_was_away_is_sent(ledger: Ledger, there: Target) -> None:
    settings = Settings.load(_env_file=None)
    away = Outbox.of(settings, Ledger("sqlite:////nonexistent/ledger.sqlite", ""), FEED)
    assert not away.post([alert("match-a"), alert("match-b")], AT)
    ledger.post([alert("match-b")], AT)
    tick(5)
    tick(10)
    assert [post["message"][-7:] for post in there.posts] == ["match-b", "match-a"]
    assert not away.held.read()


def test_a_ledger_that_is_away_is_the_ticks_failure(
    ledger: Ledger, there: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_LEDGER_URL", "sqlite:////nonexistent/ledger.sqlite")
    with pytest.raises(LedgerUnavailable):
        tick(0)
