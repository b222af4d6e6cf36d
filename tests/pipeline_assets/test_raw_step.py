"""The first step of a minute: one fetch a minute, whoever runs, dies or comes late."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.football.raw_fetches import raw_fetches
from pipeline_assets.raw_step import raw_step, waiting_in_spool
from pipeline_assets.run import Run
from pipeline_assets.slot_run import run_slot
from resources.fetch_object import FetchObject
from resources.ledger import FetchRow
from resources.site import Site, WrongOrigin
from resources.store.faulty import FaultyStore, away, refused, when
from resources.watch_record import read_watch
from simulator.faults import Fault
from tests.chain import FEED, RAW, Chain, all_ok, verdicts
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.small_plan import Seen, fails, small_plan
from tests.slots import asset_keys, slot_at
from touchline.accounting import FetchFate, MissedReason, Outcome, RunKind, Verdict
from touchline.day import Day, Minute, Window
from touchline.fetch import FetchRef
from touchline.plan import FeedPlan
from touchline.slot import Slot


def fates(chain: Chain, day: Day | None = None) -> dict[int, FetchRow]:
    with chain.process() as site:
        return {int(n): row for n, row in site.ledger.fetches(RAW, day or chain.day).items()}


def missed(chain: Chain, day: Day | None = None) -> dict[int, str | None]:
    rows = fates(chain, day)
    return {n: row.reason for n, row in rows.items() if row.fate is FetchFate.MISSED}


def asked(chain: Chain) -> int:
    """How often the vendor was asked for the live list."""
    calls, _ = chain.vendor.log.since(0)
    return sum(call.endpoint == "match/detail_live" for call in calls)


def spooled(chain: Chain, run_id: str, passed: int = 0, **process: Any) -> FetchObject:
    """Fetched by this run and spooled, and nothing more."""
    minute = chain.start.later(passed)
    chain.at(minute)
    with chain.process(**process) as site:
        run = Run(site, chain.plan, chain.day, run_id, slot_at(minute))
        made = next(raw_step(run, raw_fetches).made)
    assert isinstance(made, FetchObject)
    return made


def test_a_minute_is_fetched_once_and_run_again_adds_nothing(chain: Chain) -> None:
    first = chain.minute(0)
    before = chain.objects()
    again = chain.minute(0, run_id="again")
    assert asked(chain) == 1
    assert chain.objects() == before
    assert first.steps[RAW].added == [chain.number]
    assert all(not step.added for step in again.steps.values())
    assert verdicts(again) == {Verdict.OK}
    assert chain.waiting() == []


def test_a_fetch_is_in_the_spool_before_it_is_anywhere_else(chain: Chain) -> None:
    made = spooled(chain, "run-0")
    with chain.process() as site:
        [entry] = site.spool(FEED).entries()
    assert (entry.number, entry.fetch_id) == (chain.number, made.ref.fetch_id)
    assert list(chain.store.list("raw/")) == []


def test_a_run_that_comes_early_waits_for_its_minute(chain: Chain) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        chain.at(chain.start)

    chain.at(chain.start.later(-1), seconds=50)
    with chain.process() as site:
        report = run_slot(site, slot_at(chain.start), run_id="early", sleep=sleep)
    assert slept == [10.0]
    assert report.steps[RAW].lateness_seconds == 0
    assert fates(chain)[chain.number].lateness_seconds == 0


@pytest.mark.parametrize(("seconds", "fetched"), [(54, True), (55, True), (56, False)])
def test_a_run_that_comes_late_names_its_minute_and_does_the_other_work(
    chain: Chain, seconds: int, fetched: bool
) -> None:
    chain.minute(0, plan=small_plan(heads=fails))
    late = chain.start.later(1)
    chain.at(late, seconds=seconds)
    with chain.process() as site:
        report = run_slot(site, slot_at(late), run_id="late")
    assert (late.number in report.steps[RAW].landed) is fetched
    assert missed(chain) == ({} if fetched else {late.number: MissedReason.STARTED_LATE})
    assert report.steps["football/heads"].landed[chain.number] == "landed"
    if fetched:
        assert fates(chain)[late.number].lateness_seconds == seconds


def test_minutes_of_which_nobody_asked_are_named_when_they_were_expected(chain: Chain) -> None:
    chain.minute(0)
    chain.minute(3)
    assert missed(chain) == {
        chain.number + 1: MissedReason.NOT_REQUESTED,
        chain.number + 2: MissedReason.NOT_REQUESTED,
    }
    assert all_ok(chain.checks())
    cadence = chain.checks()["raw_fetches", "cadence"]
    assert (cadence.fetches_expected, cadence.fetches_present) == (4, 2)
    assert (cadence.recorded, cadence.landed) == (2, 2)


def test_a_minute_whose_run_hangs_before_it_fetches_has_been_asked_for(chain: Chain) -> None:
    chain.minute(0)
    hung = chain.start.later(1)
    with chain.process() as site:
        site.ledger.run_started("hung", slot_at(hung), RunKind.MINUTE, "", "", hung.utc, feed=FEED)
    chain.minute(2)
    assert missed(chain) == {}, "it may still come"
    chain.minute(4)
    assert missed(chain) == {
        hung.number: MissedReason.RUN_DIED,
        hung.number + 2: MissedReason.NOT_REQUESTED,
    }


def in_store(chain: Chain) -> set[int]:
    """The missed minutes that the store names."""
    with chain.process() as site:
        found = read_watch(site.store, FEED).missed.get((RAW, chain.day))
    return set(found.minutes) if found else set()


def test_the_store_names_the_missed_minutes_too(chain: Chain) -> None:
    chain.minute(0)
    chain.minute(2)
    chain.at(chain.start.later(4), 56)
    with chain.process() as site:
        run_slot(site, slot_at(chain.start.later(4)), run_id="late")
    late = {number for number, reason in missed(chain).items() if reason == "started_late"}
    assert late == {chain.number + 4}
    assert in_store(chain) == set(missed(chain)) == {chain.number + n for n in (1, 3, 4)}


def test_a_store_that_was_away_learns_of_missed_minutes_later(
    chain: Chain, gate: FaultyStore
) -> None:
    chain.minute(0)
    gate.plan = when(lambda request: request.puts() and "watch/" in request.key, refused())
    report = chain.minute(2, store=gate)
    assert report.steps[RAW].added == [chain.number + 2]
    assert any("which minutes were missed" in text for text in report.steps[RAW].findings)
    assert in_store(chain) == set()
    chain.minute(3)
    assert in_store(chain) == {chain.number + 1}


def test_a_minute_without_news_of_watching_asks_nothing_about_it(
    chain: Chain, gate: FaultyStore
) -> None:
    chain.minute(0)
    chain.minute(1, store=gate)
    assert [request for request in gate.passed if "watch" in request.key] == []


def test_nobody_misses_minutes_that_were_not_watched(chain: Chain) -> None:
    chain.minute(0)
    with chain.process() as site:
        site.ledger.close_interval(FEED, chain.start.end)
        site.ledger.open_interval(FEED, chain.start.later(5).utc, "simulated")
    chain.minute(6)
    assert missed(chain) == {chain.number + 5: MissedReason.NOT_REQUESTED}


def test_minutes_are_missed_over_midnight_too(chain_of: ChainOf) -> None:
    chain = chain_of(Minute.parse("2025-05-29T03:57:00Z"))
    chain.minute(0)
    chain.minute(5)
    yesterday = Day.parse("2025-05-28")
    assert set(missed(chain, yesterday)) == {1439, 1440}
    assert set(missed(chain, yesterday.shifted(1))) == {1, 2}


def test_a_run_that_died_is_named_when_it_can_bring_nothing_any_more(chain: Chain) -> None:
    chain.minute(0)
    dead = chain.start.later(1)
    chain.at(dead)
    with chain.process() as site:
        site.ledger.start_fetch(slot_at(dead), "dead", dead.utc)
    reports = [chain.minute(passed) for passed in (2, 3, 4)]
    assert missed(chain) == {dead.number: MissedReason.RUN_DIED}
    assert [bool(report.steps[RAW].findings) for report in reports] == [False, False, True]


def test_a_minute_that_comes_after_all_is_missed_no_more(chain: Chain) -> None:
    """A run that hung holds its fetch in the spool, and another brings it in."""
    chain.minute(0)
    spooled(chain, "hung", 1)
    with chain.process() as site:
        site.ledger.slot_missed(
            slot_at(chain.start.later(1)), MissedReason.RUN_DIED, site.clock.now()
        )
    chain.minute(2)
    assert missed(chain) == {}
    assert fates(chain)[chain.number + 1].fate is FetchFate.LANDED
    assert chain.numbers(RAW) == [chain.number, chain.number + 1, chain.number + 2]


# --- the spool -----------------------------------------------------------------------------------


def torn_fetch(chain: Chain, passed: int) -> Path:
    """What a run leaves that dies while it writes its fetch to the spool."""
    spooled(chain, "dead", passed)
    with chain.process() as site:
        *_, entry = site.spool(FEED).entries()
        entry.path.write_bytes(entry.path.read_bytes()[:1000])
        return entry.path


def test_a_torn_spool_file_is_set_aside_and_its_minute_missed(chain: Chain) -> None:
    chain.minute(0)
    path = torn_fetch(chain, 1)
    half = path.read_bytes()
    for passed in (2, 3):
        chain.minute(passed)
        assert path.exists(), "its run may still be writing it"
    report = chain.minute(4)
    [finding] = [text for text in report.steps[RAW].findings if "torn" in text]
    assert path.name in finding
    [aside] = path.parents[1].glob("torn/*")
    assert aside.read_bytes() == half
    assert not path.exists()
    assert missed(chain) == {chain.number + 1: MissedReason.RUN_DIED}
    assert all_ok(chain.checks())


def test_a_torn_file_does_not_keep_its_minute_from_being_fetched_again(chain: Chain) -> None:
    torn_fetch(chain, 0)
    report = chain.minute(0, run_id="again")
    assert report.steps[RAW].added == [chain.number]
    assert verdicts(report) == {Verdict.OK}


def test_a_spool_that_takes_nothing_does_not_cost_the_fetch(chain: Chain) -> None:
    with chain.process() as site:
        site.folder.mkdir(parents=True, exist_ok=True)
        (site.folder / FEED).write_text("a file where the spool should be")
    report = chain.minute(0)
    assert chain.numbers(RAW) == [chain.number]
    assert any("could not be written to the spool" in f for f in report.steps[RAW].findings)
    assert verdicts(report) == {Verdict.OK}


def test_two_captures_that_waited_are_both_kept(chain: Chain, gate: FaultyStore) -> None:
    """Two machines, or two runs, while the store was away: one counts, the other is a conflict."""
    gate.plan = away
    envelopes = [
        spooled(chain, run, store=gate, home=chain.home / run).envelope() for run in ("A", "B")
    ]
    for envelope in envelopes:
        chain.bring(envelope)
    report = chain.minute(1)
    assert chain.numbers(RAW) == [chain.number, chain.number + 1]
    [conflict] = [key for key in chain.objects() if key.startswith("conflicts/")]
    kept = {FetchRef(FEED, chain.start, envelope.ref.fetch_id) for envelope in envelopes}
    [other] = kept - {chain.landed(RAW).ref}
    assert other.fetch_id in conflict
    assert chain.waiting() == []
    assert verdicts(report) == {Verdict.OK}


# --- two runs of one minute ----------------------------------------------------------------------


def run_of(site: Site, chain: Chain, run_id: str) -> Run:
    return Run(site, chain.plan, chain.day, run_id, slot_at(chain.start))


@contextmanager
def two_machines(chain: Chain) -> Iterator[tuple[Site, Site]]:
    """With a spool each, and one ledger."""
    with chain.elsewhere("A") as a, chain.elsewhere("B") as b:
        yield a, b


def test_of_two_runs_that_fetched_one_minute_one_result_counts(chain: Chain) -> None:
    chain.at(chain.start)
    with two_machines(chain) as (a, b):
        runs = run_of(a, chain, "A"), run_of(b, chain, "B")
        batches = [raw_step(run, raw_fetches) for run in runs]
        made = [next(batch.made) for batch in batches]
        reports = [
            batch.run.land(replace(batch, made=iter([one])))
            for batch, one in zip(batches, made, strict=True)
        ]
        winner, loser = (one.ref.fetch_id for one in made)  # type: ignore[union-attr]
        assert [list(report.landed.values()) for report in reports] == [["landed"], ["conflict"]]
        for site in (a, b):
            assert waiting_in_spool(run_of(site, chain, "look"), raw_fetches) == []
        # Both go on with the one that counts.
        for site, run in ((b, "B"), (a, "A")):
            report = run_slot(site, slot_at(chain.start), run_id=run)
            assert verdicts(report) == {Verdict.OK}
    [conflict] = [key for key in chain.objects() if key.startswith("conflicts/")]
    assert loser in conflict
    row = fates(chain)[chain.number]
    assert (row.fate, row.fetch_id) == (FetchFate.LANDED, winner)
    with chain.process() as site:
        for asset in chain.plan.assets:
            found = site.days(FEED).read_back(asset.name, chain.day, chain.number)
            claim = site.ledger.claims(asset.name, chain.day)[chain.number]
            assert claim.landed is not None
            assert (found.ref.fetch_id, claim.landed.ref.fetch_id) == (winner, winner)
            assert (claim.etag, claim.pending) == (found.etag, None)


def test_two_runs_at_once_leave_one_result_whatever_their_order(chain: Chain) -> None:
    chain.at(chain.start)
    chain.faults(Fault("slow", endpoint="match/detail_live", seconds=0.2))
    problems: list[Any] = []
    with two_machines(chain) as machines:

        def run(site: Site, run_id: str) -> None:
            try:
                run_slot(site, slot_at(chain.start), run_id=run_id)
            except BaseException as error:
                problems.append(error)

        threads = [
            threading.Thread(target=run, args=(site, f"run-{place}"))
            for place, site in enumerate(machines)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []
    for asset in chain.plan.assets:
        assert chain.numbers(asset.name) == [chain.number]
    chain.faults()
    assert all_ok(chain.checks(deep=True))
    captures = asked(chain)
    assert len([key for key in chain.objects() if key.startswith("conflicts/raw")]) == captures - 1


def test_runs_on_one_machine_share_what_lies_in_the_spool(chain: Chain) -> None:
    spooled(chain, "hung")
    report = chain.minute(0, run_id="second")
    assert asked(chain) == 1
    assert report.steps[RAW].added == [chain.number]


# --- what is not the vendor's fault --------------------------------------------------------------


def test_a_prefix_of_another_origin_is_refused(chain: Chain) -> None:
    chain.minute(0)
    with pytest.raises(WrongOrigin, match="holds simulated data of football, which is live now"):
        chain.minute(1, origin="live")
    assert chain.numbers(RAW) == [chain.number]


class BrokenClient:
    def fetch(self, slot: Slot, **asked: Any) -> Any:
        raise ZeroDivisionError("a mistake in the client")


def test_a_mistake_in_the_client_costs_one_minute_and_is_seen(chain: Chain) -> None:
    chain.minute(0)
    broken = replace(chain.plan, client=lambda *_: BrokenClient())
    report = chain.minute(1, broken)
    [failure] = report.steps[RAW].failures
    assert "a mistake in the client" in failure.error
    checked = {check.asset for check in report.checks}
    assert checked == {asset.name for asset in chain.plan.assets}, "the checks ran all the same"
    chain.minute(4)
    assert missed(chain)[chain.number + 1] == MissedReason.RUN_DIED
    assert chain.numbers(RAW) == [chain.number, chain.number + 4]


class Remembers:
    """A client that notes which fetch it was given as the one before."""

    def __init__(self, client: Any, given: list[Any]) -> None:
        self._client, self._given = client, given

    def fetch(self, slot: Slot, *, previous: Any, ask: Any) -> Any:
        self._given.append(previous and previous.ref.number)
        return self._client.fetch(slot, previous=previous, ask=ask)


def test_a_client_is_given_the_fetch_before(chain: Chain) -> None:
    given: list[Any] = []
    plan = replace(chain.plan, client=lambda *a: Remembers(chain.plan.client(*a), given))
    for passed in (0, 1, 3):
        chain.minute(passed, plan)
    assert given == [None, chain.number, None]


def asks_with(asks: Callable[[Any, Slot], list[str]]) -> FeedPlan:
    """The small plan, one of whose stages asks for more."""
    plan = small_plan()
    return replace(
        plan, stages=tuple(replace(s, asks=asks) if s.carries else s for s in plan.stages)
    )


def details_of(chain: Chain, passed: int) -> list[str | None]:
    found = chain.landed(RAW, passed)
    return [entry.uuid for entry in found.envelope().entries("match/recent/list")]


def test_what_a_stage_asks_for_by_its_state_stands_in_the_next_fetch(chain: Chain) -> None:
    def asks(carried: Seen, slot: Slot) -> list[str]:
        return [f"{match}-at-{slot.number}" for match in carried.matches[:1]]

    plan = asks_with(asks)
    for passed in range(2):
        report = chain.minute(passed, plan)
        assert report.steps[RAW].account.received == 3
        assert verdicts(report) == {Verdict.OK}
    listed = ["match-a", "match-b", "match-c"]
    assert details_of(chain, 0) == listed, "there was no state yet"
    assert details_of(chain, 1) == [*listed, f"match-a-at-{chain.number + 1}"]
    assert all_ok(chain.checks(deep=True))


def test_state_that_is_old_asks_for_nothing(chain: Chain) -> None:
    plan = asks_with(lambda carried, minute: ["one-more"])
    for passed in (0, 4, 6):
        chain.minute(passed, plan)
    assert [len(details_of(chain, passed)) for passed in (0, 4, 6)] == [3, 3, 4]


def test_state_that_cannot_be_read_costs_no_fetch(chain: Chain) -> None:
    plan = asks_with(lambda carried, minute: ["one-more"])
    chain.minute(0, plan)
    key = asset_keys("football/newcomers").single(chain.day, chain.number)
    with chain.process() as site:
        there = site.store.get(key)
        site.store.replace(key, there.body[:40], there.etag, there.metadata)
    report = chain.minute(1, plan)
    assert report.steps[RAW].failures == []
    [said] = [line for line in report.steps[RAW].findings if "nothing is asked" in line]
    assert said.startswith("nothing is asked for football/newcomers: ")
    assert len(details_of(chain, 1)) == 3


def test_a_mistake_in_what_is_asked_for_costs_no_fetch(chain: Chain) -> None:
    def asks(carried: Seen, slot: Slot) -> list[str]:
        raise ZeroDivisionError("a mistake")

    chain.minute(0)
    report = chain.minute(1, asks_with(asks))
    assert report.steps[RAW].added == [chain.number + 1]
    assert any("a mistake" in finding for finding in report.steps[RAW].findings)


# --- a vendor on a bad day -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("html", "not_json"),
        ("empty_body", "not_json"),
        ("error_body", "vendor_error"),
        ("error_code", "vendor_error"),
    ],
)
def test_a_list_that_is_none_is_a_failed_fetch_with_its_bytes(
    chain: Chain, kind: Any, reason: str
) -> None:
    chain.faults(Fault(kind, endpoint="match/detail_live"))
    failed = chain.minute(0)
    chain.faults()
    good = chain.minute(1)

    row = fates(chain)[chain.number]
    assert (row.fate, row.outcome, row.reason) == (FetchFate.LANDED, Outcome.FAILED, reason)
    envelope = chain.landed(RAW).envelope()
    sent = next(c for c in chain.vendor.log.since(0)[0] if c.endpoint == "match/detail_live")
    [entry] = envelope.entries("match/detail_live")
    assert entry.sha256 == sent.sha256
    assert envelope.body(entry) is not None
    assert envelope.damaged() == []

    for stage in chain.plan.stages[:-1]:
        assert chain.landed(stage.name).outcome is Outcome.UPSTREAM_FAILED
    assert verdicts(failed) == verdicts(good) == {Verdict.OK}
    assert good.steps["football/heads"].account.emitted == 3
    assert good.steps["football/newcomers"].account.emitted == 3


def test_an_empty_list_is_a_fetch_of_nothing_and_no_failure(chain: Chain) -> None:
    chain.faults(Fault("empty_list", endpoint="match/detail_live"))
    report = chain.minute(0)
    assert fates(chain)[chain.number].outcome is Outcome.COMPLETE
    assert verdicts(report) == {Verdict.OK}
    assert all(step.account.received == 0 for step in report.steps.values())
    assert all(chain.numbers(asset.name) == [chain.number] for asset in chain.plan.assets)


def test_a_failed_fetch_is_replaced_by_a_good_one_within_its_minute(chain: Chain) -> None:
    chain.faults(Fault("html", endpoint="match/detail_live"))
    chain.minute(0)
    chain.faults()
    report = chain.minute(0, run_id="second")
    assert fates(chain)[chain.number].outcome is Outcome.COMPLETE
    for stage in chain.plan.stages:
        assert chain.landed(stage.name).outcome is Outcome.COMPLETE, stage.name
    assert report.steps["football/newcomers"].account.emitted == 3
    assert verdicts(report) == {Verdict.OK}


def test_a_damaged_window_costs_no_minute(chain: Chain) -> None:
    """What of the day has landed cannot be told any more; this minute's fetch can be had."""
    chain.minutes(2)
    chain.minute(12)
    chain.rotate(26)
    key = asset_keys(RAW).window(Window.of(chain.day, chain.number))
    with chain.process() as site:
        there = site.store.get(key)
        site.store.replace(key, there.body[:40], there.etag, there.metadata)
    report = chain.minute(27)
    assert asset_keys(RAW).single(chain.day, chain.number + 27) in chain.objects()
    assert report.steps[RAW].failures == []
    said = "\n".join(report.steps[RAW].findings)
    assert "could not be named" in said
    assert "could not be seen" in said
    assert report.steps["football/heads"].landed.keys() == {chain.number + 27}
