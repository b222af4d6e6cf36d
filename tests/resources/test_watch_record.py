"""What the store is told of watching, by ledgers that know more or less of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from resources.ledger import Ledger
from resources.store import StoreUnavailable
from resources.store.faulty import FaultyStore, away
from resources.store.memory import MemoryStore
from resources.watch_layout import interval_key, missed_key
from resources.watch_record import (
    DamagedWatchRecord,
    MissedSlot,
    WatchInterval,
    read_watch,
    record_watch,
)
from tests.ledgers import sqlite_ledger
from tests.resources.ledger_samples import AT, DAY, ref
from tests.slots import RAW, slot_at
from touchline.accounting import MissedReason, Outcome
from touchline.day import FetchNumber, utc_text
from touchline.day_plan import DayPlan

FEED = "football"


def miss(ledger: Ledger, number: int, reason: MissedReason = MissedReason.RUN_DIED) -> None:
    ledger.slot_missed(slot_at(DAY.minute(number)), reason, AT)


def test_the_store_says_what_the_ledger_was_told(ledger: Ledger, store: MemoryStore) -> None:
    ledger.open_interval(FEED, AT, "live")
    miss(ledger, 787)
    miss(ledger, 789, MissedReason.STARTED_LATE)
    record_watch(store, ledger, FEED)
    miss(ledger, 790)
    ledger.close_interval(FEED, AT + timedelta(hours=1))
    record_watch(store, ledger, FEED)

    watched = read_watch(store, FEED)
    closed = utc_text(AT + timedelta(hours=1))
    assert watched.intervals == [WatchInterval(opened=utc_text(AT), closed=closed, origin="live")]
    assert watched.missed[RAW, DAY].minutes == {
        787: MissedSlot("run_died", utc_text(AT)),
        789: MissedSlot("started_late", utc_text(AT)),
        790: MissedSlot("run_died", utc_text(AT)),
    }
    assert ledger.untold(FEED) == []


def test_the_store_keeps_the_plans_of_every_ledger(store: MemoryStore, tmp_path: Path) -> None:
    scores, later = "cup/scores", AT + timedelta(hours=1)
    early, late = FetchNumber(900), FetchNumber(1200)
    one, other = (sqlite_ledger(tmp_path / name) for name in ("one", "other"))
    assert one.plan_day(scores, DAY, [early, late], AT)
    assert not one.plan_day(scores, DAY, [late, early], later)
    record_watch(store, one, "cup")
    assert other.plan_day(scores, DAY, [late], later)
    record_watch(store, other, "cup")
    told = read_watch(store, "cup").plans[scores, DAY].read()
    assert told == [DayPlan(AT, (early, late)), DayPlan(later, (late,))]
    assert one.rebuild_plans(scores, DAY, told) == 1
    assert one.plans(scores, DAY) == told
    assert not one.plan_day(scores, DAY, [FetchNumber(1300)], AT)  # An older one changes nothing.
    assert one.planned_days(scores, DAY.shifted(-1), DAY) == [DAY]


def test_nothing_to_tell_costs_no_request(ledger: Ledger, store: MemoryStore) -> None:
    ledger.open_interval(FEED, AT, "live")
    record_watch(store, ledger, FEED)
    ledger.start_fetch(slot_at(DAY.minute(787)), "run-1", AT)
    ledger.fetch_landed(ref(787), Outcome.COMPLETE, None, AT, 0.0)
    miss(ledger, 787)  # which it was not
    store.requests.by_operation.clear()
    record_watch(store, ledger, FEED)
    assert store.requests.by_operation == {}


def test_a_store_that_was_away_is_told_later(ledger: Ledger, faulty: FaultyStore) -> None:
    miss(ledger, 787)
    faulty.plan = away
    with pytest.raises(StoreUnavailable):
        record_watch(faulty, ledger, FEED)
    faulty.plan = None
    miss(ledger, 788)
    record_watch(faulty, ledger, FEED)
    assert sorted(read_watch(faulty, FEED).missed[RAW, DAY].minutes) == [787, 788]


def test_what_changes_while_the_store_is_told_stays_untold(ledger: Ledger) -> None:
    miss(ledger, 787)
    [(key, sequence)] = ledger.untold(FEED)
    miss(ledger, 788)
    ledger.told(key, sequence)
    assert [key for key, _ in ledger.untold(FEED)] == [missed_key(RAW, DAY)]


def test_a_ledger_that_knows_less_takes_nothing_back(store: MemoryStore, tmp_path: Path) -> None:
    """As one that was restored, or made anew, does."""
    full, poor = (sqlite_ledger(tmp_path / name) for name in ("full", "poor"))
    full.open_interval(FEED, AT, "live")
    full.close_interval(FEED, AT + timedelta(hours=1))
    miss(full, 787)
    record_watch(store, full, FEED)

    poor.open_interval(FEED, AT, "live")
    miss(poor, 788)
    record_watch(store, poor, FEED)

    watched = read_watch(store, FEED)
    assert [interval.closed for interval in watched.intervals] == [
        utc_text(AT + timedelta(hours=1))
    ]
    assert sorted(watched.missed[RAW, DAY].minutes) == [787, 788]


def test_a_damaged_record_is_kept_aside_and_written_anew(
    ledger: Ledger, store: MemoryStore
) -> None:
    key, damaged = missed_key(RAW, DAY), b'{"date": "2025-05-28", "minutes"'
    store.put_new(key, damaged)
    with pytest.raises(DamagedWatchRecord, match=key):
        read_watch(store, FEED)
    miss(ledger, 787)
    record_watch(store, ledger, FEED)
    assert list(read_watch(store, FEED).missed[RAW, DAY].minutes) == [787]
    [aside] = store.list("conflicts/")
    assert store.get(aside.key).body == damaged


def test_intervals_opened_at_one_moment_are_one_object(ledger: Ledger, store: MemoryStore) -> None:
    """A replay of the same minutes, again and for longer."""
    for hours in (1, 3, 2):
        ledger.open_interval(FEED, AT, "simulated")
        ledger.close_interval(FEED, AT + timedelta(hours=hours))
        record_watch(store, ledger, FEED)
    [interval] = read_watch(store, FEED).intervals
    assert interval.closed == utc_text(AT + timedelta(hours=3))
    assert [item.key for item in store.list("watch/")] == [interval_key(FEED, AT)]
