"""Flows on a day that goes on: a minute, windows, backfills, and a run of Dagster."""

from __future__ import annotations

import dagster as dg

from pipeline_assets.day_lock import LOCKED_FOR
from pipeline_assets.definitions import defs
from pipeline_assets.partitions import SLOT
from pipeline_assets.rotation import rotate
from pipeline_assets.slot_run import rebuild_day, run_slot
from simulator.faults import Fault
from tests.chain import FEED, RAW, Chain
from tests.crash.flow import Flow, Step
from tests.crash.plans import FOOTBALL, plan_of_echoes
from tests.pipeline_assets.small_plan import refuses_one
from tests.slots import slot_at
from touchline.day import ONE_MINUTE, Minute
from touchline.fetch import Envelope

# --- a minute ------------------------------------------------------------------------------------


def minute(chain: Chain, now: Minute) -> None:
    with chain.process() as site:
        report = run_slot(site, slot_at(now), run_id=f"run-{chain.clock.now():%H%M%S}")
    assert report.checks


def capture(chain: Chain, now: Minute) -> None:
    """Fetched and spooled, and nothing more: the run was killed right then."""
    with chain.process() as site:
        envelope = Envelope(site.feed(FEED).fetch(slot_at(now), previous=None).envelope)
        site.spool(FEED).write(envelope.ref, envelope.data)
        site.ledger.start_fetch(slot_at(now), f"run-{now.number}", chain.clock.now())


MINUTE = Flow(
    "minute",
    past=(
        Step(0, minute),
        # A minute that failed, and another capture of it that waits to take its place; one that
        # waits alone.
        Step(1, minute, faults=(Fault("html", endpoint="match/detail_live"),)),
        Step(1, capture, seconds=30),
        Step(2, capture),
    ),
    dies=Step(3, minute),
    again=(Step(3, minute, seconds=20),),
    # The next minute, one after all that may still be at work has given up, and the one after it.
    after=(Step(4, minute), Step(7, minute), Step(8, minute)),
    landed=frozenset({0, 1, 2, 4, 7, 8}),
    live=3,
    skipped=frozenset({5, 6}),
    captured_twice=frozenset({1}),
)


# --- a backfill ----------------------------------------------------------------------------------


def minute_with_a_mistake(chain: Chain, now: Minute) -> None:
    with chain.process(plan_of_echoes(heads=refuses_one)) as site:
        run_slot(site, slot_at(now), run_id=f"run-{now.number}")


def unwatched(chain: Chain, now: Minute) -> None:
    with chain.process() as site:
        site.ledger.close_interval(FEED, now.utc)


def lose_an_object(chain: Chain, now: Minute) -> None:
    """Of an ordered stage, two minutes ago."""
    gone = f"hot/football/date={now.day}/newcomers/{now.later(-2).number:05d}.parquet"
    with chain.process() as site:
        assert site.store.head(gone)
        site.store.delete(gone)


def rebuild(chain: Chain, now: Minute) -> None:
    with chain.process() as site:
        reports = rebuild_day(site, FEED, now.day, run_id=f"rebuild-{now.number}")
    assert RAW not in reports


LOCK_LASTS = LOCKED_FOR // ONE_MINUTE
"""After so many minutes the lock of a rebuild or a seal that died belongs to nobody."""

BACKFILL = Flow(
    "backfill of fetch objects",
    past=(
        *(Step(passed, minute_with_a_mistake) for passed in range(3)),
        Step(3, lose_an_object),
        Step(3, unwatched),
    ),
    # The newest 20 minutes are left to live runs, and windows are due at 25.
    dies=Step(23, rebuild),
    after=(Step(24, rebuild), Step(24 + LOCK_LASTS, rebuild)),
    landed=frozenset(range(3)),
)


# --- windows -------------------------------------------------------------------------------------


def windows(chain: Chain, now: Minute) -> None:
    with chain.process() as site:
        report = rotate(site, FEED)
    assert not report.findings, report.findings


TWO_WINDOWS = (0, 1, 10, 11)
WINDOWS = Flow(
    "windows",
    past=(
        *(Step(passed, minute) for passed in TWO_WINDOWS),
        Step(12, unwatched),
        Step(13, windows),
    ),
    # The fetch objects of the first window go, and the second one is made.
    dies=Step(26, windows),
    after=(Step(27, windows), Step(40, windows)),
    landed=frozenset(TWO_WINDOWS),
    skipped=frozenset(range(2, 10)),
)
BACKFILL_OF_WINDOWS = Flow(
    "backfill of windows",
    past=(
        *(Step(passed, minute_with_a_mistake) for passed in TWO_WINDOWS),
        Step(12, unwatched),
        Step(26, windows),
        Step(40, windows),
    ),
    dies=Step(60, rebuild),
    after=(Step(61, rebuild), Step(61 + LOCK_LASTS, rebuild)),
    landed=frozenset(TWO_WINDOWS),
    skipped=frozenset(range(2, 10)),
)


# --- a run of Dagster ----------------------------------------------------------------------------


def run_of_dagster(chain: Chain, now: Minute) -> None:
    """The minute's job, as the sensor asks for it, on an instance that outlives the process."""
    job = defs.resolve_job_def(f"{FEED}_minute")
    folder = chain.home.with_name(f"{chain.home.name}-dagster")
    folder.mkdir(exist_ok=True)
    with dg.DagsterInstance.local_temp(str(folder)) as instance, chain.process() as site:
        result = job.execute_in_process(
            instance=instance,
            partition_key=str(now.day),
            tags={SLOT: str(slot_at(now))},
            resources={"site": site},
        )
    assert result.success


DAGSTER = Flow(
    "run of Dagster",
    past=(Step(0, run_of_dagster),),
    dies=Step(1, run_of_dagster),
    after=(Step(2, run_of_dagster), Step(5, minute), Step(6, minute)),
    landed=frozenset({0, 2, 5, 6}),
    live=1,
    skipped=frozenset({3, 4}),
    tested=FOOTBALL,
    kills=5,
)
FLOWS = (MINUTE, WINDOWS, BACKFILL, BACKFILL_OF_WINDOWS, DAGSTER)
