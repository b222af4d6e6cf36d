"""Each signal of the books and the store goes bad with its cause, and names it where it follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline_assets.alerting import FEED_IS_ALIVE
from pipeline_assets.health import Books, book_signals
from pipeline_assets.heartbeats import heartbeat_of
from resources.heartbeat import beat, heartbeat_key
from resources.ledger.faulty import locked
from resources.store import AccessRefused, NoCredentials, NoSuchBucket, StoreError
from resources.store.faulty import FaultyStore, away, refused
from simulator.faults import Fault
from tests.chain import FEED, RAW, Chain
from tests.pipeline_assets.small_plan import fails, small_plan
from tests.pipeline_assets.spoiling import HEADS
from tests.resources.ledger_samples import claim
from tests.slots import slot_at
from touchline.accounting import RunKind
from touchline.alerting import BLIND, BLIND_IN_A_ROW, Evaluation
from touchline.health import CODE_SERVER, Health, Kind, Signal, causes, with_causes


def look(chain: Chain, **how: Any) -> dict[str, Signal]:
    with chain.process(**how) as site:
        spools = {FEED: site.spool(FEED)}
        books = Books(site.settings, site.plans, site.ledger, site.store, spools, chain.clock.now())
        return {each.name: each for each in with_causes(list(book_signals(books)))}


def say(chain: Chain, *causes: str) -> None:
    """The verdict of the feed's check, now."""
    with chain.process() as site:
        said = Evaluation(FEED_IS_ALIVE, RAW, chain.day, chain.clock.now(), causes)
        site.ledger.judge([said])


def alive(chain: Chain) -> Chain:
    """With a heartbeat and a verdict on the feed of now."""
    with chain.process() as site:
        beat(site.store, heartbeat_of(site.ledger, chain.plan, chain.clock.now()))
    say(chain)
    return chain


def wrong(signals: dict[str, Signal]) -> dict[str, Health]:
    """The causes alone."""
    return {each.name: each.state for each in causes(signals.values())}


def test_all_is_well_while_minutes_come(day: Chain) -> None:
    day.at(day.start.later(1), seconds=20)
    signals = look(alive(day))
    assert wrong(signals) == {}
    assert signals[HEADS].age_seconds == 20
    assert {each.kind for each in signals.values()} == {"liveness", "progress", "backlog"}


def test_nothing_is_known_before_the_first_minute_and_nothing_unknown_is_good(
    chain: Chain,
) -> None:
    signals = look(chain)
    assert wrong(signals) == {RAW: Health.UNKNOWN, f"heartbeat {FEED}": Health.UNKNOWN}
    assert signals[f"feed {FEED}"].because == signals[HEADS].because == (RAW,)


def test_a_minute_that_does_not_come_is_late_and_then_bad(day: Chain) -> None:
    day.at(day.start.later(3), seconds=0.5)
    signals = look(alive(day))
    assert wrong(signals) == {RAW: Health.WARNING}
    day.at(day.start.later(5), seconds=0.5)
    signals = look(alive(day))
    assert wrong(signals) == {RAW: Health.BAD}
    assert (signals[HEADS].state, signals[HEADS].because) == (Health.BAD, (RAW,))


def test_a_stage_that_stays_behind_is_a_cause_of_its_own(day: Chain) -> None:
    for passed in (2, 3, 4):
        day.minute(passed, small_plan(heads=fails))
    signals = look(alive(day))
    assert (signals[RAW].state, signals[HEADS].state) == (Health.OK, Health.WARNING)
    assert signals[HEADS].because == ()


def test_a_heartbeat_grows_old(day: Chain) -> None:
    alive(day)
    at = day.clock.now()
    for seconds, state in ((59, Health.OK), (61, Health.WARNING), (121, Health.BAD)):
        day.clock.set(at + timedelta(seconds=seconds))
        assert look(day)[f"heartbeat {FEED}"].state is state


def test_what_is_no_heartbeat_is_none(day: Chain) -> None:
    alive(day)
    key = heartbeat_key(FEED)
    for body in (b"", b"{}", b'{"written_at": "yesterday"}', b'{"written_at": "sp\xe4t"}'):
        day.store.replace(key, body, day.store.get(key).etag)
        found = look(day)[f"heartbeat {FEED}"]
        assert found.state is Health.UNKNOWN
        assert "is no heartbeat" in found.detail


def test_a_store_that_is_away_is_the_cause_of_what_it_does_not_tell(
    day: Chain, gate: FaultyStore
) -> None:
    alive(day)
    gate.plan = away
    signals = look(day, store=gate)
    assert wrong(signals) == {"store": Health.BAD}
    assert signals[f"heartbeat {FEED}"].because == ("store",)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (AccessRefused("403"), "AWS_* credentials and the clock"),
        (NoSuchBucket("no-such-bucket"), "TOUCHLINE_S3_BUCKET"),
        (NoCredentials("none"), "the store was not asked"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_helps_a_store_is_said_by_who_is_at_fault(
    day: Chain, gate: FaultyStore, error: StoreError, advice: str
) -> None:
    alive(day)
    gate.plan = lambda request: refused(error)
    assert advice in store_mended_by(day, store=gate)


def store_mended_by(chain: Chain, **how: Any) -> str:
    signal = look(chain, **how)["store"]
    assert signal.state is Health.BAD
    return signal.do


def test_a_locked_ledger_is_the_cause_of_all_that_stands_in_it(day: Chain) -> None:
    alive(day)
    signals = look(day, ledger=locked)
    assert wrong(signals) == {"ledger": Health.BAD}
    assert "locked" in signals["ledger"].detail
    follow = [each for each in signals.values() if each.because]
    assert {each.because for each in follow} == {("ledger",)}
    assert len(follow) == len(signals) - 5, "all but itself, store, heartbeat, spool, inbox"


def test_a_damaged_ledger_says_how_it_is_made_anew(day: Chain) -> None:
    day.lose_ledger()
    (day.home / "ledger.sqlite").write_bytes(b"no database at all" * 100)
    ledger = look(day)["ledger"]
    assert ledger.state is Health.BAD
    assert "is damaged" in ledger.detail
    assert "touchline ledger rebuild" in ledger.do


def test_a_feed_is_what_its_check_says_of_it(day: Chain) -> None:
    say(alive(day), "frozen")
    assert wrong(look(day)) == {f"feed {FEED}": Health.BAD}
    day.clock.set(day.clock.now() + timedelta(seconds=1))
    say(day)
    assert wrong(look(day)) == {}


def test_how_the_feed_failed_yesterday_says_nothing_of_a_feed_that_was_judged_today(
    day: Chain,
) -> None:
    alive(day)
    yesterday = day.day.shifted(-1)
    with day.process() as site:
        said = Evaluation(FEED_IS_ALIVE, RAW, yesterday, day.clock.now(), ("feed_fails",))
        site.ledger.judge([said])
    signals = look(day)
    assert signals[f"feed {FEED}"].state is Health.OK
    assert wrong(signals) == {"open verdicts": Health.BAD}, "until its day is sealed"


def test_a_feed_that_could_not_be_judged_follows_from_what_kept_the_checks(
    day: Chain, gate: FaultyStore
) -> None:
    alive(day)
    for _ in range(BLIND_IN_A_ROW):
        day.clock.set(day.clock.now() + timedelta(seconds=1))
        say(day, BLIND)
    assert wrong(look(day)) == {f"feed {FEED}": Health.UNKNOWN}
    gate.plan = away
    signals = look(day, store=gate)
    assert wrong(signals) == {"store": Health.BAD}
    assert signals[f"feed {FEED}"].because == ("store",)
    say(day, "frozen")
    signals = look(day, store=gate)
    assert wrong(signals) == {"store": Health.BAD, f"feed {FEED}": Health.BAD}


def test_a_feed_that_nobody_judges_any_more_is_unknown(day: Chain) -> None:
    alive(day)
    day.clock.set(day.clock.now() + timedelta(seconds=241))
    signals = look(day)
    assert signals[f"feed {FEED}"].state is Health.UNKNOWN
    assert signals[f"feed {FEED}"].because == (RAW,)


def test_a_fetch_that_failed_is_told_at_once_and_its_stages_follow(day: Chain) -> None:
    day.faults(Fault("error_body", endpoint="match/detail_live"))
    for passed in (2, 3, 4, 5):
        day.minute(passed)
    signals = look(alive(day))
    assert wrong(signals) == {f"feed {FEED}": Health.WARNING}
    assert signals[f"feed {FEED}"].detail.endswith("failed: vendor_error")
    assert (signals[RAW].state, signals[HEADS].because) == (Health.OK, (f"feed {FEED}",))
    say(day, "feed_fails")
    assert "feed_fails; the newest fetch" in look(day)[f"feed {FEED}"].detail
    day.faults()
    day.minute(6)
    say(day)
    assert wrong(look(alive(day))) == {}


def test_a_run_of_a_minute_that_has_not_ended_in_time_hangs(day: Chain) -> None:
    alive(day)
    at = day.clock.now()
    with day.process() as site:
        site.ledger.run_started("hung-run", slot_at(day.start), RunKind.MINUTE, "", "", at)
    assert look(day)["runs"].state is Health.OK
    for seconds, state in ((151, Health.WARNING), (301, Health.BAD)):
        day.clock.set(at + timedelta(seconds=seconds))
        runs = look(day)["runs"]
        assert (runs.state, runs.because) == (state, ())
        assert "hung-run" in runs.detail
        dead = Signal(Kind.LIVENESS, CODE_SERVER, Health.BAD, "it is gone, with its runs")
        assert wrong({each.name: each for each in with_causes([dead, runs])}) == {
            CODE_SERVER: Health.BAD
        }


def test_what_lies_aside_in_the_inbox_is_told(day: Chain) -> None:
    alive(day)
    with day.process() as site:
        inbox = site.inbox(FEED)
    inbox.folder.mkdir(parents=True)
    (inbox.folder / "fetch").write_text("{")
    assert wrong(look(day)) == {}
    assert look(day)[f"inbox of {FEED}"].count == 1
    inbox.set_aside(inbox.folder / "fetch", "it is half a fetch")
    assert wrong(look(day)) == {f"inbox of {FEED}": Health.WARNING}


def fill_spool(chain: Chain) -> None:
    with chain.process() as site:
        folder = site.spool(FEED).folder / f"date={chain.day}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "00900.aaaaaaaaaaaa.txt").write_bytes(bytes(900_000))


def test_a_full_spool_is_bad_and_follows_from_the_store(day: Chain, gate: FaultyStore) -> None:
    alive(day)
    fill_spool(day)
    assert wrong(look(day, spool_limit_megabytes=1)) == {f"spool of {FEED}": Health.BAD}
    gate.plan = away
    signals = look(day, spool_limit_megabytes=1, store=gate)
    assert signals[f"spool of {FEED}"].because == ("store",)


def test_what_the_check_says_of_a_full_spool_follows_from_it_and_nothing_else_does(
    day: Chain,
) -> None:
    alive(day)
    fill_spool(day)
    for found, own in (
        (("spool_fills_up",), {}),
        (("spool_fills_up", "real_loss"), {"open verdicts": Health.BAD}),
    ):
        with day.process() as site:
            said = Evaluation("spool_within_bounds", RAW, day.day, day.clock.now(), found)
            site.ledger.judge([said])
        signals = look(day, spool_limit_megabytes=1)
        assert signals["open verdicts"].state is Health.BAD
        assert wrong(signals) == {f"spool of {FEED}": Health.BAD, **own}


def test_what_was_announced_and_does_not_land_waits(day: Chain) -> None:
    at = alive(day).clock.now()
    with day.process() as site:
        site.ledger.intend(claim(day.number + 2, asset=HEADS), at)
    name = f"pending in {FEED}"
    for seconds, state in ((10, Health.OK), (200, Health.WARNING), (301, Health.BAD)):
        day.clock.set(at + timedelta(seconds=seconds))
        waiting = look(day)[name]
        assert (waiting.state, waiting.count) == (state, 1)


def test_fetches_that_are_in_no_window_in_time_wait(day: Chain) -> None:
    name = f"windows of {FEED}"
    day.at(day.start.later(26), seconds=59)
    assert look(day)[name].state is Health.OK
    day.at(day.start.later(33))
    late = look(day)[name]
    assert late.state is Health.BAD
    assert late.count == 2 * len(day.plan.assets)
    day.rotate(33)
    assert look(day)[name].state is Health.OK


def test_a_finding_that_nobody_has_muted_is_open(day: Chain) -> None:
    alive(day)
    with day.process() as site:
        said = Evaluation("cadence", RAW, day.day, day.clock.now(), ("real_loss",))
        site.ledger.judge([said])
    verdicts = look(day)["open verdicts"]
    assert (verdicts.state, verdicts.count) == (Health.BAD, 1)
    assert "real_loss" in verdicts.detail
    assert verdicts.do.startswith("touchline losses --from 2025-05-28")
