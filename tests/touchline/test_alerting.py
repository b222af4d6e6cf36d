"""What becomes of evaluations: who is told what, once, and what is only counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.accounting import Verdict
from touchline.alerting import (
    BLIND,
    QUIET,
    REMIND,
    SILENT,
    STANDS,
    Alert,
    AlertKey,
    AlertState,
    Evaluation,
    Hush,
    acknowledged,
    due,
    judged,
    muted,
    silenced,
    told,
)
from touchline.day import Day
from touchline.delivery import GAPS, TRIES, next_try, target_of
from touchline.notices import body, next_commands, title

DAY = Day.parse("2025-05-28")
START = datetime(2025, 5, 28, 17, 0, 40, tzinfo=UTC)
LOSS, DAMAGE = "real_loss", "damaged"
CHECK, ASSET = "landed_matches_claimed", "football/merged"
MINUTE = timedelta(minutes=1)


@dataclass
class Book:
    """Alerts as a ledger keeps them, told at once when they are due."""

    alerts: dict[AlertKey, Alert] = field(default_factory=dict)
    notices: list[tuple[datetime, list[Alert]]] = field(default_factory=list)

    def keep(self, changed: Sequence[Alert]) -> None:
        self.alerts.update((alert.key, alert) for alert in changed)

    def say(self, at: datetime, *causes: str, asset: str = ASSET, check: str = CHECK) -> None:
        said = Evaluation(check, asset, DAY, at, causes, recorded=10, landed=9, fetches=(787,))
        of_it = [a for a in self.alerts.values() if (a.key.check, a.key.asset) == (check, asset)]
        self.keep(judged(of_it, said))

    def tell(self, now: datetime) -> list[list[Alert]]:
        groups = due(self.alerts.values(), now)
        for group in groups:
            self.notices.append((now, group))
            self.keep([told(alert, now) for alert in group])
        return groups

    def run(self, rounds: Sequence[Sequence[str]], start: datetime = START) -> datetime:
        """A minute each, told half a minute later."""
        now = start
        for number, causes in enumerate(rounds):
            now = start + number * MINUTE
            self.say(now, *causes)
            self.tell(now + MINUTE / 2)
        return now

    @property
    def states(self) -> list[AlertState]:
        return [alert.state for _, group in self.notices for alert in group]

    def one(self, cause: str = LOSS) -> Alert:
        return self.alerts[AlertKey(CHECK, ASSET, DAY, cause)]


def test_a_fault_is_told_once_counted_and_told_once_more_when_it_is_over() -> None:
    book = Book()
    book.run([[LOSS]] * 14 + [[]] * 5)
    assert book.states == [AlertState.OPEN, AlertState.OVER]
    (_, [opened]), (_, [over]) = book.notices
    assert (opened.count, opened.suppressed) == (1, 0)
    assert (over.count, over.suppressed) == (14, 13)
    assert over.closed_at is not None
    assert over.closed_at - over.opened_at == 14 * MINUTE
    assert book.one().state is AlertState.CLOSED


def test_a_cause_is_told_apart_by_its_key_and_by_nothing_else() -> None:
    book = Book()
    book.run([[LOSS], [LOSS, DAMAGE], [DAMAGE], [DAMAGE], [DAMAGE]])
    assert [(a.key.cause, a.state) for _, group in book.notices for a in group] == [
        (LOSS, AlertState.OPEN),
        (DAMAGE, AlertState.OPEN),
        (LOSS, AlertState.OVER),
    ]


def test_what_could_not_be_checked_alerts_when_it_stands() -> None:
    book = Book()
    book.run([[BLIND], [], [BLIND], [BLIND], [], []])
    assert book.notices == []
    book.run([[BLIND]] * 3, START + 10 * MINUTE)
    assert book.states == [AlertState.OPEN]
    assert book.one(BLIND).key.verdict is Verdict.COULD_NOT_CHECK


def test_a_check_that_cannot_look_closes_nothing() -> None:
    book = Book()
    book.run([[LOSS], [BLIND], [BLIND]])
    assert book.one().state is AlertState.OPEN
    assert book.one().count == 1
    book.run([[]], START + 5 * MINUTE)
    assert book.one().state is AlertState.OVER


def test_one_round_of_a_day_is_one_message() -> None:
    book = Book()
    for second, asset in enumerate(("football/a", "football/b", "football/c")):
        book.say(START + timedelta(seconds=5 * second), LOSS, asset=asset)
    assert book.tell(START + timedelta(seconds=10)) == []
    (group,) = book.tell(START + timedelta(seconds=15))
    assert [alert.key.asset for alert in group] == ["football/a", "football/b", "football/c"]
    assert title(group) == "Touchline football 2025-05-28: 3 BAD"


def test_a_fault_that_comes_and_goes_is_no_flood() -> None:
    book = Book()
    book.run([[LOSS], []] * 30)
    assert book.states == [AlertState.OPEN], "it was never good for long enough"
    assert book.one().count == 30

    slow = Book()
    slow.run(([[LOSS]] + [[]] * 4) * 36)
    hours = (slow.notices[-1][0] - slow.notices[0][0]) / timedelta(hours=1)
    assert len(slow.notices) <= 2 * (1 + hours / (QUIET / timedelta(hours=1)))


def test_what_stays_bad_is_told_again_every_day() -> None:
    book = Book()
    book.run([[LOSS]])
    assert book.tell(START + REMIND / 2) == []
    book.say(START + REMIND / 2, LOSS)
    ((reminded,),) = book.tell(START + REMIND + MINUTE)
    assert (reminded.count, reminded.suppressed) == (2, 1)


def hush(until: datetime) -> Hush:
    return Hush(until, "anna", "the vendor repairs it")


def test_a_mute_ends_by_itself_and_what_is_still_bad_alerts_again() -> None:
    book = Book()
    book.run([[LOSS]])
    book.keep([muted(book.one(), hush(START + 60 * MINUTE), START + MINUTE)])
    book.run([[LOSS]] * 58, START + MINUTE)
    assert len(book.notices) == 1
    book.run([[LOSS]] * 3, START + 60 * MINUTE)
    assert len(book.notices) == 2
    assert book.notices[1][1][0].suppressed > 50


def test_a_mute_outlives_the_alert_it_was_said_of() -> None:
    book = Book()
    book.run([[LOSS]])
    book.keep([muted(book.one(), hush(START + 60 * MINUTE), START + MINUTE)])
    book.run([[]] * 5 + [[LOSS]] * 5, START + MINUTE)
    assert len(book.notices) == 1
    assert book.one().state is AlertState.OPEN


def test_what_is_acknowledged_is_told_when_it_is_over_and_not_before() -> None:
    book = Book()
    book.run([[LOSS]])
    book.keep([acknowledged(book.one(), hush(START + 60 * MINUTE), START + MINUTE)])
    book.run([[LOSS]] * 10 + [[]] * 4, START + MINUTE)
    assert book.states == [AlertState.OPEN, AlertState.OVER]
    book.run([[LOSS]] * 3, START + 40 * MINUTE)
    assert book.states[-1] is AlertState.OPEN, "it was said of the fault before"


@given(
    st.lists(st.lists(st.sampled_from([LOSS, DAMAGE, BLIND]), unique=True), max_size=60),
    st.booleans(),
)
def test_every_alert_that_is_told_open_is_told_over_once_and_its_counts_add_up(
    rounds: list[list[str]], twice: bool
) -> None:
    book = Book()
    for number, causes in enumerate([*rounds, *[[]] * 40]):
        now = START + number * MINUTE
        book.say(now, *causes)
        if twice:
            book.say(now, *causes)
        book.tell(now + MINUTE / 2)
    assert {alert.state for alert in book.alerts.values()} <= {AlertState.CLOSED}
    assert book.tell(START + timedelta(days=9)) == []
    for cause in (LOSS, DAMAGE, BLIND):
        said = [a for _, group in book.notices for a in group if a.key.cause == cause]
        assert [a.state for a in said] == [AlertState.OPEN, AlertState.OVER] * (len(said) // 2)
        for opened, over in zip(said[::2], said[1::2], strict=True):
            assert over.count == opened.count + over.suppressed
    evaluated = sum(LOSS in causes for causes in rounds)
    assert sum(a.count for _, g in book.notices for a in g if over_of(a, LOSS)) <= evaluated


def over_of(alert: Alert, cause: str) -> bool:
    return alert.key.cause == cause and alert.state is AlertState.OVER


@given(
    st.lists(st.booleans(), min_size=1, max_size=90),
    st.integers(1, 60),
    st.integers(1, 120),
)
def test_nothing_is_told_while_muted_and_what_is_bad_at_the_end_is(
    bad: list[bool], begins: int, minutes: int
) -> None:
    book = Book()
    book.say(START, LOSS)
    until = START + (begins + minutes) * MINUTE
    for number, is_bad in enumerate(bad, 1):
        now = START + number * MINUTE
        if number == begins:
            book.keep([muted(book.one(), hush(until), now)])
        book.say(now, *[LOSS] * is_bad)
        book.tell(now + MINUTE / 2)
    quiet = [at for at, _ in book.notices if START + begins * MINUTE <= at < until]
    assert quiet == [] or len(bad) < begins
    if len(bad) >= begins and book.one().state is AlertState.OPEN:
        book.tell(until + REMIND)
        assert book.notices[-1][0] >= until
        assert book.notices[-1][1][0].state is AlertState.OPEN


def test_silence_is_told_once_and_ended_by_any_verdict() -> None:
    book = Book()
    what = (CHECK, ASSET, DAY)
    for minute in range(10):
        now = START + minute * MINUTE
        book.keep(silenced(book.alerts.values(), {what: START - 5 * MINUTE}, now))
        book.tell(now + MINUTE / 2)
    assert book.states == [AlertState.OPEN]
    assert book.one(SILENT).opened_at == START - 5 * MINUTE
    book.run([[BLIND]], START + 10 * MINUTE)
    assert book.one(SILENT).state is AlertState.OVER


def test_silence_is_over_where_nothing_has_to_be_said_any_more() -> None:
    book = Book()
    book.keep(silenced([], {(CHECK, ASSET, DAY): START - 5 * MINUTE}, START))
    book.tell(START + MINUTE)
    book.keep(silenced(book.alerts.values(), {}, START + 2 * MINUTE))
    assert book.one(SILENT).state is AlertState.OVER


def test_a_feed_that_fails_is_asked_next() -> None:
    assert next_commands({"feed_fails"}, Day.parse("2025-07-08"), "prod") == [
        "touchline verify --date 2025-07-08 --prefix prod",
        "touchline doctor",
    ]


def test_a_notice_says_what_where_how_much_since_when_and_what_to_run() -> None:
    book = Book()
    book.run([[LOSS], [LOSS]])
    book.say(START + 2 * MINUTE, LOSS)
    text = body([book.one()], "replay/simulated-1")
    assert text == (
        "BAD: real_loss, landed_matches_claimed: merged\n"
        "merged: recorded 10, landed 9, fetches 787\n"
        "since 2025-05-28T17:00:40Z, 3 evaluations, 2 of them not told before\n\n"
        "next: touchline losses --from 2025-05-28 --to 2025-05-28 --prefix replay/simulated-1"
    )
    book.run([[]] * 3, START + 3 * MINUTE)
    assert "over: real_loss, landed_matches_claimed: merged\nlasted 3 min" in body(
        book.notices[-1][1], ""
    )


def test_a_key_is_read_as_it_is_written() -> None:
    key = AlertKey(CHECK, ASSET, DAY, LOSS)
    assert AlertKey.parse(str(key)) == key
    for text in ("", "a:b", "a:b:c:d:e", "a:b:2025-05-28:"):
        with pytest.raises(ValueError, match="no alert's key"):
            AlertKey.parse(text)
    with pytest.raises(ValueError, match="day"):
        AlertKey.parse("a:b:yesterday:c")


def test_a_target_is_tried_five_times_over_ten_minutes_then_the_next_one() -> None:
    at, failed, tried = START, 0, []
    while True:
        tried.append((target_of(failed), at - START))
        failed += 1
        following = next_try(failed, at, targets=2)
        if following is None:
            break
        at = following
    assert [target for target, _ in tried] == [0] * TRIES + [1] * TRIES
    assert tried[TRIES - 1][1] == timedelta(seconds=sum(GAPS)) == timedelta(minutes=10)
    assert tried[TRIES][1] == tried[TRIES - 1][1], "the next one is tried at once"
    assert next_try(0, START, targets=0) is None
    assert STANDS < QUIET
