"""A fix to one rule: which stages and days it touches, and that the backfill makes it clean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_assets import code_version as versions
from pipeline_assets.drift import DriftedDay, drifted_days, runs_of_other_code
from pipeline_assets.plans import PLANS
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import carry_out, new_run_id
from resources.run_record import commit, lock_hash
from tests.chain import FEED, Chain, all_ok
from tests.pipeline_assets.conftest import ChainOf
from touchline.accounting import RunKind
from touchline.day import Day, Minute

LAST_OF_DAY = Minute.parse("2025-05-29T03:59:00Z")
RULE = "pipeline_assets.football.environment"
CONVERSION = "football/pretty_print_conversion"


@pytest.fixture
def two_days(chain_of: ChainOf) -> Chain:
    """The last minute of a day and the first of the next, through all of football."""
    chain = chain_of(LAST_OF_DAY, PLANS[FEED])
    chain.minutes(2)
    with chain.process() as site:
        site.ledger.close_interval(FEED, LAST_OF_DAY.later(2).utc)
    return chain


@pytest.fixture
def fixed_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The rule's source is another one, as after a fix."""
    before, fixed = versions._source, tmp_path / "environment.py"
    text = before(RULE).read_text()
    assert "25.4" in text
    fixed.write_text(text.replace("25.4", "25.5"))
    monkeypatch.setattr(versions, "_source", lambda name: fixed if name == RULE else before(name))
    _forget()
    yield
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    versions._tree.cache_clear()
    versions.code_version.cache_clear()


def drift(chain: Chain, first: Day | None = None, last: Day | None = None) -> list[DriftedDay]:
    with chain.process() as site:
        return list(drifted_days(site.ledger, chain.plan, first, last))


def test_what_the_code_of_now_has_made_has_not_drifted(two_days: Chain) -> None:
    assert drift(two_days) == []


@pytest.mark.stack
def test_a_fixed_rule_touches_its_stage_on_every_day_until_it_is_made_anew(
    two_days: Chain, fixed_rule: None
) -> None:
    days = [two_days.day, two_days.day.shifted(1)]
    found = drift(two_days)
    assert [(each.asset, each.day) for each in found] == [(CONVERSION, day) for day in days]
    assert {(each.fetches, each.of) for each in found} == {(1, 1)}
    assert all(each.version not in each.versions for each in found)
    assert [each.day for each in drift(two_days, first=days[1])] == [days[1]]
    assert [each.day for each in drift(two_days, last=days[0])] == [days[0]]

    # The newest minutes are left to live runs, which are over by then.
    two_days.clock.set(two_days.clock.now() + timedelta(hours=1))
    for day in days:
        with two_days.process() as site:
            plan = plan_repair(site, two_days.plan, day)
            assert carry_out(site, plan, run_id=new_run_id(), reason="a fix").failures == []
    assert drift(two_days) == []
    two_days.rotate(61)
    assert all(all_ok(two_days.checks(day, deep=True)) for day in days)


def test_what_cannot_be_made_again_since_its_input_was_removed_has_not_drifted(
    two_days: Chain, fixed_rule: None
) -> None:
    (stage,) = (each for each in two_days.plan.stages if each.name == CONVERSION)
    with two_days.process() as site:
        site.ledger.expired(stage.inputs[0], two_days.day, "raw", "days", two_days.clock.now())
    assert [each.day for each in drift(two_days)] == [two_days.day.shifted(1)]


def test_what_runs_other_code_a_moment_ago_is_named_by_its_run(two_days: Chain) -> None:
    now = two_days.clock.now()
    with two_days.process() as site:
        ledger = site.ledger

        def others() -> list[str]:
            return [run.run_id for run in runs_of_other_code(ledger, commit(), lock_hash(), now)]

        long_ago = now - timedelta(minutes=11)
        ledger.run_started("old", None, RunKind.SEAL, "f" * 40, lock_hash(), long_ago)
        assert others() == []
        ledger.run_started("behind", None, RunKind.ROTATION, "f" * 40, lock_hash(), now, host="a")
        ledger.run_started("here", None, RunKind.ROTATION, commit(), lock_hash(), now, host="b")
        ledger.run_started("unpinned", None, RunKind.CHECKS, commit(), "0" * 16, now)
        assert sorted(others()) == ["behind", "unpinned"]
