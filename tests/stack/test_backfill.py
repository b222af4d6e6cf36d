"""Backfills as the pages launch them, through the daemon, of days that were sealed long ago.

Every backfill has days of its own, so that what is said of a day was said in its run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from operations.opened import opened
from pipeline_assets.checks.report import Kind
from pipeline_assets.checks.specs import checks_for
from pipeline_assets.sealing import seal_day
from pipeline_assets.slot_run import run_slot
from resources.site import Site
from simulator.server import serve
from simulator.world import World
from tests.chain import SECRET, SPOOL, USER
from tests.slots import asset_keys, slot_at
from tests.stack.stack import CHECKS, FEED, PLAN, Stack, stack_up, until, vendor_of
from touchline.clock import VirtualClock
from touchline.day import Day

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(900)]

MATCHES = 2
ASSETS = [asset.name for asset in PLAN.assets]
ONE = [Day.parse("2025-06-03")]
THREE = [Day.parse(text) for text in ("2025-06-05", "2025-06-06", "2025-06-07")]
LOST = THREE[1]
"""Its raw fetches have gone since it was sealed."""
SOME = [PLAN.raws[0].name, "football/merged"]
NEVER_WATCHED = [Day.parse("2025-06-11")]
RAW_LANDED = (PLAN.raws[0].name, "landed_matches_claimed")

LAUNCH = """
mutation ($given: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $given) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
  }
}
"""
STATUS = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
}
"""
PARTITIONS = """
query ($asset: AssetKeyInput!) {
  assetNodeOrError(assetKey: $asset) {
    ... on AssetNode { partitionKeysByDimension { partitionKeys } }
  }
}
"""
VERDICTS = """
{
  assetNodes {
    assetKey { path }
    assetChecksOrError {
      ... on AssetChecks {
        checks {
          name
          partitionStatuses {
            ... on AssetCheckTimePartitionStatuses { ranges { startKey endKey status } }
          }
        }
      }
    }
  }
}
"""


@pytest.fixture(scope="module")
def stack(no_settings_of_ours: None, a_test_failed: Callable[[], bool]) -> Iterator[Stack]:
    with (
        vendor_of(MATCHES) as vendor,
        stack_up(vendor.feed, before=seal_days, keep=a_test_failed) as stack,
    ):
        yield stack


def seal_days(stack: Stack) -> None:
    """Live through one minute of each day and seal it; then lose one."""
    clock = VirtualClock(ONE[0].start)
    with serve(World(seed=1, matches=MATCHES), user=USER, secret=SECRET) as vendor:
        settings = stack.settings.model_copy(
            update={
                "feed_url": vendor.url,
                "feed_user": SecretStr(USER),
                "feed_secret": SecretStr(SECRET),
            }
        )
        with opened(settings, clock=clock) as site:
            for day in [*ONE, *THREE]:
                minute = day.minute(600)
                clock.set(minute.utc)
                vendor.clock.set(minute.utc)
                site.ledger.open_interval(FEED, minute.utc, settings.origin)
                run_slot(site, slot_at(minute), run_id=f"minute of {day}")
                site.ledger.close_interval(FEED, minute.end)
                clock.set(day.end + timedelta(hours=1))
                assert seal_day(site, FEED, day, run_id=f"seal of {day}").waiting == []
            site.store.delete(asset_keys(PLAN.raws[0].name).log(LOST))


def launch(stack: Stack, days: list[Day], assets: list[str]) -> str:
    """The backfill's id."""
    given = {
        "assetSelection": [{"path": name.split("/")} for name in assets],
        "partitionNames": [str(day) for day in days],
    }
    said = stack.graphql(LAUNCH, given=given)["launchPartitionBackfill"]
    assert said["__typename"] == "LaunchBackfillSuccess", said
    return said["backfillId"]


def ended(stack: Stack, backfill: str) -> str | None:
    status = stack.graphql(STATUS, id=backfill)["partitionBackfillOrError"]["status"]
    return status if status.startswith("COMPLETED") or "FAILED" in status else None


def shown(stack: Stack) -> dict[Day, dict[tuple[str, str], str]]:
    """How each check stands of each day that has a verdict, as the pages show it."""
    found: dict[Day, dict[tuple[str, str], str]] = {}
    for node in stack.graphql(VERDICTS)["assetNodes"]:
        asset = "/".join(node["assetKey"]["path"])
        for check in node["assetChecksOrError"]["checks"]:
            for each in check["partitionStatuses"]["ranges"]:
                day, last = Day.parse(each["startKey"]), Day.parse(each["endKey"])
                while day <= last:
                    found.setdefault(day, {})[asset, check["name"]] = each["status"]
                    day = day.shifted(1)
    return found


def test_partitions_begin_with_the_first_day_watched(stack: Stack) -> None:
    node = stack.graphql(PARTITIONS, asset={"path": PLAN.raws[0].name.split("/")})[
        "assetNodeOrError"
    ]
    [days] = node["partitionKeysByDimension"]
    assert days["partitionKeys"][0] == str(ONE[0])


def test_every_day_of_a_backfill_has_its_own_verdict(stack: Stack) -> None:
    backfills = {
        launch(stack, days, assets): days
        for days, assets in (
            (ONE, ASSETS),
            (THREE, SOME),
            (NEVER_WATCHED, [PLAN.raws[0].name]),
        )
    }
    for backfill, days in backfills.items():
        status = until(f"the backfill of {days}", lambda id=backfill: ended(stack, id), 600)
        assert status == "COMPLETED_SUCCESS", "a check that fails leaves its run green"
        with stack.dagster() as instance:
            of_it = instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill}))
        assert sorted(run.tags["dagster/partition"] for run in of_it) == [str(d) for d in days]

    said = shown(stack)
    assert said[ONE[0]] == dict.fromkeys(CHECKS, "SUCCEEDED")
    of_some = dict.fromkeys(((a, check) for a, check in CHECKS if a in SOME), "SUCCEEDED")
    for day in THREE:
        lost = {of for of, status in said[day].items() if status == "FAILED"}
        assert said[day] == {**of_some, **dict.fromkeys(lost, "FAILED")}, "none is left open"
        assert {asset for asset, _ in lost} == ({PLAN.raws[0].name} if day == LOST else set())
    assert said[LOST][RAW_LANDED] == "FAILED"
    of_raw = {(PLAN.raws[0].name, check.name): "FAILED" for check in checks_for(PLAN.raws[0])}
    assert said[NEVER_WATCHED[0]] == {**of_raw, (PLAN.raws[0].name, SPOOL): "SUCCEEDED"}

    with stack.site() as site:
        until("the alert of what was lost", lambda: causes(site, LOST), 60)
        assert (*RAW_LANDED, Kind.REAL_LOSS) in causes(site, LOST)


def causes(site: Site, day: Day) -> set[tuple[Any, ...]]:
    return {
        (alert.key.asset, alert.key.check, alert.key.cause)
        for alert in site.ledger.alerts(feed=FEED)
        if alert.key.day == day
    }
