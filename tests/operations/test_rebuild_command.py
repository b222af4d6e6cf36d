"""`touchline rebuild`, on a day that was really run: it makes what a backfill makes."""

from __future__ import annotations

import functools
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.day_lock import LOCKED_FOR
from pipeline_assets.plans import PLANS
from pipeline_assets.slot_run import rebuild_day
from resources.expired_days import ExpiredDay, put_expiry
from resources.site import Site
from tests.operations.conftest import FEED, RunDay
from tests.slots import RAW, asset_keys
from touchline.accounting import RunKind, RunState
from touchline.plan import FeedPlan
from touchline.stage import Stage, Staged

DAY = "2025-05-28"
MERGED, DISPLAY = "football/merged", "football/monitor_central"
REBUILD = ("rebuild", "--date", DAY)
Objects = dict[tuple[str, int], tuple[Any, ...]]


def landed(day: RunDay) -> Objects:
    """Return account, digest and sha256 of each derived object, by asset and fetch number."""
    with closing(day.site()) as site:
        days = site.days(FEED)
        return {
            (stage.name, number): (found.account.as_dict(), found.digest, found.sha256)
            for stage in site.plans[FEED].stages
            for number in sorted(days.index(stage.name, day.day).numbers)
            for found in [days.read(stage.name, day.day, number)]
        }


def changed(before: Objects, after: Objects) -> set[str]:
    """The assets of which a fetch is not what it was."""
    assert before.keys() == after.keys()
    return {asset for asset, number in before if before[asset, number] != after[asset, number]}


def another_rule(plan: FeedPlan) -> FeedPlan:
    """The plan with a merge that leaves the last match out."""

    def without_last(stage: Stage[Any]) -> Stage[Any]:
        @functools.wraps(stage.by)
        def by(*arguments: Any, **named: Any) -> Staged[Any]:
            staged = stage.by(*arguments, **named)
            staged.records.pop()
            staged.received -= 1
            return staged

        return replace(stage, by=by)

    stages = (without_last(each) if each.name == MERGED else each for each in plan.stages)
    return replace(plan, stages=tuple(stages))


@pytest.fixture
def changed_rule(monkeypatch: pytest.MonkeyPatch) -> dict[str, FeedPlan]:
    """The plans of commands, as if the code had changed since the day was run."""
    plans = {name: another_rule(plan) for name, plan in PLANS.items()}
    monkeypatch.setattr("operations.opened.PLANS", plans)
    return plans


# --- what it makes -------------------------------------------------------------------------------


def test_a_good_day_comes_out_as_it_stands(own_day: RunDay) -> None:
    before = landed(own_day)
    answer = own_day.touchline(*REBUILD, "--json")
    assert answer.exit_code == 0
    said = answer.json
    assert (said["date"], said["feed"], said["fetches"]) == (DAY, FEED, 1)
    assert list(said["stages"]) == [stage.short_name for stage in PLANS[FEED].stages]
    for name, stage in said["stages"].items():
        assert (stage["fetches"], stage["unchanged"], stage["received"]) == (0, 1, 0), name
    assert {"seconds", "cpu_seconds", "peak_memory_mb"} < said.keys()
    assert said["cpu_seconds"] > 0
    assert said["peak_memory_mb"] > 0
    assert landed(own_day) == before
    with closing(own_day.site()) as site:
        run = site.ledger.run(said["run_id"])
    assert run is not None
    assert (run.kind, run.state) == (RunKind.REBUILD, RunState.SUCCESS)


@pytest.mark.parametrize("sealed", [False, True], ids=["open", "sealed"])
def test_it_makes_what_a_backfill_makes(
    own_day: RunDay, tmp_path: Path, changed_rule: dict[str, FeedPlan], sealed: bool
) -> None:
    if sealed:
        own_day.seal()
    backfilled, before = own_day.copy(tmp_path / "backfilled"), landed(own_day)

    answer = own_day.touchline(*REBUILD, "--json")
    with closing(Site.open(backfilled.settings, changed_rule, backfilled.access)) as site:
        steps = rebuild_day(site, FEED, own_day.day, run_id="backfill")

    assert answer.exit_code == 0
    assert landed(own_day) == landed(backfilled)
    assert {MERGED, DISPLAY} <= changed(before, landed(own_day)), "it is made anew"
    assert answer.json["stages"]["merged"] == {
        "fetches": 1,
        "unchanged": 0,
        "received": 1,
        "emitted": 1,
        "dropped": {},
        "quarantined": {},
        "seconds": answer.json["stages"]["merged"]["seconds"],
    }
    assert {name: each["fetches"] for name, each in answer.json["stages"].items()} == {
        name.rpartition("/")[2]: len(step.added) for name, step in steps.items()
    }


def test_a_chosen_asset_is_made_alone_and_several_in_the_order_of_the_chain(
    own_day: RunDay, changed_rule: dict[str, FeedPlan]
) -> None:
    before = landed(own_day)
    alone = own_day.touchline(*REBUILD, "--asset", "merged", "--json")
    assert list(alone.json["stages"]) == ["merged"]
    assert changed(before, landed(own_day)) == {MERGED}

    named = ("--asset", "pretty_print_conversion", "--asset", "football/pretty_print")
    several = own_day.touchline(*REBUILD, *named, "--json")
    assert list(several.json["stages"]) == ["pretty_print", "pretty_print_conversion"]
    assert changed(before, landed(own_day)) == {
        MERGED,
        "football/pretty_print",
        "football/pretty_print_conversion",
    }


def test_what_was_lost_is_told_in_a_table(own_day: RunDay) -> None:
    before = landed(own_day)
    with closing(own_day.site()) as site:
        site.store.delete(asset_keys(MERGED).single(own_day.day, own_day.numbers[0]))
    answer = own_day.touchline(*REBUILD)
    text = answer.stdout.decode()
    assert answer.exit_code == 0
    assert f"football of {DAY}: 1 fetches in " in text
    [row] = [line.split() for line in text.splitlines() if line.startswith(" merged ")]
    assert row[1:6] == ["1", "0", "2", "0", "0"]
    assert "seconds" in text, "it fits a terminal of 80 columns"
    assert "s of CPU, at most " in text
    assert f"making {MERGED} of {DAY} anew" in answer.stderr
    assert landed(own_day) == before


# --- what it cannot make -------------------------------------------------------------------------


def lock(day: RunDay, holder: str) -> None:
    """The display's day is in this run's hands."""
    with closing(day.site()) as site:
        now = site.clock.now()
        assert site.ledger.lock(f"{DISPLAY}@{DAY}", holder, now, now + LOCKED_FOR) is None


def test_an_asset_that_is_being_sealed_fails_and_the_others_are_made(own_day: RunDay) -> None:
    lock(own_day, "seal-1")
    answer = own_day.touchline(*REBUILD, "--json")
    assert answer.exit_code == 1
    [line] = [line for line in answer.stderr.splitlines() if "seal-1" in line]
    assert line.startswith(f"{DISPLAY}: ")
    assert line.endswith("nothing was rebuilt; do it again")
    made = {name: stage["unchanged"] for name, stage in answer.json["stages"].items()}
    assert made == {name: int(name != "monitor_central") for name in made}
    with closing(own_day.site()) as site:
        run = site.ledger.run(answer.json["run_id"])
    assert run is not None
    assert run.state is RunState.PARTIAL


def test_the_lock_of_a_rebuild_that_was_killed_is_taken_over(own_day: RunDay) -> None:
    died = subprocess.Popen([sys.executable, "-c", ""])
    died.wait()
    lock(own_day, f"rebuild-anna@{socket.gethostname()}-{died.pid}-0123456789ab")
    assert own_day.touchline(*REBUILD).exit_code == 0


def test_a_day_whose_raw_fetches_have_expired_is_told_as_expired(own_day: RunDay) -> None:
    with closing(own_day.site()) as site:
        number = own_day.numbers[0]
        site.store.delete(asset_keys(RAW).single(own_day.day, number))
        expired = ExpiredDay(
            asset=RAW,
            date=DAY,
            tier="raw",
            reason="kept for 5 days",
            at="2025-06-10T00:00:00Z",
            manifest=1,
            fetches=1,
            emitted=2,
            spans=[(number, number)],
            digest="",
        )
        put_expiry(site.store, expired)
    before = landed(own_day)
    answer = own_day.touchline(*REBUILD, "--json")
    assert answer.exit_code == 2
    assert answer.json["error"]["kind"] == "day_expired"
    assert f"{RAW} of {DAY} expired on 2025-06-09: kept for 5 days" in answer.stderr
    assert landed(own_day) == before


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (["--date", "2025-05-29"], "nothing_there", "no raw fetches of 2025-05-29 are in s3://"),
        (["--date", "28 May"], "usage", "'28 May' is not a day"),
        (["--date", DAY, "--feed", "cricket"], "usage", "'cricket' is not a feed"),
        (["--date", DAY, "--asset", "nothing"], "usage", "'nothing' is not one of: "),
        (["--date", DAY, "--asset", "raw_fetches"], "usage", "not made by a stage of football"),
        (["--date", DAY, "--prefix", "never-written"], "nothing_there", "never-written"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_line(
    run_day: RunDay, arguments: list[str], kind: str, said: str
) -> None:
    answer = run_day.touchline("rebuild", *arguments, "--json")
    assert answer.exit_code == 2
    assert answer.json["error"]["kind"] == kind
    assert said in answer.json["error"]["message"]


def test_a_day_that_has_not_begun_is_refused(run_day: RunDay) -> None:
    later = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    answer = run_day.touchline("rebuild", "--date", later)
    assert (answer.exit_code, answer.stdout) == (2, b"")
    assert f"{later} has not begun" in answer.stderr
