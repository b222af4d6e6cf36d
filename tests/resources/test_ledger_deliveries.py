"""The outbox: one alert a rule and match, taken by one of those who deliver."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from resources.ledger import Ledger
from tests.resources.ledger_samples import DAY
from touchline.day import Day, FetchNumber
from touchline.delivery import (
    ALERT_CHARACTERS,
    LATE,
    OVERDUE,
    TRIES,
    AlertDelivery,
    DeliveryState,
    MatchAlert,
)
from touchline.fetch import FetchRef

ASSET = "football/alert_3ou_half"
MINUTE = DAY.minute(FetchNumber(788))
AT = MINUTE.utc + timedelta(seconds=7.25)


def alert(match_id: str = "match-a", minutes: int = 0, **changed: object) -> MatchAlert:
    ref = FetchRef("football", MINUTE.later(minutes), "aB3dE6gH9jK2")
    made = MatchAlert(ASSET, ref, "3ou_half", match_id, "3OU HALF ALERT / A vs B", is_news=True)
    return msgspec.structs.replace(made, **changed)


def only(ledger: Ledger, day: Day = DAY) -> AlertDelivery:
    (found,) = ledger.match_alerts(day)
    return found


def test_a_rule_alerts_of_a_match_once_whatever_becomes_of_it(ledger: Ledger) -> None:
    assert ledger.post([alert(), alert("match-b"), alert()], AT) == 2
    first, second = ledger.match_alerts(DAY, ASSET)
    assert (first.subject_id, second.subject_id) == ("match-a", "match-b")
    assert (first.state, first.due_at, first.fired_at) == (DeliveryState.PENDING, AT, MINUTE.utc)
    assert (first.number, first.fetch_id, first.body) == (788, "aB3dE6gH9jK2", alert().message)
    ledger.delivered(first, AT)
    for later in (1, 15, 40 * 24 * 60):
        assert ledger.post([alert(minutes=later)], AT + timedelta(minutes=later)) == 0
    assert ledger.post([alert(rule_id="underdog_0half")], AT) == 1
    assert ledger.match_alerts(DAY)[0] == replace(
        first, state=DeliveryState.SENT, due_at=None, ended_at=AT
    )


def test_an_alert_that_an_earlier_release_held_in_a_file_is_read() -> None:
    held = (
        b'{"asset":"football/alert_3ou_half","ref":{"feed":"football","minute":'
        b'{"utc":"2025-05-28T17:07:00Z"},"fetch_id":"aB3dE6gH9jK2"},"rule_id":"3ou_half",'
        b'"match_id":"match-a","message":"3OU HALF ALERT / A vs B","is_news":true}'
    )
    assert msgspec.json.decode(held, type=MatchAlert) == alert()


def test_other_prefixes_have_alerts_of_their_own(ledger_url: str, ledger: Ledger) -> None:
    other = Ledger(ledger_url, "replay/simulated-1")
    assert ledger.post([alert()], AT) == other.post([alert()], AT) == 1
    assert [each.sequence for each in other.due(AlertDelivery, AT)] != [only(ledger).sequence]
    other.close()


def test_of_many_who_deliver_at_once_one_takes_it(ledger: Ledger) -> None:
    ledger.post([alert(f"match-{n}") for n in range(5)], AT)
    until = AT + timedelta(seconds=30)

    def takes_all(_: int) -> list[str]:
        return [m.subject_id for m in ledger.due(AlertDelivery, AT) if ledger.take(m, until)]

    with ThreadPoolExecutor(6) as pool:
        taken = [match for all_of_one in pool.map(takes_all, range(6)) for match in all_of_one]
    assert sorted(taken) == [f"match-{n}" for n in range(5)]
    assert ledger.due(AlertDelivery, until - timedelta(microseconds=1)) == []
    assert len(ledger.due(AlertDelivery, until)) == 5, "whoever had them has died"


def test_one_that_was_sent_is_not_taken_by_who_saw_it_waiting(ledger: Ledger) -> None:
    ledger.post([alert()], AT)
    (seen,) = ledger.due(AlertDelivery, AT)
    assert ledger.take(seen, AT + timedelta(seconds=30))
    ledger.delivered(seen, AT)
    assert not ledger.take(seen, AT + timedelta(seconds=60))


def test_five_tries_in_ten_minutes_at_each_of_two_targets_then_it_has_failed(
    ledger: Ledger,
) -> None:
    ledger.post([alert()], AT)
    tried: list[tuple[int, timedelta]] = []
    now = AT
    while (message := only(ledger)).due_at is not None:
        now = message.due_at
        message = ledger.not_delivered(message, "no", 2, now)
        assert message.target is not None
        tried.append((message.target, now - AT))
        assert message.is_undelivered
        assert message.is_alarming(now)
    assert [target for target, _ in tried] == [1] * TRIES + [2] * TRIES
    assert tried[TRIES - 1][1] == tried[TRIES][1] == timedelta(minutes=10)
    assert tried[-1][1] == timedelta(minutes=20)
    failed = only(ledger)
    assert (failed.state, failed.ended_at) == (DeliveryState.FAILED, now)
    assert failed.is_alarming(now + timedelta(hours=23))
    assert not failed.is_alarming(now + timedelta(hours=25))


@pytest.mark.parametrize(
    ("age", "attempts", "targets", "state"),
    [
        (LATE - timedelta(seconds=1), 0, 1, None),
        (LATE, 0, 1, DeliveryState.LATE),
        (LATE, 0, 0, DeliveryState.LATE),
        (LATE * 2, 1, 1, None),
        (timedelta(0), 0, 0, DeliveryState.KEPT),
        (timedelta(0), 1, 0, None),
    ],
)
def test_what_is_not_tried_at_all(
    ledger: Ledger, age: timedelta, attempts: int, targets: int, state: DeliveryState | None
) -> None:
    ledger.post([alert()], AT)
    message, now = replace(only(ledger), attempts=attempts), MINUTE.utc + age
    after = message.unsent(now, targets)
    assert (after and (after.state, after.due_at, after.ended_at)) == (state and (state, None, now))


def test_what_is_news_however_late_is_tried_hours_after_its_minute(ledger: Ledger) -> None:
    """As one that was held while the ledger was away."""
    later = MINUTE.utc + timedelta(hours=3)
    ledger.post([alert(is_lasting=True)], later)
    (due,) = ledger.due(AlertDelivery, later)
    assert (due.day, due.number) == (DAY, 788)
    assert due.unsent(later, 1) is None


def test_one_that_nobody_tries_is_alarming_after_a_while(ledger: Ledger) -> None:
    ledger.post([alert()], AT)
    assert not only(ledger).is_alarming(AT + OVERDUE)
    assert only(ledger).is_alarming(AT + OVERDUE + timedelta(seconds=1))


def test_what_is_made_anew_is_never_due(ledger: Ledger) -> None:
    ledger.post([alert(is_news=False)], AT)
    made = only(ledger)
    assert (made.state, made.due_at) == (DeliveryState.UNKNOWN, None)
    assert ledger.due(AlertDelivery, AT + timedelta(days=400)) == []
    assert ledger.post([alert()], AT) == 0, "nor is it when it is seen live after that"


def test_a_message_is_one_line_that_fits(ledger: Ledger) -> None:
    ledger.post([alert(message="A\nvs\r\nB\0" + "x" * 5000)], AT)
    body = only(ledger).body
    assert body.startswith("A vs B\N{REPLACEMENT CHARACTER}xxx")
    assert len(body) == ALERT_CHARACTERS
    assert body.endswith("…")


def test_a_ledger_of_before_says_the_same_of_its_notices(ledger_url: str) -> None:
    from alembic import command
    from sqlalchemy import create_engine, make_url, text

    from resources.ledger.database import migration_config, with_driver

    engine = create_engine(with_driver(make_url(ledger_url)))
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for number, state in enumerate(("waiting", "delivered", "failed")):
            connection.execute(
                text(
                    "INSERT INTO ledger_notices (sequence, prefix, feed, day, title, body, about, "
                    "made_at, state, attempts) VALUES (:n, 'live', 'football', :day, 't', 'b', "
                    "'[]', :at, :state, 0)"
                ),
                {
                    "n": number,
                    "day": DAY.date.isoformat(),
                    "at": "2025-05-28 17:00:00.000000",
                    "state": state,
                },
            )
    engine.dispose()
    ledger = Ledger(ledger_url, "live")
    ledger.migrate()
    assert [notice.state for notice in ledger.notices_of(DAY)] == [
        DeliveryState.PENDING,
        DeliveryState.SENT,
        DeliveryState.FAILED,
    ]
    ledger.close()


def test_times_survive_to_the_microsecond(ledger: Ledger) -> None:
    at = datetime.fromisoformat("2025-05-28T17:07:00.123456+00:00")
    ledger.post([alert()], at)
    assert ledger.take(only(ledger), at)
