"""Alerts and notices in the ledger: one transaction with what they follow from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from resources.ledger import Ledger
from tests.resources.ledger_samples import DAY
from touchline.alerting import SILENT, AlertKey, AlertState, Evaluation, Hush, acknowledged, muted
from touchline.day import Day
from touchline.delivery import DeliveryState

AT = datetime(2025, 5, 28, 17, 0, 40, 250_000, tzinfo=UTC)
CHECK, ASSET, LOSS = "landed_matches_claimed", "football/merged", "real_loss"
KEY = AlertKey(CHECK, ASSET, DAY, LOSS)


def minutes(count: float) -> datetime:
    return AT + timedelta(minutes=count)


def said(at: datetime, *causes: str, asset: str = ASSET, day: Day = DAY) -> Evaluation:
    return Evaluation(CHECK, asset, day, at, causes, recorded=10, landed=9, fetches=(787, 788))


def test_what_was_said_twice_is_counted_once(ledger: Ledger) -> None:
    batch = [said(minutes(n), LOSS) for n in range(5)]
    ledger.judge(batch[:3])
    before = ledger.alerts()
    assert ledger.judge(batch[:3]) == []
    assert ledger.alerts() == before
    ledger.judge(batch)
    (alert,) = ledger.alerts()
    assert (alert.key, alert.count, alert.suppressed) == (KEY, 5, 4)
    assert (alert.recorded, alert.landed, alert.fetches) == (10, 9, (787, 788))
    assert (alert.opened_at, alert.seen_at) == (AT, minutes(4))


def test_a_notice_is_made_once_and_a_closed_alert_comes_back_as_another(ledger: Ledger) -> None:
    ledger.judge([said(AT, LOSS), said(AT, LOSS, asset="football/pretty_print")])
    assert ledger.tell(AT, targets=1) == []
    (notice,) = ledger.tell(minutes(1), targets=1)
    assert notice.about == [str(KEY), f"{CHECK}:football/pretty_print:{DAY}:{LOSS}"]
    assert ledger.tell(minutes(1), targets=1) == []
    assert ledger.notices(DeliveryState.PENDING) == [notice] == ledger.notices_of(DAY)

    ledger.judge([said(minutes(2))])
    assert [a.state for a in ledger.alerts()] == [AlertState.OVER, AlertState.OPEN]
    (over,) = ledger.tell(minutes(5), targets=1)
    assert over.sequence > notice.sequence
    assert [a.key.asset for a in ledger.alerts()] == ["football/pretty_print"]
    assert [a.state for a in ledger.alerts(DAY)] == [AlertState.CLOSED, AlertState.OPEN]
    ledger.judge([said(minutes(6), LOSS)])
    (again, _) = ledger.alerts()
    assert (again.opened_at, again.count, again.told_at) == (minutes(6), 1, minutes(5))


def test_a_notice_goes_from_target_to_target_and_fails_for_all_to_see(ledger: Ledger) -> None:
    ledger.judge([said(AT, LOSS)])
    (notice,) = ledger.tell(minutes(1), targets=2)
    now = minutes(1)
    for _ in range(9):
        notice = ledger.not_delivered(notice, "refused \0", 2, now)
        assert notice.state is DeliveryState.PENDING
        assert notice.is_undelivered
        assert notice.due_at is not None
        now = notice.due_at
    assert now == minutes(21)
    ledger.not_delivered(notice, "refused", 2, now)
    (failed,) = ledger.notices(DeliveryState.FAILED)
    assert (failed.attempts, failed.last_error, failed.due_at) == (10, "refused", None)

    ledger.hush(KEY, Hush(minutes(99), "anna", "seen"), acknowledged, now)
    (seen,) = ledger.notices_of(DAY)
    assert seen.state is DeliveryState.SEEN


def test_a_delivered_notice_is_done_and_one_without_a_target_is_kept(ledger: Ledger) -> None:
    ledger.judge([said(AT, LOSS), said(AT, LOSS, day=DAY.shifted(-1))])
    before, of_day = ledger.tell(minutes(1), targets=0)
    assert before.state is of_day.state is DeliveryState.KEPT
    ledger.judge([said(minutes(2))])
    (notice,) = ledger.tell(minutes(5), targets=1)
    ledger.delivered(notice, minutes(6))
    (done,) = ledger.notices(DeliveryState.SENT)
    assert (done.ended_at, done.due_at, done.is_undelivered) == (minutes(6), None, False)


def test_who_muted_until_when_and_why_is_kept(ledger: Ledger) -> None:
    hush = Hush(minutes(60), "anna", "the vendor repairs it")
    assert ledger.hush(KEY, hush, muted, AT) is None, "there is no such alert"
    ledger.judge([said(AT, LOSS)])
    ledger.hush(KEY, hush, muted, AT)
    (alert,) = ledger.alerts()
    assert alert.muted == hush
    assert ledger.tell(minutes(59), targets=1) == []
    assert len(ledger.tell(minutes(60), targets=1)) == 1


def test_silence_opens_and_closes_alerts_of_its_own(ledger: Ledger) -> None:
    ledger.judge([said(AT)])
    assert ledger.newest_verdicts("football", DAY) == {(CHECK, ASSET): AT}
    assert ledger.newest_verdicts("basketball", DAY) == {}
    quiet = {(CHECK, ASSET, DAY): AT}
    (alert,) = ledger.judge_silence(quiet, minutes(4))
    assert (alert.key.cause, alert.opened_at) == (SILENT, AT)
    assert ledger.judge_silence(quiet, minutes(5)) == []
    ledger.judge([said(minutes(6), "unchecked")])
    assert [a.state for a in ledger.alerts(DAY) if a.key.cause == SILENT] == [AlertState.CLOSED]
    ledger.judge_silence(quiet, minutes(10))
    assert ledger.judge_silence({}, minutes(11))[0].state is AlertState.CLOSED


@pytest.mark.parametrize("other", ["replay/simulated-1", ""])
def test_prefixes_do_not_know_each_other(ledger_url: str, ledger: Ledger, other: str) -> None:
    ledger.judge([said(AT, LOSS)])
    elsewhere = Ledger(ledger_url, other)
    assert elsewhere.alerts(DAY) == []
    elsewhere.judge([said(minutes(1))])
    assert elsewhere.tell(minutes(9), targets=1) == []
    elsewhere.close()
    assert [a.state for a in ledger.alerts()] == [AlertState.OPEN]
