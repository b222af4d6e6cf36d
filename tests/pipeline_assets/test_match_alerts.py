"""Alerts about matches reach a person once: through repeats, outages, kills and rebuilds."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import dagster as dg
import msgspec
import pytest

from pipeline_assets import ledger_rebuild
from pipeline_assets.delivery import TAKEN_FOR, deliver_alerts, notifier_of
from pipeline_assets.slot_run import SlotReport, run_slot
from pipeline_assets.stage_step import UPSTREAM_TAKES
from resources.ledger.faulty import locked
from resources.notifier import Notifier
from resources.site import STORE_RESTS_SECONDS, store_at
from resources.store.faulty import FaultyStore, away
from tests.chain import FEED, Chain
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.in_dagster import materialized
from tests.pipeline_assets.small_plan import HEADS, Head, Reason, Seen, small_plan
from tests.s3_gate import S3Gate
from tests.slots import slot_at
from tests.targets import Target, target
from touchline.delivery import AlertDelivery, DeliveryState
from touchline.fetch import FetchRef
from touchline.plan import FeedPlan
from touchline.stage import ALERT, KIND, Stage, Staged

fork = multiprocessing.get_context("fork")
MATCHES = ["match-a", "match-b", "match-c"]
ASSET = "football/alert_seen"


class Fired(msgspec.Struct, frozen=True):
    rule_id: str
    match_id: str
    message: str


def fires(fetch: FetchRef, heads: Sequence[Head], *, carried: Seen | None) -> Staged[Fired]:
    """For every match and every minute, as a rule would that remembers nothing."""
    staged = Staged[Fired](carried=Seen([]))
    for head in heads:
        with staged.one_record(head.match_id):
            said = f"SEEN / {head.match_id} / fetch {fetch.number}"
            staged.emit(Fired("seen", head.match_id, said))
    return staged


def fires_again(fetch: FetchRef, heads: Sequence[Head], *, carried: Seen | None) -> Staged[Fired]:
    """The same for another rule."""
    staged = fires(fetch, heads, carried=carried)
    staged.records = [msgspec.structs.replace(each, rule_id="again") for each in staged.records]
    return staged


ALERTS = Stage(
    name=ASSET,
    inputs=(HEADS.name,),
    makes=Fired,
    by=fires,
    key=lambda alert: alert.match_id,
    reasons=Reason,
    counts="matches",
    doc="Every match that is seen.",
    ordered=True,
    carries=Seen,
    tags={KIND: ALERT},
)


def plan_with(by: Callable[..., Staged[Any]] = fires, **stages: Any) -> FeedPlan:
    plan = small_plan(**stages)
    return replace(plan, stages=(*plan.stages, replace(ALERTS, by=by)))


def behind_an_ordered_stage(**by: Any) -> FeedPlan:
    """The plan, with a stage before the alerts that needs the fetches in order too."""

    def in_order(fetch: FetchRef, heads: Sequence[Head], *, carried: Seen | None) -> Staged[Head]:
        staged = Staged[Head](carried=Seen([]))
        staged.emit_many(list(heads))
        return staged

    plan = small_plan(**by)
    waits = replace(
        HEADS,
        name="football/in_order",
        inputs=(HEADS.name,),
        by=in_order,
        ordered=True,
        carries=Seen,
    )
    alerts = replace(ALERTS, inputs=(waits.name,))
    return replace(plan, stages=(*plan.stages, waits, alerts))


both_plans = pytest.mark.parametrize("plan_of", [plan_with, behind_an_ordered_stage])


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer to import Apprise than a run waits for it."""
    monkeypatch.setattr("pipeline_assets.run.SENDING_SECONDS", 30.0)


@pytest.fixture
def there() -> Iterator[Target]:
    with target() as taken:
        yield taken


@dataclass
class Watch:
    """A chain with an alert rule, and somebody to tell."""

    chain: Chain
    there: Target

    def minute(self, passed: int, **more: Any) -> SlotReport:
        given: dict[str, Any] = {"notify_urls": self.there.url}
        return self.chain.minute(passed, more.pop("plan", None), **(given | more))

    def sensor(self, passed: int, seconds: float = 0, **settings: Any) -> None:
        """What a tick of the sensor does so long after the minute so many after the first."""
        self.chain.at(self.chain.start.later(passed), seconds)
        with self.chain.process(notify_urls=self.there.url, **settings) as site:
            deliver_alerts(
                site.outbox(FEED),
                site.plans,
                partial(notifier_of, site.settings, site.ledger),
                site.clock.now(),
                seconds=30,
            )

    @property
    def rows(self) -> list[AlertDelivery]:
        with self.chain.process() as site:
            return site.ledger.match_alerts(self.chain.day)

    @property
    def states(self) -> set[DeliveryState]:
        return {row.state for row in self.rows}

    @property
    def told(self) -> list[str]:
        """The matches that somebody was told of, in order, with repetitions."""
        return [post["message"].split(" / ")[1] for post in self.there.posts]

    def killed_in(self, passed: int, how: str) -> None:
        """Run this minute in a process that is killed when the target hears of it: `on_call` as
        soon as it calls, `on_post` when it has said everything."""
        child = fork.Process(target=self.minute, args=(passed,))

        def kill() -> None:
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)

        setattr(self.there, how, kill)
        child.start()
        child.join(60)
        setattr(self.there, how, None)
        assert child.exitcode == -signal.SIGKILL


@pytest.fixture
def watch(chain_of: ChainOf, there: Target) -> Watch:
    return Watch(chain_of(plan=plan_with()), there)


# --- once, and at once ---------------------------------------------------------------------------


def test_a_match_that_is_seen_for_minutes_is_told_once_in_its_first(watch: Watch) -> None:
    watch.minute(0)
    assert watch.told == MATCHES
    assert {row.number for row in watch.rows} == {watch.chain.number}
    for passed in (1, 2):
        report = watch.minute(passed)
        assert report.steps[ASSET].added == [watch.chain.number + passed]
    assert watch.told == MATCHES
    assert watch.states == {DeliveryState.SENT}


def test_a_match_that_comes_back_to_the_list_is_not_told_again(
    chain_of: ChainOf, there: Target
) -> None:
    gone_in = [1, 2]

    def comes_and_goes(
        fetch: FetchRef, heads: Sequence[Head], *, carried: Seen | None
    ) -> Staged[Fired]:
        away = fetch.number - chain.number in gone_in
        return fires(
            fetch, [h for h in heads if not (away and h.match_id == "match-b")], carried=None
        )

    chain = chain_of(plan=plan_with(comes_and_goes))
    watch = Watch(chain, there)
    for passed in range(4):
        watch.minute(passed)
    assert watch.told == MATCHES


def test_what_a_target_refuses_is_tried_again_by_the_sensor(watch: Watch) -> None:
    watch.there.refuses = True
    watch.minute(0)
    assert {row.attempts for row in watch.rows} == {1}
    watch.there.refuses = 0
    watch.sensor(0, seconds=20)
    assert watch.told == [], "that was too early"
    watch.sensor(0, seconds=40)
    assert watch.told == MATCHES
    assert watch.states == {DeliveryState.SENT}


def test_the_second_target_gets_what_the_first_never_takes(watch: Watch) -> None:
    watch.there.refuses = True
    with target() as second:
        urls = f"{watch.there.url}, {second.url}"
        watch.minute(0, notify_urls=urls)
        for seconds in (35, 130, 310, 610):
            watch.chain.at(watch.chain.start, seconds)
            with watch.chain.process(notify_urls=urls) as site:
                to = partial(notifier_of, site.settings, site.ledger)
                for _ in range(2):  # A target that is next is tried at once.
                    now = site.clock.now()
                    deliver_alerts(site.outbox(FEED), site.plans, to, now, seconds=30)
        assert watch.there.refused == 5 * len(MATCHES)
        assert len(second.posts) == len(MATCHES)
    assert {(row.state, row.target) for row in watch.rows} == {(DeliveryState.SENT, 2)}


def test_of_two_who_deliver_at_once_one_sends(watch: Watch) -> None:
    watch.there.refuses = True
    watch.minute(0)
    watch.there.refuses = 0
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: watch.sensor(0, seconds=40), range(4)))
    assert sorted(watch.told) == MATCHES


def test_a_target_that_does_not_answer_costs_a_run_its_seconds_once(
    chain_of: ChainOf, there: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are one run's, however many rules and alerts there are."""
    monkeypatch.setattr("pipeline_assets.run.SENDING_SECONDS", 1.0)
    assert Notifier((there.url,), is_live=False).targets, "and Apprise is imported"
    plan = plan_with()
    again = replace(ALERTS, name=f"{ASSET}_again", by=fires_again)
    chain = chain_of(plan=replace(plan, stages=(*plan.stages, again)))
    watch, released = Watch(chain, there), threading.Event()
    there.on_call = released.wait
    report = watch.minute(0)
    released.set()
    assert [len(report.steps[name].added) for name in (ASSET, again.name)] == [1, 1]
    assert sum(row.attempts for row in watch.rows) == 1
    assert watch.states == {DeliveryState.PENDING}


# --- killed --------------------------------------------------------------------------------------


def test_one_whose_run_is_killed_before_it_is_sent_is_sent_by_the_sensor(watch: Watch) -> None:
    watch.killed_in(0, "on_call")
    assert [row.state for row in watch.rows] == [DeliveryState.PENDING] * len(MATCHES)
    watch.there.posts.clear()
    watch.sensor(0, seconds=TAKEN_FOR.total_seconds() + 1)
    assert sorted(watch.told) == MATCHES


def test_one_whose_run_is_killed_before_it_says_so_may_be_told_twice_and_is_never_lost(
    watch: Watch,
) -> None:
    watch.killed_in(0, "on_post")
    assert watch.told == MATCHES[:1]
    watch.sensor(0, seconds=TAKEN_FOR.total_seconds() - 1)
    assert watch.told == MATCHES, "the others are free; this one is still taken by the dead"
    watch.sensor(0, seconds=TAKEN_FOR.total_seconds() + 1)
    assert watch.told == [*MATCHES, MATCHES[0]]
    assert watch.states == {DeliveryState.SENT}
    watch.minute(1)
    assert len(watch.told) == 4


# --- the store is away ---------------------------------------------------------------------------


@both_plans
def test_without_the_store_a_match_is_told_in_its_minute_and_once(
    chain_of: ChainOf, there: Target, gate: FaultyStore, plan_of: Callable[..., FeedPlan]
) -> None:
    watch = Watch(chain_of(plan=plan_of()), there)
    gate.plan = away
    for passed in range(3):
        watch.minute(passed, store=gate)
        assert watch.told == MATCHES
    watch.minute(3)
    for passed in range(4):
        number = watch.chain.number + passed
        assert len(watch.chain.opened(ASSET, number).records) == len(MATCHES)
    assert watch.told == MATCHES
    assert watch.states == {DeliveryState.SENT}


def test_a_store_that_does_not_answer_is_waited_for_once_before_a_match_is_told(
    watch: Watch, s3_gate: S3Gate
) -> None:
    """Each of its requests takes a third of a minute; a run makes dozens of them."""
    asked: list[str] = []
    before_telling: list[int] = []
    over = threading.Event()

    def hangs(method: str, path: str) -> bool:
        asked.append(path)
        over.wait()
        return True

    s3_gate.refuses = hangs
    watch.there.on_post = lambda: before_telling.append(len(asked))
    urls = watch.there.url
    with watch.chain.process(notify_urls=urls) as site:
        site.store = store_at(
            site.settings, s3_gate.access, answers_within=0.2, rest_seconds=STORE_RESTS_SECONDS
        )
        watch.chain.at(watch.chain.start)
        run_slot(site, slot_at(watch.chain.start), run_id="run-0")
    over.set()
    assert watch.told == MATCHES
    assert set(before_telling) == {1}


@both_plans
def test_an_alert_does_not_wait_for_an_earlier_fetch(
    chain_of: ChainOf, there: Target, plan_of: Callable[..., FeedPlan]
) -> None:
    watch = Watch(chain_of(plan=plan_of()), there)

    def fails(fetch: FetchRef, raw: object) -> Staged[Head]:
        raise ZeroDivisionError("a mistake over this fetch")

    watch.minute(0, plan=plan_of(heads=fails))
    assert watch.told == []
    assert watch.chain.clock.now() < watch.chain.start.utc + UPSTREAM_TAKES

    def fails_over_the_first(fetch: FetchRef, raw: Any) -> Staged[Head]:
        if fetch.number == watch.chain.number:
            raise ZeroDivisionError("a mistake over this fetch")
        return HEADS.by(fetch, raw)

    report = watch.minute(1, plan=plan_of(heads=fails_over_the_first))
    assert report.steps[ASSET].added == []
    assert watch.told == MATCHES
    watch.minute(2)
    assert watch.chain.numbers(ASSET) == [watch.chain.number + n for n in range(3)]
    assert watch.told == MATCHES


# --- the ledger is away --------------------------------------------------------------------------


def test_without_the_ledger_an_alert_is_held_and_sent_when_it_is_back(watch: Watch) -> None:
    report = watch.minute(0, ledger=locked)
    assert any("are held" in finding for finding in report.steps[ASSET].findings)
    assert watch.there.posts == []
    watch.sensor(0, seconds=45)
    assert watch.told == MATCHES
    watch.minute(1, ledger=locked)
    watch.minute(2)
    assert watch.told == MATCHES, "what the ledger knows is not told again"


# --- too late, or from the past ------------------------------------------------------------------


def test_one_that_is_ten_minutes_old_at_its_first_try_is_shown_and_not_sent(watch: Watch) -> None:
    watch.minute(0, ledger=locked)
    watch.sensor(10)
    assert watch.there.posts == []
    assert watch.states == {DeliveryState.LATE}
    watch.minute(11)
    assert watch.there.posts == []


def test_a_rebuild_tells_nobody(chain_of: ChainOf, there: Target) -> None:
    watch = Watch(chain_of(plan=small_plan()), there)
    watch.minute(0)
    watch.chain.at(watch.chain.start.later(60))
    watch.chain.rebuild(plan_with(), notify_urls=there.url)
    assert watch.states == {DeliveryState.UNKNOWN}
    watch.minute(61, plan=plan_with())
    assert there.posts == []


def test_a_ledger_that_was_lost_knows_again_whom_it_told_of(watch: Watch) -> None:
    watch.minute(0)
    watch.chain.lose_ledger()
    with watch.chain.process() as site:
        for found in ledger_rebuild.rebuild_day(site, watch.chain.plan, watch.chain.day, {}, {}):
            assert found.findings == []
    assert [(row.subject_id, row.number) for row in watch.rows] == [
        (match, watch.chain.number) for match in MATCHES
    ]
    assert watch.states == {DeliveryState.UNKNOWN}
    watch.minute(1)
    assert watch.told == MATCHES, "once, before it was lost"


def test_dagster_shows_how_the_delivery_stands(watch: Watch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialized(watch.chain, instance, 0, notify_urls=watch.there.url)
    assert watch.told == MATCHES
    (made,) = result.asset_materializations_for_node("football__alert_seen")
    shown: Any = made.metadata["alerts"].value
    assert [(each["match"], each["delivery"]) for each in shown] == [
        (match, "sent") for match in MATCHES
    ]


@pytest.mark.parametrize(
    ("origin", "prefix"), [("simulated", None), ("live", None), ("live", "replay/simulated-1")]
)
def test_what_is_not_live_leaves_this_machine_never(
    watch: Watch, origin: str, prefix: str | None
) -> None:
    """The chain's minutes are simulated ones, whatever the settings call them."""
    if prefix:
        watch.chain.prefix = f"{prefix}-{watch.chain.prefix}"
    urls = "json://beyond.invalid, tgram://123456789:abcdefghijklmnopqrstuvwxyz/77"
    watch.minute(0, origin=origin, notify_urls=urls)
    assert watch.states == {DeliveryState.KEPT}
    assert {row.last_error for row in watch.rows} == {None}
    watch.sensor(0, seconds=30)
    assert watch.there.posts == []
