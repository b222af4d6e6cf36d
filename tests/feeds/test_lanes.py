"""The lanes in which Dagster starts the runs of several feeds, by the limits of `dagster.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterRun
from dagster._utils.tags import TagConcurrencyLimitsCounter

from pipeline_assets.jobs import checks_job, inbox_job, rotation_job, seal_job, slot_job
from pipeline_assets.partitions import kind_of
from pipeline_assets.plans import PLANS
from tests.feeds.conftest import of_a_league
from touchline.accounting import RunKind
from touchline.plan import FeedPlan

COORDINATOR: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "dagster.yaml").read_text()
)["run_coordinator"]["config"]
FOOTBALL, LEAGUE = PLANS["football"], of_a_league().plan
SLOTS_AT_A_TIME = 3


def runs(plan: FeedPlan) -> list[DagsterRun]:
    """As many runs of a feed as its lanes take at a time."""
    slot = [slot_job(plan, plan.raws[-1]).run_tags] * SLOTS_AT_A_TIME
    alone = [job(plan).run_tags for job in (checks_job, rotation_job, seal_job, inbox_job)]
    return [DagsterRun("job", tags={**(tags or {})}) for tags in (*slot, *alone)]


@pytest.mark.parametrize(
    ("full", "free"), [(FOOTBALL, LEAGUE), (LEAGUE, FOOTBALL)], ids=["football full", "league full"]
)
def test_no_feed_waits_for_another_ones_runs(full: FeedPlan, free: FeedPlan) -> None:
    counter = TagConcurrencyLimitsCounter(COORDINATOR["tag_concurrency_limits"], runs(full))
    assert all(counter.is_blocked(run) for run in runs(full)), "its own lanes take no more"
    for run in runs(free):
        assert not counter.is_blocked(run), run.tags
        counter.update_counters_with_launched_item(run)


def test_full_lanes_of_all_feeds_leave_room_for_runs_started_by_hand() -> None:
    of_no_feed = 2  # Housekeeping, and a rebuild that somebody puts into the lane `backfill`.
    of_feeds = sum(len(runs(plan)) for plan in PLANS.values())
    assert COORDINATOR["max_concurrent_runs"] == of_feeds + of_no_feed + 2


@pytest.mark.parametrize("plan", [FOOTBALL, LEAGUE], ids=["football", "league"])
def test_the_lane_says_what_a_run_is_for(plan: FeedPlan) -> None:
    def kinds(*tags: Mapping[str, str] | None) -> list[RunKind]:
        return [kind_of(each or {}) for each in tags]

    jobs = (checks_job, rotation_job, seal_job, inbox_job)
    assert kinds(*(job(plan).run_tags for job in jobs)) == [
        RunKind.CHECKS,
        RunKind.ROTATION,
        RunKind.SEAL,
        RunKind.INBOX,
    ]
    without_a_slot = kinds(slot_job(plan, plan.raws[0]).run_tags)
    assert without_a_slot == [RunKind.REBUILD], "somebody started it by hand"
