"""A stage or an alert rule that is added: what was before stays as it is, until it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_assets.checks.report import Kind
from pipeline_assets.day_state import read_day_state
from pipeline_assets.drift import drifted_days
from pipeline_assets.football.alert_outcomes import outcomes_stage
from pipeline_assets.football.alerts.rules import alert_stages, all_rules
from pipeline_assets.football.quarantine import quarantine_stage
from pipeline_assets.minute_state import MinuteState
from pipeline_assets.plans import PLANS
from pipeline_assets.repair.losses import losses_of
from pipeline_assets.repair.plan import Action, Why
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import carry_out, new_run_id
from pipeline_assets.sealing import seal_day
from pipeline_assets.seals_due import days_to_seal
from simulator.server import Served
from tests.chain import FEED, Chain, all_ok
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.small_plan import HEADS, small_plan
from tests.slots import PATIENCE
from touchline.accounting import Verdict
from touchline.day import Day, Minute
from touchline.plan import FeedPlan

A_DAY = 24 * 60
SMALL = small_plan()
BEFORE = FeedPlan(SMALL.raws, (HEADS, quarantine_stage(HEADS)), SMALL.client)
"""As the plan was before `newcomers`, which is ordered, and `echoes` were added to it."""
ADDED = ("football/newcomers", "football/echoes")
EVENING = Minute.parse("2025-05-28T22:00:00Z")


@pytest.fixture(scope="module")
def two_days(chain_apart: Callable[[], Chain]) -> Chain:
    """A sealed day of two minutes and an open one of two, made before the stages were added."""
    chain = chain_apart()
    chain.plan = BEFORE
    for first in (0, A_DAY):
        chain.minute(first)
        chain.minute(first + 1)
        with chain.process() as site:
            site.ledger.close_interval(FEED, chain.start.later(first + 2).utc)
            site.ledger.open_interval(FEED, chain.start.later(first + A_DAY).utc, "simulated")
        if not first:
            assert chain.seal(A_DAY - 60).waiting == []
    chain.at(chain.start.later(A_DAY + 2))
    return chain


@pytest.fixture
def added(two_days: Chain, vendor: Served, s3_prefix: str, tmp_path: Path) -> Chain:
    """The same days, and the plan has two stages more."""
    chain = two_days.copy(tmp_path / "home", s3_prefix)
    chain.plan = SMALL
    return chain


def days_of(chain: Chain) -> list[Day]:
    return [chain.day, chain.day.shifted(1)]


def is_well(chain: Chain, day: Day) -> bool:
    """For verify, losses and the report alike."""
    with chain.process() as site:
        losses = losses_of(site, chain.plan, day)
        state = read_day_state(site, chain.plan, day)
    assert losses == []
    assert state.verdict is Verdict.OK
    assert all(cell.state is not MinuteState.PENDING for cell in state.worst)
    return all_ok(chain.checks(day))


def take_through(chain: Chain, day: Day, asset: str | None = None) -> None:
    with chain.process() as site:
        plan = plan_repair(site, chain.plan, day, asset=asset)
        assert all(item.action is not Action.CANNOT for item in plan.items)
        assert carry_out(site, plan, run_id=new_run_id(), reason="a new stage").failures == []


def test_days_before_a_stage_was_added_have_lost_nothing(added: Chain) -> None:
    for day in days_of(added):
        assert is_well(added, day)
        report = added.checks(day)["echoes", "landed_matches_claimed"]
        assert (report.fetches_expected, report.fetches_present) == (0, 0)
        assert report.details == {"fetches_before_it_was_added": 2}
    with added.process() as site:
        state = read_day_state(site, added.plan, added.day)
        assert (state.sealed, state.parts) == (3, 3), "the sealed day stays sealed"
        assert state.as_dict()["sealed"] is True
        assert days_to_seal(site.ledger, added.plan, site.clock.now()) == []


def test_the_next_minute_takes_the_days_earlier_fetches_through(added: Chain) -> None:
    [before, today] = days_of(added)
    report = added.minute(A_DAY + 2)
    assert {check.verdict for check in report.checks} == {Verdict.OK}
    for asset in ADDED:
        assert added.numbers(asset, today) == added.numbers(SMALL.raws[0].name, today)
        assert len(added.numbers(asset, today)) == 3
        assert added.numbers(asset, before) == []
    assert is_well(added, before)
    assert is_well(added, today)


def test_an_earlier_day_is_taken_through_when_somebody_asks_for_it(added: Chain) -> None:
    day = added.day
    with added.process() as site:
        named = [(each.asset, each.day, each.unmade) for each in drifted_days(site.ledger, SMALL)]
        plan = plan_repair(site, SMALL, day)
    assert named == [(asset, each, 2) for each in days_of(added) for asset in ADDED]
    assert [(i.asset, i.why) for i in plan.items if i.asset in ADDED] == [
        (asset, Why.NEW) for asset in ADDED for _ in range(2)
    ]

    take_through(added, day, ADDED[0])
    assert (len(added.numbers(ADDED[0])), len(added.numbers(ADDED[1]))) == (2, 0)
    assert is_well(added, day)
    take_through(added, day)
    for asset in ADDED:
        assert added.numbers(asset) == added.numbers(SMALL.raws[0].name)
    assert added.opened(ADDED[0], added.number + 1).account.dropped == {"seen_before": 3}
    assert all_ok(added.checks(day, deep=True))
    with added.process() as site:
        assert [each.day for each in drifted_days(site.ledger, SMALL, last=day)] == []
        assert plan_repair(site, SMALL, day).items == []

    with added.process() as site:
        assert days_to_seal(site.ledger, SMALL, site.clock.now()) == [day]
        assert seal_day(site, FEED, day, run_id="seal").waiting == []
        assert days_to_seal(site.ledger, SMALL, site.clock.now()) == []
    assert all_ok(added.checks(day, deep=True))


def test_a_stage_that_misses_a_fetch_after_it_was_added_has_lost_it(added: Chain) -> None:
    added.minute(A_DAY + 2)
    added.minute(A_DAY + 3, BEFORE)  # By a process that did not know of it.
    added.at(added.start.later(A_DAY + 3), PATIENCE.max_runtime.total_seconds() + 1)
    report = added.checks(days_of(added)[1])["echoes", "landed_matches_claimed"]
    assert [(each.kind, each.fetch_number) for each in report.findings] == [
        (Kind.NOT_LANDED, added.number + 3)
    ]


def test_a_day_that_was_taken_through_in_part_is_not_called_whole(added: Chain) -> None:
    with added.process() as site:
        plan = plan_repair(site, SMALL, added.day, asset=ADDED[1])
        plan.items = [item for item in plan.items if item.number == added.number]
        assert carry_out(site, plan, run_id=new_run_id(), reason="killed").failures == []
    report = added.checks()["echoes", "landed_matches_claimed"]
    assert [each.fetch_number for each in report.findings] == [added.number + 1]
    take_through(added, added.day)
    assert all_ok(added.checks(deep=True))


def test_a_rule_that_is_added_leaves_earlier_days_as_they_are(chain_of: ChainOf) -> None:
    with_it, rules, stages = PLANS[FEED], all_rules(), alert_stages()
    added, outcomes = stages[0].name, outcomes_stage(rules[1:], stages[1:])
    others = [
        outcomes if stage.name == outcomes.name else stage
        for stage in with_it.stages[:-1]
        if stage.name != added
    ]
    before = FeedPlan(with_it.raws, (*others, quarantine_stage(*others)), with_it.client)
    chain = chain_of(EVENING, before)
    chain.minutes(2)
    with chain.process() as site:
        site.ledger.close_interval(FEED, EVENING.later(2).utc)
    chain.at(EVENING.later(60))
    chain.plan = with_it
    assert is_well(chain, chain.day)
    with chain.process() as site:
        named = {each.asset: each.unmade for each in drifted_days(site.ledger, with_it)}
    assert named == {added: 2, outcomes.name: 0}, "outcomes are of another version"

    take_through(chain, chain.day)
    assert len(chain.numbers(added)) == 2
    assert all_ok(chain.checks(deep=True))
    with chain.process() as site:
        assert list(drifted_days(site.ledger, with_it)) == []


def test_a_materialization_takes_an_earlier_day_through(added: Chain) -> None:
    added.rebuild()
    with added.process() as site:
        assert days_to_seal(site.ledger, SMALL, site.clock.now()) == [added.day]
    for asset in ADDED:
        assert len(added.numbers(asset)) == 2
    assert all_ok(added.checks(deep=True))
